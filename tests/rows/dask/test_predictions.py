"""Predictions for rows of Dask; the oracle is the same rows in memory."""

import numpy as np
import pytest
from chunked import problem, some_zeros
from numpy.testing import assert_allclose

import fastem

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


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


@pytest.mark.parametrize("n", [0, 100, 701])
@pytest.mark.parametrize("what", ["predict", "log_prob", "responsibilities", "summarise"])
def test_chunks_with_other_rows_than_they_declare(threads, what, n):
    X, mixture = problem()
    mixture = fastem.Mixture(*mixture)
    rows = da.from_array(X, chunks=(700, 3)).map_blocks(
        lambda block, block_id: np.resize(block, (n, 3)) if block_id[0] == 1 else block,
        meta=X[:0],
    )
    with pytest.raises(ValueError, match=rf"block 1 of X has {n} rows, where its chunks say 700; "):
        np.asarray(getattr(mixture, what)(rows))


def test_chunks_that_declare_no_rows(threads):
    """Oracle: the same rows in memory."""
    X, mixture = problem()
    mixture = fastem.Mixture(*mixture)
    rows = da.from_array(X, chunks=(700, 3))
    labels = mixture.predict(rows[rows[:, 0] > 0])
    assert np.array_equal(labels.compute(), mixture.predict(X[X[:, 0] > 0]))
