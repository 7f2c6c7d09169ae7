"""Rows read block by block, against the same rows in memory."""

import threading

import numpy as np
import pytest

import fastem
from fastem.rows import Blocks, Memory
from fastem.rows import open as open_rows

#: Keeps nothing in memory, and works in several blocks.
SMALL = "1M"

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def clusters(n=40_000, dtype=np.float64, D=2):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, D)) + 4 * rng.integers(0, 3, size=(n, 1))
    return X.astype(dtype)


def assert_same(fitted, expected):
    """To the bit."""
    assert fitted.mixture == expected.mixture
    assert fitted.log_likelihood == expected.log_likelihood
    assert fitted.n_samples == expected.n_samples
    assert np.array_equal(fitted.trace, expected.trace)


@pytest.fixture(autouse=True)
def no_thread_left():
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


@dtypes
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("memory", [SMALL, "1500K", "256M"])
def test_npy(tmp_path, dtype, order, memory):
    X = clusters(dtype=dtype)
    np.save(tmp_path / "rows.npy", np.asarray(X, order=order))
    source = open_rows(tmp_path / "rows.npy", memory=memory)
    assert (source.n_features, source.dtype) == (2, dtype)
    assert_same(fastem.fit(source, 3, random_state=0), fastem.fit(X, 3, random_state=0))


@dtypes
@pytest.mark.parametrize("size", [1, 997, 512, 50_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_of_any_size(dtype, size, weighted):
    X = clusters(20_000, dtype=dtype)[: 2000 if size == 1 else None]
    weight = np.random.default_rng(0).integers(0, 3, len(X)) if weighted else None

    def make():
        for start in range(0, len(X), size):
            some = slice(start, start + size)
            yield X[some] if weight is None else (X[some], weight[some])

    expected = fastem.fit(X, 3, sample_weight=weight, random_state=0)
    assert_same(fastem.fit(Blocks(make, memory=SMALL), 3, random_state=0), expected)


def test_a_path_is_taken_for_its_rows(tmp_path):
    X = clusters()
    np.save(tmp_path / "rows.npy", X)
    for path in tmp_path / "rows.npy", str(tmp_path / "rows.npy"), [tmp_path / "rows.npy"]:
        assert_same(fastem.fit(path, 2, random_state=0), fastem.fit(X, 2, random_state=0))
    chosen = fastem.select(tmp_path / "rows.npy", [1, 3], random_state=0)
    assert chosen.best.mixture == fastem.select(X, [1, 3], random_state=0).best.mixture


@pytest.mark.parametrize("memory", [SMALL, "256M"])
def test_a_bad_number_is_named(tmp_path, memory):
    X = clusters()
    X[30_000, 1] = np.nan
    np.save(tmp_path / "rows.npy", X)
    with pytest.raises(ValueError, match=r"rows.npy, row 30000, column 1 .* is nan"):
        fastem.fit(open_rows(tmp_path / "rows.npy", memory=memory), 2)


def test_what_is_few_is_kept(tmp_path):
    X = clusters(100)
    np.save(tmp_path / "rows.npy", X)
    assert isinstance(open_rows(tmp_path / "rows.npy").widened(), Memory)
