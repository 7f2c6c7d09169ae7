"""Bad input: the right exception, and a message with the argument, its value and the remedy."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import fastem
from fastem import validation
from fastem.validation.rows import BLOCK

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(0, 1, (60, 2)), RNG.normal(6, 1, (60, 2))])


def with_bad(value, *places):
    bad = X.copy()
    for place in places:
        bad[place] = value
    return bad


BAD_ROWS = {
    "one NaN": (with_bad(np.nan, (7, 1)), ValueError, r"1 entry .* row 7, column 1.*nan.*drop"),
    "infinities": (
        with_bad(np.inf, (9, 0), (50, 1), (99, 0)),
        ValueError,
        r"3 entries .* row 9, column 0.*inf",
    ),
    "inf - inf": (
        with_bad([np.inf, -np.inf], 3),
        ValueError,
        r"2 entries .* row 3, column 0",
    ),
    "one dimension": (X[:, 0], ValueError, r"1 dimension, shape \(120,\).*reshape\(-1, 1\)"),
    "three dimensions": (X[None], ValueError, r"3 dimensions, shape \(1, 120, 2\)"),
    "a number": (3.0, ValueError, "0 dimensions"),
    "no rows": (X[:0], ValueError, r"empty, shape \(0, 2\).*at least one row"),
    "no columns": (X[:, :0], ValueError, r"empty, shape \(120, 0\)"),
    "text": (np.array([["a", "b"], ["c", "d"]]), TypeError, "numbers, not text"),
    "dates": (
        np.array([["2020-01-01"]], dtype="M8[D]"),
        TypeError,
        "datetime64.*not text or dates",
    ),
    "objects": (np.array([[1, "b"], [2, 3]], dtype=object), TypeError, "not real numbers"),
    "complex": (X + 1j, TypeError, "complex128.*real numbers"),
    "sparse": (sparse.csr_array(X), TypeError, "sparse.*toarray"),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError, "rows differ in length"),
    "masked": (np.ma.masked_greater(X, 7), ValueError, r"masked entries; fill or drop"),
    "frame with a hole": (pd.DataFrame(with_bad(np.nan, (7, 1))), ValueError, "row 7, column 1"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
@pytest.mark.parametrize("use", ["fit", "select", "predict"])
def test_bad_rows_are_refused_with_what_and_where(name, use):
    bad, error, message = BAD_ROWS[name]
    known = fastem.Mixture([0.5, 0.5], [[0, 0], [6, 6]], [1, 1], "spherical")
    call = {"fit": lambda: fastem.fit(bad, 2), "select": lambda: fastem.select(bad, 2)}
    with pytest.raises(error, match=f"X .*{message}"):
        call.get(use, lambda: known.predict(bad))()


def test_nan_beyond_the_first_block_is_counted_and_placed():
    rows = np.zeros((BLOCK + 10, 2))
    rows[BLOCK + 3, 1] = np.nan
    rows[BLOCK + 4] = np.inf
    with pytest.raises(ValueError, match=rf"3 entries .* row {BLOCK + 3}, column 1"):
        validation.rows(rows)


def test_finite_rows_whose_sum_overflows_are_finite():
    big = np.full((10, 1), 1.7e308)
    assert validation.rows(big) is not None
    with pytest.raises(ValueError, match="whose squares float64 cannot hold; multiply"):
        fastem.fit(big, 1)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-324])
def test_scales_beyond_float64_are_refused_with_the_remedy(scale):
    with pytest.raises(
        ValueError, match=r"X column 0 has a spread of .* multiply it by a constant"
    ):
        fastem.fit(X * scale, 2)


BAD_WEIGHTS = {
    "negative": (np.r_[np.ones(119), -2.0], ValueError, r"1 weight .* row 119: -2.0"),
    "NaN": (np.r_[np.nan, np.ones(119)], ValueError, r"row 0: nan"),
    "infinite": (np.r_[np.ones(119), np.inf], ValueError, r"row 119: inf"),
    "all zero": (np.zeros(120), ValueError, r"zero for every row; at least one row"),
    "short": (np.ones(5), ValueError, r"shape \(5,\).*shape \(120,\)"),
    "a column": (np.ones((120, 1)), ValueError, r"shape \(120, 1\)"),
    "text": (["a"] * 120, TypeError, "numbers, not text"),
    "complex": (np.ones(120) + 1j, TypeError, "complex"),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
@pytest.mark.parametrize("function", [fastem.fit, fastem.select])
def test_bad_sample_weights_are_refused(function, name):
    bad, error, message = BAD_WEIGHTS[name]
    with pytest.raises(error, match=f"sample_weight .*{message}"):
        function(X, 2, sample_weight=bad)


BAD_COUNTS = {
    "zero": (0, ValueError, "is 0; it must be at least 1"),
    "negative": (-3, ValueError, "is -3"),
    "too many": (121, ValueError, "is 121 but there are only 120 rows"),
    "float": (2.0, TypeError, "is 2.0 of type float; give a whole number"),
    "boolean": (True, TypeError, "is True"),
    "text": ("2", TypeError, "is '2'"),
    "none": (None, TypeError, "is None"),
}


@pytest.mark.parametrize("name", BAD_COUNTS)
@pytest.mark.parametrize("function", [fastem.fit, fastem.select])
def test_bad_numbers_of_components_are_refused(function, name):
    bad, error, message = BAD_COUNTS[name]
    with pytest.raises(error, match=f"n_components .*{message}"):
        function(X, bad)


def test_rows_of_weight_zero_do_not_count_as_rows():
    weight = np.r_[np.ones(3), np.zeros(117)]
    with pytest.raises(ValueError, match="n_components is 4 but there are only 3 rows"):
        fastem.fit(X, 4, sample_weight=weight)


BAD_OPTIONS = {
    "n_init": [(0, ValueError), (2.5, TypeError), ("a", TypeError)],
    "init": [("kmeans", ValueError), (3, ValueError), (None, ValueError)],
    "reg_covar": [(-1e-6, ValueError), (np.nan, ValueError), ("a", TypeError)],
    "tol": [(-1e-3, ValueError), (np.inf, ValueError), ("1", TypeError), (None, TypeError)],
    "max_iter": [(0, ValueError), (10.0, TypeError)],
    "callback": [("print", TypeError)],
    "random_state": [(-1, ValueError), (1.5, TypeError), ("a", TypeError)],
    "covariance_type": [("fulll", ValueError)],
}
OPTION_CASES = [(name, *case) for name, cases in BAD_OPTIONS.items() for case in cases]


@pytest.mark.parametrize(("name", "bad", "error"), OPTION_CASES)
@pytest.mark.parametrize("function", [fastem.fit, fastem.select])
def test_bad_options_are_refused_by_name_and_value(function, name, bad, error):
    with pytest.raises(error, match=name) as caught:
        function(X, 2, **{name: bad})
    assert str(bad) in str(caught.value) or repr(bad) in str(caught.value)


BAD_STARTS = {
    "weights_init": [
        ([0.5, 0.5, 0.0], ValueError, r"shape \(3,\); it must be \(2,\)"),
        ([0.5, 0.6], ValueError, r"sum to 1.1; divide"),
        ([1.5, -0.5], ValueError, r"\[1\] is -0.5"),
        ([np.nan, 1.0], ValueError, "NaN or infinity"),
    ],
    "means_init": [
        ([[0.0], [1.0]], ValueError, r"shape \(2, 1\); it must be \(2, 2\)"),
        ([[0, 0], [np.inf, 1]], ValueError, "NaN or infinity"),
        ([["a", "b"], ["c", "d"]], TypeError, "numbers, not text"),
    ],
    "covariances_init": [
        (np.ones((2, 2)), ValueError, r"shape \(2, 2\); it must be \(2, 2, 2\)"),
        ([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]], ValueError, "covariance 1 .*positive"),
        ([np.eye(2), [[1.0, 0.5], [0.0, 1.0]]], ValueError, "not symmetric"),
        ([np.eye(2), np.zeros((2, 2))], ValueError, "positive"),
        ([np.eye(2), -np.eye(2)], ValueError, "positive"),
    ],
}
START_CASES = [(name, *case) for name, cases in BAD_STARTS.items() for case in cases]


@pytest.mark.parametrize(("name", "bad", "error", "message"), START_CASES)
def test_bad_starts_are_refused(name, bad, error, message):
    with pytest.raises(error, match=f"{name}.*{message}"):
        fastem.fit(X, 2, **{name: bad})


# What is taken without ado --------------------------------------------------------------------

WHOLE = np.rint(X * 4)


def memory_mapped(array, tmp_path):
    np.save(tmp_path / "rows.npy", array)
    return np.load(tmp_path / "rows.npy", mmap_mode="r")


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


GOOD = {
    "integers": lambda _: WHOLE.astype(np.int16),
    "lists": lambda _: WHOLE.tolist(),
    "tuples": lambda _: tuple(map(tuple, WHOLE.tolist())),
    "float16": lambda _: WHOLE.astype(np.float16),
    "long double": lambda _: WHOLE.astype(np.longdouble),
    "big endian": lambda _: WHOLE.astype(">f8"),
    "Fortran order": lambda _: np.asfortranarray(WHOLE),
    "every other column": lambda _: np.repeat(WHOLE, 2, axis=1)[:, ::2],
    "backwards": lambda _: WHOLE[::-1][::-1],
    "read-only": lambda _: read_only(WHOLE),
    "memory-mapped": lambda path: memory_mapped(WHOLE, path),
    "pandas": lambda _: pd.DataFrame(WHOLE, columns=["a", "b"]),
    "polars": lambda _: pl.DataFrame(WHOLE, schema=["a", "b"]),
    "objects": lambda _: WHOLE.astype(object),
    "mask that hides nothing": lambda _: np.ma.masked_array(WHOLE),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_array_fits_like_the_plain_one(name, tmp_path):
    rows = GOOD[name](tmp_path)
    plain = fastem.fit(WHOLE, 2, random_state=0, n_init=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fastem.fit(rows, 2, random_state=0, n_init=2)
    assert fitted.mixture == plain.mixture
    np.testing.assert_array_equal(fitted.mixture.predict(rows), plain.mixture.predict(WHOLE))


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_the_users_arrays_are_never_changed(order, dtype):
    rows = np.array(X * 10, dtype=dtype, order=order)
    arrays = {
        "sample_weight": RNG.uniform(0.0, 2.0, 120),
        "weights_init": np.array([0.3, 0.7]),
        "means_init": np.array([[0.0, 0.0], [60.0, 60.0]]),
        "covariances_init": np.array([np.eye(2), np.eye(2)]) * 90.0,
    }
    arrays["sample_weight"][5] = 0.0
    before = [a.tobytes() for a in (rows, *arrays.values())]
    fitted = fastem.fit(rows, 2, **arrays)
    fitted.mixture.responsibilities(rows)
    fitted.mixture.predict(rows)
    fitted.bic(rows)
    fastem.select(rows, [1, 2], sample_weight=arrays["sample_weight"], n_init=2)
    assert [a.tobytes() for a in (rows, *arrays.values())] == before
