"""Matching: every order that components were put in is found again."""

from itertools import permutations

import numpy as np
import oracle
import pytest

from fastem.inference.bootstrap import match


def divergences(fitted, others):
    """Kullback-Leibler divergences between Gaussians, as the textbooks write them."""
    table = np.empty((len(fitted[0]),) * 2)
    for j, (m, S) in enumerate(zip(*fitted, strict=True)):
        for k, (n, T) in enumerate(zip(*others, strict=True)):
            P = np.linalg.inv(T)
            log_ratio = np.linalg.slogdet(T)[1] - np.linalg.slogdet(S)[1]
            table[j, k] = (np.trace(P @ S) + (n - m) @ P @ (n - m) - len(m) + log_ratio) / 2
    return table


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_the_sum_of_divergences_is_the_least_of_all_orders(seed, spread):
    """Oracle: all K! orders."""
    rng = np.random.default_rng(seed)
    _, *fitted = oracle.random_mixture(rng, 4, 3, spread=spread)
    _, *others = oracle.random_mixture(rng, 4, 3, spread=spread)
    cost = divergences(fitted, others)
    best = min(permutations(range(4)), key=lambda order: cost[range(4), list(order)].sum())
    assert match(fitted, others).tolist() == list(best)


def test_coinciding_components_keep_their_places():
    same = np.zeros((3, 2)), np.tile(np.eye(2), (3, 1, 1))
    assert match(same, same).tolist() == [0, 1, 2]
    assert match((same[0][:1], same[1][:1]), (same[0][1:2], same[1][1:2])).tolist() == [0]
