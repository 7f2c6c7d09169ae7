"""Components joined into clusters, against all merges tried in NumPy and published figures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastem
from fastem import Mixture, Noise
from fastem.mixture.merging import elbow

RNG = np.random.default_rng(0)
MEANS = np.array([[0.0, 0.0], [1.5, 0.0], [8.0, 0.0], [8.0, 2.0], [0.0, 9.0]])
MIXTURE = Mixture(np.full(5, 0.2), MEANS, np.ones((5, 2)), "diag")
X, _ = MIXTURE.sample(600, 0)


def entropy(resp):
    return -np.sum(resp * np.log(np.where(resp > 0, resp, 1.0)))


def by_brute_force(resp):
    """All merges of each step, all of their entropies."""
    groups, found = [[k] for k in range(resp.shape[1])], [entropy(resp)]
    while len(groups) > 1:
        tried = []
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                merged = [*groups[:i], groups[i] + groups[j], *groups[i + 1 : j], *groups[j + 1 :]]
                summed = np.stack([resp[:, g].sum(axis=1) for g in merged], axis=1)
                tried.append((entropy(summed), merged))
        best, groups = min(tried, key=lambda pair: pair[0])
        found.append(best)
    return found[::-1]


def test_entropies_are_the_least_of_all_merges():
    merging = MIXTURE.merge(X)
    assert_allclose(merging.entropies, by_brute_force(MIXTURE.responsibilities(X)), atol=1e-9)
    assert merging.clusters(3) == ((0, 1), (2, 3), (4,))
    assert merging.clusters(5) == ((0,), (1,), (2,), (3,), (4,))
    assert merging.clusters(1) == ((0, 1, 2, 3, 4),)


def test_components_that_overlap_nowhere_are_clusters():
    """Their entropies are rounding, in which lines break anywhere."""
    mixture = fastem.Mixture(
        np.full(4, 0.25), np.arange(4)[:, None] * 50.0, np.ones(4), "spherical"
    )
    merging = mixture.merge(mixture.sample(200, random_state=0)[0])
    assert merging.n_clusters == 4


def test_the_published_elbow():
    """clustCombi's example 4.1, one to six clusters."""
    assert elbow([0, 9.355e-6, 0.868949, 4.668210, 46.291274, 129.933206]) == 4


def test_labels_at_any_number():
    merging = MIXTURE.merge(X)
    assert_array_equal(merging.predict(X, 5), MIXTURE.predict(X))
    resp = MIXTURE.responsibilities(X)
    joined = np.column_stack([resp[:, :2].sum(axis=1), resp[:, 2:4].sum(axis=1), resp[:, 4]])
    assert_array_equal(merging.predict(X, 3), joined.argmax(axis=1))
    assert_array_equal(merging.predict(X), merging.predict(X, merging.n_clusters))
    assert (merging.predict(X, 1) == 0).all()


def test_noise_is_never_joined():
    noisy = Mixture(
        np.full(5, 0.18), MEANS, np.ones((5, 2)), "diag", Noise(0.1, [-9] * 2, [20] * 2)
    )
    far = np.vstack([X, [[19.0, 19.0]]])
    merging = noisy.merge(far)
    assert merging.predict(far, 2)[-1] == -1
    assert merging.responsibilities(far, 2).shape == (601, 3)


def test_rows_that_lack_columns():
    gaps = X.copy()
    gaps[::3, 0] = np.nan
    merging = MIXTURE.merge(gaps, missing="mar")
    assert_allclose(
        merging.entropies, by_brute_force(MIXTURE.responsibilities(gaps, missing="mar")), atol=1e-9
    )


def test_a_cluster_that_is_no_gaussian():
    ring = RNG.uniform(0, 2 * np.pi, 500)
    rows = np.vstack([4 * np.stack([np.cos(ring), np.sin(ring)], 1), np.tile([20, 0], (200, 1))])
    rows += RNG.normal(size=rows.shape)
    labels = fastem.fit(rows, 6, random_state=0).mixture.merge(rows).predict(rows, 2)
    assert len(np.unique(labels[:500])) == 1
    assert len(np.unique(labels[500:])) == 1


def test_what_is_refused():
    merging = MIXTURE.merge(X)
    with pytest.raises(ValueError, match="n_clusters is 6, but the mixture has 5 components"):
        merging.clusters(6)
    with pytest.raises(ValueError, match="n_clusters is 0"):
        merging.predict(X, 0)
