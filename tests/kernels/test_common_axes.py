"""Common principal axes, against all angles in the plane and against axes that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from fastem.compiler.options import read_only
from fastem.kernels import common_axes as kernel

K = 3
TO_THE_END = 1e-12, 0.0, 1000
models = pytest.mark.parametrize("name", ["vve", "eve"])


def problem(D, seed=0):
    rng = np.random.default_rng([seed, D])
    roots = rng.normal(size=(K, D, D + 1))
    return rng.dirichlet(np.full(K, 3.0)), roots @ roots.swapaxes(1, 2)


def with_known_axes(D, seed=0):
    rng = np.random.default_rng([seed, D])
    axes, variances = ortho_group.rvs(D, random_state=seed), np.exp(rng.normal(size=(K, D)))
    return rng.dirichlet(np.full(K, 3.0)), axes, variances, composed(axes, variances)


def composed(axes, variances):
    return np.einsum("id,kd,jd->kij", axes, variances, axes)


def likeliest(name, weights, own):
    """Variances in a family, given those of the rows along its axes: closed forms."""
    if name == "vve":
        return own
    volumes = np.exp(np.log(own).mean(axis=1))
    return weights @ volumes * own / volumes[:, None]


def loss(weights, scatters, covariances):
    traces = np.trace(np.linalg.solve(covariances, scatters), axis1=1, axis2=2)
    return weights @ (np.linalg.slogdet(covariances)[1] + traces)


def maximised(name, weights, scatters, floor=0.0, before=None):
    D = scatters.shape[1]
    statistics = np.concatenate([weights, np.zeros(K * D), scatters.ravel()])
    found, start = np.empty(scatters.size), np.empty(0) if before is None else before.ravel()
    given = read_only(statistics), (K, D), read_only(np.zeros(D)), floor, read_only(start)
    getattr(kernel, name)(*given, found)
    return found.reshape(scatters.shape)


@models
@pytest.mark.parametrize("seed", [0, 1])
def test_in_the_plane_no_angle_does_better(name, seed):
    weights, scatters = problem(2, seed)
    found = loss(weights, scatters, maximised(name, weights, scatters))
    losses = []
    for angle in np.linspace(0.0, np.pi / 2, 501):
        axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        own = np.einsum("id,kij,jd->kd", axes, scatters, axes)
        losses.append(loss(weights, scatters, composed(axes, likeliest(name, weights, own))))
    assert found == pytest.approx(min(losses), abs=1e-4)
    assert found <= min(losses) + 1e-12


@models
@pytest.mark.parametrize("D", [1, 3, 8])
def test_axes_that_all_share_are_found(name, D):
    weights, axes, variances, scatters = with_known_axes(D)
    expected = composed(axes, likeliest(name, weights, variances))
    assert_allclose(maximised(name, weights, scatters), expected, rtol=1e-8, atol=1e-8)


@models
def test_begun_at_other_axes_it_never_gets_worse(name):
    weights, scatters = problem(4)
    for seed in range(5):
        _, axes, _, before = with_known_axes(4, seed)
        own = np.einsum("id,kij,jd->kd", axes, scatters, axes)
        start = composed(axes, likeliest(name, weights, own))
        found = maximised(name, weights, scatters, before=before)
        assert loss(weights, scatters, found) <= loss(weights, scatters, start) + 1e-12


@models
def test_variances_are_no_less_than_the_floor(name):
    weights, scatters = problem(3)
    scatters[0] = np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert np.linalg.eigvalsh(maximised(name, weights, scatters, 0.1)).min() >= 0.1 * (1 - 1e-9)


@pytest.mark.parametrize("equal_volume", [False, True])
def test_scatters_are_rotated_along_with_their_axes(equal_volume):
    weights, scatters = problem(5)
    axes, rotated = np.eye(5), scatters.copy()
    kernel.common_axes(weights, rotated, axes, 1e-9, equal_volume, *TO_THE_END)
    assert_allclose(axes @ axes.T, np.eye(5), atol=1e-12)
    assert_allclose(rotated, axes.T @ scatters @ axes, atol=1e-10)
