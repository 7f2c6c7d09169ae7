"""Proportional variances and matrices, against SciPy's minimum of the same objective."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from fastem.kernels.proportional import proportional_matrices, proportional_variances

K, D = 3, 4
TO_THE_END = 1e-13, 0.0, 500


def problem(seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(K, D, D + 2))
    return rng.dirichlet(np.full(K, 3.0)), roots @ roots.swapaxes(1, 2)


def loss(shares, spread, variances):
    return shares @ (np.log(variances) + spread / variances).sum(axis=1)


def test_variances_are_scipys_minimum():
    shares, scatters = problem()
    spread = np.diagonal(scatters, axis1=1, axis2=2).copy()

    def at(logs):
        return loss(shares, spread, np.exp(logs[:K, None] + logs[None, K:]))

    least = minimize(at, np.zeros(K + D), tol=1e-12).fun
    volumes, shape = np.ones(K), np.empty(D)
    proportional_variances(shares, spread, volumes, shape, 0.0, *TO_THE_END)
    assert loss(shares, spread, volumes[:, None] * shape) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("floor", [0.5, 5.0, 1e3])
def test_above_a_floor_each_volume_is_the_best_of_a_grid(floor):
    shares, scatters = problem()
    spread = np.diagonal(scatters, axis1=1, axis2=2).copy()
    volumes, shape = np.full(K, floor), np.ones(D)
    before = loss(shares, spread, np.full((K, D), floor))
    proportional_variances(shares, spread, volumes, shape, floor, *TO_THE_END)
    variances = volumes[:, None] * shape
    assert variances.min() >= floor * (1 - 1e-12)
    found = loss(shares, spread, variances)
    assert found <= before + 1e-12
    for k in range(K):
        for other in np.geomspace(floor / shape.min(), 100 * volumes.max(), 2000):
            tried = volumes.copy()
            tried[k] = other
            assert loss(shares, spread, tried[:, None] * shape) >= found - 1e-9


def test_matrices_are_scipys_minimum():
    shares, scatters = problem()
    lower = np.tril_indices(D)

    def at(parameters):
        volumes, factor = np.exp(np.append(0.0, parameters[: K - 1])), np.zeros((D, D))
        factor[lower] = parameters[K - 1 :]
        matrix = factor @ factor.T
        traces = np.trace(np.linalg.solve(matrix, scatters), axis1=1, axis2=2)
        return shares @ (D * np.log(volumes) + np.linalg.slogdet(matrix)[1] + traces / volumes)

    start = np.concatenate([np.zeros(K - 1), np.eye(D)[lower]])
    least = minimize(at, start, tol=1e-10).fun
    volumes, matrices = np.ones(K), np.zeros((3, D, D))
    assert proportional_matrices(shares, scatters, volumes, matrices, *TO_THE_END)
    factor = np.linalg.cholesky(matrices[0])
    own = np.concatenate([np.log(volumes[1:] / volumes[0]), np.sqrt(volumes[0]) * factor[lower]])
    assert at(own) == pytest.approx(least, abs=1e-8)
    precision = matrices[2].T @ matrices[2]
    assert_allclose(precision, np.linalg.inv(matrices[0]), rtol=1e-8, atol=1e-12)


def test_a_singular_matrix_is_told():
    scatters = np.ones((K, D, D))
    matrices = np.zeros((3, D, D))
    given = np.full(K, 1 / K), scatters, np.ones(K), matrices
    assert not proportional_matrices(*given, *TO_THE_END)


def test_a_share_of_the_first_change_ends_it_early():
    """Half of the first change: the second step, or one soon after, is the last."""
    shares, scatters = problem()
    spread = np.diagonal(scatters, axis1=1, axis2=2).copy()
    ends = []
    for share, steps in (0.0, 1), (1.0, 500), (0.0, 500):
        volumes, shape = np.ones(K), np.empty(D)
        proportional_variances(shares, spread, volumes, shape, 0.0, 0.0, share, steps)
        ends.append(volumes)
    assert_allclose(ends[0], ends[1], rtol=0)
    assert not np.allclose(ends[0], ends[2], rtol=1e-9)
