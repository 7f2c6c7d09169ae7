"""Components that are an accident of the likelihood are told, and no trace falls."""

import numpy as np
import pytest

import fastem
from fastem.covariance import FAMILIES, Bounds, Parameters, singular, unsound
from fastem.kernels.floor import ROUNDING, raised
from fastem.kernels.wide import COLUMNS
from fastem.moments import Moments

ELLIPSOIDAL = ["VVV", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"]
DIAGONAL = ["EII", "VII", "EEI", "VEI", "EVI", "VVI"]
FREE = Bounds(np.zeros(2), 1e-10)


def rows_in_a_line():
    """Twenty rows of one cluster, and four in a line."""
    cluster = np.random.default_rng(0).normal(size=(20, 2))
    return np.concatenate([cluster, [[8, 8], [9, 9], [10, 10], [11, 11]]])


@pytest.mark.parametrize("name", [*ELLIPSOIDAL, *DIAGONAL])
def test_no_component_runs_away_and_is_called_converged(name):
    """Oracle: the variance of all rows, which no component of a sound fit exceeds by far."""
    X = rows_in_a_line()
    fitted = fastem.fit(X, 2, covariance_type=name, random_state=0)
    if fitted.status.code == "converged":
        values = np.linalg.eigvalsh(fitted.mixture.full_covariances)
        assert values.max() < 10 * X.var(axis=0).sum()
        assert values.min() > 1e-8


@pytest.mark.parametrize("name", [*ELLIPSOIDAL, *DIAGONAL])
def test_no_trace_falls(name):
    """Oracle: EM, whose likelihood never falls, whatever bounds its covariances meet."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(int(rng.integers(8, 30)), int(rng.integers(2, 4))))
        X[: len(X) // 4] = np.outer(np.arange(len(X) // 4), np.ones(X.shape[1]))
        fitted = fastem.fit(X, 3, covariance_type=name, random_state=seed, n_init=2)
        assert (np.diff(fitted.trace) > -1e-9 * (1 + np.abs(fitted.trace[1:]))).all()
        if fitted.status.code == "converged":
            exact = fitted.mixture.log_prob(X).sum()
            assert fitted.log_likelihood == pytest.approx(exact, rel=1e-8, abs=1e-8)


def test_a_rank_deficient_covariance_is_told_however_it_is_scaled():
    X = np.random.default_rng(1).normal(size=(60, 6))
    X[:, 5] = X[:, :5].sum(axis=1)
    X[0] *= 5e6
    fitted = fastem.fit(X, 1)
    assert fitted.status.code == "collapsed"
    assert "singular" in fitted.status.text


def test_few_rows_are_told():
    """Two rows of two columns lie in a line, and three span the plane."""
    weights, means, spread = np.array([0.98, 0.02]), np.zeros((2, 2)), np.stack([np.eye(2)] * 2)
    moments = Moments(means, 1.0, 0.0, 0.0, weights, means, weights[:, None, None] * spread)
    parameters = Parameters(weights, means, spread)
    few = [unsound(parameters, moments, FAMILIES["full"], FREE, n).few.tolist() for n in (100, 150)]
    assert few == [[False, True], [False, False]]


def test_a_sound_fit_comes_before_a_likelier_one_that_is_not():
    """Oracle: the best of starts that put a component on three rows in a line is likelier."""
    X = rows_in_a_line()
    choice = fastem.select(X, [1, 2, 3], covariance_type="EVV", random_state=0)
    assert choice.best.status.code == "converged"


@pytest.mark.parametrize("n_rows", [COLUMNS // 2, COLUMNS - 5, COLUMNS + 2])
@pytest.mark.parametrize("floor", [1e-10, 1e-18, 0.3])
def test_many_columns_are_held_at_the_floor(n_rows, floor):
    """Oracle: NumPy's eigenvalues, those below the floor or rounding raised."""
    rows = np.random.default_rng(n_rows).normal(size=(n_rows, COLUMNS))
    covariance = np.cov(rows.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    least = max(floor, 2 * ROUNDING * COLUMNS * values[-1])
    found = raised(covariance.copy(), floor)
    expected = (vectors * np.maximum(values, least)) @ vectors.T
    assert np.array_equal(found, found.T)
    assert abs(found - expected).max() <= 1e-13 * values[-1]
    lowest = max(values[0], least)
    assert abs(np.linalg.eigvalsh(found)[0] - lowest) <= 0.1 * lowest
    parameters = Parameters(np.ones(1), np.zeros((1, COLUMNS)), found[None])
    bounds = Bounds(np.zeros(COLUMNS), floor)
    assert singular(parameters, FAMILIES["full"], bounds)[0] == (values[0] < least)
    FAMILIES["full"].factor(parameters)
