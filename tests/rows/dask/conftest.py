"""Where Dask runs the tests: on two workers, or on threads of this process."""

import pytest


@pytest.fixture(scope="session")
def cluster():
    """Two workers, each a process of its own. Any free port will do, beside other clusters."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def threads():
    dask = pytest.importorskip("dask")
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture
def frames():
    return pytest.importorskip("dask.dataframe", exc_type=ImportError)
