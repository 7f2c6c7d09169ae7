"""Components known in part: R's mclust, brute force, and what follows from the definition."""

import numpy as np
import pandas as pd
import pytest
from missing import holes, log_joint
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp

import fastem

IRIS = np.loadtxt("tests/data/iris.csv", delimiter=",", skiprows=1, usecols=range(4))
SPECIES = np.repeat([0, 1, 2], 50)
HALF = np.where(np.arange(150) % 2 == 1, SPECIES, -1)


def likelihood(X, mixture, possible):
    joint = log_joint(X, mixture.weights, mixture.means, mixture.full_covariances)
    return logsumexp(np.where(possible, joint, -np.inf), axis=1).sum()


def mask_of(labels, K=3):
    return (labels[:, None] == np.arange(K)) | (labels < 0)[:, None]


def test_mclusts_semi_supervised_iris():
    """MclustSSC(iris[, 1:4], class, G = 3, modelNames = "VEV"), every second label hidden."""
    fitted = fastem.fit(IRIS, 3, covariance_type="VEV", labels=HALF, tol=1e-10)
    assert fitted.log_likelihood == pytest.approx(-191.2238, abs=2e-4)
    assert fitted.mixture.n_parameters == 38
    assert fitted.log_likelihood == pytest.approx(
        likelihood(IRIS, fitted.mixture, mask_of(HALF)), rel=1e-11
    )


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEE"])
@pytest.mark.parametrize("missing", ["error", "mar"])
def test_the_likelihood_is_that_of_possible_components(covariance_type, missing):
    rng = np.random.default_rng(0)
    X = IRIS if missing == "error" else holes(rng, IRIS, 0.1)
    possible = mask_of(HALF) | (rng.random((150, 3)) < 0.2)
    fitted = fastem.fit(
        X, 3, covariance_type=covariance_type, labels=possible, missing=missing, random_state=0
    )
    assert (np.diff(fitted.trace) >= -1e-12).all()
    expected = likelihood(X, fitted.mixture, possible)
    assert fitted.log_likelihood == pytest.approx(expected, rel=1e-11)


def test_all_labels_give_the_classes_own_estimates():
    mixture = fastem.fit(IRIS, 3, labels=SPECIES).mixture
    for k in range(3):
        own = IRIS[k == SPECIES]
        assert_allclose(mixture.means[k], own.mean(axis=0), rtol=1e-12)
        assert_allclose(mixture.covariances[k], np.cov(own.T, bias=True), rtol=1e-9)
    assert_allclose(mixture.weights, 1 / 3)


def test_no_labels_give_the_fit_without():
    start = {"means_init": IRIS[[0, 60, 120]], "random_state": 0, "tol": 1e-10}
    plain = fastem.fit(IRIS, 3, **start)
    found = fastem.fit(IRIS, 3, labels=np.full(150, -1), **start)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)


def test_labelled_components_keep_their_numbers():
    for order in [2, 0, 1], [1, 2, 0]:
        names = np.array(order)[SPECIES]
        mixture = fastem.fit(IRIS, 3, labels=np.where(HALF < 0, -1, names)).mixture
        for k in range(3):
            near = np.abs(mixture.means[order[k]] - IRIS[k == SPECIES].mean(axis=0)).max()
            assert near < 0.15


def test_components_without_labels_find_their_rows():
    labels = np.where(SPECIES == 0, 0, -1)
    fitted = fastem.fit(IRIS, 3, labels=labels, random_state=0)
    assert_array_equal(fitted.mixture.predict(IRIS)[:50], 0)
    assert_allclose(np.sort(fitted.mixture.weights), 1 / 3, atol=0.05)


def test_under_a_prior_the_likeliest_of_the_starts_is_chosen():
    labels = np.where((SPECIES == 0) & (np.arange(150) % 2 == 1), 0, -1)
    restarts = fastem.fit(IRIS, 5, labels=labels, prior=True, n_init=5, random_state=0).restarts
    (chosen,) = (restart for restart in restarts if restart.outcome == "chosen")
    assert chosen.log_likelihood == max(restart.log_likelihood for restart in restarts)
    assert len({restart.log_likelihood for restart in restarts}) > 1
    # The trace is of the posterior.
    assert all(abs(restart.log_likelihood - restart.trace[-1]) > 0.1 for restart in restarts)


def test_weights_noise_and_float32():
    weight = np.random.default_rng(0).integers(0, 3, 150)
    one = fastem.fit(IRIS, 3, labels=HALF, sample_weight=weight, tol=1e-10)
    other = fastem.fit(
        np.repeat(IRIS, weight, axis=0), 3, labels=np.repeat(HALF, weight), tol=1e-10
    )
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-8)
    single = fastem.fit(IRIS.astype("f4"), 3, labels=HALF)
    assert single.log_likelihood == pytest.approx(
        fastem.fit(IRIS, 3, labels=HALF).log_likelihood, rel=1e-4
    )
    far = np.vstack([IRIS, np.random.default_rng(0).uniform(0, 40, (10, 4))])
    noisy = fastem.fit(far, 3, labels=np.append(HALF, [-1] * 10), noise=True)
    assert 0.03 < noisy.mixture.noise.weight < 0.1


def test_select_takes_labels():
    choice = fastem.select(IRIS, 3, covariance_type=["EEE", "VEV"], labels=HALF)
    assert {row.covariance_type for row in choice.table} == {"EEE", "VEV"}


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (SPECIES[:9], ValueError, r"labels has shape \(9,\); give one a row, shape \(150,\)"),
        (SPECIES + 1, ValueError, r"labels holds 3 at row 100; give 0 to 2"),
        (SPECIES - 2, ValueError, r"labels holds -2 at row 0; give 0 to 2"),
        (SPECIES * 1.0, TypeError, r"labels has dtype float64; give whole numbers"),
        (np.ones((150, 2), bool), ValueError, r"labels has shape \(150, 2\).*shape \(150, 3\)"),
        (np.zeros((150, 3), bool), ValueError, r"labels leaves row 0 no component"),
    ],
)
def test_labels_that_are_none(labels, error, message):
    with pytest.raises(error, match=message):
        fastem.fit(IRIS, 3, labels=labels)


# Labels in a column of files ------------------------------------------------------------------

NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
MORE = {"n_init": 2, "random_state": 0, "tol": 1e-4}


def table_of(X, labels, name="kind", **more):
    """A data frame of whole numbers in the middle of the columns, pandas' NA where unknown."""
    frame = pd.DataFrame(X, columns=NAMES)
    frame.insert(2, name, pd.array([None if k < 0 else k for k in labels], "Int64"))
    return frame.assign(**more)


def assert_same(got, expected):
    assert got.mixture == expected.mixture
    assert got.log_likelihood == expected.log_likelihood
    assert got.n_samples == expected.n_samples


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("labels", [HALF, np.where(SPECIES == 0, 0, -1)], ids=["half", "one"])
def test_a_column_of_labels(tmp_path, suffix, labels):
    """Oracle: the same rows and labels as arrays."""
    path = tmp_path / f"iris.{suffix}"
    frame = table_of(IRIS, labels)
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    got = fastem.fit(path, 3, labels="kind", **MORE)
    assert_same(got, fastem.fit(IRIS, 3, labels=labels, **MORE))
    assert got.mixture.feature_names == tuple(NAMES)
    choice = fastem.select(path, [3], covariance_type=["EEE"], labels="kind", **MORE)
    expected = fastem.fit(IRIS, 3, covariance_type="EEE", labels=labels, **MORE)
    assert choice.best.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    families = {row.covariance_type for row in choice.update(path, covariance_type="VVI").table}
    assert families == {"EEE", "VVI"}


def test_a_column_of_labels_by_position_with_chosen_columns(tmp_path):
    np.save(tmp_path / "iris.npy", np.column_stack([IRIS, HALF]))
    expected = fastem.fit(IRIS, 3, labels=HALF, **MORE)
    assert_same(fastem.fit(tmp_path / "iris.npy", 3, labels=4, **MORE), expected)
    some = fastem.fit(tmp_path / "iris.npy", 3, labels=4, columns=[3, "0:1"], **MORE)
    assert_same(some, fastem.fit(IRIS[:, [3, 0, 1]], 3, labels=HALF, **MORE))


@pytest.mark.parametrize("missing", ["drop", "mar"])
def test_a_column_of_labels_beside_gaps_and_weights(tmp_path, missing):
    rng = np.random.default_rng(0)
    X, weight = IRIS.copy(), rng.integers(0, 3, 150)
    X[::9, 1] = np.nan
    table_of(X, HALF, weight=weight).to_csv(tmp_path / "iris.csv", index=False, na_rep="@")
    how = {"missing": missing, **MORE}
    got = fastem.fit(
        tmp_path / "iris.csv", 3, labels="kind", sample_weight="weight", na_values="@", **how
    )
    assert_same(got, fastem.fit(X, 3, labels=HALF, sample_weight=weight, **how))


def test_several_files_with_a_column_of_labels(tmp_path):
    frame = table_of(IRIS, HALF)
    for i, part in enumerate((frame[:40], frame[40:90], frame[90:])):
        part.to_csv(tmp_path / f"part-{i}.csv", index=False)
    got = fastem.fit(tmp_path / "part-*.csv", 3, labels="kind", **MORE)
    assert_same(got, fastem.fit(IRIS, 3, labels=HALF, **MORE))


def test_a_checkpoint_knows_the_labels_of_a_file(tmp_path):
    how = {"labels": "kind", "checkpoint": tmp_path / "fit.npz", **MORE}
    table_of(IRIS, HALF).to_csv(tmp_path / "iris.csv", index=False)
    assert_same(*(fastem.fit(tmp_path / "iris.csv", 3, **how) for _ in range(2)))
    table_of(IRIS, SPECIES).to_csv(tmp_path / "iris.csv", index=False)
    with pytest.raises(ValueError, match="labels"):
        fastem.fit(tmp_path / "iris.csv", 3, **how)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"labels": "knd"}, ValueError, "no column 'knd'; did you mean 'kind'"),
        ({"labels": "species"}, TypeError, "'species'.* holds 'rose' at row 0.*fastem.classify"),
        ({"labels": "sepal_width"}, TypeError, "'sepal_width'.* holds '3.5' at row 0"),
        ({"labels": "kind", "n_components": 2}, ValueError, "labels holds 2 at row 101"),
        ({"labels": SPECIES}, ValueError, "not in memory; .* the name of its column of labels"),
        ({"labels": "kind", "X": IRIS}, TypeError, "labels is 'kind', .* but X is no path"),
    ],
)
def test_columns_that_are_no_labels(tmp_path, given, error, message):
    path = tmp_path / "iris.csv"
    table_of(IRIS, HALF, species="rose").to_csv(path, index=False)
    with pytest.raises(error, match=message):
        fastem.fit(**{"X": path, "n_components": 3, "columns": NAMES[:1], **given})
