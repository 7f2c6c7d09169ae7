"""Large arrays that are converted block by block: the bits of float64, and little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_array_equal

import fastem
from fastem.rows import converted
from fastem.rows.blocks import LARGE

#: Rows that are large enough, and few that are said to be.
MANY, FEW = 1_200_000, 30_000
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


def make(n):
    """Whole numbers from 0 to 255 in two clusters, as float64."""
    rng = np.random.default_rng(0)
    means = np.array([[40, 60, 90, 120], [80, 150, 120, 100.0]])
    return np.clip(np.rint(rng.normal(means[rng.integers(0, 2, n)], 12)), 0, 255)


@pytest.fixture(scope="module")
def many():
    return make(MANY)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr("fastem.rows.blocks.LARGE", 2**18)
    return make(FEW)


def float64(X):
    return np.ascontiguousarray(np.asarray(X), np.float64)


def peak(work):
    """Bytes that NumPy took meanwhile, at most."""
    tracemalloc.start()
    try:
        found = work()
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_are_those_of_float64(few, kind):
    X = KINDS[kind](few)
    same = float64(X)
    assert converted(X) is not None
    expected, found = fastem.fit(same, 2, **OPTIONS), fastem.fit(X, 2, **OPTIONS)
    assert found.log_likelihood == expected.log_likelihood
    for name in "weights", "means", "covariances":
        assert_array_equal(getattr(found.mixture, name), getattr(expected.mixture, name))
    for name in "predict", "log_prob", "responsibilities":
        said = getattr(expected.mixture, name)
        assert_array_equal(said(X), said(same))


@pytest.mark.parametrize("kind", ["uint8", "Fortran order"])
def test_a_fit_takes_little_memory(many, kind):
    X = KINDS[kind](many)
    assert many.nbytes > LARGE
    fit, taken = peak(lambda: fastem.fit(X, 2, **OPTIONS))
    assert taken < 40 * 2**20
    labels, taken = peak(lambda: fit.mixture.predict(X))
    assert taken < 40 * 2**20 + labels.nbytes


def test_weights_come_with_their_rows(few):
    X, weight = few.astype(np.uint8), np.arange(FEW) % 3.0
    expected = fastem.fit(few, 2, sample_weight=weight, **OPTIONS)
    found = fastem.fit(X, 2, sample_weight=weight, **OPTIONS)
    assert found.log_likelihood == expected.log_likelihood


def test_names_of_columns_stay(few):
    mixed = pd.DataFrame(few.astype(np.uint8), columns=list("wxyz")).astype({"w": np.int64})
    assert converted(mixed) is not None
    fit = fastem.fit(mixed, 1, **OPTIONS)
    assert fit.mixture.feature_names == tuple("wxyz")
    with pytest.raises(ValueError, match="does not know"):
        fit.mixture.predict(mixed.rename(columns={"w": "v"}))


def test_a_selection_reads_them_so_too(few):
    choice = fastem.select(few.astype(np.uint8), [1, 2], **OPTIONS)
    expected = fastem.select(few, [1, 2], **OPTIONS)
    assert [row.bic for row in choice.table] == [row.bic for row in expected.table]


def test_what_is_not_finite_is_named(few):
    X = few.astype(np.float16)
    X[10_000, 2] = np.nan
    with pytest.raises(ValueError, match=r"row 10000, column 2"):
        fastem.fit(X, 2, **OPTIONS)


def test_rows_of_known_components_are_converted_whole(few):
    labels = np.full(FEW, -1)
    labels[:2] = 0, 1
    fit = fastem.fit(few.astype(np.uint8), 2, labels=labels, **OPTIONS)
    assert fit.log_likelihood == fastem.fit(few, 2, labels=labels, **OPTIONS).log_likelihood


def test_others_are_left_as_they_are(few):
    assert converted(few) is None
    assert converted(few.astype(np.float32)) is None
    assert converted(few[:1000].astype(np.uint8)) is None
    assert converted(few.tolist()) is None
    assert converted(np.ma.masked_array(few.astype(np.uint8))) is None
    assert converted(few[:, 0].astype(np.uint8)) is None
    assert converted(pd.Series(few[:, 0])) is None
