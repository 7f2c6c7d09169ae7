"""Mean log-likelihood of rows, against SciPy's densities and marginals, wherever the rows live."""

import numpy as np
import pytest
from missing import holes, log_joint
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, random_mixture
from scipy.special import logsumexp

import fastem
from fastem import Mixture, Noise

RNG = np.random.default_rng(21)
PARAMETERS = random_mixture(RNG, 3, 4)
MIXTURE = Mixture(*PARAMETERS)
WHOLE, _ = MIXTURE.sample(400, 0)
X = holes(RNG, WHOLE, 0.3)
X[:, 0] = np.where(np.isnan(X).all(axis=1), WHOLE[:, 0], X[:, 0])  # of nothing there is a test
WEIGHT = RNG.integers(0, 4, len(X)).astype(float)


def log_density(mixture, rows):
    joint = log_joint(rows, mixture.weights, mixture.means, mixture.full_covariances)
    return logsumexp(joint, axis=1)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_it_is_the_mean_of_scipys_densities(covariance_type, weight):
    mixture = Mixture(*random_mixture(RNG, 3, 4, covariance_type), covariance_type)
    expected = np.average(log_density(mixture, WHOLE), weights=weight)
    found = mixture.score(WHOLE, weight)
    assert type(found) is float
    assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_rows_that_lack_columns_count_by_scipys_marginals(weight):
    expected = np.average(log_density(MIXTURE, X), weights=weight)
    assert_allclose(MIXTURE.score(X, weight, missing="mar"), expected, rtol=1e-11)


def test_noise_counts_by_the_sides_of_its_box():
    box = Noise(0.2, [-20.0] * 4, [20.0] * 4)
    mixture = Mixture(0.8 * PARAMETERS.weights, *PARAMETERS[1:], noise=box)
    joint = log_joint(X, mixture.weights, mixture.means, mixture.full_covariances)
    noise = np.log(0.2) - ~np.isnan(X) @ np.log([40.0] * 4)
    expected = logsumexp(np.column_stack([joint, noise]), axis=1).mean()
    assert_allclose(mixture.score(X, missing="mar"), expected, rtol=1e-11)


def test_rows_that_are_dropped_do_not_count():
    kept = ~np.isnan(X).any(axis=1)
    expected = np.average(log_density(MIXTURE, X[kept]), weights=WEIGHT[kept])
    assert_allclose(MIXTURE.score(X, WEIGHT, missing="drop"), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="sample_weight"):
        MIXTURE.score(X, ~kept, missing="drop")
    with pytest.raises(ValueError, match='missing="mar"'):
        MIXTURE.score(X)


def test_a_row_of_nothing_has_density_one():
    empty = np.full((1, 4), np.nan)
    assert_allclose(MIXTURE.score(empty, missing="mar"), 0.0, atol=1e-12)
    both = np.concatenate([WHOLE[:1], empty])
    assert_allclose(MIXTURE.score(both, missing="mar"), 0.5 * MIXTURE.score(WHOLE[:1]), rtol=1e-12)


def test_files_and_blocks_have_the_score_of_the_same_rows_in_memory(tmp_path):
    np.save(tmp_path / "rows.npy", X)
    path = tmp_path / "rows.npy"
    expected = MIXTURE.score(X, WEIGHT, missing="mar")
    assert_allclose(MIXTURE.score(path, WEIGHT, missing="mar"), expected, rtol=1e-13)
    rows = fastem.rows.open(path, sample_weight=WEIGHT, missing="mar", memory="1M")
    assert_allclose(MIXTURE.score(rows), expected, rtol=1e-13)
    kept = ~np.isnan(X).any(axis=1)
    blocks = fastem.rows.Blocks(lambda: [WHOLE[:150], WHOLE[150:]])
    assert_allclose(MIXTURE.score(blocks), MIXTURE.score(WHOLE), rtol=1e-13)
    with pytest.warns(UserWarning, match="rows have missing values and are left out"):
        assert_allclose(MIXTURE.score(path, missing="drop"), MIXTURE.score(X[kept]), rtol=1e-13)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_dasks_chunks_have_the_score_of_the_same_rows_in_memory(weight):
    da = pytest.importorskip("dask.array")
    chunks = da.from_array(WHOLE, chunks=(150, 4))
    expected = MIXTURE.score(WHOLE, weight)
    assert_allclose(MIXTURE.score(chunks, weight), expected, rtol=1e-13)


@pytest.mark.parametrize("on_disk", [False, True])
def test_single_precision_far_away(tmp_path, on_disk):
    """Oracle: the same rows in float64."""
    far = np.array([[3.4e38, 1, 0, 0], [1, 2, 0, 0], [-9e36, 3e38, 0, 1]], np.float32)
    expected = log_density(MIXTURE, far.astype(np.float64)).mean()
    np.save(tmp_path / "far.npy", far)
    found = MIXTURE.score(tmp_path / "far.npy" if on_disk else far)
    assert_allclose(found, expected, rtol=1e-12)


def test_it_is_the_log_likelihood_of_the_fit():
    fit = fastem.fit(WHOLE, 2, n_init=2, sample_weight=WEIGHT, random_state=0)
    n = WEIGHT.sum()
    assert_allclose(fit.mixture.score(WHOLE, WEIGHT), fit.log_likelihood / n, rtol=1e-9)
