"""The drop-in over rows that lack columns."""

import numpy as np
import pytest
from missing import holes
from numpy.testing import assert_allclose, assert_array_equal

import fastem
from fastem import GaussianMixture

RNG = np.random.default_rng(0)
WHOLE = np.concatenate([RNG.normal(0, 1, (200, 3)), RNG.normal(6, 1, (200, 3))])
X = holes(RNG, WHOLE, 0.15)
X = X[~np.isnan(X).all(axis=1)]


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data"])
def test_every_start_of_scikit_learns(init):
    # Of random responsibilities all components begin alike, and need many iterations to part.
    options = {"init_params": init, "max_iter": 500, "n_init": 5, "tol": 1e-6}
    model = GaussianMixture(2, missing="mar", random_state=0, **options).fit(X)
    best = fastem.fit(X, 2, missing="mar", random_state=0).mixture
    order = np.argsort(model.means_[:, 0])
    assert_allclose(model.means_[order], best.means[np.argsort(best.means[:, 0])], atol=0.05)


def test_answers_are_the_mixtures():
    model = GaussianMixture(2, missing="mar", random_state=0).fit(X)
    mixture = model.mixture_
    assert_array_equal(model.predict(X), mixture.predict(X, missing="mar"))
    assert_array_equal(model.fit_predict(X), model.predict(X))
    assert_array_equal(model.predict_proba(X), mixture.responsibilities(X, missing="mar"))
    assert model.score(X) == pytest.approx(mixture.log_prob(X, missing="mar").mean())
    log_likelihood = mixture.log_prob(X, missing="mar").sum()
    expected = model._n_parameters() * np.log(len(X)) - 2 * log_likelihood
    assert model.bic(X) == pytest.approx(expected)
    assert model.__sklearn_tags__().input_tags.allow_nan
    masked = np.ma.masked_array(np.nan_to_num(X), np.isnan(X))
    assert_array_equal(model.predict(masked), model.predict(X))


def test_without_asking_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        GaussianMixture(2).fit(X)
    assert not GaussianMixture().__sklearn_tags__().input_tags.allow_nan
