"""Rows of Dask: the answers of rows in memory, and the same bits on any workers."""

import numpy as np
import pytest
from chunked import assert_same_bits, problem, some_zeros
from factored import factored
from numpy.testing import assert_allclose

from fastem.data import Data

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
place = pytest.importorskip("fastem.rows.dask")

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


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


def test_chunks_are_summed_in_the_pieces_of_all_rows(threads, monkeypatch):
    """Oracle: what kernels are asked for. Smaller pieces cost a worker more than the rows do."""
    X, mixture = problem(n=20_000)
    density, units = factored(mixture, "full", X)
    asked = []
    accumulator = type(density).accumulator
    monkeypatch.setattr(
        type(density),
        "accumulator",
        lambda self, n, *a, **k: asked.append(n) or accumulator(self, n, *a, **k),
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


PASSES = {
    "summarise": lambda source, density, units: source.at(units).summarise(density),
    "take": lambda source, *_: source.take(np.array([5])),
    "limits along": lambda source, *_: source.limits_along(np.eye(3)),
    "digest": lambda source, *_: source.digest(),
    "widened": lambda source, density, units: source.widened().at(units).summarise(density),
}
CHANGES = {
    "fewer": (lambda X: X[:-1], "block 0 of X has 999 rows, where it had 1000 before.*persist"),
    "other rows": (lambda X: X[::-1], "block 0 of X holds other rows than before.*persist"),
    "other columns": (
        lambda X: X[:, :2],
        r"block 0 of X has shape \(1000, 2\), where it had 3 col",
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", PASSES)
def test_rows_that_change_between_passes(threads, which, change, weighted):
    X, mixture = problem()
    density, units = factored(mixture, "full", X)
    made = [X[:1000]]
    rows = da.from_delayed(dask.delayed(lambda: made[0], pure=False)(), (np.nan, 3), X.dtype)
    weight = dask.delayed(lambda: np.ones(len(made[0])), pure=False)()
    weight = da.from_delayed(weight, (np.nan,), float) if weighted else None
    source = place.Dask.of(rows, weight)
    PASSES[which](source, density, units)
    changed, told = CHANGES[change]
    made[0] = changed(made[0])
    with pytest.raises(ValueError, match=told):
        PASSES[which](source, density, units)


def test_weights_that_change_between_passes(threads):
    X, mixture = problem()
    density, units = factored(mixture, "full", X)
    made = [np.ones(3000)]
    weight = da.from_delayed(dask.delayed(lambda: made[0], pure=False)(), (3000,), float)
    source = place.Dask.of(da.from_array(X, chunks=(3000, 3)), weight)
    made[0] = np.full(3000, 2.0)
    with pytest.raises(ValueError, match="block 0 of X holds other rows than before"):
        source.at(units).summarise(density)


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
