"""BayesianGaussianMixture against scikit-learn's: the same parameters iteration by iteration."""

import pickle
import warnings

import numpy as np
import pytest

import fastem
from fastem import BayesianGaussianMixture

sklearn_mixture = pytest.importorskip("sklearn.mixture")

FAMILIES = "full", "tied", "diag", "spherical"
PRIORS = "dirichlet_process", "dirichlet_distribution"
PUBLISHED = (
    "weights_",
    "means_",
    "covariances_",
    "precisions_",
    "precisions_cholesky_",
    "weight_concentration_",
    "mean_precision_",
    "degrees_of_freedom_",
    "weight_concentration_prior_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
)

pytestmark = pytest.mark.filterwarnings("ignore:.*did not converge")


def rows(n_features=2, n=120, offset=0.0):
    rng = np.random.default_rng(5)
    parts = [
        rng.normal(mean, scale, (n, n_features)) for mean, scale in ((0, 1), (6, 0.5), (-5, 2))
    ]
    return np.concatenate(parts) + offset


def both(X, **parameters):
    models = sklearn_mixture.BayesianGaussianMixture, BayesianGaussianMixture
    return [model(random_state=3, **parameters).fit(X) for model in models]


def assert_same(theirs, mine, rtol=1e-12):
    for name in PUBLISHED:
        left, right = (np.asarray(getattr(model, name)) for model in (theirs, mine))
        assert left.shape == right.shape, name
        np.testing.assert_allclose(
            right, left, rtol=0, atol=rtol * np.abs(left).max(), err_msg=name
        )
    assert mine.n_iter_ == theirs.n_iter_
    assert mine.converged_ == theirs.converged_
    name = "lower_bounds_" if hasattr(theirs, "lower_bounds_") else "lower_bound_"
    bounds = [np.ravel(getattr(model, name)) for model in (theirs, mine)]
    np.testing.assert_allclose(bounds[1], bounds[0], rtol=1e-12)


@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("max_iter", [0, 1, 2, 5, 400])
def test_each_iteration_is_scikit_learns(family, prior_type, max_iter):
    theirs, mine = both(
        X := rows(),
        n_components=5,
        covariance_type=family,
        weight_concentration_prior_type=prior_type,
        max_iter=max_iter,
    )
    assert_same(theirs, mine)
    np.testing.assert_allclose(mine.score_samples(X), theirs.score_samples(X), atol=1e-11)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-11)
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("init", ["k-means++", "random", "random_from_data"])
def test_other_starts_are_scikit_learns(family, init):
    parameters = {"n_components": 4, "covariance_type": family, "init_params": init}
    assert_same(*both(rows(3), max_iter=8, **parameters))


@pytest.mark.parametrize("family", FAMILIES)
def test_given_priors_mean_what_they_mean_there(family):
    scale = {"full": np.diag([1.0, 2.0]), "diag": np.array([1.0, 2.0]), "spherical": 1.5}
    scale["tied"] = scale["full"]
    theirs, mine = both(
        rows(),
        n_components=4,
        covariance_type=family,
        weight_concentration_prior=0.7,
        mean_precision_prior=2.5,
        mean_prior=[1.0, -1.0],
        degrees_of_freedom_prior=3.5,
        covariance_prior=scale[family],
        max_iter=300,
    )
    assert_same(theirs, mine)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weight_of_two_is_the_row_twice(family):
    X = rows()
    weight = np.where(np.arange(len(X)) % 3, 1, 2)
    parameters = {"n_components": 3, "covariance_type": family, "tol": 0, "max_iter": 300}
    weighted = BayesianGaussianMixture(random_state=0, **parameters).fit(X, sample_weight=weight)
    repeated = BayesianGaussianMixture(random_state=0, **parameters).fit(X.repeat(weight, axis=0))
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weighted.mean_precision_, repeated.mean_precision_, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_warm_starts_go_on(family):
    parameters = {"n_components": 4, "covariance_type": family, "random_state": 0, "tol": 0}
    X = rows()
    warm = BayesianGaussianMixture(max_iter=1, warm_start=True, **parameters)
    for _ in range(6):
        warm.fit(X)
    whole = BayesianGaussianMixture(max_iter=6, **parameters).fit(X)
    np.testing.assert_allclose(warm.means_, whole.means_, rtol=1e-10, atol=1e-12)
    assert warm.lower_bound_ == pytest.approx(whole.lower_bound_, abs=1e-8)


@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_bound_with_its_constants_never_falls(family, prior_type):
    model = BayesianGaussianMixture(
        n_components=6,
        covariance_type=family,
        weight_concentration_prior_type=prior_type,
        reg_covar=0.0,
        tol=0,
        max_iter=200,
        random_state=1,
    ).fit(rows())
    assert np.diff(model.fit_.trace).min() > -1e-13
    # scikit-learn's leaves constants out: its differences are those of the bound between an M step
    # and the next, so they interleave with the trace.
    n = len(rows())
    trace, reduced = model.fit_.trace * n, np.array(model.lower_bounds_)
    gain = reduced - reduced[-1]
    assert (trace[1:] - trace[-1] >= gain - 1e-8).all()


def test_float32_rows_give_float32_attributes():
    model = BayesianGaussianMixture(n_components=3, random_state=0).fit(rows().astype(np.float32))
    assert model.means_.dtype == model.mean_precision_.dtype == np.float32
    assert model.score_samples(rows().astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("offset", [1e8, -1e8])
def test_far_from_the_origin(offset):
    near, far = (
        BayesianGaussianMixture(n_components=3, random_state=0).fit(rows(offset=by))
        for by in (0.0, offset)
    )
    np.testing.assert_allclose(far.means_ - offset, near.means_, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_any_scale(scale):
    parameters = {"n_components": 3, "random_state": 0, "reg_covar": 0.0}
    model = BayesianGaussianMixture(**parameters).fit(rows() * scale)
    plain = BayesianGaussianMixture(**parameters).fit(rows())
    np.testing.assert_allclose(model.means_ / scale, plain.means_, rtol=1e-9)


def test_a_pickle_answers_the_same():
    model = BayesianGaussianMixture(n_components=3, random_state=0).fit(rows())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(rows()), model.predict_proba(rows()))


def test_the_mixture_is_what_is_published():
    model = BayesianGaussianMixture(n_components=3, random_state=0).fit(rows())
    assert isinstance(model.mixture_, fastem.Mixture)
    np.testing.assert_array_equal(model.mixture_.weights, model.weights_)
    assert model.fit_.log_likelihood == pytest.approx(model.mixture_.log_prob(rows()).sum())


def test_warns_where_scikit_learn_warns():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BayesianGaussianMixture(n_components=3, max_iter=1, tol=0, random_state=0).fit(rows())
    assert any("did not converge" in str(warning.message) for warning in caught)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mean_prior": [0.0]}, "'means' should have the shape of"),
        ({"degrees_of_freedom_prior": 1.0}, "should be greater than 1, but got 1.000"),
        ({"covariance_prior": np.eye(3)}, "should have the shape of"),
        ({"covariance_prior": -np.eye(2)}, "symmetric, positive-definite"),
        ({"weight_concentration_prior": 0.0}, "weight_concentration_prior"),
        ({"n_components": 1000}, "n_samples >= n_components"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        BayesianGaussianMixture(**parameters).fit(rows())
