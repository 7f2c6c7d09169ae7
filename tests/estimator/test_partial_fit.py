"""GaussianMixture.partial_fit, against fastem.Stream and against fits of all rows."""

import pickle

import numpy as np
import pytest

from fastem import GaussianMixture, Stream

clone = pytest.importorskip("sklearn.base").clone
NotFittedError = pytest.importorskip("sklearn.exceptions").NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore:.*did not converge")


def rows(n, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(np.array([[0.0, 0.0], [8.0, 3.0]])[rng.integers(2, size=n)])


def test_small_first_batches_are_kept_until_they_are_enough():
    model = GaussianMixture(2, random_state=0)
    X = rows(6, 0)
    for i in range(5):
        model.partial_fit(X[i : i + 1])
        assert not hasattr(model, "weights_")
        for ask in model.predict, model.bic, model.score_samples:
            with pytest.raises(NotFittedError, match=rf"has kept {i + 1} rows .* once they are 6"):
                ask(X)
    model.partial_fit(X[5:])
    whole = GaussianMixture(2, random_state=0).fit(X)
    np.testing.assert_array_equal(model.means_, whole.means_)


def test_batches_are_those_of_a_stream():
    model = GaussianMixture(2, random_state=0).fit(rows(500, 0))
    stream = Stream(model.fit_)
    for seed in range(1, 6):
        X, weight = rows(100, seed), np.arange(100) % 3
        model.partial_fit(X, sample_weight=weight)
        stream.update(X, weight)
    assert model.mixture_ == stream.mixture
    assert model.predict(rows(10, 9)).shape == (10,)


def test_many_batches_come_to_the_fit_of_all_rows():
    X = rows(20_000, 0)
    model = GaussianMixture(2, random_state=0)
    for block in np.array_split(X, 100):
        model.partial_fit(block)
    whole = GaussianMixture(2, random_state=0, tol=1e-8, max_iter=500).fit(X)
    assert model.score(X) > whole.score(X) - 2e-3


def test_a_new_fit_forgets_the_batches():
    model = GaussianMixture(2, random_state=0).fit(rows(500, 0)).partial_fit(rows(500, 1) + 3)
    again = model.fit(rows(500, 0)).partial_fit(rows(100, 2)).means_
    fresh = GaussianMixture(2, random_state=0).fit(rows(500, 0)).partial_fit(rows(100, 2)).means_
    np.testing.assert_array_equal(again, fresh)


def test_a_pickle_goes_on_to_the_same_bits():
    model = GaussianMixture(2, random_state=0).partial_fit(rows(200, 0)).partial_fit(rows(100, 1))
    again = pickle.loads(pickle.dumps(model))
    for one in model, again:
        one.partial_fit(rows(100, 2))
    assert again.mixture_ == model.mixture_
    assert not hasattr(clone(model).partial_fit(rows(3, 0)), "weights_")


def test_rows_that_lack_columns():
    model = GaussianMixture(2, missing="mar", random_state=0)
    for seed in range(4):
        X = rows(300, seed)
        X[::6, 1] = np.nan
        model.partial_fit(X)
    np.testing.assert_allclose(np.sort(model.means_[:, 0]), [0, 8], atol=0.2)


def test_other_columns_are_refused():
    model = GaussianMixture(2, random_state=0).partial_fit(rows(50, 0))
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(np.zeros((5, 3)))
