"""The weight of noise, against its formulas; whole steps beside it are in em/test_steps."""

import numpy as np
import pytest

from fastem.density import Ellipsoidal
from fastem.kernels import noise as kernel


@pytest.mark.parametrize("n_components", [1, 3, 500])
def test_noise_weighs_what_the_others_lack(n_components):
    weights = np.random.default_rng(0).dirichlet(np.ones(n_components + 1))
    assert kernel.noise_weight(weights[:-1]) == pytest.approx(weights[-1], abs=1e-15)
    assert kernel.log_norm(weights[:-1], -3.5) == pytest.approx(np.log2(weights[-1]) - 3.5)


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.5], [0.7, 0.3 + 1e-16]])
def test_where_they_lack_nothing_it_has_no_density(weights):
    assert kernel.noise_weight(np.array(weights)) == 0.0
    assert kernel.log_norm(np.array(weights), 2.0) == -np.inf


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        (25.0, 0.25),
        (0.0, 40 / 115),  # rows that count for no component
        (1e-6, 1e-3 * 0.2),  # most of its weight in one step, but not all
    ],
)
def test_its_share_after_a_step(noise, expected):
    counts, weights = np.array([50.0, 25.0]), np.array([0.5, 0.3])
    assert kernel.noise_share(counts, noise, 115.0, weights) == pytest.approx(expected)


def test_rows_may_all_be_noise():
    assert kernel.noise_share(np.zeros(2), 0.0, 9.0, np.array([0.5, 0.3])) == 1.0


@pytest.mark.parametrize("n_matrices", [3, 1])
def test_what_a_pass_takes_beside_it(n_matrices):
    """Oracle: the density's own arrays for kernels; a shared factor is each one's."""
    K, D = 3, 2
    rng = np.random.default_rng(0)
    point = np.r_[rng.dirichlet(np.ones(K)) * 0.8, rng.normal(size=K * D)]
    factors, log_norms = np.tril(rng.normal(size=(n_matrices, D, D))), np.zeros(K + 1)
    log_norms[:K] = rng.normal(size=K)
    means, with_noise = np.zeros((K + 1, D)), np.zeros((K + 1, D, D))
    kernel.put_beside_noise(point, (K, D), -3.5, factors, means, with_noise, log_norms)
    density = Ellipsoidal(point[K:].reshape(K, D), factors, log_norms[:K], np.log2(0.2) - 3.5)
    for mine, theirs in zip((means, with_noise, log_norms), density.cast(means.dtype), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)


def test_the_others_share_what_it_leaves():
    statistics = np.array([0.5, 0.25, 7.0])
    moments, before = np.array([50.0, 25.0, 25.0, 9.0]), np.array([0.5, 0.3, 2.0])
    share = kernel.set_noise_apart(moments, 100.0, (2, 1), before, statistics)
    assert share == 0.25
    np.testing.assert_allclose(statistics, [2 / 3, 1 / 3, 7.0])
