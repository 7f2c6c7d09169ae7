"""The order of components: of fits, and by `Mixture.sorted`."""

import numpy as np
import pytest

import fastem

RNG = np.random.default_rng(0)
X = np.concatenate(
    [RNG.normal(0, 1, (300, 2)), RNG.normal(8, 1, (200, 2)), RNG.normal(-8, 1, (200, 2))]
)


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical", "VEV", "EEI"])
def test_fits_without_a_start_come_by_weight_then_mean(family):
    for seed in range(4):
        found = fastem.fit(X, 3, covariance_type=family, random_state=seed)
        assert found.mixture.means[:, 0].round() + 0.0 == pytest.approx([0.0, -8.0, 8.0])
        assert found.mixture == found.mixture.sorted()
        again = found.mixture.log_prob(X).sum()
        assert found.log_likelihood == pytest.approx(again, rel=1e-12)


def test_the_order_of_a_given_start_stays():
    found = fastem.fit(X, 3, means_init=[[8.0, 8.0], [0.0, 0.0], [-8.0, -8.0]])
    assert found.mixture.means[:, 0].round() + 0.0 == pytest.approx([8.0, 0.0, -8.0])


@pytest.mark.parametrize(
    ("family", "covariances"),
    [
        ("full", [[[1.0, 0.5], [0.5, 2.0]], [[3.0, 0.0], [0.0, 4.0]]]),
        ("tied", [[1.0, 0.5], [0.5, 2.0]]),
        ("diag", [[1.0, 2.0], [3.0, 4.0]]),
        ("spherical", [1.0, 2.0]),
    ],
)
def test_sorting_is_a_change_of_names(family, covariances):
    mixture = fastem.Mixture([0.4, 0.6], [[1.0, 5.0], [2.0, 3.0]], covariances, family)
    by_weight, by_column = mixture.sorted(), mixture.sorted(by=1)
    assert by_weight.means.tolist() == by_column.means.tolist() == [[2.0, 3.0], [1.0, 5.0]]
    assert mixture.sorted(by=0) == mixture
    np.testing.assert_allclose(by_weight.log_prob(X), mixture.log_prob(X), rtol=1e-12)
    with pytest.raises(ValueError, match="column"):
        mixture.sorted(by=2)


def test_a_collapsed_component_is_called_by_its_place():
    rows = np.r_[RNG.normal(size=(60, 2)), np.full((9, 2), 7.0)]
    found = fastem.fit(rows, 2, init="k-means++", random_state=0)
    assert "component 1 collapsed" in found.status.text
    np.testing.assert_allclose(found.mixture.means[1], 7.0)
