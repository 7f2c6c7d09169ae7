"""Starts that are one. Oracle: Kullback-Leibler divergence by averaging over rows drawn."""

import numpy as np
import oracle
import pytest

from fastem.covariance import FAMILIES, Bounds, Parameters, WithNoise
from fastem.noise import Noise
from fastem.rows import MemoryRows
from fastem.search.duplicate_starts import _divergence, _factored, firsts
from fastem.search.objective import Objective
from fastem.units import Units

K, D = 4, 3
NAMES = [name for name in FAMILIES if name not in ("E", "V")]


def mixture(family, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    variances = rng.uniform(0.5, 2.0, (K, D))
    full = variances[:, :, None] * np.eye(D) + 0.2
    shapes = {(K, D, D): full, (D, D): full[0], (K, D): variances, (K,): variances[:, 0]}
    means = 4.0 * rng.normal(size=(K, D)) + shift
    return Parameters(rng.dirichlet(np.full(K, 5.0)), means, shapes[family.shape(K, D)])


def objective(family, tol=1e-4, shortfall=0.0):
    units = Units(np.zeros(D), np.ones(D))
    rows = MemoryRows(np.zeros((2, D)), None, units)
    return Objective(rows, family, Bounds(np.zeros(D), 1e-10), tol, 10, shortfall=shortfall)


def permuted(start, order):
    weights, means, covariances = start
    each = covariances.shape[0] == K
    return Parameters(weights[order], means[order], covariances[order] if each else covariances)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_components_does_not_matter(name):
    family = FAMILIES[name]
    starts = [mixture(family), mixture(family, 1), permuted(mixture(family), [2, 0, 3, 1])]
    assert firsts([*starts, *starts], objective(family)) == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_the_divergence_is_that_of_rows_with_their_components(name):
    family = FAMILIES[name]
    one, other = mixture(family), mixture(family, shift=0.3)
    found = _divergence(family.moments(one), _factored(one, family), _factored(other, family))
    rows, labels = oracle.sample(np.random.default_rng(5), 200_000, *one, name)
    logs = [oracle.log_joint(rows, *each, name) for each in (one, other)]
    own, theirs = (log[np.arange(len(rows)), labels] for log in logs)
    assert found == pytest.approx((own - theirs).mean(), rel=0.05)


def test_what_a_sample_leaves_undetermined_is_not_told_apart():
    family = FAMILIES["full"]
    starts = [mixture(family), mixture(family, shift=0.05)]
    assert firsts(starts, objective(family)) == [0, 1]
    assert firsts(starts, objective(family, shortfall=1.0)) == [0, 0]
    assert firsts(starts, objective(family, tol=0.1)) == [0, 0]


def test_two_components_beside_one_are_no_twins():
    family = FAMILIES["spherical"]
    start = mixture(family)
    beside = start._replace(means=start.means[[0, 0, 2, 3]] + 1e-3)
    assert firsts([start, beside], objective(family, tol=1e9)) == [0, 1]


def test_noise_counts():
    box = Noise(0.1, np.full(D, -9.0), np.full(D, 9.0))
    family = WithNoise(FAMILIES["diag"], box)
    plain = mixture(FAMILIES["diag"])
    starts = [plain._replace(weights=plain.weights * left) for left in (0.9, 0.5, 0.9)]
    assert firsts(starts, objective(family)) == [0, 1, 0]


def test_a_start_that_cannot_be_factored_is_its_own():
    family = FAMILIES["full"]
    flat = mixture(family)._replace(covariances=np.zeros((K, D, D)))
    assert firsts([flat, mixture(family), flat], objective(family)) == [0, 1, 2]
