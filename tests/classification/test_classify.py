"""Classifiers against R's mclust 6.0.0, scikit-learn's discriminant analyses and the definition."""

import numpy as np
import pandas as pd
import pytest
from missing import holes
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

import fastem
from fastem.classification.classifier import joint
from fastem.classification.training import Rows, again
from fastem.covariance import FAMILIES

IRIS = np.loadtxt("tests/data/iris.csv", delimiter=",", skiprows=1, usecols=range(4))
SPECIES = np.repeat(["setosa", "versicolor", "virginica"], 50)


def cancer():
    """Texture_mean, Area_extreme and Smoothness_extreme of the Wisconsin data, and diagnoses."""
    data = load_breast_cancer()
    names = list(data.feature_names)
    columns = [names.index(name) for name in ("mean texture", "worst area", "worst smoothness")]
    return data.data[:, columns], data.target_names[data.target]


def test_edda_of_iris():
    found = fastem.classify(IRIS, SPECIES, random_state=0)
    best = min(found.table, key=lambda row: row.bic)
    assert best.covariance_type == "VEV"
    assert found.log_likelihood == pytest.approx(-187.7097, abs=1e-4)
    assert found.n_parameters == 36
    assert found.bic() == pytest.approx(555.8024, abs=2e-4)


def test_edda_of_breast_cancer():
    found = fastem.classify(*cancer(), random_state=0)
    assert min(found.table, key=lambda row: row.bic).covariance_type == "VVI"
    assert found.log_likelihood == pytest.approx(-4463.534, abs=1e-3)
    assert found.n_parameters == 12


def trained(X, y, *chosen):
    """MclustDA of given numbers and families: its model and its log-likelihood."""
    classes, codes = np.unique(y, return_inverse=True)
    rows = Rows(X, codes, None, classes, {"random_state": 0})
    model = again(rows, tuple((m, FAMILIES[name]) for m, name in chosen))
    return model, rows.log_likelihood(model.mixtures, model.shares)


def test_mclust_da_of_breast_cancer():
    """VEE of 2 components and EVI of 3; there are better models."""
    X, diagnosis = cancer()
    model, level = trained(X, diagnosis, (2, "VEE"), (3, "EVI"))
    assert -4389.367 <= level < -4389.28  # mclust stops a little earlier
    assert model.n_parameters == 32
    codes = (diagnosis == "malignant").astype(int)
    wrong = joint(model.mixtures, model.shares, X, "error").argmax(axis=1) != codes
    assert wrong.mean() == pytest.approx(0.0228, abs=1e-4)
    found = fastem.classify(X, diagnosis, range(1, 4), covariance_type=["EEE", "EVI", "VEE"])
    assert found.bic() <= 32 * np.log(len(X)) + 2 * 4389.367


def test_mclust_da_of_iris():
    model, level = trained(IRIS, SPECIES, (2, "EEE"), (1, "EEE"), (1, "EEE"))
    assert level == pytest.approx(-172.8135, abs=2e-4)
    assert model.n_parameters == 47


def test_linear_and_quadratic_discriminant_analysis():
    """Which differ from EEE and VVV in the divisors of covariances alone."""
    few = IRIS[::5], SPECIES[::5]
    lda = LinearDiscriminantAnalysis(solver="lsqr").fit(IRIS, SPECIES)
    found = fastem.classify(IRIS, SPECIES, covariance_type="EEE")
    assert_array_equal(found.predict(IRIS), lda.predict(IRIS))
    qda = QuadraticDiscriminantAnalysis().fit(IRIS, SPECIES)
    found = fastem.classify(IRIS, SPECIES, covariance_type="VVV")
    assert_array_equal(found.predict(IRIS), qda.predict(IRIS))
    assert_allclose(found.predict_proba(few[0]), qda.predict_proba(few[0]), atol=0.02)


def test_probabilities_are_bayes_rule():
    found = fastem.classify(IRIS, SPECIES, [1, 2], covariance_type=["VVI", "EII"], random_state=0)
    densities = np.exp([mixture.log_prob(IRIS) for mixture in found.mixtures]).T
    for priors in found.shares, np.array([0.7, 0.2, 0.1]):
        again = found.with_priors(priors)
        expected = priors * densities
        expected /= expected.sum(axis=1, keepdims=True)
        assert_allclose(again.predict_proba(IRIS), expected, rtol=1e-9, atol=1e-300)
        assert_array_equal(again.predict(IRIS), found.classes[expected.argmax(axis=1)])
    assert_allclose(found.mixture.log_prob(IRIS).sum(), found.log_likelihood, rtol=1e-10)
    own = np.eye(3)[np.repeat([0, 1, 2], 50)]
    halves = ((found.predict_proba(IRIS) - own) ** 2).sum(axis=1).mean() / 2
    assert found.brier(IRIS, SPECIES) == pytest.approx(halves)
    assert found.score(IRIS, SPECIES) == pytest.approx(1 - found.training_error)


def test_unknown_classes_count_as_what_they_may_be():
    """The semi-supervised fit of components is this one's."""
    codes = np.repeat([0, 1, 2], 50)
    half = np.where(np.arange(150) % 2 == 1, codes, -1)
    found = fastem.classify(IRIS, half, covariance_type="VEV", tol=1e-10)
    expected = fastem.fit(IRIS, 3, covariance_type="VEV", labels=half, tol=1e-10).mixture
    assert_allclose(found.mixture.means, expected.means)
    assert found.classes.tolist() == [0, 1, 2]
    names = pd.Series(SPECIES).where(half >= 0)  # NaN, in a column of texts
    again = fastem.classify(IRIS, names, covariance_type="VEV", tol=1e-10)
    assert_array_equal(again.mixture.means, found.mixture.means)
    several = fastem.classify(IRIS, half, 2, covariance_type="EEE", random_state=0)
    assert [mixture.n_components for mixture in several.mixtures] == [2, 2, 2]
    assert several.score(IRIS, codes) > 0.9


def test_cross_validation_tells_more_error_than_training():
    found = fastem.classify(IRIS, SPECIES, covariance_type="VVV", cv=10, random_state=0)
    assert 0.0 < found.cv_error < 0.06
    assert found.training_error <= found.cv_error
    assert 0 < found.cv_brier < 0.05


def test_rows_that_lack_columns():
    X = holes(np.random.default_rng(0), IRIS, 0.15)
    found = fastem.classify(X, SPECIES, covariance_type="EEE", missing="mar")
    assert found.score(IRIS, SPECIES) > 0.95
    assert found.score(X, SPECIES, missing="mar") > 0.9
    kept = fastem.classify(X, SPECIES, covariance_type="EEE", missing="drop")
    assert kept.n_samples == (~np.isnan(X).any(axis=1)).sum()


def test_weights_count_rows():
    weight = np.random.default_rng(0).integers(0, 3, 150)
    one = fastem.classify(IRIS, SPECIES, covariance_type="VVV", sample_weight=weight)
    other = fastem.classify(
        np.repeat(IRIS, weight, axis=0), np.repeat(SPECIES, weight), covariance_type="VVV"
    )
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-9)
    assert_allclose(one.shares, other.shares)


@pytest.mark.parametrize("classes", [SPECIES, np.repeat([1, 2, 7], 50), np.repeat([0.5, 1, 2], 50)])
def test_a_classifier_is_saved_and_loaded(tmp_path, classes):
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    found = fastem.classify(frame, classes, covariance_type=["VVI", "VVV"], cv=3, random_state=0)
    found.save(tmp_path / "classifier.npz")
    again = fastem.Classifier.load(tmp_path / "classifier.npz")
    assert_array_equal(again.predict(frame[list("dcba")]), found.predict(IRIS))
    assert again.cv_error == found.cv_error
    assert again.bic() == found.bic()
    fastem.fit(IRIS, 2).mixture.save(tmp_path / "mixture.npz")
    with pytest.raises(ValueError, match="no fastem classifier"):
        fastem.Classifier.load(tmp_path / "mixture.npz")


@pytest.mark.parametrize(
    ("y", "options", "error", "message"),
    [
        (SPECIES[:9], {}, ValueError, r"y has shape \(9,\); give one class a row"),
        ([None] * 150, {}, ValueError, "y knows no row's class"),
        (np.full(150, -1), {}, ValueError, "y knows no row's class"),
        (SPECIES, {"cv": 51}, ValueError, "cv is 51, but class 'setosa' has 50 rows"),
        (SPECIES, {"criterion": "icl"}, ValueError, "criterion is 'icl'"),
        (SPECIES, {"priors": [0.5, 0.5]}, ValueError, "priors has shape"),
        (["a"] * 149 + [1], {}, TypeError, "y holds texts and numbers"),
        (
            ["a"] * 147 + ["b"] * 3,
            {"n_components": [2, 3], "covariance_type": "VVV"},
            ValueError,
            "class 'b' has 3 rows, too few",
        ),
        (
            ["a"] * 148 + ["b"] * 2,
            {"covariance_type": "VVV"},
            ValueError,
            "class 'b' has 2 rows, too few for any covariance_type .* such as 'EII'",
        ),
    ],
)
def test_what_is_refused(y, options, error, message):
    if isinstance(y, list):
        y = np.array(y, dtype=object)
    with pytest.raises(error, match=message):
        fastem.classify(IRIS, y, **options)


def test_a_small_class_has_a_family_that_it_suffices_for():
    few = np.where(np.arange(150) < 148, "a", "b")
    found = fastem.classify(IRIS, few, covariance_type=["VVV", "EEE"])
    assert [row.status for row in found.table] == ["collapsed", "converged"]
    assert found.score(IRIS, few) > 0.9


def test_a_class_whose_rows_are_all_dropped():
    X = IRIS.copy()
    X[:50, 0] = np.nan
    with pytest.raises(ValueError, match="class 'setosa' has no row left"):
        fastem.classify(X, SPECIES, missing="drop")
