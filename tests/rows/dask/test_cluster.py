"""Clusters that cannot do it, or do it no longer."""

import os
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import processes
import pytest
from chunked import problem

import fastem

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
cluster_room = pytest.importorskip("fastem.rows.dask.cluster")

ROOT = Path(__file__).parents[3]
OPTIONS = {"tol": 0, "max_iter": 60}


@contextmanager
def joined(client, tmp_path):
    """A worker that says that its fastem is version 9.9; yields its address."""
    first = tmp_path / "first"
    about = first / "fastem-9.9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fastem\nVersion: 9.9\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(first), str(ROOT)])}
    words = "-m", "distributed.cli.dask_worker", client.scheduler.address, "--no-nanny"
    known = set(client.nthreads())
    process = processes.start(
        [sys.executable, *words, "--no-dashboard", "--nthreads", "1"],
        cwd=tmp_path,
        env=environment,
        stderr=-2,
    )
    try:
        client.wait_for_workers(len(known) + 1, timeout=processes.LAST_RESORT)
        (address,) = set(client.nthreads()) - known
        yield address
    finally:
        process.terminate()
        processes.finish(process)


@pytest.fixture
def other_worker(client, tmp_path):
    """The address of a worker with another version of fastem."""
    with joined(client, tmp_path) as address:
        yield address


def test_a_worker_with_another_version_is_named(client, other_worker):
    """It is the answer of a real worker; neither a fit nor a prediction waits for ever."""
    X, mixture = problem()
    rows = da.from_array(X, chunks=(700, 3))
    told = rf"^{other_worker} has fastem 9.9, and this process has fastem .*; install the same"
    with pytest.raises(RuntimeError, match=told):
        fastem.fit(rows, 3)
    with pytest.raises(RuntimeError, match=told):
        fastem.Mixture(*mixture).predict(rows)


def test_a_worker_that_joins_between_passes_is_named(client, tmp_path):
    X, _ = problem()
    with ExitStack() as workers:

        def join(event):
            if event.n_iter == 2:
                workers.enter_context(joined(client, tmp_path))

        told = r"^tcp://.* has fastem 9\.9, and this process has"
        with pytest.raises(RuntimeError, match=told):
            fastem.fit(
                da.from_array(X, chunks=(700, 3)), 3, means_init=X[:3], callback=join, **OPTIONS
            )


def test_a_worker_that_joins_while_tasks_run_is_named(client, tmp_path):
    """Tasks that wait for one another's end would not end by themselves."""
    started, released = (tmp_path / name for name in ("started", "released"))

    def wait():
        started.touch()
        while not released.exists():
            time.sleep(0.01)

    def join():
        while not started.exists():
            time.sleep(0.01)
        with joined(client, tmp_path):
            named.wait(processes.LAST_RESORT)

    cluster_room.check_workers()
    named = threading.Event()
    thread = threading.Thread(target=join)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match=r"has fastem 9\.9, and this process has"):
            cluster_room.computed([dask.delayed(wait)()])
    finally:
        named.set()
        released.touch()
        thread.join()


def test_a_fit_within_a_task(client):
    """On workers of one thread each, which it must lend; the oracle is the same fit from here."""
    X, _ = problem()
    means = X[:3]

    def fit():
        rows = da.from_array(X, chunks=(700, 3))
        return fastem.fit(rows, 3, means_init=means, max_iter=9).mixture

    tasks = [client.submit(fit, pure=False) for _ in range(2)]
    here = fit()
    assert all(mixture == here for mixture in client.gather(tasks))


def test_workers_without_fastem_are_named(client, monkeypatch):
    (one, other), X = sorted(client.nthreads()), problem()[0]
    ours = client.get_versions(packages=cluster_room.PACKAGES)["client"]
    versions = ours["packages"] | {"fastem": None, "numpy": "1.0"}
    answers = {f"tcp://10.0.0.{i}:1": {"packages": versions} for i in range(5)}
    answers |= {one: ours, other: {"packages": ours["packages"] | {"numba": "0.1"}}}
    monkeypatch.setattr(
        client, "get_versions", lambda **_: {"client": ours, "workers": answers}, raising=True
    )
    told = (
        r"^tcp://10.0.0.0:1, tcp://10.0.0.1:1, tcp://10.0.0.2:1 and 2 more workers have no fastem, "
        rf"numpy 1.0, {other} has numba 0.1, and this process has fastem .*, numpy .*, numba .*; "
        "install the same on all workers$"
    )
    with pytest.raises(RuntimeError, match=told):
        fastem.fit(da.from_array(X, chunks=(700, 3)), 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_scheduler_that_is_closed_meanwhile(tmp_path, caplog):
    """What it kept goes on elsewhere, to the bits of a fit on threads."""
    X, _ = problem(n=4000)
    given, path = da.from_array(X, chunks=(500, 3)), tmp_path / "fit.npz"
    options = {"means_init": X[:3], "checkpoint": path, **OPTIONS}
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    ) as cluster:

        def close(event):
            if event.n_iter == 3:
                cluster.close()

        with (
            distributed.Client(cluster),
            pytest.raises(ConnectionError, match=r"scheduler is gone.*start it again.*checkpoint="),
        ):
            fastem.fit(given.persist(), 3, callback=close, **options)
    with dask.config.set(scheduler="threads"):
        kept = fastem.fit(given, 3, **options)
        whole = fastem.fit(given, 3, **options | {"checkpoint": None})
    assert kept.mixture == whole.mixture
    assert np.array_equal(kept.trace, whole.trace)
