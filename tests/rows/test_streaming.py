"""Rows read block by block, against the same rows in memory."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numba
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
def test_wide_rows_of_which_those_that_share_in_a_component_are_gathered(tmp_path, dtype):
    X = clusters(20_000, dtype, D=52)
    np.save(tmp_path / "rows.npy", X)
    start = {
        "weights_init": np.full(3, 1 / 3),
        "means_init": np.repeat([[0.5], [4.5], [8.5]], 52, axis=1),
        "covariances_init": np.tile(np.eye(52), (3, 1, 1)),
    }
    source = open_rows(tmp_path / "rows.npy", memory="4M")
    assert_same(fastem.fit(source, 3, **start), fastem.fit(X, 3, **start))


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
    with pytest.raises(ValueError, match=r"rows.npy, row 30000, column 1 .* is missing"):
        fastem.fit(open_rows(tmp_path / "rows.npy", memory=memory), 2)


def test_what_is_few_is_kept(tmp_path):
    X = clusters(100)
    np.save(tmp_path / "rows.npy", X)
    assert isinstance(open_rows(tmp_path / "rows.npy").widened(), Memory)


def _with_an_outlier(X):
    X = X.astype(np.float32)
    X[77, 1] = 1e30  # float32 cannot hold its square: rows are widened as they are read
    return X


@pytest.mark.parametrize(
    "change",
    [
        _with_an_outlier,
        lambda X: X + 1e8,
        lambda X: (X + 1e5).astype(np.float32),
        lambda X: X * 1e150,
        lambda X: X * 1e-150,
        lambda X: X[:, :1],
        lambda X: np.ones_like(X),
    ],
    ids=["outlier", "offset", "offset of float32", "huge", "tiny", "a column", "constant"],
)
@pytest.mark.parametrize("unit", [None, 1e200, 1e-200])
def test_extremes(tmp_path, change, unit):
    X = change(clusters())
    np.save(tmp_path / "rows.npy", X)
    weight = None if unit is None else unit * np.random.default_rng(0).random(len(X))
    options = {"n_init": 2, "tol": 1e-2, "random_state": 0}
    expected = fastem.fit(X, 2, sample_weight=weight, **options)
    source = open_rows(tmp_path / "rows.npy", memory=SMALL, sample_weight=weight)
    assert_same(fastem.fit(source, 2, **options), expected)


def test_several_threads_may_read_one_source(tmp_path):
    np.save(tmp_path / "rows.npy", clusters())
    source = open_rows(tmp_path / "rows.npy", memory=SMALL)
    expected = fastem.fit(source, 2, random_state=0)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: fastem.fit(source, 2, random_state=0), range(4)))
    for fitted in fits:
        assert_same(fitted, expected)


def test_one_thread(tmp_path):
    """Numba held to a thread: one worker and the reader."""
    np.save(tmp_path / "rows.npy", clusters())
    source = open_rows(tmp_path / "rows.npy", memory=SMALL)
    expected = fastem.fit(source, 2, random_state=0)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert_same(fastem.fit(source, 2, random_state=0), expected)
    finally:
        numba.set_num_threads(before)


# What goes wrong on the way ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100_000]), "rows.npy changed while"),
        (lambda path: path.write_bytes(path.read_bytes() + b"more"), "rows.npy changed while"),
        (lambda path: os.utime(path, (0, 0)), "rows.npy changed while it was read; start again"),
        (lambda path: path.unlink(), "No such file"),
    ],
    ids=["shorter", "longer", "newer", "gone"],
)
def test_a_file_that_changes_between_passes(tmp_path, change, message):
    path = tmp_path / "rows.npy"
    np.save(path, clusters())
    changed = []

    def callback(event):
        if event.stage == "all rows" and not changed:
            changed.append(change(path))

    with pytest.raises((ValueError, OSError), match=message):
        fastem.fit(open_rows(path, memory=SMALL), 3, callback=callback, random_state=0)
    assert changed


def test_a_file_that_is_cut_short_during_a_pass(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, clusters())
    source = open_rows(path, memory=SMALL)

    def work(X, weight, first):
        os.truncate(path, 300_000)

    with pytest.raises(ValueError, match=r"rows.npy ends at row 18742, before the 40000 rows"):
        list(source.passes.each(work))


def test_blocks_that_differ_from_pass_to_pass():
    X = clusters()
    given = []

    def fewer():
        given.append(len(X) - 600 * len(given))
        yield from np.array_split(X[: given[-1]], 9)

    with pytest.raises(ValueError, match=r"Blocks gave \w+ rows at this pass and \d+ at the first"):
        fastem.fit(Blocks(fewer, memory=SMALL), 2)
    once = iter(np.array_split(X, 9))
    with pytest.raises(ValueError, match="Blocks gave fewer rows at this pass"):
        fastem.fit(Blocks(lambda: once, memory=SMALL), 2)


@pytest.mark.parametrize(
    ("second", "error", "message"),
    [
        (np.ones((5, 3)), ValueError, "block 1 of Blocks has 3 columns of float64 but the first"),
        (np.ones((5, 2), np.float32), ValueError, "block 1 of Blocks has 2 columns of float32"),
        (np.ones(2), ValueError, r"block 1 of Blocks has shape \(2,\)"),
        (np.array([["a", "b"]]), TypeError, "block 1 of Blocks has dtype <U1"),
        ((np.ones((5, 2)), np.ones(5)), ValueError, "block 1 of Blocks comes with weights"),
        ((np.ones((5, 2)), np.ones(4)), ValueError, r"5 rows and weights of shape \(4,\)"),
    ],
)
def test_blocks_that_cannot_be_used(second, error, message):
    with pytest.raises(error, match=message):
        fastem.fit(Blocks(lambda: [np.zeros((9, 2)), second]), 1)


def test_no_blocks():
    with pytest.raises(ValueError, match="Blocks gave no block"):
        fastem.fit(Blocks(list), 1)
    with pytest.raises(ValueError, match="Blocks has no rows"):
        fastem.fit(Blocks(lambda: [np.ones((0, 2))]), 1)
    with pytest.raises(TypeError, match="make is of type list; give a function"):
        Blocks([np.ones((3, 2))])


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt()])
def test_what_a_function_of_blocks_raises_is_raised(error):
    def make():
        yield clusters()
        raise error

    with pytest.raises(type(error)) as caught:
        fastem.fit(Blocks(make, memory=SMALL), 1)
    assert caught.value is error


def test_an_interrupt_between_passes_and_within_one(tmp_path):
    np.save(tmp_path / "rows.npy", clusters())
    source = open_rows(tmp_path / "rows.npy", memory=SMALL)

    def callback(event):
        if event.stage == "all rows":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fastem.fit(source, 2, callback=callback, random_state=0)

    def work(X, weight, first):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(source.passes.each(work))


def test_a_budget_that_is_too_small_for_rows(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 1000))
    np.save(tmp_path / "rows.npy", X)
    with pytest.raises(ValueError, match=r"memory is 2097152 bytes, too few .* give at least \d+"):
        fastem.fit(open_rows(tmp_path / "rows.npy", memory="2M"), 1, covariance_type="diag")
