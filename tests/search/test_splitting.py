"""Splits: the halves of a component have its moments, whatever the family."""

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose

from fastem.covariance import FAMILIES, Bounds, Parameters
from fastem.search.splitting import replaced, splits

BOUNDS = Bounds(np.zeros(3), 0.0)
MIXTURE = Parameters(*oracle.random_mixture(np.random.default_rng(0), 4, 3))


def test_two_halves_are_a_gaussian_cut_through_its_mean():
    """Oracle: sample moments of the rows on either side of the cut."""
    whole = Parameters(np.ones(1), np.array([[1.0, 2.0, 3.0]]), np.diag([9.0, 1.0, 4.0])[None])
    ((weights, means, covariances),) = splits(whole, FAMILIES["full"], BOUNDS)
    assert weights.tolist() == [0.5, 0.5]
    rows = whole.means + np.random.default_rng(0).normal(size=(400_000, 3)) * [3.0, 1.0, 2.0]
    for side in (rows[rows[:, 0] < 1.0], rows[rows[:, 0] > 1.0]):
        k = int(means[0, 0] < 1.0) ^ int(side[0, 0] < 1.0)
        assert_allclose(means[k], side.mean(axis=0), atol=0.03)
        assert_allclose(covariances[k], np.cov(side.T), atol=0.06)


def test_each_component_is_halved_in_its_turn_and_the_others_stay():
    for j, (weights, means, covariances) in enumerate(splits(MIXTURE, FAMILIES["full"], BOUNDS)):
        rest = [k for k in range(4) if k != j]
        for found, given in zip((weights, means, covariances), MIXTURE, strict=True):
            assert_allclose(found[:3], given[rest])
        assert_allclose(weights[3:].sum(), MIXTURE.weights[j])
        centred = means[3:] - MIXTURE.means[j]
        assert_allclose(centred.sum(axis=0), 0.0, atol=1e-12)
        between = (centred[:, :, None] * centred[:, None, :]).mean(axis=0)
        assert_allclose(covariances[3:].mean(axis=0) + between, MIXTURE.covariances[j])


@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in ("E", "V")])
def test_every_family_takes_them(name):
    family = FAMILIES[name]
    shape = family.shape(4, 3)
    square = not family.diagonal
    covariances = np.broadcast_to(np.eye(3) if square else 1.0, shape).copy()
    made = splits(Parameters(MIXTURE.weights, MIXTURE.means, covariances), family, BOUNDS)
    assert len(made) == 4
    for parameters in made:
        assert parameters.covariances.shape == family.shape(5, 3)
        family.factor(parameters)


def test_a_component_without_spread_is_halved_all_the_same():
    flat = Parameters(np.ones(1), np.zeros((1, 3)), np.zeros((1, 3, 3)))
    ((_, means, covariances),) = splits(flat, FAMILIES["full"], Bounds(np.zeros(3), 1e-10))
    assert not means.any()
    assert_allclose(covariances, np.tile(1e-10 * np.eye(3), (2, 1, 1)))


def test_replaced_components_are_halves_of_the_heaviest_and_the_others_stay():
    """Oracle: `splits` of the mixture without them."""
    weights = np.array([0.1, 0.5, 0.25, 0.15])
    found = replaced(MIXTURE._replace(weights=weights), np.array([0]), FAMILIES["full"], BOUNDS)
    left = Parameters(weights[1:] / 0.9, *(part[1:] for part in MIXTURE[1:]))
    expected = splits(left, FAMILIES["full"], BOUNDS)[0]
    order = [3, 2, 0, 1]  # there the halves are last
    for got, wanted in zip(found, expected, strict=True):
        assert_allclose(got, wanted[order])


@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in ("E", "V")])
def test_every_family_may_have_several_replaced(name):
    """Oracle: the mean of the whole mixture, which halves do not move."""
    family = FAMILIES[name]
    shape = family.shape(4, 3)
    covariances = np.broadcast_to(1.0 if family.diagonal else np.eye(3), shape).copy()
    given = Parameters(np.array([0.0, 0.6, 0.0, 0.4]), MIXTURE.means, covariances)
    found = replaced(given, np.array([0, 2]), family, BOUNDS)
    assert_allclose(found.weights, [0.3, 0.3, 0.2, 0.2])
    assert_allclose(found.weights @ found.means, given.weights @ given.means)
    family.factor(found)
