"""Mixture: a value with an interface. Densities are checked against the oracle (SciPy)."""

import os
import pickle
import re
import subprocess
import sys
import zipfile

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pytest

from fastem import Mixture
from fastem.covariance.ellipsoidal import Full
from fastem.mixture.file import FORMAT_VERSION

TYPES = oracle.COVARIANCE_TYPES


def mixture_of(covariance_type, K=3, D=4, seed=0):
    rng = np.random.default_rng(seed)
    parameters = oracle.random_mixture(rng, K, D, covariance_type)
    X, _ = oracle.sample(rng, 200, *parameters, covariance_type)
    return Mixture(*parameters, covariance_type), X


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_covariances_are_factored_once_however_often_rows_are_asked_about(dtype, monkeypatch):
    calls, factor = [], Full.factor
    monkeypatch.setattr(Full, "factor", lambda *given: calls.append(given) or factor(*given))
    mixture, X = mixture_of("full")
    for ask in (mixture.predict, mixture.log_prob, mixture.responsibilities):
        ask(X.astype(dtype))
    made = len(calls)
    for ask in (mixture.predict, mixture.log_prob, mixture.responsibilities):
        ask(X.astype(dtype))
    assert 0 < made <= 2
    assert len(calls) == made


# Making one -----------------------------------------------------------------------------------

GOOD = {
    "weights": [0.4, 0.6],
    "means": [[0.0, 0.0], [1.0, 2.0]],
    "covariances": [np.eye(2), np.eye(2)],
}
BAD = [
    ("weights", [0.5, 0.6], ValueError, "weights sum to 1.1"),
    ("weights", [-0.5, 1.5], ValueError, r"weights\[0\] is -0.5"),
    ("weights", [1.0], ValueError, r"weights has shape \(1,\); it must be \(2,\)"),
    ("weights", ["a", "b"], TypeError, "weights has dtype"),
    ("weights", [np.nan, 1], ValueError, "weights holds NaN"),
    ("means", [0.0, 1.0], ValueError, "means has 1 dimension,"),
    ("means", [[0.0, np.nan], [1.0, 2.0]], ValueError, "means has 1 entry .* row 0, column 1"),
    ("means", [[1j, 0], [0, 0]], TypeError, "means is complex"),
    (
        "covariances",
        [1.0, 1.0],
        ValueError,
        r"covariances has shape \(2,\); it must be \(2, 2, 2\)",
    ),
    ("covariances", [np.eye(2), [[1, 2], [2, 1]]], ValueError, "covariance 1 is not positive"),
    ("covariances", [np.zeros((2, 2)), np.eye(2)], ValueError, "covariance 0 is not positive"),
    ("covariances", [np.eye(2), [[1, 0.5], [0, 1]]], ValueError, "not symmetric.* 0.5"),
    (
        "covariances",
        [np.eye(2), np.full((2, 2), np.inf)],
        ValueError,
        "covariances holds NaN or inf",
    ),
    ("covariance_type", "round", ValueError, "covariance_type is 'round'.*'full'"),
    ("covariance_type", None, ValueError, "covariance_type is None"),
]


@pytest.mark.parametrize(("name", "bad", "error", "message"), BAD)
def test_bad_parameters_are_refused_by_name(name, bad, error, message):
    with pytest.raises(error, match=message):
        Mixture(**(GOOD | {name: bad}))


@pytest.mark.parametrize(
    ("covariance_type", "bad"), [("diag", [[1, 1], [1, 0]]), ("spherical", [1.0, -1.0])]
)
def test_variances_that_are_not_positive_are_refused(covariance_type, bad):
    with pytest.raises(ValueError, match="covariance 1 is not positive definite"):
        Mixture([0.5, 0.5], [[0, 0], [1, 1]], bad, covariance_type)


def test_a_tied_covariance_that_is_not_positive_definite_is_refused():
    with pytest.raises(ValueError, match="not positive definite"):
        Mixture([0.5, 0.5], [[0, 0], [1, 1]], [[1, 2], [2, 1]], "tied")


def test_arrays_are_copies_and_read_only():
    weights, means, covariances = (np.array(GOOD[name]) for name in GOOD)
    mixture = Mixture(weights, means, covariances)
    means[0] = 99.0
    assert mixture.means[0, 0] == 0.0
    for array in mixture.weights, mixture.means, mixture.covariances:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        mixture.weights = weights


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize(("K", "D"), [(1, 1), (3, 4), (5, 2)])
def test_free_parameters_are_counted_as_the_oracle_counts(covariance_type, K, D):
    assert mixture_of(covariance_type, K, D)[0].n_parameters == oracle.n_parameters(
        covariance_type, K, D
    )


# Densities ------------------------------------------------------------------------------------


def forms(X, tmp_path):
    np.save(tmp_path / "rows.npy", X)
    frozen = X.copy()
    frozen.flags.writeable = False
    return {
        "float64": X,
        "list": X.tolist(),
        "Fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 3, axis=1)[:, ::3],
        "read-only": frozen,
        "memory-mapped": np.load(tmp_path / "rows.npy", mmap_mode="r"),
        "pandas": pd.DataFrame(X),
        "polars": pl.DataFrame(X),
    }


@pytest.mark.parametrize("covariance_type", TYPES)
def test_densities_are_the_oracles_for_every_form_of_rows(covariance_type, tmp_path):
    mixture, X = mixture_of(covariance_type)
    parameters = mixture.weights, mixture.means, mixture.covariances, covariance_type
    expected = oracle.responsibilities(X, *parameters)
    for name, rows in forms(X, tmp_path).items():
        np.testing.assert_allclose(
            mixture.log_prob(rows), oracle.log_prob(X, *parameters), rtol=1e-12, err_msg=name
        )
        resp = mixture.responsibilities(rows)
        np.testing.assert_allclose(resp, expected, rtol=1e-9, atol=1e-14, err_msg=name)
        np.testing.assert_array_equal(mixture.predict(rows), expected.argmax(axis=1), err_msg=name)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_float32_rows_agree_with_the_oracle_to_their_precision(covariance_type):
    mixture, X = mixture_of(covariance_type)
    narrow = (X + 1000).astype(np.float32)
    moved = Mixture(mixture.weights, mixture.means + 1000, mixture.covariances, covariance_type)
    parameters = moved.weights, moved.means, moved.covariances, covariance_type
    expected = oracle.log_prob(narrow.astype(float), *parameters)
    np.testing.assert_allclose(moved.log_prob(narrow), expected, rtol=1e-5)
    resp = moved.responsibilities(narrow)
    assert resp.dtype == np.float32
    np.testing.assert_allclose(
        resp, oracle.responsibilities(narrow.astype(float), *parameters), atol=2e-5
    )


def test_integer_rows_are_the_same_rows_as_floats():
    mixture, X = mixture_of("full")
    whole = np.rint(X)
    np.testing.assert_array_equal(mixture.log_prob(whole.astype(int)), mixture.log_prob(whole))


def test_rows_far_from_every_component_still_belong_somewhere():
    mixture, _ = mixture_of("full")
    far = np.full((3, 4), 1e6)
    np.testing.assert_allclose(mixture.responsibilities(far).sum(axis=1), 1.0)
    parameters = mixture.weights, mixture.means, mixture.covariances, "full"
    np.testing.assert_allclose(mixture.log_prob(far), oracle.log_prob(far, *parameters), rtol=1e-12)


def test_a_component_of_weight_zero_takes_no_row():
    mixture = Mixture([1.0, 0.0], [[0.0], [5.0]], [1.0, 1.0], "spherical")
    assert mixture.predict([[5.0]]) == 0
    np.testing.assert_array_equal(mixture.responsibilities([[5.0]]), [[1.0, 0.0]])


def test_rows_of_another_width_are_refused():
    mixture, X = mixture_of("full")
    for method in mixture.log_prob, mixture.responsibilities, mixture.predict:
        with pytest.raises(ValueError, match="X has 3 columns but the mixture has 4"):
            method(X[:, :3])


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_summary_has_the_oracles_log_likelihood_and_classification_entropy(covariance_type):
    mixture, X = mixture_of(covariance_type)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(X))
    parameters = mixture.weights, mixture.means, mixture.covariances, covariance_type
    moments = mixture.summarise(X, weight)
    expected = oracle.log_likelihood(X, *parameters, sample_weight=weight)
    assert moments.log_likelihood == pytest.approx(expected, rel=1e-12)
    largest = oracle.responsibilities(X, *parameters).max(axis=1)
    assert moments.classification_entropy == pytest.approx(-weight @ np.log(largest), rel=1e-9)


# Sampling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", TYPES)
def test_samples_have_the_mixtures_moments(covariance_type):
    n = 100_000
    mixture, _ = mixture_of(covariance_type, K=3, D=2)
    X, labels = mixture.sample(n, random_state=5)
    assert X.shape == (n, 2)
    assert labels.dtype == np.int32
    covariances = oracle.expand_covariances(mixture.covariances, covariance_type, 3, 2)
    for k in range(3):
        mine = X[labels == k]
        share = len(mine) / n
        assert abs(share - mixture.weights[k]) < 5 * np.sqrt(0.25 / n)
        error = 5 * np.sqrt(np.diagonal(covariances[k]) / len(mine))
        assert (np.abs(mine.mean(axis=0) - mixture.means[k]) < error).all()
        spread = np.cov(mine.T)
        assert (np.abs(spread - covariances[k]) < 5 * 2 * np.sqrt(2 / len(mine))).all()


def test_samples_come_in_random_order_and_from_their_seed():
    mixture, _ = mixture_of("full")
    X, labels = mixture.sample(50, random_state=3)
    again, _ = mixture.sample(50, random_state=3)
    assert np.diff(labels).min() < 0 < np.diff(labels).max()
    np.testing.assert_array_equal(X, again)
    rng = np.random.default_rng(3)
    first, _ = mixture.sample(50, rng)
    second, _ = mixture.sample(50, rng)
    assert not np.array_equal(first, second)
    assert mixture.sample(1)[0].shape == (1, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "n_samples is 0"),
        ((2.5,), TypeError, "n_samples is 2.5"),
        ((5, "a"), TypeError, "random_state is 'a'"),
        ((5, -1), ValueError, "random_state is -1"),
    ],
)
def test_bad_arguments_of_sample_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        mixture_of("full")[0].sample(*arguments)


# A value --------------------------------------------------------------------------------------


def test_equality_and_hash_go_by_value():
    one, two = mixture_of("diag")[0], mixture_of("diag")[0]
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1
    assert one != mixture_of("diag", seed=1)[0]
    assert one != "a mixture"
    equal = Mixture([1.0], [[0.0]], [1.0], "spherical")
    assert equal != Mixture([1.0], [[0.0]], [[1.0]], "diag")


def test_equal_mixtures_with_a_negative_zero_hash_alike():
    plus = Mixture([1.0], [[0.0]], [1.0], "spherical")
    minus = Mixture([1.0], [[-0.0]], [1.0], "spherical")
    assert plus == minus
    assert hash(plus) == hash(minus)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_pickle_gives_it_back(covariance_type):
    mixture, X = mixture_of(covariance_type)
    mixture.log_prob(X)
    again = pickle.loads(pickle.dumps(mixture))
    assert again == mixture
    np.testing.assert_array_equal(again.log_prob(X), mixture.log_prob(X))
    assert not again.means.flags.writeable


def test_repr_says_family_sizes_and_components():
    text = repr(mixture_of("tied")[0])
    assert "Mixture of 3 Gaussians in 4 dimensions, tied covariances, 24 parameters" in text
    assert text.count("weight") == 3
    many = Mixture(np.full(20, 0.05), np.zeros((20, 50)), np.ones(20), "spherical")
    assert "and 12 more" in repr(many)
    assert len(repr(many)) < 3000


# Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", TYPES)
def test_save_and_load_give_it_back_to_the_bit(covariance_type, tmp_path):
    mixture, _ = mixture_of(covariance_type)
    mixture.save(tmp_path / "model.npz")
    assert Mixture.load(tmp_path / "model.npz") == mixture
    mixture.save(str(tmp_path / "no suffix"))
    assert Mixture.load(str(tmp_path / "no suffix")) == mixture
    assert sorted(os.listdir(tmp_path)) == ["model.npz", "no suffix"]


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    old, new = mixture_of("full")[0], mixture_of("full", seed=1)[0]
    old.save(tmp_path / "model.npz")

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        new.save(tmp_path / "model.npz")
    assert os.listdir(tmp_path) == ["model.npz"]
    assert Mixture.load(tmp_path / "model.npz") == old


def test_save_where_there_is_no_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mixture_of("full")[0].save(tmp_path / "nowhere" / "model.npz")
    with pytest.raises(FileNotFoundError):
        Mixture.load(tmp_path / "nothing.npz")


def test_truncated_files_are_refused_at_every_length(tmp_path):
    path = tmp_path / "model.npz"
    mixture_of("full")[0].save(path)
    whole = path.read_bytes()
    for length in [0, 1, 10, len(whole) // 2, len(whole) - 10, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model.npz is damaged or not a fastem mixture"):
            Mixture.load(path)


def test_damaged_contents_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    mixture_of("full", K=8, D=16)[0].save(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="damaged"):
        Mixture.load(path)


def fields(**changes):
    known = {
        "format": np.array("fastem mixture"),
        "version": np.array(FORMAT_VERSION),
        "weights": np.array([1.0]),
        "means": np.zeros((1, 1)),
        "covariances": np.ones((1, 1, 1)),
        "covariance_type": np.array("full"),
    }
    known |= changes
    return {name: value for name, value in known.items() if value is not None}


FOREIGN = {
    "another format": (fields(format=np.array("something")), "is not a fastem mixture"),
    "no format": (fields(format=None), "is not a fastem mixture"),
    "the future": (fields(version=np.array(99)), "version 99, later than .*upgrade fastem"),
    "version of text": (fields(version=np.array("new")), "its version is no number from 1"),
    "no version": (fields(version=None), "its version is no number from 1"),
    "version below 1": (fields(version=np.array(-3)), "its version is no number from 1"),
    "endless version": (fields(version=np.array(np.inf)), "its version is no number from 1"),
    "several versions": (fields(version=np.array([1, 2])), "its version is no number from 1"),
    "tiny variance": (fields(covariances=np.full((1, 1, 1), 1e-320)), "a variance of 9.99989e-321"),
    "complex means": (fields(means=np.zeros((1, 1), complex)), "means is complex"),
    "dates": (fields(weights=np.zeros(1, "M8[s]")), "weights has dtype datetime64"),
    "half a noise": (fields(noise_low=np.zeros(1)), "lacks noise_axes, noise_high, noise_weight"),
    "a noise of two weights": (
        fields(
            noise_weight=np.zeros(2),
            noise_low=np.zeros(1),
            noise_high=np.ones(1),
            noise_axes=np.eye(1),
        ),
        "is damaged",
    ),
    "columns of numbers": (fields(columns=np.zeros(1)), "feature_names"),
    "columns of another count": (fields(columns=np.array(["a", "b"])), "feature_names"),
    "no means": (fields(means=None), "lacks means"),
    "wrong shapes": (fields(means=np.zeros((2, 1))), r"weights has shape \(1,\)"),
    "not definite": (fields(covariances=-np.ones((1, 1, 1))), "not positive definite"),
    "another family": (fields(covariance_type=np.array("round")), "covariance_type is 'round'"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_that_are_not_ours_are_refused(name, tmp_path):
    contents, message = FOREIGN[name]
    path = tmp_path / "model.npz"
    with path.open("wb") as file:
        np.savez(file, **contents)
    with pytest.raises(ValueError, match=message) as caught:
        Mixture.load(path)
    assert str(caught.value).startswith(f"{path} is ")
    assert re.search("; (give|upgrade)", str(caught.value))


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x80\x04N.", b"\x93NUMPY"])
def test_files_of_another_kind_are_refused(content, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or not a fastem mixture"):
        Mixture.load(path)


def test_a_plain_array_file_is_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"rows.npy is damaged or not a fastem mixture"):
        Mixture.load(tmp_path / "rows.npy")


def test_a_zip_of_other_things_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.npz", "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match="not a fastem mixture"):
        Mixture.load(tmp_path / "model.npz")


class Trap:
    def __reduce__(self):
        return os.mkdir, (Trap.path,)


def test_pickled_objects_in_a_file_are_refused_and_run_nothing(tmp_path):
    Trap.path = str(tmp_path / "sprung")
    trap = np.empty(1, dtype=object)
    trap[0] = Trap()
    for name in "weights", "format", "more":
        with (tmp_path / "model.npz").open("wb") as file:
            np.savez(file, **fields(**{name: trap}))
        if name == "more":  # nobody looks at it
            Mixture.load(tmp_path / "model.npz")
            continue
        with pytest.raises(ValueError, match="damaged or not a fastem mixture"):
            Mixture.load(tmp_path / "model.npz")
    assert not (tmp_path / "sprung").exists()


def test_a_saved_file_is_read_in_another_process(tmp_path):
    mixture, _ = mixture_of("full")
    mixture.save(tmp_path / "model.npz")
    code = "import sys, fastem; print(fastem.Mixture.load(sys.argv[1]).predict([[0.0] * 4])[0])"
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model.npz"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) == mixture.predict(np.zeros((1, 4)))[0]
