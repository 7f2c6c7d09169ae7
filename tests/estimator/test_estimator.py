"""fastem.GaussianMixture against scikit-learn's, and what it can do beyond it."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import sklearn.mixture
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import fastem
from fastem import GaussianMixture

ROOT = Path(__file__).parents[2]
COVARIANCE_TYPES = "full", "tied", "diag", "spherical"
STARTS = "kmeans", "k-means++", "random", "random_from_data"
PARAMETERS = "weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"
#: What scikit-learn's own parameters are of rows of float32.
IS_NEW = parse_version(sklearn.__version__) >= parse_version("1.7")
THEIR_SINGLE = np.float32 if IS_NEW else np.float64

ignore_not_converged = pytest.mark.filterwarnings("ignore:Best performing:Warning")


def clusters(n=600, seed=0):
    """Three clusters of different shape, away from the origin, that touch."""
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0, 0], [3, 1, -2], [-3, 2, 2]])
    sizes = [0.5, 1.0, 1.5]
    rows = [c + s * rng.normal(size=(n // 3, 3)) for c, s in zip(centres, sizes, strict=True)]
    return np.concatenate(rows) @ rng.normal(size=(3, 3)) + 5


@ignore_not_converged
@pytest.mark.parametrize("n_features", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_midway_between_two_seeds_go_where_rounding_sends_them_there(n_features, dtype):
    """Of 40 sets of whole numbers 5 to 14 ended elsewhere when the first of two seeds won."""
    apart = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.integers(0, rng.integers(5, 40), size=(rng.integers(60, 2000), n_features)) * 0.1
        X = X.astype(dtype)
        ours, theirs = (
            kind(5, random_state=0, max_iter=1, tol=1.0).fit(X)
            for kind in (GaussianMixture, sklearn.mixture.GaussianMixture)
        )
        apart += ours.lower_bound_ != pytest.approx(theirs.lower_bound_, rel=1e-5, abs=1e-5)
    assert apart <= 1


def start(X, covariance_type, K=3, seed=1):
    """A start given whole, as both classes take it."""
    rng = np.random.default_rng(seed)
    precision = np.linalg.inv(np.cov(X.T))
    precisions = {
        "full": np.stack([precision * (1 + k) for k in range(K)]),
        "tied": precision,
        "diag": np.outer(1 + np.arange(K), np.diag(precision)),
        "spherical": np.linspace(0.1, 0.5, K),
    }
    return {
        "n_components": K,
        "covariance_type": covariance_type,
        "weights_init": rng.dirichlet(np.full(K, 20.0)),
        "means_init": X[rng.choice(len(X), K, replace=False)],
        "precisions_init": precisions[covariance_type],
    }


def relative(found, expected):
    assert np.shape(found) == np.shape(expected)
    return np.max(np.abs(np.subtract(found, expected))) / np.max(np.abs(expected))


def both(X, **parameters):
    return GaussianMixture(**parameters).fit(X), sklearn.mixture.GaussianMixture(**parameters).fit(
        X
    )


def bounds(ours, theirs):
    """Bounds of all iterations; of the last one where this scikit-learn keeps no others."""
    name = "lower_bounds_" if hasattr(theirs, "lower_bounds_") else "lower_bound_"
    return [np.ravel(getattr(model, name)) for model in (ours, theirs)]


# The same as scikit-learn


@ignore_not_converged
@pytest.mark.parametrize("n_iter", [1, 2, 17])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_iterations_same_parameters_as_scikit_learn(covariance_type, n_iter):
    X = clusters()
    ours, theirs = both(X, **start(X, covariance_type), tol=0.0, max_iter=n_iter)
    assert ours.n_iter_ == theirs.n_iter_ == n_iter
    for name in PARAMETERS:
        assert relative(getattr(ours, name), getattr(theirs, name)) < 1e-8
    np.testing.assert_allclose(*bounds(ours, theirs), rtol=1e-11)
    assert ours.lower_bound_ == pytest.approx(theirs.lower_bound_, rel=1e-11)


@pytest.mark.parametrize("init_params", STARTS)
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_fit_as_scikit_learn_from_the_same_random_state(covariance_type, init_params):
    parameters = {"covariance_type": covariance_type, "init_params": init_params}
    ours, theirs = both(clusters(), n_components=4, n_init=3, random_state=3, **parameters)
    assert (ours.n_iter_, ours.converged_) == (theirs.n_iter_, theirs.converged_)
    for name in PARAMETERS:
        assert relative(getattr(ours, name), getattr(theirs, name)) < 1e-8
    # Without a covariance to start from, theirs loses digits in the first bound.
    found, expected = bounds(ours, theirs)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-10)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_methods_agree_with_scikit_learn(covariance_type):
    X = clusters()
    ours, theirs = both(X, n_components=3, covariance_type=covariance_type, random_state=0)
    rows = clusters(90, seed=5)
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))
    assert ours.predict(rows).dtype == theirs.predict(rows).dtype
    np.testing.assert_allclose(ours.predict_proba(rows), theirs.predict_proba(rows), atol=1e-10)
    np.testing.assert_allclose(ours.score_samples(rows), theirs.score_samples(rows), rtol=1e-9)
    for name in "score", "aic", "bic":
        assert getattr(ours, name)(rows) == pytest.approx(getattr(theirs, name)(rows), rel=1e-10)
    for found, expected in zip(ours.sample(50), theirs.sample(50), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_attributes_and_types_as_scikit_learn_for_float32(covariance_type):
    X = clusters().astype(np.float32)
    ours, theirs = both(X, n_components=3, covariance_type=covariance_type, random_state=0)
    for name in PARAMETERS:
        assert getattr(ours, name).dtype == np.float32
        assert getattr(theirs, name).dtype == THEIR_SINGLE
        assert relative(getattr(ours, name), getattr(theirs, name)) < 5e-3
    assert ours.predict_proba(X).dtype == ours.score_samples(X).dtype == np.float32
    assert ours.score_samples(X.astype(float)).dtype == np.float64


def test_parameters_are_those_of_scikit_learn():
    """Beside what becomes of missing values."""
    ours, theirs = GaussianMixture(), sklearn.mixture.GaussianMixture()
    own = ours.get_params(deep=False)
    assert own.pop("missing") == "error"
    assert list(own.items()) == list(theirs.get_params(deep=False).items())
    assert isinstance(ours.set_params(tol=0.1), GaussianMixture)


@ignore_not_converged
def test_max_iter_0_keeps_the_start():
    X = clusters()
    given = start(X, "full")
    model = GaussianMixture(**given, max_iter=0).fit(X)
    np.testing.assert_allclose(model.means_, given["means_init"], rtol=1e-14)
    np.testing.assert_allclose(model.precisions_, given["precisions_init"], rtol=1e-9)
    assert (model.lower_bound_, model.lower_bounds_, model.converged_) == (-np.inf, [], False)
    drawn = GaussianMixture(3, init_params="random_from_data", max_iter=0, random_state=0).fit(X)
    assert drawn.weights_.sum() == pytest.approx(1)


@ignore_not_converged
@pytest.mark.parametrize("given", ["weights_init", "means_init", "precisions_init"])
def test_a_start_given_in_part_is_completed_as_in_scikit_learn(given):
    X = clusters()
    part = {given: start(X, "full")[given]}
    ours, theirs = both(X, n_components=3, max_iter=3, tol=0.0, random_state=0, **part)
    assert relative(ours.covariances_, theirs.covariances_) < 1e-8


@ignore_not_converged
def test_warm_start_goes_on_where_it_left_off_as_in_scikit_learn():
    X = clusters()
    models = [
        of(**start(X, "full"), warm_start=True, max_iter=3, tol=1e-3)
        for of in (GaussianMixture, sklearn.mixture.GaussianMixture)
    ]
    for _ in range(25):
        ours, theirs = (model.fit(X) for model in models)
        assert (ours.n_iter_, ours.converged_) == (theirs.n_iter_, theirs.converged_)
        assert relative(ours.covariances_, theirs.covariances_) < 1e-8
    assert ours.converged_


@ignore_not_converged
def test_warm_start_of_another_shape_is_an_error():
    model = GaussianMixture(2, warm_start=True, random_state=0).fit(clusters())
    with pytest.raises(ValueError, match=r"go on from .* \(2, 'full', 3\) to \(2, 'diag', 3\)"):
        model.set_params(covariance_type="diag").fit(clusters())


def printed(model, X, capsys):
    model.fit(X)
    lines = capsys.readouterr().out.splitlines()
    return [line.split("time lapse")[0] + line[line.find("ll change") :] for line in lines]


@pytest.mark.parametrize(
    ("verbose", "interval", "max_iter"),
    [(1, 1, 3), (1, 2, 4), (2, 1, 4), (2, 2, 3), (1, 2, 100), (2, 1, 100)],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_verbose_prints_what_scikit_learn_prints(verbose, interval, max_iter, capsys):
    X = clusters()
    parameters = {**start(X, "full"), "verbose": verbose, "verbose_interval": interval}
    parameters |= {"n_init": 2, "max_iter": max_iter}
    ours = printed(GaussianMixture(**parameters), X, capsys)
    theirs = printed(sklearn.mixture.GaussianMixture(**parameters), X, capsys)
    assert ours == theirs
    assert len(ours) > 4


# Warnings and errors


def test_warns_when_it_has_not_converged():
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        model = GaussianMixture(3, max_iter=1).fit(clusters())
    assert not model.converged_
    assert "raise max_iter or tol" in str(model.fit_.status)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score", "score_samples", "icl"])
def test_before_fit_methods_say_so(method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(GaussianMixture(), method)(clusters())
    assert not hasattr(GaussianMixture(), "mixture_")


BAD = {
    "shape of weights": ({"weights_init": np.ones((2, 1))}, r"shape of \(2,\), but got \(2, 1\)"),
    "range of weights": ({"weights_init": [1.5, -0.5]}, "max value 1.50000, min value -0.50000"),
    "sum of weights": ({"weights_init": [0.5, 0.4]}, r"sum\(weights\) = 0.90000; divide"),
    "shape of means": ({"means_init": np.ones((3, 3))}, r"shape of \(2, 3\), but got \(3, 3\)"),
    "nan in means": ({"means_init": np.full((2, 3), np.nan)}, "holds NaN or infinity"),
    "asymmetric": ({"precisions_init": np.tri(3) + np.zeros((2, 1, 1))}, "it is not symmetric"),
    "indefinite": ({"precisions_init": -np.stack([np.eye(3)] * 2)}, "smallest eigenvalue is -1"),
    "negative": ({"covariance_type": "diag", "precisions_init": -np.ones((2, 3))}, "positive"),
    "family": ({"covariance_type": "round"}, "'covariance_type' parameter .* must be a str among"),
    "start": ({"init_params": "middle"}, "'init_params' parameter .* must be a str among"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameters_are_named(case):
    parameters, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2, **parameters).fit(clusters())


def test_a_singular_covariance_without_reg_covar_is_an_error():
    X = np.repeat([[0.0, 1.0], [2.0, 3.0]], 5, axis=0)
    with pytest.raises(ValueError, match=r"ill-defined empirical covariance.*increase reg_covar"):
        GaussianMixture(2, reg_covar=0, random_state=0).fit(X)


# Sample weights


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_weight_2_is_the_row_twice_and_weight_0_an_absent_row(covariance_type):
    X = clusters()
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    repeated = np.repeat(X, weight, axis=0)
    given = start(X, covariance_type)
    weighted = GaussianMixture(**given).fit(X, sample_weight=weight)
    plain = GaussianMixture(**given).fit(repeated)
    assert weighted.n_iter_ == plain.n_iter_
    for name in PARAMETERS:
        assert relative(getattr(weighted, name), getattr(plain, name)) < 1e-9
    assert weighted.score(X, sample_weight=weight) == pytest.approx(plain.score(repeated))
    for name in "aic", "bic", "icl":
        criterion = getattr(weighted, name)(X, sample_weight=weight)
        assert criterion == pytest.approx(getattr(plain, name)(repeated), rel=1e-10)
    labels = GaussianMixture(**given).fit_predict(X, sample_weight=weight)
    np.testing.assert_array_equal(labels, weighted.predict(X))


@pytest.mark.parametrize("init_params", [*STARTS, "random-subsets", "hierarchical"])
def test_starts_leave_rows_of_weight_0_alone(init_params):
    X = clusters()
    weight = np.where(np.arange(len(X)) < 400, 1.0, 0.0)
    parameters = {"n_components": 2, "init_params": init_params, "random_state": 0}
    weighted = GaussianMixture(**parameters).fit(X, sample_weight=weight)
    absent = GaussianMixture(**parameters).fit(X[:400])
    assert relative(weighted.means_, absent.means_) < 1e-9


@pytest.mark.parametrize("init_params", STARTS)
def test_starts_count_weights(init_params):
    X = clusters()
    weight = np.where(np.arange(len(X)) < 400, 1e-9, 1.0)
    parameters = {"n_components": 2, "init_params": init_params, "random_state": 0}
    weighted = GaussianMixture(**parameters).fit(X, sample_weight=weight)
    alone = GaussianMixture(**parameters).fit(X[400:])
    assert weighted.score(X[400:]) == pytest.approx(alone.score(X[400:]), abs=0.05)


def test_bad_weights_are_named():
    with pytest.raises(ValueError, match="sample_weight has shape"):
        GaussianMixture().fit(clusters(), sample_weight=np.ones(3))


# Beyond scikit-learn


def test_mixture_and_fit_tell_the_same_as_the_attributes():
    X = clusters()
    model = GaussianMixture(3, n_init=4, random_state=0).fit(X)
    assert model.mixture_ is model.fit_.mixture
    np.testing.assert_array_equal(model.mixture_.means, model.means_)
    assert model.fit_.log_likelihood / len(X) == pytest.approx(model.score(X), rel=1e-12)
    np.testing.assert_array_equal(model.fit_.trace[:-1], model.lower_bounds_)
    assert model.fit_.bic() == pytest.approx(model.bic(X), rel=1e-12)
    assert model.fit_.icl() == pytest.approx(model.icl(X), rel=1e-12)
    outcomes = [restart.outcome for restart in model.fit_.restarts]
    assert sorted(outcomes) == ["chosen", "finished", "finished", "finished"]
    best = model.fit_.restarts[outcomes.index("chosen")]
    assert best.trace[-2] == max(restart.trace[-2] for restart in model.fit_.restarts)


def test_icl_is_bic_and_twice_the_uncertainty():
    X = clusters()
    model = GaussianMixture(3, random_state=0).fit(X)
    uncertainty = -np.log(model.predict_proba(X).max(axis=1)).sum()
    assert model.icl(X) == pytest.approx(model.bic(X) + 2 * uncertainty, rel=1e-10)


@ignore_not_converged
def test_from_mixture_predicts_and_goes_on():
    X = clusters()
    fitted = fastem.fit(X, 3, random_state=0)
    model = GaussianMixture.from_mixture(fitted.mixture, warm_start=True, tol=1e-6)
    np.testing.assert_array_equal(model.predict(X), fitted.mixture.predict(X))
    assert model.mixture_ == fitted.mixture
    assert model.n_features_in_ == 3
    again = model.fit(X)
    assert again.score(X) == pytest.approx(fitted.trace[-1], abs=1e-5)
    assert again.n_iter_ < 5


def test_parameters_set_by_hand_count():
    X = clusters()
    model = GaussianMixture(3, random_state=0).fit(X)
    order = [2, 0, 1]
    before = model.predict(X)
    for name in PARAMETERS:
        setattr(model, name, getattr(model, name)[order])
    np.testing.assert_array_equal(np.array(order)[model.predict(X)], before)
    model.means_[:] += 1.0
    np.testing.assert_array_equal(np.array(order)[model.predict(X + 1.0)], before)


def test_own_starts_work():
    X = clusters()
    model = GaussianMixture(3, init_params="random-subsets", n_init=5, random_state=0).fit(X)
    assert model.converged_
    assert len(model.fit_.restarts) == 5


# In scikit-learn's world


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame):
    X = clusters()
    table = frame({name: X[:, i] for i, name in enumerate("abc")})
    model = GaussianMixture(3, random_state=0).fit(table)
    # What a frame is depends on the versions of scikit-learn and of what made it.
    theirs = sklearn.mixture.GaussianMixture().fit(table)
    if not hasattr(theirs, "feature_names_in_"):
        assert not hasattr(model, "feature_names_in_")
        return
    assert list(model.feature_names_in_) == list(theirs.feature_names_in_) == ["a", "b", "c"]
    np.testing.assert_array_equal(model.means_, GaussianMixture(3, random_state=0).fit(X).means_)
    np.testing.assert_array_equal(model.predict(table), model.predict(table[["a", "b", "c"]]))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["b", "a", "c"]])


def test_clone_and_pickle():
    X = clusters()
    model = GaussianMixture(3, random_state=0).fit(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.fit_.mixture == model.mixture_
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "means_")


def test_pipeline_and_grid_search():
    X = clusters()
    with sklearn.config_context(transform_output="pandas"):
        pipeline = make_pipeline(StandardScaler(), GaussianMixture(random_state=0))
        search = GridSearchCV(
            pipeline.set_output(transform="pandas"),
            {
                "gaussianmixture__n_components": [1, 3],
                "gaussianmixture__covariance_type": ["full", "spherical"],
            },
        ).fit(pd.DataFrame(X, columns=["a", "b", "c"]))
    assert search.best_params_["gaussianmixture__n_components"] == 3
    last = search.best_estimator_[-1]
    assert list(last.feature_names_in_) == ["a", "b", "c"]


def test_sample_weight_is_routed():
    X, weight = clusters(), np.ones(600)
    weight[:200] = 0
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(2, random_state=0).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), model)
        routed = pipeline.fit(X, sample_weight=weight)
        alone = make_pipeline(StandardScaler(), clone(model)).fit(X[200:])
        assert relative(routed[-1].means_, alone[-1].means_) < 1e-9
        scored = clone(model).set_score_request(sample_weight=True)
        scores = cross_val_score(scored, X, params={"sample_weight": np.ones(600)}, cv=3)
    np.testing.assert_allclose(scores, cross_val_score(clone(model), X, cv=3))


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_gives_the_same_in_every_backend(backend):
    X = clusters(3000)
    expected = [GaussianMixture(k, random_state=0).fit(X).score(X) for k in (2, 3)]
    with warnings.catch_warnings():
        # Python's own remark on forks of processes with threads: joblib's choice here.
        warnings.simplefilter("ignore", DeprecationWarning)
        fitted = joblib.Parallel(n_jobs=2, backend=backend)(
            joblib.delayed(GaussianMixture(k, random_state=0).fit)(X) for k in (2, 3)
        )
    np.testing.assert_allclose([model.score(X) for model in fitted], expected, rtol=1e-12)


# scikit-learn's known pains


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_float32_never_gives_a_negative_variance(covariance_type, offset):
    """scikit-learn issue 30382."""
    rng = np.random.default_rng(0)
    X = (offset + rng.normal(size=(2000, 4)) * [1, 0.1, 1, 0.1]).astype(np.float32)
    model = GaussianMixture(
        4, covariance_type=covariance_type, random_state=0, max_iter=500, tol=1e-4
    ).fit(X)
    expanded = model.mixture_.full_covariances
    assert np.linalg.eigvalsh(expanded).min() > 0
    assert np.isfinite(model.precisions_).all()
    assert np.isfinite(model.score_samples(X)).all()


def test_weights_of_a_quarter_and_three_are_recovered_by_default():
    """scikit-learn issue 10122: a default tolerance that stops on a plateau."""
    rng = np.random.default_rng(0)
    truth = np.array([0.25, 0.75])
    labels = rng.choice(2, size=20_000, p=truth)
    X = rng.normal(np.where(labels == 0, -1.0, 1.0), 1.0)[:, None]
    mixture = fastem.fit(X, 2, random_state=0).mixture
    weights = mixture.weights[np.argsort(mixture.means[:, 0])]
    np.testing.assert_allclose(weights, truth, atol=0.02)
    early = GaussianMixture(2, random_state=0).fit(X)  # by scikit-learn's tolerance
    assert early.weights_.min() > 0.35


MEMORY = """
import resource
import numpy as np
from fastem import GaussianMixture, Mixture

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

rng = np.random.default_rng(0)
K, D = 20, 8
mixture = Mixture(np.full(K, 1 / K), rng.normal(size=(K, D)), np.stack([np.eye(D)] * K))
model = GaussianMixture.from_mixture(mixture)
X = rng.standard_normal((2_000_000, D))
model.predict(X[:100_000])
before = peak()
assert len(np.unique(model.predict(X))) == K
print(peak() - before)
"""


def test_predict_needs_no_n_by_k_memory():
    """scikit-learn issue 7827: 2 million rows and 20 components in under 64 MiB beyond the data."""
    pytest.importorskip("resource")
    run = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 64


def test_without_scikit_learn_the_import_names_the_extra():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import fastem; assert 'GaussianMixture' in dir(fastem); fastem.fit\n"
        "from fastem import GaussianMixture"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "pip install 'fastem[sklearn]'" in run.stderr
    assert "fastem.fit does the same work and needs none" in run.stderr


def test_import_of_fastem_leaves_scikit_learn_alone():
    code = "import sys, fastem; assert 'sklearn' not in sys.modules; fastem.GaussianMixture"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_a_constant_column_is_an_error_without_reg_covar(covariance_type):
    """Oracle: scikit-learn."""
    X = np.random.default_rng(0).normal(size=(100, 3))
    X[:, 1] = 2.0
    for cls in sklearn.mixture.GaussianMixture, GaussianMixture:
        with pytest.raises(ValueError, match="ill-defined empirical covariance"):
            cls(2, covariance_type=covariance_type, reg_covar=0, random_state=0).fit(X)
