"""fastem.fit under a DirichletProcess or NormalWishart prior."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import digamma

import fastem
from fastem import DirichletProcess, NormalWishart
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.covariance.weight_priors import Dirichlet, StickBreaking
from fastem.data import Data

PRIORS = DirichletProcess, NormalWishart
FAMILIES = "full", "tied", "diag", "spherical"


def rows(n=300, offset=0.0):
    rng = np.random.default_rng(2)
    parts = [rng.normal(mean, scale, (n, 2)) for mean, scale in ((0, 1), (8, 0.5), (-9, 2))]
    return np.concatenate(parts) + offset


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_bound_never_falls_and_acceleration_does_not_change_the_end(prior, name):
    kinds = {"covariance_type": name, "prior": prior(1e-2), "random_state": 0, "tol": 1e-9}
    fast, plain = (
        fastem.fit(rows(), 6, accelerate=accelerate, max_iter=20000, **kinds)
        for accelerate in (True, False)
    )
    for fitted in fast, plain:
        assert fitted.converged
        assert np.diff(fitted.trace).min(initial=0.0) > -1e-13
    # Of one matrix for all, the wide cluster is several components.
    assert fast.n_effective == plain.n_effective == (6 if name == "tied" else 3)
    assert fast.trace[-1] == pytest.approx(plain.trace[-1], abs=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_end_is_a_fixed_point_of_scikit_learns_iteration(name):
    mixture = pytest.importorskip("sklearn.mixture")
    X = rows()
    fitted = fastem.fit(
        X, 3, covariance_type=name, prior=NormalWishart(), random_state=0, tol=1e-12
    )
    model = mixture.BayesianGaussianMixture(
        n_components=3,
        covariance_type=name,
        weight_concentration_prior_type="dirichlet_distribution",
        max_iter=1000,
        tol=1e-10,
        reg_covar=0,
        random_state=0,
    ).fit(X)
    order = np.argsort(model.means_[:, 0])
    mine = fitted.mixture.sorted(by=0)
    np.testing.assert_allclose(mine.means, model.means_[order], atol=1e-5)
    np.testing.assert_allclose(mine.weights, model.weights_[order], atol=1e-6)


@pytest.mark.parametrize("kind", [Dirichlet, StickBreaking])
def test_weight_priors_by_brute_force(kind):
    prior, counts = kind(0.3), np.array([5.0, 0.0, 2.5, 11.0])
    rng = np.random.default_rng(0)
    posterior = prior.posterior(counts)
    np.testing.assert_allclose(prior.counts(posterior), counts)
    if kind is Dirichlet:
        drawn = rng.dirichlet(posterior, 200_000)
        log_q = stats.dirichlet(posterior).logpdf(drawn.T)
        log_p = stats.dirichlet(np.full(4, 0.3)).logpdf(drawn.T)
        expected = np.log(drawn)
    else:
        sticks = np.minimum(rng.beta(*posterior, (200_000, 4)), 1 - 2.0**-53)
        log_q = stats.beta(*posterior).logpdf(sticks).sum(axis=1)
        log_p = stats.beta(1, 0.3).logpdf(sticks).sum(axis=1)
        left = np.cumsum(np.log1p(-sticks), axis=1)
        expected = np.log(sticks)
        expected[:, 1:] += left[:, :-1]
    fine = np.isfinite(log_q - log_p) & np.isfinite(expected).all(axis=1)
    ratio = (log_q - log_p)[fine]
    assert prior.divergence(counts) == pytest.approx(ratio.mean(), abs=0.05)
    error = 5 * expected[fine].std(axis=0) / np.sqrt(fine.sum())
    assert (np.abs(prior.log_weights(counts) - expected[fine].mean(axis=0)) < error + 0.02).all()


@pytest.mark.slow
def test_the_divergence_of_full_matrices_is_that_of_normal_wishart_distributions():
    X = rows(40)
    data, plain = Data.of(X), family_by_name("full")
    own = NormalWishart(0.5, mean_precision=0.7, degrees_of_freedom=3.5)
    variational = own.of(plain, 2, *data.centre(plain))
    moments = data.rows(plain).summarise(
        plain.factor(
            Parameters(np.full(2, 0.5), np.array([[0.0, 0], [6, 6]]), np.stack([np.eye(2)] * 2))
        )
    )
    found = variational.maximise(moments, Bounds(np.zeros(2), 0.0))
    counts, prior = variational.counts(found), variational.prior
    total = prior.weights.divergence(counts)
    rng = np.random.default_rng(0)
    for k in range(2):
        nu, beta = prior.degrees_of_freedom + counts[k], prior.mean_precision + counts[k]
        q = stats.wishart(nu, np.linalg.inv(found.covariances[k] * nu))
        p = stats.wishart(prior.degrees_of_freedom, np.linalg.inv(prior.scale))
        drawn = q.rvs(20000, random_state=rng)
        wishart = (q.logpdf(drawn.transpose(1, 2, 0)) - p.logpdf(drawn.transpose(1, 2, 0))).mean()
        delta = found.means[k] - prior.mean
        ratio = prior.mean_precision / beta
        squares = delta @ np.linalg.inv(found.covariances[k]) @ delta
        normal = 0.5 * (2 * (ratio - 1 - np.log(ratio)) + prior.mean_precision * squares)
        total += wishart + normal
    assert -variational.log_prior(found) * variational.n_rows == pytest.approx(total, abs=0.2)


def test_a_density_of_the_e_step_by_its_formula():
    X = rows(20)
    data, plain = Data.of(X), family_by_name("full")
    variational = DirichletProcess(0.5).of(plain, 2, *data.centre(plain))
    found = Parameters(np.array([0.4, 0.6]), X[:2].copy(), np.stack([np.eye(2), 2 * np.eye(2)]))
    density = variational.factor(found)
    counts = variational.counts(found)
    nu, beta = 2 + counts, 1 + counts
    log_determinant = 2 * np.log(2) + digamma(nu / 2) + digamma((nu - 1) / 2)
    log_determinant -= np.linalg.slogdet(found.covariances)[1] + 2 * np.log(nu)
    log_weights = variational.prior.weights.log_weights(counts)
    wanted = log_weights + 0.5 * (log_determinant - 2 / beta) - np.log(2 * np.pi)
    np.testing.assert_allclose(density.log_norms * np.log(2), wanted, rtol=1e-12)


@pytest.mark.parametrize("prior", PRIORS)
def test_files_and_checkpoints(prior, tmp_path):
    X = rows()
    np.save(tmp_path / "rows.npy", X)
    options = {"prior": prior(1e-3), "random_state": 0}
    memory = fastem.fit(X, 5, **options)
    stored = fastem.fit(tmp_path / "rows.npy", 5, checkpoint=tmp_path / "state", **options)
    again = fastem.fit(tmp_path / "rows.npy", 5, checkpoint=tmp_path / "state", **options)
    assert stored.n_effective == memory.n_effective == 3
    assert again.mixture == stored.mixture
    assert stored.trace[-1] == pytest.approx(memory.trace[-1], abs=1e-6)
    with pytest.raises(ValueError, match="prior"):
        fastem.fit(
            tmp_path / "rows.npy",
            5,
            checkpoint=tmp_path / "state",
            prior=prior(1.0),
            random_state=0,
        )


def test_rows_on_dask():
    array = pytest.importorskip("dask.array")
    X = rows()
    options = {"prior": DirichletProcess(1e-3), "random_state": 0}
    fitted = fastem.fit(array.from_array(X, chunks=(200, 2)), 5, **options)
    assert fitted.n_effective == 3
    assert fitted.trace[-1] == pytest.approx(fastem.fit(X, 5, **options).trace[-1], abs=1e-6)


def test_weights_count_as_rows():
    X = rows(50)
    weight = np.where(np.arange(len(X)) % 2, 1, 3)
    options = {"prior": DirichletProcess(), "random_state": 0, "tol": 1e-10}
    weighted = fastem.fit(X, 3, sample_weight=weight, **options)
    repeated = fastem.fit(X.repeat(weight, axis=0), 3, **options)
    assert weighted.trace[-1] == pytest.approx(repeated.trace[-1], abs=1e-7)


def test_a_large_sample_races_first():
    X = rows(20_000)
    fitted = fastem.fit(X, 8, prior=DirichletProcess(1e-3), random_state=0)
    assert fitted.converged
    assert fitted.n_effective == 3


def test_components_of_at_least_a_named_share_are_effective():
    means = np.array([[0.0], [50.0], [100.0]])
    X = np.repeat(means, [2000, 11, 9], axis=0) + np.random.default_rng(0).normal(size=(2020, 1))
    found = fastem.fit(X, 3, means_init=means, covariance_type="spherical")
    assert_allclose(found.mixture.weights, np.array([2000, 11, 9]) / 2020, rtol=1e-6)
    assert found.n_effective == 2


def test_the_likelihood_is_that_of_the_mixture():
    fitted = fastem.fit(rows(), 5, prior=DirichletProcess(), random_state=0)
    assert fitted.log_likelihood == pytest.approx(fitted.mixture.log_prob(rows()).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (lambda: NormalWishart(concentration=0.0), "concentration is 0.0; give a number above 0"),
        (lambda: NormalWishart(mean_precision=-1), "mean_precision is -1"),
        (
            lambda: NormalWishart(degrees_of_freedom=0.5),
            "degrees_of_freedom is 0.5; with 2",
        ),
        (lambda: NormalWishart(mean=[1.0]), "mean has shape"),
        (lambda: NormalWishart(covariance=-np.eye(2)), "positive definite"),
        (lambda: NormalWishart(covariance=np.eye(3)), "covariance has shape"),
    ],
)
def test_bad_priors(prior, message):
    with pytest.raises(ValueError, match=message):
        fastem.fit(rows(), 2, prior=prior())


def test_what_a_variational_fit_does_not_know():
    with pytest.raises(ValueError, match="has no variational fit"):
        fastem.fit(rows(), 2, covariance_type="VEV", prior=DirichletProcess())
    with pytest.raises(TypeError, match="prior is 'yes'"):
        fastem.fit(rows(), 2, prior="yes")
