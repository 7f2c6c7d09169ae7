"""M steps of the parsimonious families, against closed forms and fixed points in NumPy.

That no member of a family does better is tried by brute force in covariance/test_mclust_families.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from fastem.compiler.options import read_only
from fastem.kernels import parsimonious

K, D = 3, 4
STEPS = 2000


def problem(diagonal=False):
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(K, D, D + 2))
    scatters = roots @ roots.swapaxes(1, 2) / D
    spread = np.diagonal(scatters, axis1=1, axis2=2) if diagonal else scatters
    return rng.dirichlet(np.full(K, 3.0)), spread


def maximised(name, weights, spread, ridge=None, floor=0.0, before=None):
    ridge = np.zeros(D) if ridge is None else ridge
    statistics = np.concatenate([weights, np.full(K * D, np.nan), spread.ravel()])
    found, start = np.empty(spread.size), np.empty(0) if before is None else before.ravel()
    given = read_only(statistics), (K, D), read_only(ridge), floor, read_only(start)
    getattr(parsimonious, name)(*given, found)
    return found.reshape(spread.shape)


def along_own_axes(scatters):
    values, axes = np.linalg.eigh(scatters)
    return values, lambda variances: np.einsum("kid,kd,kjd->kij", axes, variances, axes)


def equal_volumes(weights, spread):
    own = np.exp(np.log(spread).mean(axis=1))
    return weights @ own * spread / own[:, None]


def equal_shapes(weights, spread):
    """The fixed point of Celeux and Govaert's two half steps."""
    volumes = np.ones(K)
    for _ in range(STEPS):
        shape = weights @ (spread / volumes[:, None])
        volumes = (spread / shape).mean(axis=1)
    return volumes[:, None] * shape


def proportional(weights, scatters):
    volumes = np.ones(K)
    for _ in range(STEPS):
        matrix = np.einsum("k,kij->ij", weights / volumes, scatters)
        volumes = np.trace(np.linalg.solve(matrix, scatters), axis1=1, axis2=2) / D
    return volumes[:, None, None] * matrix


def ellipsoids(of_variances):
    def of(weights, scatters):
        values, composed = along_own_axes(scatters)
        return composed(of_variances(weights, values))

    return of


ORACLES = {
    "vei": equal_shapes,
    "evi": equal_volumes,
    "eev": ellipsoids(lambda weights, values: np.tile(weights @ values, (K, 1))),
    "vev": ellipsoids(equal_shapes),
    "evv": ellipsoids(equal_volumes),
    "vee": proportional,
}


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("name", ORACLES)
def test_covariances_are_those_of_numpy(name, begun):
    weights, spread = problem(diagonal=name in ("vei", "evi"))
    expected = ORACLES[name](weights, spread)
    # Begun at its end an iteration has no way to go.
    found = maximised(name, weights, spread, before=expected if begun else None)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ORACLES)
def test_a_ridge_is_added_to_the_variances_of_the_rows(name):
    weights, spread = problem(diagonal=name in ("vei", "evi"))
    ridge = np.arange(1.0, D + 1)
    more = spread + (ridge if spread.ndim == 2 else np.diag(ridge))
    assert_allclose(
        maximised(name, weights, spread, ridge), maximised(name, weights, more), rtol=1e-12
    )


@pytest.mark.parametrize("name", ORACLES)
def test_rows_without_extent_are_held_up_by_the_floor(name):
    """One component's rows lie at a point, and others' are of their extent."""
    weights, spread = problem(diagonal=name in ("vei", "evi"))
    spread = spread.copy()
    spread[1] = 0.0
    found = maximised(name, weights, spread, floor=1e-3)
    least = found.min() if found.ndim == 2 else np.linalg.eigvalsh(found).min()
    assert least >= 1e-3 * (1 - 1e-9)


def test_proportional_matrices_are_scipys_minimum():
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
    assert parsimonious.proportional_matrices(shares, scatters, volumes, matrices, 1e-13, 0.0, 500)
    factor = np.linalg.cholesky(matrices[0])
    own = np.concatenate([np.log(volumes[1:] / volumes[0]), np.sqrt(volumes[0]) * factor[lower]])
    assert at(own) == pytest.approx(least, abs=1e-8)
    precision = matrices[2].T @ matrices[2]
    assert_allclose(precision, np.linalg.inv(matrices[0]), rtol=1e-8, atol=1e-12)


def test_a_singular_matrix_is_told():
    scatters = np.ones((K, D, D))
    matrices = np.zeros((3, D, D))
    given = np.full(K, 1 / K), scatters, np.ones(K), matrices
    assert not parsimonious.proportional_matrices(*given, 1e-13, 0.0, 500)
