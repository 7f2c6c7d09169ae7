"""What is refused, by every door of the package, in words that say what was wrong and why.

Each row of the tables is one hostile argument: the error that `fit` and `select` raise, and what
its message says; then what GaussianMixture says, in scikit-learn's words where it has some.
"""
# ruff: noqa: E501 - a table is read line by line

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import fastem

RNG = np.random.default_rng(5)
X = RNG.normal(size=(120, 2)) + 8.0 * np.repeat([0, 1], 60)[:, None]


def with_bad(value, *places):
    bad = X.copy()
    for place in places:
        bad[place] = value
    return bad


def fit(X, K=3, **options):
    return fastem.fit(X, K, **{"n_init": 2, "random_state": 0} | options)


def select(X, K=3, **options):
    return fastem.select(X, [K], **{"n_init": 2, "random_state": 0} | options)


def refused(call, error, message):
    """One line of what it said."""
    with pytest.raises(error) as caught:
        call()
    said = " ".join(str(caught.value).split())
    assert re.search(message, said), said


#: GaussianMixture takes what scikit-learn takes, which reads text as numbers and dates as counts.
WIDER = None

NOT_FINITE = r"Input X contains (NaN|infinity)"

BAD_ROWS = {
    "NaN": (with_bad(np.nan, (7, 1)), ValueError, r"X has 1 entry .*row 7, column 1.*nan; fill or drop", NOT_FINITE),
    "all NaN": (np.full((9, 2), np.nan), ValueError, r"X has 18 entries .*nan; fill or drop", NOT_FINITE),
    "inf": (with_bad(np.inf, (9, 0), (50, 1)), ValueError, r"X has 2 entries .*row 9, column 0.*inf; fill or drop", NOT_FINITE),
    "-inf": (with_bad(-np.inf, (9, 0)), ValueError, r"X has 1 entry .*row 9, column 0.*-inf; fill or drop", NOT_FINITE),
    "inf and -inf": (with_bad([np.inf, -np.inf], 3), ValueError, r"X has 2 entries .*row 3, column 0.*fill or drop", NOT_FINITE),
    "float32 NaN": (with_bad(np.nan, (7, 1)).astype("f4"), ValueError, r"X has 1 entry .*row 7, column 1.*nan", NOT_FINITE),
    "None in objects": (with_bad(None, (7, 1)).astype(object), ValueError, r"X has 1 entry .*row 7, column 1.*nan; fill or drop", NOT_FINITE),
    "NaN in objects": (with_bad(np.nan, (7, 1)).astype(object), ValueError, r"row 7, column 1.*nan", "NaN"),
    "no rows": (X[:0], ValueError, r"X is empty, shape \(0, 2\); give at least one row", r"0 sample\(s\)"),
    "no columns": (X[:, :0], ValueError, r"X is empty, shape \(120, 0\); give at least one row and column", r"0 feature\(s\)"),
    "empty list": ([], ValueError, r"X has 1 dimension, shape \(0,\)", r"Expected 2D array"),
    "a number": (3.0, ValueError, r"X has 0 dimensions, shape \(\); it must be 2-dimensional", "Expected 2D array"),
    "None": (None, TypeError, r"X is None, not an array; give", "Expected 2D array"),
    "1-D": (X[:, 0], ValueError, r"X has 1 dimension, shape \(120,\).*X\.reshape\(-1, 1\)", r"reshape"),
    "3-D": (X[None], ValueError, r"X has 3 dimensions, shape \(1, 120, 2\); it must be 2-dimensional", "dim 3"),
    "sparse": (sparse.csr_array(X), TypeError, r"X is a sparse matrix; give a dense array, such as X\.toarray", "[Ss]parse"),
    "sparse matrix": (sparse.coo_matrix(X), TypeError, r"X is a sparse matrix; give a dense array", "[Ss]parse"),
    "complex": (X + 1j, TypeError, r"X is complex \(complex128\); give real numbers", "[Cc]omplex"),
    "complex64": ((X + 1j).astype("c8"), TypeError, r"X is complex \(complex64\); give real numbers", "[Cc]omplex"),
    "strings": (np.array([["a", "b"], ["c", "d"]]), TypeError, r"X has dtype <U1; give numbers, not text", "numeric|string"),
    "numbers as strings": (np.array([["1", "2"], ["3", "4"]]), TypeError, r"X has dtype <U1; give numbers, not text", WIDER),
    "bytes": (np.array([[b"a", b"b"], [b"c", b"d"]]), TypeError, r"X has dtype .*S1; give numbers, not text", "numeric|bytes"),
    "dates": (np.array([["2020-01-01"], ["2021-01-01"]], "M8[D]"), TypeError, r"X has dtype datetime64\[D\]; give numbers, not text or dates", WIDER),
    "durations": (np.ones((4, 2), "m8[s]"), TypeError, r"X has dtype timedelta64\[s\]; give numbers", WIDER),
    "objects": (np.array([[1, "b"], [2, 3]], object), TypeError, r"X holds objects that are not real numbers.*'b'", "'b'"),
    "records": (np.zeros(4, [("a", "f8"), ("b", "f8")]), TypeError, r"X has dtype .*give numbers", "Cannot cast"),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError, r"X is not an array: its rows differ in length", "inhomogeneous|setting an array"),
    "masked": (np.ma.masked_greater(X, 8), ValueError, r"X has \d+ masked entries; fill or drop", r"X has \d+ masked entries; fill or drop"),
    "frame with a hole": (pd.DataFrame(with_bad(np.nan, (7, 1))), ValueError, r"X has 1 entry .*row 7, column 1.*fill or drop", NOT_FINITE),
    "frame of text": (pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}), TypeError, r"X holds objects.*'x'|X has dtype", "'x'|string"),
    "polars with a hole": (pl.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 4.0]}), ValueError, r"X has 1 entry .*row 1, column 0", NOT_FINITE),
    "a set": ({1.0, 2.0}, TypeError, r"X is \{.*\}, not an array; give", "not 'set'"),
    "a generator": ((row for row in X), TypeError, r"X is <generator .*, not an array; give", "not 'generator'"),
    "squares beyond float64": (X * 1e200, ValueError, r"X column 0 has a spread of .*e\+200.*multiply it by a constant", r"X column 0 has a spread"),
    "squares below float64": (X * 1e-200, ValueError, r"X column 0 has a spread of .*e-200.*multiply it by a constant", r"X column 0 has a spread"),
    "subnormals": (X * 1e-310, ValueError, r"X column 0 has a spread of .*e-30.*multiply it by a constant", r"X column 0 has a spread"),
    "long double beyond float64": (X.astype(np.longdouble) * np.longdouble("1e400"), ValueError, r"X has 240 entries .*NaN or infinite", "infinity|too large"),
    "n < K": (X[:2], ValueError, r"n_components is 3 but there are only 2 rows.*at most as many components as rows", r"n_samples >= n_components|n_components"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ROWS)
@pytest.mark.parametrize("door", [fit, select])
def test_bad_rows(door, name):
    rows, error, message, _ = BAD_ROWS[name]
    refused(lambda: door(rows), error, message)


@pytest.mark.parametrize("name", [name for name, row in BAD_ROWS.items() if row[3] is not WIDER])
def test_bad_rows_for_the_estimator(name):
    rows, _, _, message = BAD_ROWS[name]
    refused(lambda: fastem.GaussianMixture(3).fit(rows), (TypeError, ValueError), message)


# Weights of rows ----------------------------------------------------------------------------------

BAD_WEIGHTS = {
    "NaN": (
        np.r_[np.nan, np.ones(119)],
        ValueError,
        r"sample_weight holds 1 .*row 0: nan; weights must be finite",
    ),
    "inf": (
        np.r_[np.ones(119), np.inf],
        ValueError,
        r"sample_weight holds 1 .*row 119: inf; weights must be finite",
    ),
    "negative": (
        np.r_[1, -2.5, np.ones(118)],
        ValueError,
        r"sample_weight holds 1 .*row 1: -2\.5; .*at least 0",
    ),
    "all 0": (
        np.zeros(120),
        ValueError,
        r"sample_weight is zero for every row; at least one row must count",
    ),
    "too few": (
        np.ones(7),
        ValueError,
        r"sample_weight has shape \(7,\); give one weight a row, shape \(120,\)",
    ),
    "a column": (
        np.ones((120, 1)),
        ValueError,
        r"sample_weight has shape \(120, 1\); give one weight a row",
    ),
    "text": (["1"] * 120, TypeError, r"sample_weight has dtype <U1; give numbers"),
    "complex": (np.full(120, 1j), TypeError, r"sample_weight is complex .*give real numbers"),
    "fewer rows that count than K": (
        np.r_[1, 1, np.zeros(118)],
        ValueError,
        r"only 2 rows of weight above 0|n_samples >= n_components .*n_samples = 2",
    ),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
@pytest.mark.parametrize(
    "door", [fit, select, lambda X, **more: fastem.GaussianMixture(3).fit(X, **more)]
)
def test_bad_weights(door, name):
    weight, error, message = BAD_WEIGHTS[name]
    refused(lambda: door(X, sample_weight=weight), error, message)


# Parameters ---------------------------------------------------------------------------------------

BAD_PARAMETERS = [
    ("n_components", 0, ValueError, r"n_components is 0; it must be at least 1"),
    ("n_components", -3, ValueError, r"n_components is -3; it must be at least 1"),
    ("n_components", 2.0, TypeError, r"n_components is 2\.0 of type float; give a whole number"),
    ("n_components", "2", TypeError, r"n_components is '2' of type str; give a whole number"),
    ("n_components", None, TypeError, r"n_components is None .*give a whole number"),
    ("n_components", True, TypeError, r"n_components is True .*give a whole number"),
    ("n_components", np.nan, TypeError, r"n_components is nan .*give a whole number"),
    ("n_components", 10**30, ValueError, r"n_components is 10{30} but there are only 120 rows"),
    ("covariance_type", "fulll", ValueError, r"covariance_type is 'fulll'; .*'full'"),
    ("covariance_type", None, (TypeError, ValueError), r"covariance_type.*None"),
    ("covariance_type", 3, (TypeError, ValueError), r"covariance_type.*3"),
    ("tol", -1e-3, ValueError, r"tol is -0\.001; it must be finite and at least 0"),
    ("tol", np.nan, ValueError, r"tol is nan; it must be finite and at least 0"),
    ("tol", "1", TypeError, r"tol is '1'; give a number of at least 0"),
    ("tol", None, TypeError, r"tol is None; give a number of at least 0"),
    ("tol", 1j, TypeError, r"tol is 1j; give a number of at least 0"),
    ("reg_covar", -1.0, ValueError, r"reg_covar is -1\.0; it must be finite and at least 0"),
    ("reg_covar", np.inf, ValueError, r"reg_covar is inf; it must be finite and at least 0"),
    ("reg_covar", "x", TypeError, r"reg_covar is 'x'; give a number of at least 0"),
    ("max_iter", -1, ValueError, r"max_iter is -1; it must be at least 1"),
    ("max_iter", 1.5, TypeError, r"max_iter is 1\.5 of type float; give a whole number"),
    ("n_init", 0, ValueError, r"n_init is 0; it must be at least 1"),
    ("n_init", None, TypeError, r"n_init is None .*give a whole number"),
    ("init", "kmeans++", ValueError, r"init is 'kmeans\+\+'; use one of .*'k-means\+\+'"),
    ("random_state", -1, ValueError, r"random_state is -1; it must be at least 0"),
    ("random_state", "now", TypeError, r"random_state is 'now' of type str; .* numpy.random.Generator or None"),
    ("accelerate", "no", TypeError, r"accelerate is 'no'.*True or False"),
    ("progress", 1, TypeError, r"progress is 1.*True or False"),
    ("callback", 5, TypeError, r"callback is 5; give a function of one argument"),
    ("criterion", "best", ValueError, r"criterion is 'best'; use one of 'aic', 'bic', 'icl'"),
    ("turbo", True, TypeError, r"turbo"),
]  # fmt: skip
ONLY_SELECT = {"criterion"}
ESTIMATORS = {"init": "init_params"}
#: GaussianMixture has no such parameter, or gives the value a meaning.
NOT_ESTIMATOR = {
    ("callback", 5),
    ("criterion", "best"),
    ("reg_covar", np.inf),
    ("n_components", 10**30),
}


@pytest.mark.parametrize(("name", "value", "error", "message"), BAD_PARAMETERS)
@pytest.mark.parametrize("door", [fit, select])
def test_bad_parameters(door, name, value, error, message):
    if door is fit and name in ONLY_SELECT:
        message = "criterion"
        error = TypeError
    options = {"K": value} if name == "n_components" else {name: value}
    if door is select and name == "n_components" and isinstance(value, str):
        message = message.replace("'2'", ".2.")
    refused(lambda: door(X, **options), error, message)


@pytest.mark.parametrize(
    ("name", "value"), [row[:2] for row in BAD_PARAMETERS if row[:2] not in NOT_ESTIMATOR]
)
def test_bad_parameters_of_the_estimator(name, value):
    name = ESTIMATORS.get(name, name)
    said = re.escape(str(value))
    message = rf"'{name}' .* must be .* Got .*{said}|{name} is {said}.*; give|unexpected keyword .*'{name}'|'-1' cannot be used"
    refused(
        lambda: fastem.GaussianMixture(**{"n_components": 2, name: value}).fit(X),
        (TypeError, ValueError),
        message,
    )


BAD_STARTS = [
    ("weights_init", [0.5, 0.6], ValueError, r"weights_init sum to 1\.1; divide them"),
    ("weights_init", [1.5, -0.5], ValueError, r"weights_init\[1\] is -0\.5; weights must be at least 0"),
    ("weights_init", [1.0], ValueError, r"weights_init has shape \(1,\); it must be \(2,\)"),
    ("weights_init", [np.nan, 1.0], ValueError, r"weights_init holds NaN or infinity; give finite"),
    ("weights_init", "ab", TypeError, r"weights_init has dtype <U2; give numbers"),
    ("means_init", np.zeros((3, 2)), ValueError, r"means_init has shape \(3, 2\); it must be \(2, 2\)"),
    ("means_init", [[0, 0], [np.inf, 1]], ValueError, r"means_init holds NaN or infinity; give finite"),
    ("covariances_init", np.eye(2), ValueError, r"covariances_init has shape \(2, 2\); it must be \(2, 2, 2\)"),
    ("covariances_init", [np.eye(2), [[1, 2], [2, 1]]], ValueError, r"covariances_init: .*covariance 1 is not positive definite; give"),
    ("covariances_init", [np.eye(2), [[1, 0.5], [0, 1]]], ValueError, r"covariances_init: .*not symmetric.*0\.5; average"),
    ("covariances_init", np.zeros((2, 2, 2)), ValueError, r"covariances_init: .*not positive definite; give"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "error", "message"), BAD_STARTS)
def test_bad_starts(name, value, error, message):
    refused(lambda: fit(X, 2, **{name: value}), error, message)
