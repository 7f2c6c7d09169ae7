"""What is refused, by every door of the package, in words that say what was wrong and why.

Each row of the tables is one hostile argument: the error that `fit` and `select` raise, and what
its message says; then what GaussianMixture says, in scikit-learn's words where it has some.
"""
# ruff: noqa: E501 - a table is read line by line

import functools
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
    "records": (np.zeros(4, [("a", "f8"), ("b", "f8")]), TypeError, r"X is a structured array with the fields a, b; .* columns=", "Cannot cast"),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError, r"X is not an array: its rows differ in length", "inhomogeneous|setting an array"),
    "masked": (np.ma.masked_greater(X, 8), ValueError, r"X has \d+ masked entries; fill or drop", r"X has \d+ masked entries; fill or drop"),
    "frame with a hole": (pd.DataFrame(with_bad(np.nan, (7, 1))), ValueError, r"X has 1 entry .*row 7, column 1.*fill or drop", NOT_FINITE),
    "frame of text": (pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}), TypeError, r"X column 'a' holds 'x'; give numbers", "'x'|string"),
    "polars with a hole": (pl.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 4.0]}), ValueError, r"X has 1 entry .*row 1, column 'a'", NOT_FINITE),
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
    ("checkpoint", 5, TypeError, r"checkpoint is 5; give the path of a file"),
    ("checkpoint", "", ValueError, r"checkpoint is '', which no file can be called; give another"),
    ("turbo", True, TypeError, r"turbo"),
]  # fmt: skip
ONLY_SELECT = {"criterion"}
ESTIMATORS = {"init": "init_params"}
#: GaussianMixture has no such parameter, or gives the value a meaning.
NOT_ESTIMATOR = {
    ("callback", 5),
    ("checkpoint", 5),
    ("checkpoint", ""),
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


# What is made when a test first asks for it -------------------------------------------------------


@functools.cache
def fitted():
    return fit(X, 2)


@functools.cache
def choice():
    return fastem.select(X, [1, 2], n_init=2, random_state=0)


@functools.cache
def moments():
    return MIXTURE.summarise(X)


@functools.cache
def spread():
    return fastem.bootstrap(fitted(), X, 3, random_state=0)


@functools.cache
def record():
    made = fastem.Recorder()
    fastem.fit(X, 2, n_init=1, max_iter=1, random_state=0, callback=made)
    return made


MADE = fitted, choice, moments, spread, record


def made(value):
    """A value of a table."""
    return value() if any(value is each for each in MADE) else value


# What is asked of mixtures, noise, moments and choices -------------------------------------------

MIXTURE = fastem.Mixture([0.5, 0.5], [[0, 0], [8, 8]], [np.eye(2), np.eye(2)])
NOISE = fastem.Noise(0.1, [0, 0], [4, 5])
WHOLE = r"give a whole number"

BAD_CALLS = [
    (NOISE.with_weight, "a", TypeError, r"weight is 'a'; give a number from 0 to 1"),
    (NOISE.with_weight, None, TypeError, r"weight is None; give a number from 0 to 1"),
    (NOISE.with_weight, True, TypeError, r"weight is True; give a number from 0 to 1"),
    (NOISE.with_weight, np.nan, ValueError, r"weight is nan; give a number from 0 to 1"),
    (NOISE.with_weight, -0.1, ValueError, r"weight is -0\.1; give a number from 0 to 1"),
    (NOISE.with_weight, 1.1, ValueError, r"weight is 1\.1; give a number from 0 to 1"),
    (NOISE.with_weight, 10**400, ValueError, r"weight is inf; give a number from 0 to 1"),
    (NOISE.marginal, 2, ValueError, r"columns: the noise has no column 2; .* positions from 0 to 1"),
    (NOISE.marginal, "a", ValueError, r"columns: the noise has no column 'a'; its columns have no names"),
    (NOISE.marginal, [], ValueError, r"columns: no column of the noise is chosen; give at least one"),
    (NOISE.span, [0, 0], ValueError, r"columns asks for column 0 of the noise twice; name each once"),
    (NOISE.span, [0.5], TypeError, r"columns: column 0\.5 is neither a name nor a position"),
    (NOISE.span, -1, ValueError, r"columns: the noise has no column -1; .* positions from 0 to 1"),
    (lambda n: NOISE.sample(n, RNG), -1, ValueError, r"n is -1; it must be at least 0"),
    (lambda n: NOISE.sample(n, RNG), 2.5, TypeError, r"n is 2\.5 of type float; give a whole number"),
    (lambda rng: NOISE.sample(2, rng), 5, TypeError, r"rng is of type int; give a numpy\.random\.Generator"),
    (lambda low: fastem.Noise(0.1, low, [1]), None, TypeError, r"noise\.low is None, not an array; give"),
    (lambda low: fastem.Noise(0.1, low, []), [], ValueError, r"noise\.low is empty; give"),
    (lambda low: fastem.Noise(0.1, low, [1]), [[1, 2], [3]], ValueError, r"noise\.low is not an array: its rows differ"),
    (lambda high: fastem.Noise(0.1, [0], high), None, TypeError, r"noise\.high is None, not an array; give"),
    (lambda high: fastem.Noise(0.1, [0], high), [0], ValueError, r"noise\.low\[0\] is 0 and noise\.high\[0\] is 0; give a box"),
    (lambda high: fastem.Noise(0.1, [-1e308], high), [1e308], ValueError, r"noise\.low\[0\] is -1e\+308 .*further apart than float64 holds; multiply"),
    (lambda weight: fastem.Noise(weight, [0], [1]), 1.5, ValueError, r"noise\.weight is 1\.5; give a number from 0 to 1"),
    (lambda noise: fastem.Mixture([1], [[0]], [[1]], "diag", noise), 0.1, TypeError, r"noise is of type float; give a fastem\.Noise, or None"),
    (lambda other: moments() + other, 5, TypeError, r"unsupported operand .*'Moments' and 'int'"),
    (lambda other: moments() + other.summarise(X), fastem.Mixture([1], [[0, 0]], [[1, 1]], "diag"), ValueError, r"moments about different means .*; take"),
    (lambda factor: moments().scaled(factor), "a", TypeError, r"factor is 'a'; give a number"),
    (lambda factor: moments().scaled(factor), -1, ValueError, r"factor is -1\.0; it must be finite and at least 0"),
    (lambda means: moments().moved(means), "a", TypeError, r"means has dtype <U1; give numbers"),
    (lambda means: moments().moved(means), 5.0, ValueError, r"means has shape \(\); it must be \(2, 2\)"),
    (MIXTURE.marginal, [0, 7], ValueError, r"columns: the mixture has no column 7; .* positions from 0 to 1"),
    (MIXTURE.marginal, None, TypeError, r"columns: column None is neither a name nor a position"),
    (lambda values: MIXTURE.condition(0, values), [[1], [2, 3]], ValueError, r"values is not an array: its rows differ"),
    (lambda values: MIXTURE.condition(0, values), [1, 2], ValueError, r"values has shape \(2,\); it must be \(1,\)"),
    (lambda columns: MIXTURE.predict_mean(columns, X), [0, 1], ValueError, r"columns are all 2 there are; leave"),
    (MIXTURE.sample, 2.5, TypeError, rf"n_samples is 2\.5 .*{WHOLE}"),
    (MIXTURE.save, None, TypeError, r"path is None; give the path of a file"),
    (MIXTURE.save, "", ValueError, r"path is '', which no file can be called; give another"),
    (MIXTURE.save, "a\0b", ValueError, r"path is 'a\\x00b', which no file can be called; give another"),
    (fastem.Mixture.load, 0, TypeError, r"path is 0; give the path of a file"),
    (fastem.Mixture.load, b"mixture.npz", TypeError, r"path is b'mixture\.npz'; give the path of a file"),
    (lambda path: MIXTURE.predict_to(path, X), 5, TypeError, r"path is 5; give the path of a file"),
    (lambda said: MIXTURE.predict_to("labels.npy", X, probabilities=said), "no", TypeError, r"probabilities is 'no'; give True or False"),
    (lambda row: choice().restarts_of(row), 0, TypeError, r"row is of type int; give one of the rows of table"),
    (lambda row: choice().restarts_of(row), X, TypeError, r"row is of type ndarray; give one of the rows of table"),
    (lambda aic: choice().restarts_of(choice().best_row._replace(aic=aic)), 0.0, ValueError, r"row is Row\(.*aic=0\.0.*, which is not in the table; give one"),
    (lambda by: choice().best_by(by), "best", ValueError, r"criterion is 'best'; use one of 'aic'"),
    (lambda X: fitted().bic(X), X[:, :1], ValueError, r"X has 1 columns but the mixture has 2; give"),
    (fastem.Recorder(), 5, TypeError, r"event is of type int; give the recorder to a fit as its callback"),
    (lambda k: fastem.select(X, k), [[1]], TypeError, rf"n_components is \[1\] of type list; {WHOLE}"),
    (lambda level: fastem.lrt(X, 2, level=level), "5%", TypeError, r"level is '5%'; give a number between 0 and 1"),
    (lambda said: fastem.lrt(X, 2, progress=said), "no", TypeError, r"progress is 'no'; give True or False"),
    (lambda fit: fastem.bootstrap(fit, X), MIXTURE, TypeError, r"fit is of type Mixture; give what fastem\.fit returned"),
    (fastem.GaussianMixture.from_mixture, fitted, TypeError, r"mixture is of type Fit; give a fastem\.Mixture, such as fit\.mixture"),
    (lambda n: fastem.GaussianMixture().fit(X).sample(n), "3", TypeError, rf"n_samples is '3' .*{WHOLE}"),
    (lambda n: fastem.GaussianMixture().fit(X).sample(n), 2.5, TypeError, rf"n_samples is 2\.5 .*{WHOLE}"),
    (lambda start: fastem.GaussianMixture(2, means_init=start).fit(X), [[1, 2], [3]], ValueError, r"means_init is not an array: its rows differ"),
    (lambda start: fastem.GaussianMixture(2, weights_init=start).fit(X), [np.nan, 1], ValueError, r"weights_init holds NaN or infinity; give"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "value", "error", "message"), BAD_CALLS)
def test_bad_calls(call, value, error, message):
    refused(lambda: call(made(value)), error, message)


# Rows elsewhere -----------------------------------------------------------------------------------

BAD_OPENINGS = [
    ({"path": 5}, TypeError, r"path is 5; give the path of a file"),
    ({"path": [5]}, TypeError, r"path is 5; give the path of a file"),
    ({"path": b"rows.csv"}, TypeError, r"path is b'rows\.csv'; give the path of a file"),
    ({"path": ""}, ValueError, r"path is '', which no file can be called"),
    ({"path": []}, ValueError, r"path is empty; give at least one file"),
    ({"columns": 0}, TypeError, r"columns is 0; give a list, such as \[0\]"),
    ({"columns": "a"}, TypeError, r"columns is 'a'; give a list, such as \['a'\]"),
    ({"columns": [0, 9]}, ValueError, r"columns: .*rows\.csv has no column 9; it has a, b"),
    ({"columns": ["c"]}, ValueError, r"columns: .*rows\.csv has no column 'c'; it has a, b"),
    ({"columns": [None]}, TypeError, r"columns: column None is neither a name nor a position; give"),
    ({"columns": []}, ValueError, r"no column of .*rows\.csv is chosen; give at least one in columns"),
    ({"sample_weight": "w"}, ValueError, r"sample_weight: .*rows\.csv has no column 'w'; it has a, b"),
    ({"sample_weight": True}, TypeError, r"sample_weight: column True is neither a name nor a position"),
    ({"sample_weight": [["a"]]}, ValueError, r"sample_weight has shape \(1, 1\).*; give one real number"),
    ({"member": "X"}, ValueError, r"member is 'X' but .*rows\.csv is no \.npz file; leave it out"),
    ({"dtype": "f8"}, ValueError, r"needs both dtype and n_columns; give the other"),
    ({"dtype": "zz", "n_columns": 2}, TypeError, r"dtype is 'zz'; give a type of NumPy's"),
    ({"dtype": "f8", "n_columns": 2.5}, TypeError, r"n_columns is 2\.5 .*give a whole number"),
    ({"memory": "much"}, ValueError, r"memory is 'much'; give a number of bytes or a text"),
    ({"memory": None}, TypeError, r"memory is None; give a number of bytes or a text"),
    ({"missing": "mean"}, ValueError, r"missing is 'mean'; use one of 'error', 'drop'"),
    ({"missing": None}, (TypeError, ValueError), r"missing is None.*'error', 'drop'"),
    ({"na_values": [None]}, TypeError, r"na_values holds None; give texts and numbers"),
    ({"skip_rows": "3"}, TypeError, r"skip_rows is '3' .*give a whole number"),
    ({"columns": ["b:a"]}, ValueError, r"columns: b:a runs backwards; write a:b"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "message"), BAD_OPENINGS)
def test_bad_openings(tmp_path, change, error, message):
    pd.DataFrame(X, columns=["a", "b"]).to_csv(tmp_path / "rows.csv", index=False)
    refused(lambda: fastem.rows.open(**{"path": tmp_path / "rows.csv"} | change), error, message)


BAD_BLOCKS = [
    (5, TypeError, r"make is of type int; give a function"),
    (lambda: 5, TypeError, r"make returned 5; let it return an iterable of arrays"),
    (lambda: None, TypeError, r"make returned None; let it return an iterable of arrays"),
    (lambda: [5], ValueError, r"block 0 of Blocks has shape \(\); each must be 2-dimensional"),
    (lambda: [], ValueError, r"Blocks gave no block; give at least one row"),
    (lambda: [X, X[:, :1]], ValueError, r"block 1 of Blocks has 1 columns .*; give all blocks the same"),
    (lambda: [X, with_bad(np.nan, (7, 1))], ValueError, r"row 127, column 1 .*is missing; 1 row has missing values, of 240: fill"),
    (lambda: [(X, ["a"] * 120)], TypeError, r"sample_weight of block 0 of Blocks has dtype <U1; give numbers"),
    (lambda: [(X, [1.0, 2.0])], ValueError, r"block 0 of Blocks has 120 rows and weights of shape \(2,\); give one"),
    (lambda: [(X, -np.ones(120))], ValueError, r"sample_weight of -1\.0 at row 0 .*at least 0"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), BAD_BLOCKS)
def test_bad_blocks(make, error, message):
    refused(lambda: fit(fastem.rows.Blocks(make)), error, message)


# Pictures -----------------------------------------------------------------------------------------

A_MIXTURE = r"mixture is of type Fit; give a fastem\.Mixture, such as fit\.mixture"
BAD_PICTURES = [
    ("replicates", {"made": fitted}, TypeError, r"made is of type Fit; give what fastem\.bootstrap returned"),
    ("replicates", {"columns": ["column 0", "height"]}, ValueError, r"columns: the mixture has no column 'height'; it has column 0, column 1"),
    ("replicates", {"columns": [None, 0]}, TypeError, r"columns: column None is neither a name nor a position"),
    ("replicates", {"columns": [0.0, 1.0]}, TypeError, r"columns: column 0\.0 is neither a name nor a position"),
    ("replicates", {"columns": 0}, TypeError, r"columns is 0; give a list, such as \[0\]"),
    ("replicates", {"columns": [0]}, ValueError, r"replicates draws two columns, not 1"),
    ("replicates", {"level": 1.5}, ValueError, r"level is 1\.5; give a number between 0 and 1"),
    ("selection", {"choice": fitted}, TypeError, r"choice is of type Fit; give what fastem\.select returned"),
    ("selection", {"criteria": 5}, TypeError, r"criteria is 5; give a list"),
    ("selection", {"criteria": []}, ValueError, r"criteria is empty; give at least one"),
    ("selection", {"criteria": ["bic", "best"]}, ValueError, r"criteria is 'best'; use one of 'aic', 'bic', 'icl'"),
    ("selection", {"criteria": "best"}, ValueError, r"criteria is 'best'; use one of 'aic'"),
    ("trace", {"fit": MIXTURE}, TypeError, r"fit is of type Mixture; give what fastem\.fit returned"),
    ("trace", {"ax": []}, TypeError, r"ax is of type list; give matplotlib Axes"),
    ("contours", {"mixture": fitted}, TypeError, A_MIXTURE),
    ("contours", {"components": 2}, TypeError, r"components is 2; give True or False"),
    ("ellipses", {"mixture": fitted}, TypeError, A_MIXTURE),
    ("ellipses", {"sigmas": 2}, TypeError, r"sigmas is 2; give a list"),
    ("ellipses", {"sigmas": [-1]}, ValueError, r"sigmas is -1\.0; it must be finite and at least 0"),
    ("ellipses", {"sigmas": [np.nan]}, ValueError, r"sigmas is nan; it must be finite"),
    ("clusters", {"mixture": fitted}, TypeError, A_MIXTURE),
    ("clusters", {"outline": "box"}, ValueError, r"outline is 'box'; use one of 'ellipses'"),
    ("clusters", {"columns": [[0], 1]}, TypeError, r"columns: column \[0\] is neither a name nor a position"),
    ("points", {"labels": [[1, 2], [3]]}, ValueError, r"labels is not an array: its rows differ"),
    ("points", {"labels": np.zeros(7, int)}, ValueError, r"labels has shape \(7,\).*; give one number"),
    ("density_1d", {"mixture": None}, TypeError, r"mixture is of type NoneType; give a fastem\.Mixture"),
    ("density_1d", {"X": [[1, 2], [3]]}, ValueError, r"X is not an array: its rows differ"),
    ("colour", {"component": "a"}, TypeError, r"component is 'a' .*give a whole number"),
    ("colour", {"component": -1}, ValueError, r"component is -1; it must be at least 0"),
    ("figure", {"n_rows": 0}, ValueError, r"n_rows is 0; it must be at least 1"),
    ("figure", {"n_columns": 1.5}, TypeError, r"n_columns is 1\.5 .*give a whole number"),
    ("figure", {"size": 5}, ValueError, r"size has shape \(\); it must be \(2,\)"),
    ("figure", {"size": (0, 4)}, ValueError, r"size is \(0, 4\); give a width and a height above 0"),
    ("frames", {"record": []}, TypeError, r"record is of type list; give the fastem\.Recorder"),
    ("frames", {"pattern": 5}, TypeError, r"pattern is 5; give the path of a file"),
    ("frames", {"pattern": "em-{iteration}.foo"}, ValueError, r"pattern is .*Pillow knows no pictures that end in '\.foo'; end it in \.png"),
    ("animate", {"path": 5}, TypeError, r"path is 5; give the path of a file"),
    ("animate", {"path": "em.foo"}, ValueError, r"the ending of path is '\.foo'; use one of '\.gif'"),
    ("animate", {"fps": "fast"}, TypeError, r"fps is 'fast'; give a number of at least 0\.1"),
]  # fmt: skip
GOOD = {
    "replicates": {"made": spread},
    "selection": {"choice": choice},
    "trace": {"fit": fitted},
    "contours": {"mixture": MIXTURE},
    "ellipses": {"mixture": MIXTURE},
    "clusters": {"mixture": MIXTURE, "X": X},
    "points": {"X": X, "labels": np.zeros(120, int)},
    "density_1d": {"mixture": MIXTURE.marginal(0), "X": X[:, 0]},
    "colour": {"component": 0},
    "figure": {},
    "frames": {"record": record, "X": X, "pattern": "em-{iteration}.png"},
    "animate": {"record": record, "X": X, "path": "em.gif"},
}


@pytest.mark.parametrize(("name", "change", "error", "message"), BAD_PICTURES)
def test_bad_pictures(tmp_path, monkeypatch, name, change, error, message):
    monkeypatch.chdir(tmp_path)
    given = {key: made(value) for key, value in (GOOD[name] | change).items()}
    refused(lambda: getattr(fastem.plot, name)(**given), error, message)
    assert list(tmp_path.iterdir()) == []


def test_columns_of_replicates_go_by_name_too():
    by_number = fastem.plot.replicates(spread(), columns=[1, 0])
    by_name = fastem.plot.replicates(spread(), columns=["column 1", "column 0"])
    assert by_name.get_xlabel() == by_number.get_xlabel() == "column 1"
    dots = [ax.collections[0].get_offsets() for ax in (by_name, by_number)]
    np.testing.assert_array_equal(*dots)


def test_rounding_beyond_shares_is_cut_off():
    assert NOISE.with_weight(1 + 1e-9).weight == 1.0
    assert NOISE.with_weight(-1e-9).weight == 0.0
