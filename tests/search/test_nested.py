"""Starts of larger models from the ends of smaller ones: from there no likelihood falls."""

import numpy as np
import pytest

import fastem
from fastem.covariance import FAMILIES
from fastem.data import Data
from fastem.options import Options
from fastem.search import nested
from fastem.search.beginning import Starts

X = np.concatenate([np.random.default_rng(i).normal(6 * i, 1, (60, 2)) for i in range(4)])
FULL = FAMILIES["full"]


@pytest.fixture
def starts():
    return Starts.of(Data.of(X), Options(), 0)


@pytest.mark.parametrize("n_components", [1, 2, 4])
def test_from_each_start_em_comes_no_lower_than_the_smaller_model(n_components, starts):
    smaller = fastem.fit(X, 1, random_state=0)
    found = list(nested.larger_starts(starts, smaller.mixture, FULL, FULL, n_components))
    assert found
    for start in found:
        weights, means, covariances = start.complete()
        assert len(weights) == n_components
        assert len(np.unique(means, axis=0)) == n_components  # EM parts no two that coincide
        larger = fastem.Mixture(weights, means, covariances, "full")
        fit = fastem.fit(X, start=larger)
        assert fit.log_likelihood >= smaller.log_likelihood - 1e-6


def test_on_the_way_to_more_components_nothing_is_searched(monkeypatch, starts):
    """A search at each number of components took longer than all fits of a table."""
    raced, race = [], nested.race

    def counted(on, given):
        raced.append(len(given[0].weights))
        return race(on, given)

    monkeypatch.setattr(nested, "race", counted)
    smaller = fastem.fit(X, 1, random_state=0).mixture
    next(nested.larger_starts(starts, smaller, FULL, FULL, 4))
    assert raced == [4]
