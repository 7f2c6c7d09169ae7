"""What a mixture says of rows that lack columns, against SciPy's marginals and Gaussian algebra."""

import numpy as np
import pandas as pd
import pytest
from missing import holes, log_joint, regression
from numpy.testing import assert_allclose, assert_array_equal
from oracle import COVARIANCE_TYPES, random_mixture
from scipy.special import logsumexp

import fastem
from fastem import Mixture, Noise

RNG = np.random.default_rng(8)
PARAMETERS = random_mixture(RNG, 3, 4)
MIXTURE = Mixture(*PARAMETERS)
WHOLE, _ = MIXTURE.sample(500, 0)
X = holes(RNG, WHOLE, 0.3)
BOX = [-20.0] * 4, [20.0] * 4
NOISY = Mixture(0.8 * PARAMETERS.weights, *PARAMETERS[1:], noise=Noise(0.2, *BOX))


def joint_of(mixture):
    joint = log_joint(X, mixture.weights, mixture.means, mixture.full_covariances)
    if mixture.noise is None:
        return joint
    return np.column_stack([joint, np.log(0.2) - ~np.isnan(X) @ np.log([40.0] * 4)])


@pytest.mark.parametrize("mixture", [MIXTURE, NOISY], ids=["plain", "noisy"])
def test_rows_are_told_by_what_is_observed(mixture):
    joint = joint_of(mixture)
    total = logsumexp(joint, axis=1)
    resp = np.exp(joint - total[:, None])
    assert_allclose(mixture.log_prob(X, missing="mar"), total, rtol=1e-11, atol=1e-12)
    assert_allclose(mixture.responsibilities(X, missing="mar"), resp, atol=1e-11)
    assert_allclose(mixture.uncertainty(X, missing="mar"), 1 - resp.max(axis=1), atol=1e-11)
    labels = resp.argmax(axis=1)
    assert_array_equal(mixture.predict(X, missing="mar"), np.where(labels == 3, -1, labels))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_component_log_prob_is_scipys(covariance_type):
    mixture = Mixture(*random_mixture(RNG, 3, 4, covariance_type), covariance_type)
    expected = log_joint(X, np.ones(3), mixture.means, mixture.full_covariances)
    assert_allclose(mixture.component_log_prob(X, missing="mar"), expected, rtol=1e-11, atol=1e-11)
    total = logsumexp(np.log(mixture.weights) + mixture.component_log_prob(WHOLE), axis=1)
    assert_allclose(mixture.log_prob(WHOLE), total, rtol=1e-11)


def test_whole_rows_have_the_same_bits():
    some = np.concatenate([WHOLE[:300], X])
    for name in "log_prob", "responsibilities", "predict", "uncertainty":
        mixed = getattr(MIXTURE, name)(some, missing="mar")[:300]
        assert_array_equal(mixed, getattr(MIXTURE, name)(WHOLE[:300]))


@pytest.mark.parametrize("mixture", [MIXTURE, NOISY], ids=["plain", "noisy"])
def test_expectations_are_those_of_the_regressions(mixture):
    joint = joint_of(mixture)
    resp = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    filled = mixture.impute(X)
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    for i, x in enumerate(X):
        parts = [
            regression(x[None], ~np.isnan(x), mean, covariance)[0][0]
            for mean, covariance in zip(mixture.means, mixture.full_covariances, strict=True)
        ]
        expected = resp[i, :3] @ np.array(parts)
        gaps = np.isnan(x)  # the middle of the box is 0
        assert_allclose(filled[i, gaps], expected[gaps], rtol=1e-9, atol=1e-9)


def test_a_row_of_nothing_has_the_mean_of_the_mixture():
    empty = np.full((1, 4), np.nan)
    assert_allclose(MIXTURE.impute(empty)[0], MIXTURE.weights @ MIXTURE.means)
    assert_allclose(MIXTURE.log_prob(empty, missing="mar"), 0.0, atol=1e-12)
    assert_allclose(MIXTURE.responsibilities(empty, missing="mar")[0], MIXTURE.weights)


@pytest.mark.parametrize("mixture", [MIXTURE, NOISY], ids=["plain", "noisy"])
def test_draws_have_the_moments_of_the_conditional_mixture(mixture):
    row = np.array([[0.5, np.nan, -0.5, np.nan]])
    drawn = mixture.impute(row, draws=40_000, random_state=0)[:, 0]
    assert_array_equal(drawn[:, [0, 2]], np.tile([0.5, -0.5], (40_000, 1)))
    given = mixture.condition([0, 2], [0.5, -0.5])
    mean = mixture.impute(row)[0, [1, 3]]
    error = drawn[:, [1, 3]].std(axis=0) / 200
    assert (np.abs(drawn[:, [1, 3]].mean(axis=0) - mean) < 5 * error).all()
    sampled, _ = given.sample(40_000, 1)
    assert_allclose(np.cov(drawn[:, [1, 3]].T), np.cov(sampled.T), rtol=0.1, atol=0.2)


def test_draws_come_by_the_seed():
    one, other = (MIXTURE.impute(X, draws=2, random_state=s) for s in (0, 0))
    assert_array_equal(one, other)
    assert one.shape == (2, 500, 4)
    assert (one[0] != one[1])[np.isnan(X)].all()


def test_rows_of_float32_and_of_a_frame():
    single = MIXTURE.impute(X.astype("f4"))
    assert single.dtype == np.float32
    assert_allclose(single, MIXTURE.impute(X), rtol=1e-4, atol=1e-4)
    named = Mixture(*PARAMETERS, feature_names=list("abcd"))
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert_array_equal(named.impute(frame[list("dcab")]), MIXTURE.impute(X))


@pytest.mark.parametrize("name", ["filled.npy", "filled.csv"])
def test_files_are_filled_as_they_are_read(tmp_path, name):
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header="a,b,c,d", comments="")
    n = Mixture(*PARAMETERS, feature_names=list("abcd")).impute_to(
        tmp_path / name, tmp_path / "rows.csv"
    )
    assert n == len(X)
    if name.endswith("npy"):
        written = np.load(tmp_path / name)
    else:
        frame = pd.read_csv(tmp_path / name)
        assert list(frame.columns) == list("abcd")
        written = frame.to_numpy()
    assert_allclose(written, MIXTURE.impute(X), rtol=1e-12)


def test_what_is_refused():
    turned = Noise(0.2, *BOX, axes=np.linalg.qr(RNG.normal(size=(4, 4)))[0])
    mixture = Mixture(0.8 * PARAMETERS.weights, *PARAMETERS[1:], noise=turned)
    with pytest.raises(ValueError, match="box does not lie along the columns"):
        mixture.impute(X)
    with pytest.raises(ValueError, match="draws is 0"):
        MIXTURE.impute(X, draws=0)
    with pytest.raises(ValueError, match=r"inf; fill or drop"):
        MIXTURE.impute(np.where(np.isnan(X), np.inf, X))
    with pytest.raises(ValueError, match="X has 3 columns but the mixture has 4"):
        MIXTURE.impute(X[:, :3])
    with pytest.raises(ValueError, match=r"rows are written to .npy, .csv, .parquet"):
        MIXTURE.impute_to("filled.txt", X)


def test_a_fit_and_its_imputations():
    """The drawn rows' covariance is the fitted one; that of expectations is too small."""
    some = X[~np.isnan(X).all(axis=1)]
    fitted = fastem.fit(some, 1, missing="mar")
    drawn = fitted.mixture.impute(some, draws=50, random_state=0).reshape(-1, 4)
    assert_allclose(np.cov(drawn.T), fitted.mixture.covariances[0], rtol=0.1, atol=0.2)
    assert (fitted.mixture.impute(some).var(axis=0) < drawn.var(axis=0)).all()
