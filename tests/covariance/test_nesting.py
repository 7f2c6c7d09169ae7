"""Which families contain which."""

import numpy as np
import pytest

import fastem
from fastem.covariance import FAMILIES, GROUPS
from fastem.covariance.nesting import breadth, contains

NAMES = [family.name for family in GROUPS["mclust"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_family_contains_those_whose_mixtures_it_can_be(name):
    """Oracle: one M step of the larger family, from moments of the smaller one's mixture."""
    larger = FAMILIES[name]
    for other in NAMES:
        smaller = FAMILIES[other]
        if contains(larger, smaller):
            assert breadth(larger) > breadth(smaller)
            assert larger.n_covariance_parameters(3, 4) >= smaller.n_covariance_parameters(3, 4)
            assert not contains(smaller, larger)


def test_names_of_one_family_do_not_contain_each_other():
    for one, other in ("full", "VVV"), ("tied", "EEE"), ("diag", "VVI"), ("spherical", "VII"):
        assert not contains(FAMILIES[one], FAMILIES[other])
        assert contains(FAMILIES["full"], FAMILIES[other]) == (other != "VVV")
    assert contains(FAMILIES["V"], FAMILIES["E"])
    assert not contains(FAMILIES["VVV"], FAMILIES["E"])


def test_no_level_of_a_table_falls():
    """From K to K + 1 and from a family to one that contains it, whatever the starts find."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.laplace(size=(60, 2)), rng.normal(4, 1, (40, 2)) ** 2 / 4])
    options = {"n_init": 1, "init": "random", "random_state": 0}
    choice = fastem.select(X, range(1, 6), covariance_type="mclust", **options)
    fits = {(row.n_components, row.covariance_type): row for row in choice.table}
    sound = {key: row for key, row in fits.items() if row.status == "converged"}
    slack = 2e-6 * len(X)
    for (k, name), row in sound.items():
        for (n_smaller, other), smaller in sound.items():
            same = name == other and n_smaller < k
            if same or (n_smaller <= k and contains(FAMILIES[name], FAMILIES[other])):
                assert row.log_likelihood >= smaller.log_likelihood - slack
