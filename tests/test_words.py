"""The words that editors offer are those that are taken."""

from typing import get_args

import numpy as np
import pytest

import fastem
from fastem import words
from fastem.covariance import FAMILIES, GROUPS
from fastem.inference.bootstrap import PARAMETRIC, WEIGHTS
from fastem.search.starts import STARTS
from fastem.selection import CRITERIA

X = np.random.default_rng(0).normal(size=(40, 2))


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (words.CovarianceType, FAMILIES),
        (words.CovarianceGroup, GROUPS),
        (words.Criterion, CRITERIA),
        (words.Replicates, [*WEIGHTS, PARAMETRIC]),
        (words.Start, ["mixed", *STARTS]),
    ],
)
def test_words_offered_are_taken(offered, taken):
    assert set(get_args(offered)) == set(taken)


def test_a_random_state_of_numpys_older_kind_is_taken():
    """It moves on as it is drawn from, and a copy of it gives the same."""
    one, two = np.random.RandomState(3), np.random.RandomState(3)
    fits = [fastem.fit(X, 2, init="random", random_state=state) for state in (one, two)]
    assert fits[0].mixture == fits[1].mixture
    mixture = fits[0].mixture
    first, second = (mixture.sample(5, random_state=one)[0] for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(mixture.sample(5, random_state=two)[0], first)
