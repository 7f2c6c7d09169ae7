"""The two programs that started fastem: their data, their answers, and what they complained of."""

import numpy as np
import pytest

import fastem
from fastem.agreement import adjusted_rand_index
from fastem.demo import examples
from fastem.demo.chapters import k_means

#: What the NumPy program printed from its symmetric start.
COMPLAINED = [[7.05, 6.17], [6.17, 7.23]]


@pytest.fixture(scope="module")
def overlapping():
    return examples.overlapping()


def test_bic_picks_the_two_overlapping_clusters(overlapping):
    choice = fastem.select(overlapping.X, range(1, 11), n_init=5, random_state=0)
    assert choice.best.mixture.n_components == 2


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 1,
                                  pytest.param(2, marks=pytest.mark.slow)])  # fmt: skip
def test_aic_takes_at_least_the_two_overlapping_clusters(overlapping, seed):
    """AIC is not consistent: of maxima good enough it goes on to take small components too."""
    options = {"criterion": "aic", "n_init": 5, "random_state": seed}
    choice = fastem.select(overlapping.X, range(1, 11), **options)
    assert choice.best.mixture.n_components >= choice.best_by("bic").n_components == 2
    assert choice.best_row.aic == min(row.aic for row in choice.table if row.status != "collapsed")
    levels = [row.log_likelihood for row in choice.table]
    assert (np.diff(levels) > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_em_tells_overlapping_clusters_apart_and_k_means_does_not(overlapping, seed):
    X, truth = overlapping
    by_em = fastem.fit(X, 2, random_state=seed).mixture.predict(X)
    assert adjusted_rand_index(truth, by_em) == pytest.approx(0.62, abs=0.02)
    assert adjusted_rand_index(truth, k_means(X, 2, seed)) == pytest.approx(0.18, abs=0.02)


def test_the_overlapping_clusters_are_found_as_they_were_drawn(overlapping):
    mixture = fastem.fit(overlapping.X, 2, random_state=0).mixture
    narrow = int(np.argmax(mixture.means[:, 0]))
    np.testing.assert_allclose(mixture.means[narrow], [3, 0], atol=0.2)
    np.testing.assert_allclose(mixture.means[1 - narrow], [0, 0], atol=0.3)
    np.testing.assert_allclose(mixture.covariances[narrow], [[5, 2], [2, 1]], rtol=0.15)
    np.testing.assert_allclose(mixture.covariances[1 - narrow], 10 * np.eye(2), atol=1)
    np.testing.assert_allclose(mixture.weights, 0.5, atol=0.05)


@pytest.mark.parametrize("accelerate", [False, True])
def test_the_symmetric_start_warns_and_gives_the_answer_complained_of(accelerate):
    X, _ = examples.two_round_clusters()
    with pytest.warns(fastem.SymmetricStartWarning, match="components 0, 1 .* default starts"):
        fitted = fastem.fit(
            X,
            2,
            means_init=[[10, 10], [10, 10]],
            covariances_init=[10 * np.eye(2)] * 2,
            accelerate=accelerate,
        )
    np.testing.assert_allclose(fitted.mixture.means, 2.51, atol=0.01)
    np.testing.assert_allclose(fitted.mixture.covariances, [COMPLAINED] * 2, atol=0.006)


def check_round_clusters(mixture):
    order = np.argsort(mixture.means[:, 0])
    np.testing.assert_allclose(mixture.means[order], [[0, 0], [5, 5]], atol=0.1)
    np.testing.assert_allclose(mixture.covariances, [np.eye(2)] * 2, atol=0.1)
    np.testing.assert_allclose(mixture.weights, 0.5, atol=0.01)


@pytest.mark.parametrize("means", [[[10, 10], [-10, 0]], [[10, 10], [0, 10]], [[10, 10], [0, 0]]])
def test_different_starts_find_the_clusters(means):
    X, _ = examples.two_round_clusters()
    covariances = [10 * np.eye(2)] * 2
    check_round_clusters(fastem.fit(X, 2, means_init=means, covariances_init=covariances).mixture)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("init", ["k-means++", "random", "random-subsets", "hierarchical"])
def test_the_defaults_find_the_clusters_unasked(seed, init):
    X, _ = examples.two_round_clusters()
    check_round_clusters(fastem.fit(X, 2, init=init, random_state=seed).mixture)


@pytest.mark.parametrize("seed", range(20))
def test_random_clusters_are_drawn_as_the_script_drew_them(seed):
    X, truth = examples.random_clusters(seed)
    K = truth[-1] + 1
    assert 1 <= K <= 5
    assert X.shape == (1000 * K, 2)
    for k in range(K):
        covariance = np.cov(X[truth == k].T)
        # Variances of shape 50 and rate 1 lie about 50, all but never below 25 or above 90.
        assert (np.diag(covariance) > 25).all()
        assert (np.diag(covariance) < 90).all()
        correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        assert abs(correlation) < 5 / np.sqrt(1000)


def test_the_number_of_random_clusters_is_drawn_too():
    assert {examples.random_clusters(seed).n_clusters for seed in range(40)} == {1, 2, 3, 4, 5}
    assert examples.random_clusters(0, n_clusters=3).n_clusters == 3
