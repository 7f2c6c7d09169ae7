"""init_params="fastem" against `fastem.fit`."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import fastem

RNG = np.random.default_rng(1)
X = np.concatenate([RNG.normal(centre, 1.0, (80, 2)) for centre in (0.0, 3.0, 6.0)])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "VEV"])
def test_one_argument_brings_the_answer_of_fit(covariance_type):
    own = fastem.fit(X, 3, covariance_type=covariance_type, random_state=5)
    model = fastem.GaussianMixture(
        3, covariance_type=covariance_type, init_params="fastem", random_state=5
    ).fit(X)
    assert model.mixture_ == own.mixture
    assert model.converged_
    assert len(model.fit_.restarts) == 10
    assert model.lower_bound_ == pytest.approx(own.log_likelihood / len(X), rel=1e-12)
    assert (model.predict(X) == own.mixture.predict(X)).all()


def test_what_differs_from_scikit_learns_defaults_holds():
    model = fastem.GaussianMixture(
        3, init_params="fastem", n_init=4, max_iter=1, reg_covar=0.5, random_state=0
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(X)
    own = fastem.fit(X, 3, n_init=4, max_iter=1, reg_covar=0.5, random_state=0)
    assert model.mixture_ == own.mixture
    assert not model.converged_


def test_given_means_weights_and_warm_starts_hold():
    means = [[0.0, 0.0], [6.0, 6.0], [3.0, 3.0]]
    options = {"init_params": "fastem", "means_init": means, "warm_start": True}
    model = fastem.GaussianMixture(3, **options).fit(X)
    assert model.mixture_ == fastem.fit(X, 3, means_init=means).mixture
    np.testing.assert_allclose(model.means_, means, atol=0.6)
    first = model.mixture_
    again = model.fit(X)
    assert again.n_iter_ <= 3
    np.testing.assert_allclose(again.means_, first.means, atol=1e-3)
    state = np.random.RandomState(3)
    drawn = fastem.GaussianMixture(3, init_params="fastem", random_state=state).fit(X)
    assert drawn.converged_
