"""A mixture as scikit-learn's own class, against the mixture's answers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastem
from fastem.covariance import FAMILIES

pytest.importorskip("sklearn")


def rows():
    rng = np.random.default_rng(0)
    return rng.normal(5.0 * rng.integers(3, size=(300, 1)), 1.0, (300, 2))


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("E", "V")])
def test_predictions_are_the_mixtures(name):
    X = rows()
    options = {"covariance_type": name, "n_init": 1, "max_iter": 5, "random_state": 0}
    mixture = fastem.fit(X, 3, **options).mixture
    model = mixture.to_sklearn()
    assert type(model).__module__.startswith("sklearn.mixture")
    assert_array_equal(model.predict(X), mixture.predict(X))
    assert_allclose(model.predict_proba(X), mixture.responsibilities(X), atol=1e-12)
    assert_allclose(model.score_samples(X), mixture.log_prob(X), rtol=1e-12, atol=1e-11)
    if name in ("full", "tied", "diag", "spherical", "VVV", "EEE", "VVI", "VII"):
        assert model.bic(X) == pytest.approx(
            mixture.n_parameters * np.log(300) - 2 * mixture.log_prob(X).sum()
        )
    drawn, labels = model.set_params(random_state=0).sample(50)
    assert drawn.shape == (50, 2)
    assert len(labels) == 50


def test_a_single_column_and_names():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rows()[:, :1], columns=["a"])
    mixture = fastem.fit(X, 2, covariance_type="V", random_state=0, n_init=1).mixture
    model = mixture.to_sklearn()
    assert_allclose(model.score_samples(X), mixture.log_prob(X), rtol=1e-12)
    assert model.feature_names_in_.tolist() == ["a"]


def test_it_is_a_copy():
    mixture = fastem.Mixture([0.5, 0.5], [[0.0], [5.0]], [1.0, 2.0], "spherical")
    model = mixture.to_sklearn()
    model.means_[0] = 3.0
    assert mixture.means[0] == 0.0


def test_noise_is_refused():
    noise = fastem.Noise(0.1, [0.0], [4.0])
    with pytest.raises(ValueError, match=r"the mixture has noise, .*; give mixture.without_noise"):
        fastem.Mixture([0.9], [[2.0]], [[1.0]], "diag", noise).to_sklearn()


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV", "EEI"])
def test_onnx_by_skl2onnx(covariance_type):
    """What ONNX Runtime says of rows is what the mixture says."""
    skl2onnx = pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    X = rows()
    fit = fastem.fit(X, 3, covariance_type=covariance_type, random_state=0, n_init=1)
    written = skl2onnx.to_onnx(fit.mixture.to_sklearn(), X[:1])
    session = runtime.InferenceSession(written.SerializeToString())
    labels, probabilities = session.run(None, {session.get_inputs()[0].name: X})
    assert_array_equal(labels.ravel(), fit.mixture.predict(X))
    assert_allclose(probabilities, fit.mixture.responsibilities(X), atol=1e-12)
