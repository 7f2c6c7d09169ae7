"""Rows of Dask: the answers of rows in memory, the same bits on any workers, and no rows travel."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import random_mixture, sample

import fastem
from fastem.data import Data
from fastem.rows import are_of_dask

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
place = pytest.importorskip("fastem.rows.dask")
placement = pytest.importorskip("fastem.rows.dask.placement")

ROOT = Path(__file__).parents[2]
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@pytest.fixture(scope="session")
def cluster():
    """Two workers, each a process of its own. Any free port will do, beside other clusters."""
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
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def threads():
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture
def frames():
    return pytest.importorskip("dask.dataframe", exc_type=ImportError)


def problem(n=3000, D=3, dtype=np.float64, covariance_type="full"):
    rng = np.random.default_rng(0)
    mixture = random_mixture(rng, 3, D, covariance_type, spread=8.0)
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture


def some_zeros(n):
    rng = np.random.default_rng(1)
    return rng.exponential(size=n) * (rng.random(n) > 0.2)


def assert_same_bits(one, other):
    for name in "counts", "first", "second", "log_likelihood", "uncertainty", "n_rows":
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def assert_same_fit(one, other, tolerance=1e-9):
    assert one.status.code == other.status.code == "converged"
    assert one.n_iter == other.n_iter
    assert [r.trace for r in one.restarts] == [r.trace for r in other.restarts]
    assert_allclose(one.mixture.weights, other.mixture.weights, rtol=tolerance)
    assert_allclose(one.mixture.means, other.mixture.means, rtol=tolerance)
    assert_allclose(one.mixture.covariances, other.mixture.covariances, rtol=0, atol=tolerance)
    assert_allclose(one.log_likelihood, other.log_likelihood, rtol=tolerance)


# Passes -----------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("weight", [None, some_zeros(3000)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("chunks", [(3000, 3), (700, 3), ((1, 0, 2000, 999), (2, 1))])
def test_moments_of_chunks(threads, dtype, weight, covariance_type, chunks):
    """Oracle: the same rows in memory."""
    X, mixture = problem(dtype=dtype, covariance_type=covariance_type)
    density, units = factored(mixture, covariance_type, X)
    in_memory = Data.of(X, weight)
    expected = in_memory.source.at(units).summarise(density)
    data = Data.of(da.from_array(X, chunks=chunks), weight)
    got = data.source.at(units).summarise(density)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    assert data.weight_unit == in_memory.weight_unit
    assert data.n_samples == in_memory.n_samples
    assert_allclose(got.n_rows, expected.n_rows, rtol=1e-14)
    assert_allclose(got.log_likelihood, expected.log_likelihood, rtol=tolerance)
    for name in "counts", "first", "second":
        value, wanted = getattr(got, name), getattr(expected, name)
        assert_allclose(value, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())
    if chunks == (3000, 3):
        assert_same_bits(got, expected)


def test_the_same_chunks_give_the_same_bits_wherever_they_are(client):
    """Oracle: two processes, one of them, this process's threads, and no threads at all."""
    X, mixture = problem(n=20_000)
    rows = da.from_array(X, chunks=(700, 3))  # more chunks than are added at once
    density, units = factored(mixture, "full", X)
    alone, _ = (worker["name"] for worker in client.scheduler_info()["workers"].values())

    def summarise():
        return place.Dask.of(rows).at(units).summarise(density)

    expected = summarise()
    with dask.annotate(workers=[alone]):
        assert_same_bits(summarise(), expected)
    for scheduler in "threads", "sync":
        with dask.config.set(scheduler=scheduler):
            assert_same_bits(summarise(), expected)
    rows = rows.persist()
    distributed.wait(rows)
    assert_same_bits(summarise(), expected)
    client.replicate(distributed.futures_of(rows))
    assert_same_bits(summarise(), expected)


def test_only_densities_and_moments_travel(client):
    """Oracle: what the workers say they have sent."""
    X, mixture = problem(n=200_000)
    density, units = factored(mixture, "full", X)
    source = place.Dask.of(da.from_array(X, chunks=(10_000, 3)).persist())

    def sent():
        def total(dask_worker):
            return dask_worker.transfer_outgoing_bytes_total

        return sum(client.run(total).values())

    totals = [sent()]
    for _ in range(4):
        source.at(units).summarise(density)
        totals.append(sent())
    assert max(np.diff(totals)) < 10_000 < X.nbytes / 400


def test_chunks_are_worked_on_together_where_they_are(client, monkeypatch):
    """Oracle: what the scheduler says of who has what. A thread's chunks are one task, if small."""
    rows = da.zeros((1000, 3), chunks=(50, 3)).persist()
    distributed.wait(rows)
    for together, n_groups in (10**9, 2), (3 * 1200, None):
        monkeypatch.setattr(placement, "TOGETHER", together)
        for given in rows, rows + 1:  # made of what is held
            source = place.Dask.of(given)
            holders = [client.who_has(rows)[b.key] for b in rows.to_delayed().ravel()]
            found = source.chunks.groups(source.n_bytes)
            assert sorted(i for group in found for i in group.numbers) == list(range(20))
            assert all(group.worker in holders[i] for group in found for i in group.numbers)
            assert len(found) == n_groups or max(len(group.numbers) for group in found) == 3
    source = place.Dask.of(da.zeros((1000, 3), chunks=(50, 3)))
    assert source.chunks.groups(source.n_bytes) == [placement.Group([i]) for i in range(20)]


def test_chunks_of_a_persisted_frame_are_worked_on_where_they_are(client, frames):
    rows = frames.from_pandas(table(), npartitions=20)[["a", "b"]].persist()
    distributed.wait(rows)
    source = place.Dask.of(rows)
    found = source.chunks.groups(source.n_bytes)
    assert len(found) == 2
    assert {group.worker for group in found} == set(client.nthreads())


def test_chunks_are_summed_in_the_pieces_of_all_rows(threads, monkeypatch):
    """Oracle: what kernels are asked for. Smaller pieces cost a worker more than the rows do."""
    X, mixture = problem(n=20_000)
    density, units = factored(mixture, "full", X)
    asked = []
    tally = type(density).tally
    monkeypatch.setattr(
        type(density), "tally", lambda self, n, *a, **k: asked.append(n) or tally(self, n, *a, **k)
    )
    place.Dask.of(da.from_array(X, chunks=(2000, 3))).at(units).summarise(density)
    assert asked == [20_000] * 10


def test_persisted_chunks_are_not_computed_again(threads):
    """Oracle: a count of the chunks computed."""
    X, mixture = problem()
    density, units = factored(mixture, "full", X)
    computed = []

    def count(block):
        computed.append(1)
        return block

    rows = da.from_array(X, chunks=(1000, 3)).map_blocks(count, meta=X[:0])
    for given, times in (rows, 3), (rows.persist(), 0):
        source = place.Dask.of(given)
        computed.clear()
        source.at(units).summarise(density)
        assert len(computed) == times


def test_rows_that_change_between_passes(threads):
    X, mixture = problem()
    density, units = factored(mixture, "full", X)
    n_rows = [1000]
    rows = dask.delayed(lambda: X[: n_rows[0]], pure=False)()
    rows = da.from_delayed(rows, (np.nan, 3), X.dtype)
    source = place.Dask.of(rows)
    n_rows[0] = 999
    with pytest.raises(ValueError, match=r"999 rows, where it had 1000.*persist"):
        source.at(units).summarise(density)


# Samples ----------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("weight", [None, some_zeros(3000)], ids=["unweighted", "weighted"])
def test_samples_are_those_of_the_same_rows_in_memory(threads, dtype, weight):
    """Oracle: Memory."""
    X, _ = problem(dtype=dtype)
    in_memory = Data.of(X, weight).source
    source = Data.of(da.from_array(X, chunks=(700, 2)), weight).source
    assert source.dtype == in_memory.dtype
    assert np.array_equal(source.limits(), in_memory.limits())
    for n in 1, 300, 10_000:
        assert np.array_equal(source.look(n), in_memory.look(n))
        got, expected = (rows.draw(n, np.random.default_rng(0)) for rows in (source, in_memory))
        assert got[0].dtype == dtype
        assert np.array_equal(got[0], expected[0])
        assert got[1] is None if weight is None else np.array_equal(got[1], expected[1])
    assert source.widened().draw(5, np.random.default_rng(0))[0].dtype == np.float64


# Fits -------------------------------------------------------------------------------------------


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


def test_select(threads):
    """Oracle: the selection from the same rows in memory."""
    X, _ = problem(n=2000)
    families = ["full", "diag"]
    options = {"covariance_type": families, "random_state": 0}
    got = fastem.select(da.from_array(X, chunks=(600, 3)), range(1, 5), **options)
    expected = fastem.select(X, range(1, 5), **options)
    assert got.best_row[:2] == expected.best_row[:2]
    assert_allclose([row.bic for row in got.table], [row.bic for row in expected.table])


def test_far_rows_of_float32_are_widened(threads):
    """Oracle: the fit in memory, which widens them too."""
    X, _ = problem(dtype=np.float32)
    X[7, 1] = 1e20
    fitted = fastem.fit(da.from_array(X, chunks=(700, 3)), 2, random_state=0)
    expected = fastem.fit(X, 2, random_state=0)
    assert_allclose(fitted.log_likelihood, expected.log_likelihood)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_a_killed_worker_changes_nothing(client):
    """Oracle: the bits of the fit on threads. Half of the persisted chunks die amid a pass."""
    X, _ = problem(n=4000)

    def slowly(block):
        time.sleep(0.02)
        return block

    rows = da.from_array(X, chunks=(250, 3)).map_blocks(slowly, meta=X[:0])
    before = client.run(os.getpid)
    victim = min(before.values())

    def kill(event):
        if event.n_iter == 1:
            threading.Timer(0.05, os.kill, (victim, signal.SIGKILL)).start()

    options = {"means_init": X[:3], "tol": 0, "max_iter": 3}
    disturbed = fastem.fit(rows.persist(), 3, callback=kill, **options)
    client.wait_for_workers(2)
    assert victim not in client.run(os.getpid).values()
    with dask.config.set(scheduler="threads"):
        calm = fastem.fit(rows, 3, **options)
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


# Data frames ------------------------------------------------------------------------------------


def table(n=3000):
    X, _ = problem(n=n)
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(
        n=np.arange(n) % 7, row=np.arange(n), w=some_zeros(n)
    )


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


# Predictions ------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("what", ["predict", "log_prob", "responsibilities"])
def test_predictions_are_lazy(threads, dtype, what):
    """Oracle: the same rows in memory."""
    X, mixture = problem(dtype=dtype)
    mixture = fastem.Mixture(*mixture)
    computed = []

    def count(block):
        computed.append(1)
        return block

    rows = da.from_array(X, chunks=((1000, 0, 2000), (1, 2))).map_blocks(count, meta=X[:0])
    got, expected = getattr(mixture, what)(rows), getattr(mixture, what)(X)
    assert computed == []
    assert isinstance(got, da.Array)
    assert (got.shape, got.dtype, got.chunks[0]) == (expected.shape, expected.dtype, rows.chunks[0])
    value = got.compute()
    assert np.array_equal(value, expected)
    assert value.dtype == expected.dtype


def test_predictions_on_a_cluster(client):
    """Oracle: the same rows in memory."""
    X, mixture = problem()
    mixture = fastem.Mixture(*mixture)
    labels = mixture.predict(da.from_array(X, chunks=(700, 3))).compute()
    assert np.array_equal(labels, mixture.predict(X))


def test_criteria_of_other_rows(threads):
    """Oracle: the same rows in memory."""
    X, _ = problem()
    fitted = fastem.fit(X[::2], 3, random_state=0)
    chunks = da.from_array(X, chunks=(700, 3))
    for criterion in "aic", "bic", "icl":
        got, expected = (getattr(fitted, criterion)(rows) for rows in (chunks, X))
        assert_allclose(got, expected, rtol=1e-12)
    weight = 1000 * some_zeros(3000)
    got, expected = (fitted.mixture.summarise(rows, weight) for rows in (chunks, X))
    assert_allclose(got.second, expected.second, rtol=1e-11, atol=1e-9)
    assert_allclose(got.n_rows, expected.n_rows)


@pytest.mark.parametrize("what", ["predict", "log_prob", "responsibilities", "summarise"])
def test_predictions_refuse_other_columns(threads, what):
    X, mixture = problem()
    with pytest.raises(ValueError, match="X has 2 columns but the mixture has 3"):
        getattr(fastem.Mixture(*mixture), what)(da.from_array(X[:, :2]))


def test_predictions_name_the_block_of_a_bad_row(threads):
    X, mixture = problem()
    X[1705, 2] = np.nan
    labels = fastem.Mixture(*mixture).predict(da.from_array(X, chunks=(700, 3)))
    with pytest.raises(ValueError, match=r"block 2 of X has 1 entry .* row 305, column 2"):
        labels.compute()


# Refusals ---------------------------------------------------------------------------------------

ROWS = da.from_array(problem()[0], chunks=(700, 3))
UNKNOWN = ROWS[ROWS[:, 0] > -1e9]


def with_bad(value, *places):
    X, _ = problem()
    for place_ in places:
        X[place_] = value
    return da.from_array(X, chunks=(700, 2))


def bad_weight(value):
    weight = np.ones(3000)
    weight[[1500, 2900]] = value
    return da.from_array(weight, chunks=700)


REFUSED = {
    "NaN": (
        (with_bad(np.nan, (1705, 2), (2999, 0)),),
        ValueError,
        r"^X has 2 entries that are NaN or infinite, the first at row 1705, column 2 .*: nan; fill",
    ),
    "infinity": ((with_bad(np.inf, (0, 1)),), ValueError, "1 entry .* row 0, column 1"),
    "one dimension": ((ROWS[:, 0],), ValueError, r"X has 1 dimension, shape \(3000,\)"),
    "no rows": ((ROWS[:0],), ValueError, r"X is empty, shape \(0, 3\)"),
    "no rows left": ((UNKNOWN[UNKNOWN[:, 0] > 1e9],), ValueError, r"X is empty, shape \(0, 3\)"),
    "no columns": ((ROWS[:, :0],), ValueError, r"X is empty, shape \(3000, 0\)"),
    "unknown columns": (
        (ROWS[:, da.from_array(np.array([True, False, True]))],),
        ValueError,
        "unknown number of columns.*compute_chunk_sizes",
    ),
    "complex": ((ROWS * 1j,), TypeError, "block 0 of X is complex"),
    "text": (
        (da.from_array(np.full((9, 3), "x", object), chunks=9),),
        TypeError,
        "block 0 of X holds objects that are not real numbers",
    ),
    "dates": ((ROWS.astype("M8[s]"),), TypeError, "block 0 of X has dtype datetime64"),
    "too few rows": ((ROWS[:2],), ValueError, "only 2 rows"),
    "no collection of rows": (
        (dask.delayed(np.ones)((3, 3)),),
        TypeError,
        "X is a Delayed of Dask's; give a dask array or data frame",
    ),
    "columns that vary": (
        (da.from_delayed(dask.delayed(np.ones)((3, 2)), (3, 3), float),),
        ValueError,
        "block 0 of X has 2 columns, where X has 3",
    ),
    "few weights": ((ROWS, da.ones(2999)), ValueError, r"shape \(2999,\).*shape \(3000,\)"),
    "weights in columns": ((ROWS, da.ones((3000, 1))), ValueError, r"shape \(3000, 1\)"),
    "weights in other chunks": ((UNKNOWN, da.ones(3000)), ValueError, "1 chunks but X has 5"),
    "weights of other lengths": (
        (UNKNOWN, da.ones(3000, chunks=600)),
        ValueError,
        r"sample_weight of block 0 of X has shape \(600,\).*\(700,\)",
    ),
    "weights of unknown chunks": ((UNKNOWN, np.ones(3000)), TypeError, "like X's"),
    "weights of no kind": ((ROWS, dask.delayed(np.ones)(3000)), TypeError, "column of a data"),
    "negative weights": (
        (ROWS, bad_weight(-1.0)),
        ValueError,
        "2 weights that are negative, NaN or infinite, the first at row 1500: -1.0",
    ),
    "NaN weights": ((ROWS, bad_weight(np.nan)), ValueError, "first at row 1500: nan"),
    "no weight": ((ROWS, da.zeros(3000)), ValueError, "zero for every row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(threads, case):
    (X, *weight), kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        fastem.fit(X, 3, sample_weight=weight[0] if weight else None)


def test_refused_by_a_cluster(client, capfd):
    """The error is the caller's, and workers print nothing."""
    with pytest.raises(ValueError, match=r"row 1705, column 2"):
        fastem.fit(with_bad(np.nan, (1705, 2)), 3)
    assert capfd.readouterr().err == ""


# What is Dask's ---------------------------------------------------------------------------------


def test_recognised_by_name(frames):
    assert are_of_dask(ROWS)
    assert are_of_dask(frames.from_pandas(table(10), npartitions=2))
    assert not are_of_dask(np.ones((3, 3)))
    assert not are_of_dask([[1.0]])
    assert not are_of_dask(pd.DataFrame())


def test_rows_in_memory_do_not_import_dask():
    code = "import sys, fastem; fastem.fit([[0.0], [1.0]], 1); print('dask' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert run.stdout == b"False\n"
