"""Agglomeration against a search of every pair at every step, with NumPy's determinants."""

from itertools import combinations

import numpy as np
import pytest

from fastem.kernels.agglomeration import MAX_COLUMNS, agglomerate

RIDGE = 0.01


def cost(rows, weight):
    mean = np.average(rows, axis=0, weights=weight)
    scatter = np.einsum("i,ij,ik->jk", weight, rows - mean, rows - mean) / weight.sum()
    size = rows.shape[1]
    # Exactly 0 in exact arithmetic; and left out by design where there are many columns.
    spans = len(rows) > size and size <= MAX_COLUMNS
    determinant = np.linalg.det(scatter) if spans else 0.0
    return weight.sum() * np.log(determinant + np.trace(scatter) + RIDGE)


def exhaustive(rows, weight):
    """Pairs in the order of merging."""
    groups = {i: [i] for i in range(len(rows))}
    merges = []
    while len(groups) > 1:

        def change(pair):
            union = groups[pair[0]] + groups[pair[1]]
            apart = sum(cost(rows[groups[k]], weight[groups[k]]) for k in pair)
            return cost(rows[union], weight[union]) - apart

        best = min(combinations(sorted(groups), 2), key=change)
        merges.append(best)
        groups[best[0]] = groups[best[0]] + groups.pop(best[1])
    return np.array(merges)


def merged(rows, weight):
    merges = np.empty((len(rows) - 1, 2), np.int64)
    agglomerate(rows, weight, RIDGE, merges)
    return merges


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("D", [1, 2, 3, 5])
def test_every_merge_is_the_cheapest_there_is(D, weighted):
    """Oracle: all pairs, at every step."""
    rng = np.random.default_rng(D)
    rows = rng.normal(size=(18, D)) * np.geomspace(1, 0.2, D) + 2 * rng.integers(0, 3, (18, 1))
    weight = rng.uniform(0.5, 3, 18) if weighted else np.ones(18)
    expected = exhaustive(rows, weight)
    np.testing.assert_array_equal(merged(rows, weight), expected)


def test_of_many_columns_the_determinant_is_left_out():
    """Oracle: all pairs, at every step, by traces alone."""
    rows = np.random.default_rng(0).normal(size=(20, MAX_COLUMNS + 1))
    expected = exhaustive(rows, np.ones(20))
    np.testing.assert_array_equal(merged(rows, np.ones(20)), expected)


def test_the_determinant_tells_an_ellipse_from_a_disc():
    """Two crossing lines have the same mean and scatter's trace as a disc, but no area each."""
    along = np.linspace(-2, 2, 20)
    rng = np.random.default_rng(0)
    cross = np.concatenate([np.c_[along, 0 * along + 1e-3], np.c_[0 * along + 6, along + 4]])
    rows = cross + 1e-3 * rng.normal(size=cross.shape)
    last = merged(rows, np.ones(40))[-1]
    assert sorted(last) == [0, 20]


def test_one_and_two_rows():
    assert merged(np.zeros((1, 2)), np.ones(1)).shape == (0, 2)
    np.testing.assert_array_equal(merged(np.eye(2), np.ones(2)), [[0, 1]])


def test_of_equal_costs_the_first_pair_is_merged():
    rows = np.array([[10.0], [0.0], [1.0], [11.0], [20.0], [21.0]])
    np.testing.assert_array_equal(merged(rows, np.ones(6))[:3], [[0, 3], [1, 2], [4, 5]])
