"""Many passes in one call, against textbook EM; the bits of Python's steps are in em/test_steps."""

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose

from fastem import em
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.kernels import em_passes as kernel
from fastem.rows import MemoryRows
from fastem.units import Units

K, D = 3, 2


@pytest.fixture
def ends(monkeypatch):
    """How each call of compiled code ended."""
    noted, run_passes = [], kernel.run_passes

    def watched(*args):
        noted.append(run_passes(*args))
        return noted[-1]

    monkeypatch.setattr(kernel, "run_passes", watched)
    return noted


def problem(covariance_type, n=200):
    rng = np.random.default_rng(0)
    start = Parameters(*oracle.random_mixture(rng, K, D, covariance_type))
    return oracle.sample(rng, n, *start, covariance_type)[0], start


def run(X, start, covariance_type="full", weight=None, floor=0.0, max_iter=10):
    rows = MemoryRows(X, weight, Units(np.zeros(D), np.ones(D)))
    how = {"rule": em.Rule(), "accelerate": False, "max_iter": max_iter}
    bounds = Bounds(np.zeros(D), floor)
    return em.run(rows, family_by_name(covariance_type), start, bounds=bounds, **how)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariance_type", oracle.COVARIANCE_TYPES)
def test_passes_are_those_of_textbook_em(covariance_type, weighted, ends):
    X, start = problem(covariance_type)
    weight = 1.0 + np.arange(200.0) % 3 if weighted else None
    found = run(X, start, covariance_type, weight)
    expected, trace = oracle.em(X, *start, covariance_type, 10, weight)
    assert [how for how, _ in ends] == [kernel.DONE]
    assert_allclose(found.trace, trace, rtol=1e-12)
    for mine, theirs in zip(found.parameters, expected, strict=True):
        assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    moments = oracle.moments(X, *expected, covariance_type, found.moments.second.ndim == 2, weight)
    assert_allclose(found.moments.counts, moments.counts, rtol=1e-9)
    assert_allclose(found.moments.second, moments.second, rtol=1e-8, atol=1e-8)


def test_a_covariance_below_the_floor_is_raised_once_in_python(ends):
    """Oracle: all variances are on the floor."""
    X, start = problem("full")
    found = run(X, start, floor=100.0, max_iter=5)
    assert [how for how, _ in ends] == [kernel.MAXIMISE, kernel.DONE]
    expected = np.tile(100.0 * np.eye(D), (K, 1, 1))
    assert_allclose(found.parameters.covariances, expected, atol=1e-10)


def test_a_covariance_that_cannot_be_factored_is_told(ends):
    """One component has rows at its mean alone, without a floor: its covariance is exactly 0."""
    X, start = problem("full")
    start.means[1] = 1000.0
    with pytest.raises(np.linalg.LinAlgError, match="covariance 1 is not positive definite"):
        run(np.r_[X, np.full((50, D), 1000.0)], start)
    assert ends[-1][0] in (kernel.SINGULAR, kernel.MAXIMISE)
