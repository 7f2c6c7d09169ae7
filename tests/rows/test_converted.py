"""Large arrays that are converted block by block: the bits of float64, and little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_array_equal

import fastem
from fastem.rows import converted
from fastem.rows.converted import LARGE

N, D = 1_200_000, 4
KINDS = {
    "uint8": lambda X: X.astype(np.uint8),
    "int16": lambda X: X.astype(np.int16),
    "bool": lambda X: X > 100,
    "float16": lambda X: X.astype(np.float16),
    "big-endian": lambda X: X.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "a slice": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "pandas": lambda X: pd.DataFrame(X.astype(np.uint8), columns=list("abcd")).astype({"b": int}),
    "polars": lambda X: polars.DataFrame(X.astype(np.uint8), schema=list("abcd")),
}
OPTIONS = {"random_state": 0, "n_init": 2, "max_iter": 4, "tol": 1e-3}


@pytest.fixture(scope="module")
def whole():
    rng = np.random.default_rng(0)
    means = np.array([[40, 60, 90, 120], [80, 150, 120, 100.0]])
    return np.clip(np.rint(rng.normal(means[rng.integers(0, 2, N)], 12)), 0, 255)


@pytest.fixture(params=KINDS)
def pair(request, whole, tmp_path):
    """An array, and the same as float64."""
    X = KINDS[request.param](whole)
    return X, np.ascontiguousarray(np.asarray(X), np.float64)


def peak(work):
    """Bytes that NumPy took meanwhile, at most."""
    tracemalloc.start()
    try:
        found = work()
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_fit_takes_little_memory_and_has_the_same_bits(pair):
    X, same = pair
    assert same.nbytes > LARGE
    expected = fastem.fit(same, 2, **OPTIONS)
    found, taken = peak(lambda: fastem.fit(X, 2, **OPTIONS))
    assert found.log_likelihood == expected.log_likelihood
    for name in "weights", "means", "covariances":
        assert_array_equal(getattr(found.mixture, name), getattr(expected.mixture, name))
    assert taken < 40 * 2**20


def test_what_is_said_of_rows_takes_little_memory_and_has_the_same_bits(pair):
    X, same = pair
    mixture = fastem.fit(same[:5000], 2, **OPTIONS).mixture
    for name in "predict", "log_prob", "responsibilities":
        expected = getattr(mixture, name)(same)
        found, taken = peak(lambda name=name: getattr(mixture, name)(X))
        assert_array_equal(found, expected)
        assert taken < 40 * 2**20 + expected.nbytes


def test_weights_come_with_their_rows(whole):
    X, weight = whole.astype(np.uint8), np.arange(N) % 3.0
    expected = fastem.fit(whole, 2, sample_weight=weight, **OPTIONS)
    found, taken = peak(lambda: fastem.fit(X, 2, sample_weight=weight, **OPTIONS))
    assert found.log_likelihood == expected.log_likelihood
    assert taken < 40 * 2**20 + 2 * weight.nbytes


def test_names_of_columns_stay(whole):
    frame = pd.DataFrame(whole.astype(np.uint8), columns=list("wxyz"))
    assert fastem.fit(frame, 1, **OPTIONS).mixture.feature_names == tuple("wxyz")
    mixed = frame.astype({"w": np.int64})
    fit = fastem.fit(mixed, 1, **OPTIONS)
    assert fit.mixture.feature_names == tuple("wxyz")
    with pytest.raises(ValueError, match="does not know"):
        fit.mixture.predict(mixed.rename(columns={"w": "v"}))


def test_a_selection_reads_them_so_too(whole):
    choice = fastem.select(whole.astype(np.uint8), [1, 2], **OPTIONS)
    expected = fastem.select(whole, [1, 2], **OPTIONS)
    assert [row.bic for row in choice.table] == [row.bic for row in expected.table]


def test_what_is_not_finite_is_named(whole):
    X = whole.astype(np.float16)
    X[1_000_000, 2] = np.nan
    with pytest.raises(ValueError, match=r"row 1000000, column 2"):
        fastem.fit(X, 2, **OPTIONS)


def test_others_are_left_as_they_are(whole):
    assert converted(whole) is None
    assert converted(whole.astype(np.float32)) is None
    assert converted(whole[:1000].astype(np.uint8)) is None
    assert converted(whole.tolist()[:2]) is None
    assert converted(np.ma.masked_array(whole.astype(np.uint8))) is None
