"""Fits to what is observed of rows: published figures, brute force, and what must not change."""

import numpy as np
import pandas as pd
import pytest
from missing import CEMENT, CEMENT_MEANS, holes, log_joint, moments
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp

import fastem
from fastem.covariance import FAMILIES

WITHOUT_HOLES = np.random.default_rng(3)
MEANS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 3.0], [0.0, 7.0, 0.0]])
LABELS = np.repeat([0, 1, 2], [300, 200, 100])
WHOLE = MEANS[LABELS] + WITHOUT_HOLES.normal(size=(600, 3)) @ [
    [1.0, 0.5, 0.2],
    [0.0, 1.0, 0.3],
    [0.0, 0.0, 0.7],
]
X = holes(WITHOUT_HOLES, WHOLE, 0.15)
X = X[~np.isnan(X).all(axis=1)]
PAIRS = X[~np.isnan(X[:, :2]).all(axis=1), :2]


def fit(X, K=3, **options):
    return fastem.fit(X, K, **{"missing": "mar", "random_state": 0} | options)


def likelihood(X, mixture):
    joint = log_joint(X, mixture.weights, mixture.means, mixture.full_covariances)
    return logsumexp(joint, axis=1).sum()


def test_rubins_cement_data():
    assert_allclose(fit(CEMENT, 1, tol=1e-12).mixture.means[0], CEMENT_MEANS, atol=1.5e-6)


def test_brute_force_em_takes_the_same_steps():
    """From the same start, two components, by the textbook's moments."""
    start = fastem.Mixture([0.5, 0.5], MEANS[:2], np.stack([np.eye(3)] * 2))
    weights, means, covariances = start.weights, start.means, start.full_covariances
    for _ in range(4):
        _, counts, first, second = moments(X, weights, means, covariances)
        step = first / counts[:, None]
        weights, means = counts / len(X), means + step
        covariances = second / counts[:, None, None] - step[:, :, None] * step[:, None, :]
    init = {
        "weights_init": start.weights,
        "means_init": start.means,
        "covariances_init": start.covariances,
    }
    got = fit(X, 2, max_iter=4, tol=0, accelerate=False, **init).mixture
    assert_allclose(got.weights, weights, rtol=1e-10)
    assert_allclose(got.means, means, rtol=1e-9, atol=1e-10)
    assert_allclose(got.covariances, covariances, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"E", "V"}))
def test_the_likelihood_never_falls_and_is_scipys(name):
    fitted = fit(X, covariance_type=name, n_init=2, max_iter=40)
    assert (np.diff(fitted.trace) >= -1e-12).all()
    assert fitted.log_likelihood == pytest.approx(likelihood(X, fitted.mixture), rel=1e-12)


@pytest.mark.parametrize("name", ["E", "V"])
def test_one_column(name):
    """A row that lacks its only number says nothing, and a warning says so."""
    column = np.where(np.arange(600) % 10 == 0, np.nan, WHOLE[:, 0])[:, None]
    with pytest.warns(UserWarning, match="60 rows have no number at all"):
        fitted = fit(column, 2, covariance_type=name)
    seen = fastem.fit(column[~np.isnan(column[:, 0])], 2, covariance_type=name, random_state=0)
    order, its = (np.argsort(f.mixture.means[:, 0]) for f in (fitted, seen))
    assert_allclose(fitted.mixture.means[order], seen.mixture.means[its], rtol=1e-3)


@pytest.mark.parametrize(
    "options", [{"accelerate": False}, {"noise": True}, {"prior": True}, {"init": "hierarchical"}]
)
def test_every_way_to_fit_finds_the_clusters(options):
    fitted, whole = fit(X, **options), fastem.fit(WHOLE, 3, random_state=0, **options)
    order, its = (np.argsort(f.mixture.weights) for f in (fitted, whole))
    assert_allclose(fitted.mixture.weights[order], whole.mixture.weights[its], atol=0.03)
    assert_allclose(fitted.mixture.means[order], whole.mixture.means[its], atol=0.4)
    assert (np.diff(fitted.trace) >= -1e-12).all()


def test_nothing_missing_gives_the_same_bits():
    one, other = fit(WHOLE), fastem.fit(WHOLE, 3, random_state=0)
    assert one.mixture == other.mixture
    assert_array_equal(one.trace, other.trace)


def test_more_rows_than_a_sample():
    """Starts race on some of the rows."""
    rng = np.random.default_rng(0)
    many = holes(rng, np.tile(WHOLE, (50, 1)) + rng.normal(size=(30_000, 3)), 0.1)
    many = many[~np.isnan(many).all(axis=1)]
    fitted = fit(many)
    assert fitted.converged
    assert_allclose(np.sort(fitted.mixture.weights), [1 / 6, 1 / 3, 1 / 2], atol=0.02)


def test_weights_count_rows():
    rng = np.random.default_rng(0)
    twice = rng.integers(0, 3, len(X))
    start = {"means_init": MEANS, "covariances_init": np.stack([np.eye(3)] * 3), "tol": 1e-12}
    weighted = fit(X, sample_weight=twice, **start)
    repeated = fit(np.repeat(X, twice, axis=0), **start)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-9)
    assert_allclose(weighted.mixture.means, repeated.mixture.means, atol=1e-4)


def test_rows_and_columns_may_come_in_any_order():
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(X)), [2, 0, 1]
    start = {"covariances_init": np.stack([np.eye(3)] * 3), "tol": 1e-13}
    one = fit(X, means_init=MEANS, **start)
    other = fit(X[rows][:, columns], means_init=MEANS[:, columns], **start)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-11)
    assert_allclose(other.mixture.means, one.mixture.means[:, columns], atol=1e-4)


def test_far_from_the_origin_and_in_other_units():
    """Powers of two change nothing but the units, an offset of 1e8 no more than its rounding."""
    one, scaled = fit(X), fit(X * [2.0**300, 2.0**-300, 1.0])
    assert scaled.n_iter == one.n_iter
    assert_array_equal(scaled.mixture.means, one.mixture.means * [2.0**300, 2.0**-300, 1.0])
    moved = fit(X + 1e8)
    assert moved.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-7)


def test_float32():
    assert fit(X.astype("f4")).log_likelihood == pytest.approx(fit(X).log_likelihood, rel=1e-5)


def test_a_column_missing_for_all_but_a_few():
    """D + 1 numbers are enough for the others to be as before."""
    hidden = X.copy()
    seen = np.flatnonzero(~np.isnan(X[:, 2]))[[0, 150, 350, 500]]
    hidden[np.setdiff1d(np.arange(len(X)), seen), 2] = np.nan
    hidden = hidden[~np.isnan(hidden).all(axis=1)]
    fitted = fit(hidden, 1)
    assert_allclose(fitted.mixture.means[0, :2], fit(PAIRS, 1).mixture.means[0], atol=0.05)


def test_a_checkpoint_goes_on(tmp_path):
    """Stopped by an error of the caller's, and called again."""
    calls = []

    def interrupt(event):
        if event.stage == "all rows":
            calls.append(event)
            if len(calls) == 3:
                raise KeyboardInterrupt

    options = {"checkpoint": tmp_path / "fit.npz", "tol": 1e-12}
    with pytest.raises(KeyboardInterrupt):
        fit(X, callback=interrupt, **options)
    assert fit(X, **options).mixture == fit(X, tol=1e-12).mixture


def test_other_signs_of_nothing():
    """None, masks and a frame's NA are NaN."""
    expected, pairs = fit(PAIRS, 2).mixture, PAIRS
    gone = np.isnan(pairs)
    assert fit(np.where(gone, None, pairs), 2).mixture == expected
    assert fit(np.ma.masked_array(np.where(gone, 0.0, pairs), gone), 2).mixture == expected
    frame = pd.DataFrame(pairs, columns=["a", "b"]).convert_dtypes()
    assert fit(frame, 2).mixture == expected
    assert fit(np.where(gone, -99.0, pairs), 2, na_values=-99).mixture == expected


def test_select():
    choice = fastem.select(X, [2, 3], covariance_type=["full", "tied"], missing="mar")
    assert choice.best.mixture.n_components == 3
    assert choice.best.bic() == pytest.approx(
        choice.best.mixture.n_parameters * np.log(len(X)) - 2 * choice.best.log_likelihood
    )


def test_what_is_refused():
    never = X.copy()
    never[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"X: column 1 has no number in any row"):
        fit(never)
    with pytest.raises(ValueError, match=r"X: b has no number in any row"):
        fit(pd.DataFrame(never, columns=["a", "b", "c"]))
    infinite = X.copy()
    infinite[5, 1] = np.inf
    with pytest.raises(ValueError, match=r"1 entry .*row 5, column 1.*inf; fill or drop"):
        fit(infinite)
    with pytest.raises(ValueError, match=r'missing="drop".*missing="mar"'):
        fastem.fit(X, 3)
    with pytest.raises(ValueError, match=r"'error', 'drop', 'mar'"):
        fit(X, missing="impute")


def same_bits(one, other):
    assert one.mixture == other.mixture
    assert_array_equal(one.trace, other.trace)
    assert one.log_likelihood == other.log_likelihood


def test_files_have_the_bits_of_memory(tmp_path):
    """Kept where they are few, and read anew at every pass where they are not."""
    rng = np.random.default_rng(0)
    many = holes(rng, np.tile(WHOLE, (100, 1)) + rng.normal(size=(60_000, 3)), 0.1)
    many = many[~np.isnan(many).all(axis=1)]
    weight = rng.random(len(many))
    np.save(tmp_path / "rows.npy", many)
    options = {"missing": "mar", "random_state": 0, "max_iter": 5, "n_init": 2, "noise": True}
    in_memory = fastem.fit(many, 3, sample_weight=weight, **options)
    del options["missing"]
    for memory in "256M", "4M":
        rows = fastem.rows.open(
            tmp_path / "rows.npy", missing="mar", memory=memory, sample_weight=weight
        )
        assert (rows.scan.kept is None) == (memory == "4M")
        if memory == "4M":  # samples are smaller there, so that starts are others
            mixture = in_memory.mixture
            init = {
                "weights_init": mixture.weights / mixture.weights.sum(),
                "means_init": mixture.means,
                "covariances_init": mixture.covariances,
                "max_iter": 4,
            }
            in_memory = fit(many, sample_weight=weight, **init)
            same_bits(fastem.fit(rows, 3, random_state=0, **init), in_memory)
        else:
            same_bits(fastem.fit(rows, 3, **options), in_memory)


def test_text_with_gaps(tmp_path):
    pd.DataFrame(X, columns=["a", "b", "c"]).to_csv(tmp_path / "rows.csv", index=False)
    found = fit(tmp_path / "rows.csv")
    expected = fit(X)
    assert found.mixture == expected.mixture
    assert_array_equal(
        found.mixture.predict(tmp_path / "rows.csv", missing="mar"),
        expected.mixture.predict(X, missing="mar"),
    )
    with pytest.raises(ValueError, match=r'missing="drop".*missing="mar"'):
        fastem.fit(tmp_path / "rows.csv", 3)


def test_dasks_rows():
    array = pytest.importorskip("dask.array")
    chunked = array.from_array(X, chunks=(200, 3))
    found, expected = fit(chunked), fit(X)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    labels = found.mixture.predict(chunked, missing="mar").compute()
    assert_array_equal(labels, found.mixture.predict(X, missing="mar"))


def test_replicates_and_tests_of_rows_with_gaps():
    fitted = fit(PAIRS, 2)
    made = fastem.bootstrap(fitted, PAIRS, 10, missing="mar", random_state=0)
    assert (np.abs(made.means.mean(axis=0) - fitted.mixture.means) < 0.5).all()
    options = {"n_replicates": 4, "level": 0.2, "n_init": 1, "random_state": 0}
    test = fastem.lrt(PAIRS, 2, missing="mar", **options)
    assert test.table[0].p_value == 0.2
