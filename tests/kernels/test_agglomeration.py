"""Agglomeration against a search of every pair at every step, with NumPy's determinants."""

from itertools import combinations

import numpy as np
import pytest

from fastem.kernels.agglomeration import DETERMINANT, DIAGONAL, TRACE, agglomerate, n_sums

RIDGE = 0.3


def cost(rows, weight, criterion):
    mean, n = np.average(rows, axis=0, weights=weight), weight.sum()
    scatter = np.einsum("i,ij,ik->jk", weight, rows - mean, rows - mean)
    if criterion == TRACE:
        return n * np.log((np.trace(scatter) + RIDGE) / n)
    if criterion == DIAGONAL:
        return n * np.log((np.diag(scatter) + RIDGE) / n).sum()
    return n * np.linalg.slogdet((scatter + RIDGE * np.eye(len(scatter))) / n)[1]


def exhaustive(rows, weight, criterion):
    """Pairs in the order of merging."""
    groups = {i: [i] for i in range(len(rows))}
    merges = []
    while len(groups) > 1:

        def change(pair):
            union = groups[pair[0]] + groups[pair[1]]
            apart = sum(cost(rows[groups[k]], weight[groups[k]], criterion) for k in pair)
            return cost(rows[union], weight[union], criterion) - apart

        best = min(combinations(sorted(groups), 2), key=change)
        merges.append(best)
        groups[best[0]] = groups[best[0]] + groups.pop(best[1])
    return np.array(merges)


def merged(rows, weight, criterion=TRACE):
    merges = np.empty((len(rows) - 1, 2), np.int64)
    sums = np.zeros((len(rows), n_sums(criterion, rows.shape[1])))
    agglomerate(rows, weight, criterion, RIDGE, sums, merges)
    return merges


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("D", [1, 2, 3, 5])
@pytest.mark.parametrize("criterion", [TRACE, DETERMINANT, DIAGONAL])
def test_every_merge_is_the_cheapest_there_is(criterion, D, weighted):
    """Oracle: all pairs, at every step."""
    rng = np.random.default_rng(D)
    rows = rng.normal(size=(13, D)) * np.geomspace(1, 0.2, D) + 2 * rng.integers(0, 3, (13, 1))
    weight = rng.uniform(0.5, 3, 13) if weighted else np.ones(13)
    expected = exhaustive(rows, weight, criterion)
    np.testing.assert_array_equal(merged(rows, weight, criterion), expected)


@pytest.mark.parametrize("criterion", [DETERMINANT, DIAGONAL])
def test_products_of_many_columns_neither_overflow_nor_vanish(criterion):
    """Oracle: all pairs; the products lie beyond 1e-308 and 1e308."""
    D = 200
    rows = np.random.default_rng(0).normal(size=(12, D)) * np.repeat([1e3, 1e-3], D // 2)
    for weight in np.full(12, 1e-3), np.full(12, 1e3):
        expected = exhaustive(rows, weight, criterion)
        np.testing.assert_array_equal(merged(rows, weight, criterion), expected)


def test_the_determinant_tells_an_ellipse_from_a_disc():
    """Two crossing lines have the same mean and scatter's trace as a disc, but no area each."""
    along = np.linspace(-2, 2, 20)
    rng = np.random.default_rng(0)
    cross = np.concatenate([np.c_[along, 0 * along + 1e-3], np.c_[0 * along + 6, along + 4]])
    rows = cross + 1e-3 * rng.normal(size=cross.shape)
    assert sorted(merged(rows, np.ones(40), DETERMINANT)[-1]) == [0, 20]


def test_one_and_two_rows():
    assert merged(np.zeros((1, 2)), np.ones(1)).shape == (0, 2)
    np.testing.assert_array_equal(merged(np.eye(2), np.ones(2)), [[0, 1]])


@pytest.mark.parametrize("criterion", [TRACE, DETERMINANT, DIAGONAL])
def test_of_equal_costs_the_first_pair_is_merged(criterion):
    rows = np.array([[10.0], [0.0], [1.0], [11.0], [20.0], [21.0]])
    np.testing.assert_array_equal(merged(rows, np.ones(6), criterion)[:3], [[0, 3], [1, 2], [4, 5]])
