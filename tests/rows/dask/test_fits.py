"""Fits of rows of Dask; the oracle is the fit of the same rows in memory."""

import os
import signal
import sys

import numpy as np
import pytest
from chunked import assert_same_fit, problem, some_zeros, table
from numpy.testing import assert_allclose

import fastem

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")


def test_a_fit_on_a_cluster(client):
    """Oracle: the fit of the same rows in memory; the starts race on the same sample."""
    X, _ = problem(n=6000)
    weight = some_zeros(6000)
    rows, weights = da.from_array(X, chunks=(1000, 2)), da.from_array(weight, chunks=700)
    fitted = fastem.fit(rows, 3, sample_weight=weights, random_state=0)
    assert_same_fit(fitted, fastem.fit(X, 3, sample_weight=weight, random_state=0))


def test_a_fit_of_float32(threads):
    """Oracle: the fit of the same rows in memory."""
    X, _ = problem(n=6000, dtype=np.float32)
    fitted = fastem.fit(da.from_array(X, chunks=(1000, 3)), 3, random_state=0)
    assert_same_fit(fitted, fastem.fit(X, 3, random_state=0), 1e-4)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 1e8), (1e-150, 0.0), (1e150, 0.0)])
def test_a_fit_in_any_units(threads, scale, offset):
    """Oracle: the fit of the same rows in memory, the race of its starts to the bit."""
    X, _ = problem()
    X = X * scale + offset
    fitted = fastem.fit(da.from_array(X, chunks=(700, 3)), 3, random_state=0)
    expected = fastem.fit(X, 3, random_state=0)
    assert [r.trace for r in fitted.restarts] == [r.trace for r in expected.restarts]
    assert_allclose(fitted.mixture.means, expected.mixture.means, rtol=1e-12)
    assert_allclose(fitted.mixture.weights, expected.mixture.weights, rtol=1e-7)


def test_a_fit_with_noise(threads):
    """Oracle: the same rows in memory."""
    X, _ = problem()
    X[::30] = np.random.default_rng(2).uniform(-30, 30, size=X[::30].shape)
    rows = da.from_array(X, chunks=(700, 3))
    fitted = fastem.fit(rows, 3, noise=True, random_state=0)
    assert_same_fit(fitted, fastem.fit(X, 3, noise=True, random_state=0))
    assert np.array_equal(fitted.mixture.predict(rows).compute(), fitted.mixture.predict(X))


@pytest.mark.parametrize("covariance_type", ["full", "diag", "VEI"])
def test_a_fit_that_holds_parameters(threads, covariance_type):
    """Oracle: the same rows in memory; what is held keeps its bits."""
    X, _ = problem()
    start = fastem.fit(X[::10], 3, covariance_type=covariance_type, max_iter=2, random_state=0)
    mask = [True, False, False]
    options = {"start": start, "fixed": {"means": mask, "covariances": mask, "weights": mask}}
    fitted = fastem.fit(da.from_array(X, chunks=(700, 3)), **options)
    assert_same_fit(fitted, fastem.fit(X, **options))
    for name in "means", "covariances", "weights":
        held, own = (getattr(m, name)[0] for m in (fitted.mixture, start.mixture))
        assert np.array_equal(held, own)


def test_a_fit_that_goes_on_from_rows_seen(threads):
    """Oracle: the same new rows in memory; a first step is that of old and new rows together."""
    X, _ = problem()
    weight = some_zeros(3000)
    old, new = da.from_array(X[:2000], chunks=(700, 3)), da.from_array(X[2000:], chunks=(300, 3))
    weights = da.from_array(weight[2000:], chunks=300)
    start = fastem.fit(X[:2000], 3, random_state=0, max_iter=2).mixture
    seen = start.summarise(old)
    options = {"start": start, "seen": seen}
    fitted = fastem.fit(new, sample_weight=weights, **options)
    assert_same_fit(fitted, fastem.fit(X[2000:], sample_weight=weight[2000:], **options))
    one = {"max_iter": 1, "tol": 0, "accelerate": False}
    step, both = fastem.fit(new, **options, **one), fastem.fit(X, start=start, **one)
    assert_allclose(step.mixture.means, both.mixture.means, rtol=1e-10)
    assert_allclose(step.mixture.covariances, both.mixture.covariances, atol=1e-10)


def test_a_stream_takes_batches_of_chunks(threads):
    """Oracle: a stream of the same batches in memory."""
    X, _ = problem()
    mine, theirs = (fastem.Stream(fastem.fit(X[:300], 3, random_state=0)) for _ in range(2))
    for batch in np.split(X, 3):
        told, expected = mine.update(da.from_array(batch, chunks=(300, 3))), theirs.update(batch)
        assert told.level == pytest.approx(expected.level, rel=1e-12)
        assert told.drift == pytest.approx(expected.drift, rel=1e-9)
    assert_allclose(mine.mixture.means, theirs.mixture.means, rtol=1e-12)


def test_select(threads):
    """Oracle: the selection from the same rows in memory."""
    X, _ = problem(n=2000)
    families = ["full", "diag"]
    options = {"covariance_type": families, "random_state": 0}
    got = fastem.select(da.from_array(X, chunks=(600, 3)), range(1, 5), **options)
    expected = fastem.select(X, range(1, 5), **options)
    assert got.best_row[:2] == expected.best_row[:2]
    assert_allclose([row.bic for row in got.table], [row.bic for row in expected.table])


def assert_same_replicates(one, other):
    for name in "weights", "means", "covariances":
        assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", ["nonparametric", "weighted-likelihood"])
@pytest.mark.parametrize("chunks", [700, (1, 2500, 499)])
def test_a_bootstrap(threads, kind, chunks):
    """Oracle: the replicates of the same rows in memory, whose weights do not depend on chunks."""
    X, _ = problem()
    rows = da.from_array(X, chunks=(chunks, 3))
    fitted = fastem.fit(rows, 3, random_state=0)
    made = fastem.bootstrap(fitted, rows, 3, kind=kind, random_state=1)
    assert_same_replicates(made, fastem.bootstrap(fitted, X, 3, kind=kind, random_state=1))


def test_a_bootstrap_of_weighted_rows_on_a_cluster(client):
    """Oracle: the same rows in memory. One chunk has no row that counts."""
    X, _ = problem(n=6000)
    weight = some_zeros(6000)
    weight[1000:2000] = 0
    rows, weights = da.from_array(X, chunks=(1000, 3)), da.from_array(weight, chunks=1000)
    fitted = fastem.fit(X, 3, sample_weight=weight, random_state=0)
    options = {"kind": "weighted-likelihood", "random_state": 1, "max_iter": 3}
    made = fastem.bootstrap(fitted, rows, 2, sample_weight=weights, **options)
    in_memory = fastem.bootstrap(fitted, X, 2, sample_weight=weight, **options)
    assert_same_replicates(made, in_memory)


def test_a_bootstrap_draws_weighted_rows_in_chunks(threads):
    """Oracle: the same rows in memory, which are drawn in tiles: here the chunks are those."""
    X, _ = problem()
    weight = np.random.default_rng(0).integers(1, 4, 3000) / 2
    rows, weights = da.from_array(X, chunks=(512, 3)), da.from_array(weight, chunks=512)
    fitted = fastem.fit(rows, 3, sample_weight=weights, random_state=0)
    made = fastem.bootstrap(fitted, rows, 2, sample_weight=weights, random_state=1)
    in_memory = fastem.bootstrap(fitted, X, 2, sample_weight=weight, random_state=1)
    assert_same_replicates(made, in_memory)


def test_far_rows_of_float32_are_widened(threads):
    """Oracle: the fit in memory, which widens them too."""
    X, _ = problem(dtype=np.float32)
    X[7, 1] = 1e20
    fitted = fastem.fit(da.from_array(X, chunks=(700, 3)), 2, random_state=0)
    expected = fastem.fit(X, 2, random_state=0)
    assert_allclose(fitted.log_likelihood, expected.log_likelihood)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_a_killed_worker_changes_nothing(client, tmp_path):
    """Oracle: the bits of the fit on threads. Half of the persisted chunks die amid a pass."""
    X, _ = problem(n=4000)
    victim, due = min(client.run(os.getpid).values()), tmp_path / "due"

    def deadly(block):
        if os.getpid() == victim and due.exists():
            os.kill(victim, signal.SIGKILL)
        return block

    def kill(event):
        if event.n_iter == 1:
            due.touch()

    given = da.from_array(X, chunks=(250, 3))
    options = {"means_init": X[:3], "tol": 0, "max_iter": 3}
    rows = given.persist().map_blocks(deadly, meta=X[:0])
    disturbed = fastem.fit(rows, 3, callback=kill, **options)
    client.wait_for_workers(2)
    assert victim not in client.run(os.getpid).values()
    with dask.config.set(scheduler="threads"):
        calm = fastem.fit(given, 3, **options)
    assert disturbed.mixture == calm.mixture
    assert np.array_equal(disturbed.trace, calm.trace)


@pytest.mark.parametrize("missing", [(), ("distributed",)])
def test_without_a_client(monkeypatch, missing):
    """Oracle: the fit in memory. Threads of this process do it, and none is left waiting."""
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    X, _ = problem()
    fitted = fastem.fit(da.from_array(X, chunks=(700, 3)), 3, random_state=0)
    assert_same_fit(fitted, fastem.fit(X, 3, random_state=0))


def test_a_fit_of_a_data_frame(threads, frames):
    """Oracle: the same frame in memory. Some chunks are left empty, sizes are not known."""
    columns = ["a", "b", "n"]
    whole = table()
    chunks = frames.from_pandas(whole, npartitions=7)
    chunks, whole = chunks[chunks.row >= 900], whole[whole.row >= 900]
    fitted = fastem.fit(chunks[columns], 3, sample_weight=chunks.w, random_state=0)
    expected = fastem.fit(whole[columns], 3, sample_weight=whole.w, random_state=0)
    assert_same_fit(fitted, expected)
    labels = fitted.mixture.predict(chunks[columns])
    assert np.array_equal(labels.compute(), fitted.mixture.predict(whole[columns]))


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # Dask's use of pandas
def test_parquet_on_a_cluster(client, frames, tmp_path):
    """Oracle: the same frame in memory."""
    pytest.importorskip("pyarrow")
    whole = table().astype(np.float32)
    frames.from_pandas(whole, npartitions=5).to_parquet(tmp_path)
    rows = frames.read_parquet(tmp_path)[["a", "b"]]
    fitted = fastem.fit(rows, 3, random_state=0)
    assert_same_fit(fitted, fastem.fit(whole[["a", "b"]], 3, random_state=0), 1e-4)
