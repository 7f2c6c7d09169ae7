"""Labels written while rows are read, against those of the same rows in memory."""

import numpy as np
import pytest
from pyarrow import parquet

import fastem
from fastem.rows import Blocks
from fastem.rows import open as open_rows

SMALL = "1M"
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(scope="module")
def mixture():
    rng = np.random.default_rng(0)
    return fastem.Mixture([0.2, 0.5, 0.3], rng.normal(size=(3, 2)), np.ones((3, 2)), "diag")


def some_rows(dtype=np.float64, n=40_001):
    return np.random.default_rng(0).normal(size=(n, 2)).astype(dtype)


def read(path, K):
    """Labels and probabilities that a file holds."""
    if path.suffix == ".npy":
        held = np.load(path)
        return (held, None) if held.ndim == 1 else (held.argmax(axis=1), held)
    if path.suffix == ".csv":
        with open(path) as file:
            names = file.readline().strip().split(",")
            held = np.loadtxt(file, delimiter=",", ndmin=2)
    else:
        table = parquet.read_table(path)
        names, held = table.column_names, np.column_stack([c.to_numpy() for c in table.columns])
    assert names == ["label", "probability_0", "probability_1", "probability_2"][: held.shape[1]]
    return held[:, 0], held[:, 1:] if held.shape[1] > 1 else None


@dtypes
@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
@pytest.mark.parametrize("probabilities", [False, True])
def test_files(tmp_path, mixture, dtype, suffix, probabilities):
    X = some_rows(dtype)
    np.save(tmp_path / "rows.npy", X)
    source = open_rows(tmp_path / "rows.npy", memory=SMALL)
    path = tmp_path / f"labels{suffix}"
    assert mixture.predict_to(path, source, probabilities=probabilities) == len(X)
    labels, resp = read(path, 3)
    assert np.array_equal(labels, mixture.predict(X))
    assert (resp is not None) == probabilities
    if probabilities:
        assert np.array_equal(resp.astype(dtype), mixture.responsibilities(X))
    assert {p.name for p in tmp_path.iterdir()} == {"rows.npy", path.name}


@dtypes
def test_results_in_memory(tmp_path, mixture, dtype):
    """What a source gives row by row and in sum is what its rows in memory give, to the bit."""
    X = some_rows(dtype)
    np.save(tmp_path / "rows.npy", X)
    source = open_rows(tmp_path / "rows.npy", memory=SMALL)
    for rows in source, tmp_path / "rows.npy", Blocks(lambda: np.array_split(X, 7), memory=SMALL):
        for method in mixture.predict, mixture.log_prob, mixture.responsibilities:
            assert np.array_equal(method(rows), method(X))
        expected = mixture.summarise(X)
        assert np.array_equal(mixture.summarise(rows).second, expected.second)
        assert mixture.summarise(rows).log_likelihood == expected.log_likelihood
    fitted = fastem.fit(source, 2, random_state=0, tol=1e-2)
    assert fitted.bic(source) == fitted.bic(X)
    weight = np.random.default_rng(0).integers(0, 2, len(X))
    weight *= 5
    summed = mixture.summarise(tmp_path / "rows.npy", sample_weight=weight)
    kept = weight > 0
    expected = mixture.summarise(X[kept], weight[kept])
    assert summed.log_likelihood == expected.log_likelihood


def test_rows_of_no_weight_are_labelled(tmp_path, mixture):
    X = some_rows(n=500)
    np.save(tmp_path / "rows.npy", X)
    source = open_rows(tmp_path / "rows.npy", sample_weight=np.arange(500) % 2)
    assert np.array_equal(mixture.predict(source), mixture.predict(X))


def test_arrays_too(tmp_path, mixture):
    X = some_rows(n=10)
    mixture.predict_to(tmp_path / "labels.npy", X)
    assert np.array_equal(np.load(tmp_path / "labels.npy"), mixture.predict(X))


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_nothing_is_left_of_a_prediction_that_fails(tmp_path, mixture, suffix, older):
    X = some_rows()
    X[39_000, 1] = np.nan
    np.save(tmp_path / "rows.npy", X)
    path = tmp_path / f"labels{suffix}"
    if older:
        path.write_text("older")
    before = {p.name for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"rows.npy, row 39000, column 1"):
        mixture.predict_to(path, open_rows(tmp_path / "rows.npy", memory=SMALL))
    assert {p.name for p in tmp_path.iterdir()} == before
    assert not older or path.read_text() == "older"


def test_refusals(tmp_path, mixture):
    with pytest.raises(ValueError, match=r"labels are written to .npy, .csv, .parquet: end it so"):
        mixture.predict_to(tmp_path / "labels.txt", some_rows())
    np.save(tmp_path / "rows.npy", np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"rows.npy has 5 columns but the mixture has 2"):
        mixture.predict_to(tmp_path / "labels.npy", tmp_path / "rows.npy")
    with pytest.raises(FileNotFoundError):
        mixture.predict_to(tmp_path / "none" / "labels.npy", some_rows())
    assert {p.name for p in tmp_path.iterdir()} == {"rows.npy"}
