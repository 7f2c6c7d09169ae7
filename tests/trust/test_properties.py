"""What must hold for whatever rows Hypothesis can think of, and for every change of units."""

import contextlib
import functools

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastem

SETTINGS = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
kinds = st.sampled_from(oracle.COVARIANCE_TYPES)
DTYPES = st.sampled_from(["f8", "f4", "f2", "i1", "i8", "u2", "?", ">f8"])


@st.composite
def hostile_arrays(draw):
    """Rows of any dtype: huge, tiny, equal, not finite, few or none."""
    dtype = np.dtype(draw(DTYPES))
    shape = draw(st.tuples(st.integers(0, 30), st.integers(0, 6)))
    elements = None
    if dtype.kind == "f":
        width = {2: 16, 4: 32, 8: 64}[dtype.itemsize]
        special = [0.0, -0.0, 1.0, 1.5, np.nan, np.inf]
        elements = st.floats(width=width) | st.sampled_from(special)
        if draw(st.booleans()):  # mostly what can be fitted
            elements = st.integers(-9, 9).map(float)
    fill = st.just(draw(st.sampled_from([0, 1])))
    return draw(hnp.arrays(dtype, shape, elements=elements, fill=fill))


def can_be_fitted(X, least, weight=None):
    """Finite, enough rows that count, and nothing whose square would over- or underflow."""
    rows = X.astype(float)
    sizes = np.abs(rows[rows != 0])
    n = len(rows) if weight is None else np.count_nonzero(weight)
    return rows.size and n >= least and bool(((sizes > 1e-100) & (sizes < 1e100)).all())


@given(hostile_arrays(), st.integers(1, 5), kinds, st.booleans())
@SETTINGS
def test_any_array_is_fitted_or_refused(X, K, kind, weighted):
    """A ValueError that names X or n_components, or a valid mixture: never anything else."""
    weight = np.arange(len(X)) % 3 if weighted else None
    try:
        fitted = fastem.fit(
            X, K, covariance_type=kind, sample_weight=weight, random_state=0, n_init=2
        )
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal is not None:
        assert refusal.split()[0] in ("X", "n_components", "sample_weight")
        assert ";" in refusal  # a remedy follows
        assert not can_be_fitted(X, K, weight), refusal
        return
    assert np.isfinite(X.astype(float)).all()
    mixture = fastem.Mixture(*fitted.mixture._parameters, kind)  # checks it all
    assert np.isfinite(fitted.trace).all()
    slack = 1e-2 if X.dtype.itemsize == 4 else 1e-6
    assert (np.diff(fitted.trace) >= -slack * (1 + np.abs(fitted.trace).max())).all()
    assert mixture.predict(X).max() < K


@given(hostile_arrays(), st.integers(1, 5), kinds)
@SETTINGS
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_any_array_is_fitted_or_refused_by_the_estimator(X, K, kind):
    model = fastem.GaussianMixture(K, covariance_type=kind, random_state=0)
    with contextlib.suppress(ValueError):
        model.fit(X)
    if not hasattr(model, "mixture_"):
        assert not can_be_fitted(X, max(K, 2))
        return
    assert np.isfinite(X.astype(float)).all()
    assert np.isfinite(model.score(X))
    assert (np.linalg.eigvalsh(model.mixture_.full_covariances) > 0).all()


BLOBS, LABELS = oracle.sample(
    np.random.default_rng(0),
    400,
    np.array([0.5, 0.3, 0.2]),
    np.array([[0.0, 0.0, 1.0], [6.0, 0.0, 1.0], [0.0, 6.0, -1.0]]),
    np.ones(3),
    "spherical",
)
BLOBS = np.rint(BLOBS * 2**10) / 2**10  # so that sums with whole numbers are exact


def fit_of(X, kind):
    return fastem.fit(X, 3, covariance_type=kind, random_state=0, n_init=5)


@functools.cache
def plain_fit(kind):
    return fit_of(BLOBS, kind)


def same_clustering(kind, X, jacobian, tolerance):
    plain, fitted = plain_fit(kind), fit_of(X, kind)
    labels, expected = fitted.mixture.predict(X), plain.mixture.predict(BLOBS)
    assert oracle.adjusted_rand_index(labels, expected) == 1.0
    shift = fitted.log_likelihood - (plain.log_likelihood - len(X) * jacobian)
    assert abs(shift) <= tolerance * (abs(plain.log_likelihood) + abs(len(X) * jacobian))


@given(kinds, st.lists(st.integers(-(2**30), 2**30), min_size=3, max_size=3))
@example("full", [10**8, -(10**8), 10**8])
@SETTINGS
def test_rows_moved_by_a_constant(kind, offset):
    same_clustering(kind, BLOBS + offset, 0.0, 1e-7)


powers = st.lists(st.integers(-400, 400), min_size=3, max_size=3)


@given(kinds, powers)
@SETTINGS
def test_columns_scaled_by_powers_of_two_are_exact(kind, exponents):
    if kind == "spherical":
        exponents = exponents[:1] * 3
    scale = np.exp2(exponents)
    same_clustering(kind, BLOBS * scale, np.log(scale).sum(), 1e-13)


@given(kinds, st.lists(st.floats(1e-9, 1e9), min_size=3, max_size=3), st.booleans())
@SETTINGS
def test_columns_scaled_by_anything(kind, scale, mirrored):
    if kind == "spherical":
        scale = scale[:1] * 3
    signs = [-1.0, 1.0, 1.0] if mirrored else 1.0
    same_clustering(kind, BLOBS * scale * signs, np.log(scale).sum(), 1e-7)
