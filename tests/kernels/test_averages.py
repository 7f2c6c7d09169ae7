"""M steps that average covariances, against NumPy's averages."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.compiler.options import read_only
from fastem.kernels import averages

K = 3
RIDGE, FLOOR = 0.1, 0.6
#: Of weights, matrices (K, D, D) or variances (K, D) of rows, a ridge (D,) and a floor.
FULL = {
    "full": lambda w, S, ridge, floor: S + np.diag(ridge),
    "tied": lambda w, S, ridge, floor: np.average(S, axis=0, weights=w) + np.diag(ridge),
}
DIAGONAL = {
    "diagonal": lambda w, s, ridge, floor: np.maximum(s + ridge, floor),
    "equal_diagonal": lambda w, s, ridge, floor: np.tile(np.maximum(w @ (s + ridge), floor), K),
    "spherical": lambda w, s, ridge, floor: np.maximum((s + ridge).mean(axis=1), floor),
    "equal_spherical": lambda w, s, ridge, floor: np.full(
        s.shape, max(w @ (s + ridge).mean(axis=1), floor)
    ),
}


def problem(D):
    rng = np.random.default_rng(D)
    roots = rng.normal(size=(K, D, D + 2))
    ridge = RIDGE * np.arange(1.0, D + 1)
    return rng.dirichlet(np.full(K, 3.0)), roots @ roots.swapaxes(1, 2), ridge


@pytest.mark.parametrize("D", [1, 4])
@pytest.mark.parametrize("name", [*FULL, *DIAGONAL])
def test_covariances_are_the_averages_of_numpy(name, D):
    weights, spread, ridge = problem(D)
    if name in DIAGONAL:
        spread = np.diagonal(spread, axis1=1, axis2=2)
    expected = (FULL | DIAGONAL)[name](weights, spread, ridge, FLOOR).ravel()
    statistics = np.concatenate([weights, np.full(K * D, np.nan), spread.ravel()])
    found = np.full(expected.size, np.nan)
    given = read_only(statistics), (K, D), read_only(ridge), FLOOR, read_only(np.empty(0))
    getattr(averages, name)(*given, found)
    assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("name", DIAGONAL)
def test_variances_are_no_less_than_the_floor(name):
    statistics = np.concatenate([np.full(K, 1 / K), np.zeros(K * 2), np.zeros(K * 2)])
    found = np.empty(K if name == "spherical" else 2 * K)
    given = read_only(statistics), (K, 2), read_only(np.zeros(2)), FLOOR, read_only(np.empty(0))
    getattr(averages, name)(*given, found)
    assert (found == FLOOR).all()
