"""Noise: its density, mixtures with it, and whole fits.

Oracles: the mixture's formula in NumPy and SciPy, labels that rows were drawn with, and numerical
integration.
"""

from pathlib import Path

import numpy as np
import pytest
from noisy import clusters_and_noise, turn
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.stats import multivariate_normal

import fastem
from fastem import Mixture, Noise
from fastem.agreement import adjusted_rand_index
from fastem.covariance import FAMILIES, Bounds, WithNoise, WithPrior, family_by_name
from fastem.data import Data
from fastem.moments import Moments
from fastem.units import Units

K, D = 3, 2
DATA = Path(__file__).parent / "data"
SEVERAL_COLUMNS = [name for name in FAMILIES if name not in ("E", "V")]


def unchanged_units(n_features):
    return Units(np.zeros(n_features), np.ones(n_features))


def a_mixture(covariance_type="full", axes=None, seed=0):
    rng = np.random.default_rng(seed)
    own = family_by_name(covariance_type)
    roots = rng.normal(size=(K, D, D))
    full = roots @ roots.swapaxes(1, 2) + np.eye(D)
    counts = np.full(K, 1 / K)
    second = np.diagonal(full, axis1=1, axis2=2).copy() if own.diagonal else full
    moments = Moments(np.zeros((K, D)), 1.0, 0.0, 0.0, counts, np.zeros((K, D)), second / K)
    covariances = own.maximise(moments, Bounds(np.zeros(D), 0.0)).covariances
    noise = Noise(0.3, [-9.0, -7.0], [8.0, 12.0], axes)
    weights = np.array([0.1, 0.25, 0.35])
    return Mixture(weights, rng.normal(size=(K, D)) * 3, covariances, covariance_type, noise)


def joint(mixture, X):
    """Weight times density of each component and of the noise, by the formula."""
    columns = [
        weight * multivariate_normal.pdf(X, mean, covariance)
        for weight, mean, covariance in zip(
            mixture.weights, mixture.means, mixture.full_covariances, strict=True
        )
    ]
    noise = mixture.noise.weight / np.prod(mixture.noise.high - mixture.noise.low)
    return np.column_stack([*columns, np.full(len(X), noise)])


# Mixtures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", SEVERAL_COLUMNS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_densities_responsibilities_and_labels_are_the_formulas(covariance_type, dtype):
    mixture = a_mixture(covariance_type)
    X = np.random.default_rng(1).normal(size=(700, D)).astype(dtype) * 6
    terms = joint(mixture, X.astype(float))
    rtol = 1e-12 if dtype == np.float64 else 2e-4
    assert_allclose(mixture.log_prob(X), np.log(terms.sum(axis=1)), rtol=rtol, atol=rtol)
    resp = mixture.responsibilities(X)
    assert resp.shape == (700, K + 1)
    assert_allclose(resp, terms / terms.sum(axis=1, keepdims=True), rtol=rtol * 10, atol=rtol)
    expected = terms.argmax(axis=1)
    labels = mixture.predict(X)
    assert set(labels) == {-1, 0, 1, 2}
    assert (labels == np.where(expected == K, -1, expected)).mean() > 0.998


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_moments_are_those_of_the_components_and_a_count_of_noise(covariance_type):
    mixture = a_mixture(covariance_type)
    X = np.random.default_rng(1).normal(size=(1500, D)) * 6
    weight = np.random.default_rng(2).uniform(0.5, 2, 1500)
    resp = mixture.responsibilities(X)
    moments = mixture.summarise(X, weight)
    assert_allclose(moments.counts, weight @ resp[:, :K])
    assert_allclose(moments.noise, weight @ resp[:, K])
    assert_allclose(moments.weights.sum() + moments.noise / weight.sum(), 1.0)
    assert_allclose(moments.log_likelihood, weight @ mixture.log_prob(X))
    assert_allclose(moments.classification_entropy, -weight @ np.log(resp.max(axis=1)))
    halves = mixture.summarise(X[:700], weight[:700]) + mixture.summarise(X[700:], weight[700:])
    assert_allclose(halves.noise, moments.noise)
    assert_allclose(moments.first.shape, (K, D))


@pytest.mark.parametrize("axes", [None, turn(0.5)])
def test_what_is_drawn_has_the_shares_and_the_box(axes):
    mixture = a_mixture(axes=axes)
    X, labels = mixture.sample(20000, random_state=0)
    shares = np.bincount(labels + 1) / len(labels)
    assert_allclose(shares, [0.3, *mixture.weights], atol=0.015)
    inside = X[labels == -1] if axes is None else X[labels == -1] @ axes
    assert (inside > mixture.noise.low).all()
    assert (inside < mixture.noise.high).all()
    assert_allclose(inside.mean(axis=0), (mixture.noise.low + mixture.noise.high) / 2, atol=0.3)
    assert_allclose(X[labels == -1].mean(axis=0), mixture.noise.centre, atol=0.3)


def test_marginals_and_conditionals_are_integrals():
    """Oracle: the joint density over the box, summed along the other column."""
    mixture = a_mixture()
    y = np.linspace(-7, 12, 4001)
    x = 1.3
    grid = np.column_stack([np.full_like(y, x), y])
    terms = joint(mixture, grid)
    inside = trapezoid(terms, y, axis=0)
    whole = np.exp(mixture.marginal(0).log_prob([[x]]))
    assert_allclose(whole, inside.sum(), rtol=1e-2)  # the Gaussians' tails leave the box
    given = mixture.condition(0, x)
    assert_allclose(np.exp(given.log_prob(y[:, None])), terms.sum(axis=1) / whole, rtol=1e-10)
    mean = trapezoid(terms.sum(axis=1) * y, y) / inside.sum()
    assert_allclose(mixture.predict_mean(0, [[x]]), [[mean]], rtol=2e-2)
    assert_allclose(given.noise.weight + given.weights.sum(), 1.0)


def test_a_turned_box_has_no_uniform_marginal():
    mixture = a_mixture(axes=turn(0.5))
    with pytest.raises(ValueError, match="without_noise"):
        mixture.marginal(0)
    with pytest.raises(ValueError, match="without_noise"):
        mixture.condition(0, 1.0)
    alone = mixture.without_noise()
    assert alone.noise is None
    assert_allclose(alone.weights, mixture.weights / 0.7)
    assert alone.without_noise() is alone
    reach = mixture.noise.span([0, 1])
    corners = np.array([[x, y] for x in (-9.0, 8.0) for y in (-7.0, 12.0)]) @ turn(0.5).T
    assert_allclose([reach.low, reach.high], [corners.min(axis=0), corners.max(axis=0)])


@pytest.mark.parametrize("axes", [None, turn(0.5)])
def test_a_mixture_with_noise_is_a_value(tmp_path, axes):
    import pickle

    mixture = a_mixture(axes=axes)
    mixture.save(tmp_path / "mixture.npz")
    loaded = Mixture.load(tmp_path / "mixture.npz")
    for copy in loaded, pickle.loads(pickle.dumps(mixture)):
        assert copy == mixture
        assert hash(copy) == hash(mixture)
    assert mixture != mixture.without_noise()
    assert mixture != a_mixture(axes=turn(0.1))
    assert "noise: weight 0.3000" in repr(mixture)
    assert mixture.n_parameters == mixture.without_noise().n_parameters + 2


def test_files_without_noise_are_of_the_first_version(tmp_path):
    a_mixture().without_noise().save(tmp_path / "plain.npz")
    a_mixture().save(tmp_path / "noisy.npz")
    with np.load(tmp_path / "plain.npz") as plain, np.load(tmp_path / "noisy.npz") as noisy:
        assert (int(plain["version"]), int(noisy["version"])) == (1, 2)
        assert "noise_weight" not in plain
        fields = {name: noisy[name] for name in noisy.files if name != "noise_low"}
    np.savez(tmp_path / "damaged.npz", **fields)
    with pytest.raises(ValueError, match="damaged: it lacks noise_low"):
        Mixture.load(tmp_path / "damaged.npz")


@pytest.mark.parametrize(
    ("noise", "error", "match"),
    [
        (0.3, TypeError, "fastem.Noise"),
        (Noise(0.3, [0.0], [1.0]), ValueError, "1 dimensions but means have 2"),
        (Noise(0.5, [0.0, 0.0], [1.0, 1.0]), ValueError, "times 0.5, which the noise leaves"),
    ],
)
def test_a_noise_that_does_not_fit_is_refused(noise, error, match):
    parts = a_mixture()
    with pytest.raises(error, match=match):
        Mixture(parts.weights, parts.means, parts.covariances, noise=noise)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ((1.5, [0.0], [1.0]), "from 0 to 1"),
        ((-0.5, [0.0], [1.0]), "from 0 to 1"),
        ((0.5, [0.0, 1.0], [1.0, 1.0]), r"noise.low\[1\]"),
        ((0.5, [0.0, 0.0], [1.0]), "noise.high has shape"),
        ((0.5, [0.0, 0.0], [1.0, 1.0], [[1.0, 1.0], [0.0, 1.0]]), "right angles"),
    ],
)
def test_a_box_that_is_none_is_refused(given, match):
    with pytest.raises(ValueError, match=match):
        Noise(*given)


def test_noise_of_no_weight_keeps_its_column():
    parts = a_mixture()
    silent = Mixture(
        parts.weights / 0.7, parts.means, parts.covariances, noise=parts.noise.with_weight(0.0)
    )
    X = np.random.default_rng(0).normal(size=(50, D))
    assert silent.responsibilities(X).shape == (50, K + 1)
    assert_allclose(silent.log_prob(X), silent.without_noise().log_prob(X))
    assert (silent.predict(X) >= 0).all()


# The M step --------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", SEVERAL_COLUMNS)
def test_the_m_step_is_the_familys_own_on_what_is_left(covariance_type):
    """Oracle: the family without noise; the weights are shares of all rows."""
    mixture = a_mixture(covariance_type)
    own = mixture.family.at(unchanged_units(D))
    assert isinstance(own, WithNoise)
    X = np.random.default_rng(1).normal(size=(400, D)) * 4
    moments = own.factor(mixture._parameters).summarise(X, None, unchanged_units(D))
    bounds = Bounds(np.zeros(D), 1e-10)
    got = own.maximise(moments, bounds)
    plain = Moments(
        moments.about, 400 - moments.noise, 0.0, 0.0, moments.counts, moments.first, moments.second
    )
    alone = own.family.maximise(plain, bounds)
    assert_allclose(got.weights, moments.counts / 400)
    assert_allclose(own.noise_weight(got), moments.noise / 400)
    assert_allclose(got.means, alone.means)
    assert_allclose(got.covariances, alone.covariances)


# Whole fits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("n_features", "n_clusters"), [(2, 3), (5, 6)])
def test_noise_is_found_and_weighed(share, n_features, n_clusters):
    """Oracle: the labels, found as well as by their own mixture; a binomial's standard error."""
    X, labels = clusters_and_noise(share, 1000, n_features, n_clusters)
    fitted = fastem.fit(X, n_clusters, noise=True, random_state=0)
    mixture = fitted.mixture
    found = mixture.predict(X)
    assert fitted.converged
    own = [X[labels == k] for k in range(n_clusters)]
    truth = Mixture(
        np.bincount(labels + 1)[1:] / len(X),
        [mine.mean(axis=0) for mine in own],
        [np.cov(mine.T) for mine in own],
        noise=Data.of(X, None).noise_box.with_weight((labels == -1).mean()),
    )
    reachable = adjusted_rand_index(labels, truth.predict(X))
    assert adjusted_rand_index(labels, found) > max(0.8, reachable - 0.01)
    inside = share * 1.1  # the box holds the clusters' rows too, and noise hides among them
    assert abs(mixture.noise.weight - share) < 4 * np.sqrt(inside * (1 - share) / len(X))
    assert_allclose(mixture.weights.sum() + mixture.noise.weight, 1.0)
    assert_allclose(fitted.log_likelihood, np.log(joint(mixture, X).sum(axis=1)).sum())
    assert fitted.bic() < fastem.fit(X, n_clusters, random_state=0).bic() - 50


def test_criteria_count_two_more_parameters():
    X, _ = clusters_and_noise(0.2)
    choice = fastem.select(X, [2, 3, 4], noise=True, random_state=0)
    best = choice.best
    assert best.mixture.n_components == K
    assert best.mixture.noise.weight > 0.1
    row = choice.best_row
    assert row.n_parameters == 17 + 2
    assert_allclose(row.bic, 19 * np.log(len(X)) - 2 * row.log_likelihood)
    assert_allclose(best.icl(), best.icl(X))


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "VEE", "EVI"])
@pytest.mark.parametrize("accelerate", [False, True])
def test_the_likelihood_never_falls(name, accelerate):
    X, labels = clusters_and_noise(0.3, n=300)
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)]) + 1
    options = {"covariance_type": name, "noise": labels == -1, "accelerate": accelerate}
    fitted = fastem.fit(X, K, means_init=means, tol=1e-9, **options)
    assert fitted.converged
    assert np.diff(fitted.trace).min(initial=0.0) > -1e-12 * abs(fitted.trace[-1])


def test_data_without_noise_lose_it():
    X, _ = clusters_and_noise(0.0)
    fitted = fastem.fit(X, K, noise=True, random_state=0)
    assert fitted.mixture.noise.weight < 0.01
    plain = fastem.fit(X, K, random_state=0)
    assert fitted.log_likelihood > plain.log_likelihood - 1e-3
    assert fitted.bic() > plain.bic()


@pytest.mark.parametrize(("scale", "shift"), [(2.0**400, 0.0), (2.0**-400, 0.0), (1.0, 1e8)])
@pytest.mark.parametrize("prior", [False, True])
def test_scale_and_shift_of_the_data_commute_with_the_fit(scale, shift, prior):
    X, _ = clusters_and_noise(0.3, n=300)
    options = {"noise": True, "prior": prior, "random_state": 0, "tol": 1e-9}
    here, there = (fastem.fit(Y, K, **options) for Y in (X, X * scale + shift))
    assert_allclose(there.mixture.noise.weight, here.mixture.noise.weight, rtol=1e-5)
    assert_allclose((there.mixture.means - shift) / scale, here.mixture.means, rtol=1e-4, atol=1e-4)
    shifted = there.log_likelihood + len(X) * D * np.log(scale)
    assert_allclose(shifted, here.log_likelihood, rtol=1e-6)


def test_float32_rows_find_the_same():
    X, _ = clusters_and_noise(0.3)
    wide, narrow = (
        fastem.fit(Y, K, noise=True, random_state=0) for Y in (X, (X + 1e4).astype(np.float32))
    )
    assert_allclose(narrow.mixture.noise.weight, wide.mixture.noise.weight, rtol=1e-2)
    assert_allclose(narrow.log_likelihood, wide.log_likelihood, rtol=1e-3)


def test_weights_count_rows():
    """Oracle: the same rows written out, from the same start."""
    X, labels = clusters_and_noise(0.3, n=300)
    weight = np.random.default_rng(0).integers(0, 3, size=len(X))
    weight[[X[:, 0].argmin(), X[:, 0].argmax(), X[:, 1].argmin(), X[:, 1].argmax()]] = 1
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    options = {"means_init": means, "tol": 1e-11}
    weighted = fastem.fit(X, K, sample_weight=weight, noise=labels == -1, **options)
    times = np.repeat(np.arange(len(X)), weight)
    written = fastem.fit(X[times], K, noise=(labels == -1)[times], **options)
    assert_allclose(weighted.mixture.noise.weight, written.mixture.noise.weight, rtol=1e-5)
    assert_allclose(weighted.bic(), written.bic())


def test_a_prior_and_noise_together():
    """Oracle: the two wrappers, in one order; the posterior does not fall."""
    X, _ = clusters_and_noise(0.3, n=60)
    fitted = fastem.fit(X, 8, noise=True, prior=True, random_state=0, accelerate=False)
    assert fitted.status.code == "converged"
    assert np.diff(fitted.trace).min(initial=0.0) > -1e-12
    own = WithNoise(WithPrior(FAMILIES["full"], *priors(X)), Data.of(X, None).noise_box)
    assert own.log_prior(fitted.mixture._parameters) != 0.0
    total = fitted.mixture.weights.sum() + fitted.mixture.noise.weight
    assert_allclose(total, 1.0)


def priors(X):
    return X.mean(axis=0), np.cov(X.T), 1 / len(X), unchanged_units(D)


def test_a_whole_start_and_weights_are_taken():
    X, labels = clusters_and_noise(0.3)
    start = {
        "weights_init": np.full(K, 1 / K),
        "means_init": [X[labels == k].mean(axis=0) for k in range(K)],
        "covariances_init": [np.eye(D)] * K,
    }
    passes = fastem.Recorder()
    fastem.fit(X, K, noise=labels == -1, callback=passes, **start)
    first = passes[0].mixture
    assert_allclose(first.noise.weight, (labels == -1).mean())
    assert_allclose(first.weights, (labels >= 0).mean() / K)


@pytest.mark.parametrize(
    ("noise", "error", "match"),
    [
        ("yes", TypeError, "noise is 'yes'; give True or False"),
        (None, TypeError, "noise is None"),
        (np.ones(900), TypeError, "noise has dtype float64"),
        (np.ones(7, bool), ValueError, r"noise has shape \(7,\)"),
    ],
)
def test_a_guess_that_is_none_is_refused(noise, error, match):
    X, _ = clusters_and_noise(0.0)
    with pytest.raises(error, match=match):
        fastem.fit(X, K, noise=noise)


def test_scikit_learns_class_has_no_noise():
    pytest.importorskip("sklearn")
    with pytest.raises(ValueError, match="without_noise"):
        fastem.GaussianMixture.from_mixture(a_mixture())


def test_labels_are_written_with_the_probability_of_noise(tmp_path):
    mixture = a_mixture()
    X = np.random.default_rng(0).normal(size=(200, D)) * 6
    mixture.predict_to(tmp_path / "labels.csv", X, probabilities=True)
    mixture.predict_to(tmp_path / "labels.npy", X, probabilities=True)
    lines = (tmp_path / "labels.csv").read_text().splitlines()
    assert lines[0] == "label,probability_0,probability_1,probability_2,probability_noise"
    written = np.array([line.split(",") for line in lines[1:]], dtype=float)
    assert np.array_equal(written[:, 0], mixture.predict(X))
    assert np.array_equal(written[:, 1:], mixture.responsibilities(X))
    assert np.array_equal(np.load(tmp_path / "labels.npy"), mixture.responsibilities(X))


def test_rows_on_disk_are_fitted_with_noise_as_in_memory(tmp_path):
    X, _ = clusters_and_noise(0.3)
    np.save(tmp_path / "rows.npy", X)
    here = fastem.fit(X, K, noise=True, random_state=0)
    there = fastem.fit(tmp_path / "rows.npy", K, noise=True, random_state=0)
    assert there.mixture == here.mixture
    with pytest.raises(ValueError, match="not in memory; give noise=True"):
        fastem.fit(tmp_path / "rows.npy", K, noise=np.zeros(len(X), bool))


def test_a_bootstrap_keeps_the_noise():
    X, _ = clusters_and_noise(0.3)
    fitted = fastem.fit(X, K, noise=True, random_state=0)
    errors = fastem.bootstrap(fitted, X, 30, random_state=0).standard_errors
    binomial = np.sqrt(fitted.mixture.weights * (1 - fitted.mixture.weights) / len(X))
    assert (errors.weights > 0.5 * binomial).all()
    assert (errors.weights < 2 * binomial).all()


def test_rows_may_all_be_noise():
    """Oracle: the density that is left when no component has a row."""
    X = np.random.default_rng(0).uniform(size=(200, 40))
    fitted = fastem.fit(X, 2, covariance_type="diag", noise=True, prior=True, random_state=0)
    noise = fitted.mixture.noise
    if noise.weight == 1.0:
        assert_allclose(fitted.log_likelihood, -200 * noise.log_volume)
    own = WithNoise(FAMILIES["diag"], noise).at(unchanged_units(40))
    gone = Moments(X[:2], 200.0, 0.0, 0.0, np.zeros(2), X[:2] * 0, X[:2] * 0, 200.0)
    found = own.maximise(gone, Bounds(np.zeros(40), 1e-10))
    assert not found.weights.any()
    assert own.noise_weight(found) == 1.0
    assert np.isfinite(gone.scatter()[2]).all()
    alone = Mixture(found.weights, X[:2], np.ones((2, 40)), "diag", noise.with_weight(1.0))
    assert (alone.predict(X) == -1).all()
    with pytest.raises(ValueError, match="noise alone"):
        alone.without_noise()


def test_old_faithful_under_noise_is_what_it_is_without():
    """Oracle: EEE with 3 components, mclust's choice for the rows without noise."""
    X = np.loadtxt(DATA / "faithful.csv", delimiter=",", skiprows=1)
    strewn = np.random.default_rng(0).uniform(X.min(axis=0), X.max(axis=0), size=(100, 2))
    both = np.concatenate([X, strewn])
    families = ["EEE", "VVV"]
    choice = fastem.select(both, [2, 3, 4], covariance_type=families, noise=True, random_state=0)
    best = choice.best
    assert (best.mixture.covariance_type, best.mixture.n_components) == ("EEE", 3)
    assert 100 / 372 - 0.05 < best.mixture.noise.weight < 100 / 372 + 0.15
    plain = fastem.select(both, range(2, 8), covariance_type=families, random_state=0)
    assert best.bic() < plain.best.bic() - 20
