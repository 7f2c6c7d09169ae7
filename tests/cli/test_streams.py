"""Input that is read piece by piece; the oracle is the same rows as one small CSV file."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import fastem


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, 1, (3000, 3)), rng.normal(9, 1, (3000, 3))])


@pytest.fixture
def csv(X, tmp_path):
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header="a,b,c", comments="", fmt="%.17g")
    return tmp_path / "rows.csv"


def parquet(path, X):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(dict(zip("abc", X.T, strict=True))), path)


@pytest.fixture
def inputs(X, tmp_path):
    """The rows in every form but CSV, by the words of the command."""
    (tmp_path / "parts").mkdir()
    for i, part in enumerate(np.split(X, 3)):
        parquet(tmp_path / "parts" / f"part-{i}.parquet", part)
        np.save(tmp_path / f"part-{i}.npy", part)
    parquet(tmp_path / "rows.parquet", X)
    np.save(tmp_path / "rows.npy", X)
    return {
        "file": ["rows.parquet"],
        "large": ["rows.npy", "--memory", "1M"],
        "folder": ["parts"],
        "pattern": ["part-*.npy"],
        "several": ["part-0.npy", "part-1.npy", "part-2.npy"],
    }


WORDS = ["--components", "2", "--n-init", "2", "--columns", "0:1", "--json"]


def test_every_form_gives_the_same(run, csv, inputs):
    status, out, err = run("fit", csv, *WORDS, "--labels", "l.csv", "--model", "m.npz")
    assert (status, err) == (0, "")
    expected, labels = json.loads(out), Path("l.csv").read_text()
    for name, words in inputs.items():
        command = ["fit", *words, *WORDS, "--labels", f"{name}.csv", "--model", f"{name}.npz"]
        status, out, err = run(*command)
        assert (status, err) == (0, ""), name
        found = json.loads(out)
        for key in "sizes", "log_likelihood", "mixture", "trace", "n_samples":
            assert found[key] == expected[key], (name, key)
        assert Path(f"{name}.csv").read_text() == labels
        # Parquet has the columns of the model by their names.
        which = [] if name in ("file", "folder") else ["--columns", "0:1"]
        status, out, err = run("predict", f"{name}.npz", *words, *which)
        assert (status, out, err) == (0, labels, ""), name


def test_labels_in_the_format_of_their_suffix(run, csv, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    words = ["--components", "2", "--n-init", "2"]
    for name in "l.csv", "l.npy", "l.parquet":
        status, _, err = run("fit", csv, *words, "--labels", name, "--model", "m.npz")
        assert (status, err) == (0, "")
    expected = np.loadtxt("l.csv", skiprows=1, dtype=int)
    assert np.array_equal(np.load("l.npy"), expected)
    assert np.array_equal(parquet.read_table("l.parquet")["label"].to_numpy(), expected)
    assert run("predict", "m.npz", csv, "--probabilities", "--labels", "p.npy")[0] == 0
    X = np.loadtxt(csv, delimiter=",", skiprows=1)
    mixture = fastem.Mixture.load("m.npz")
    assert np.array_equal(np.load("p.npy"), mixture.responsibilities(X))


def test_rows_left_out_have_a_place_in_an_array(run, tmp_path):
    (tmp_path / "gaps.csv").write_text("a\n1\nNA\n2\n3\n")
    words = "--components", "1", "--drop-missing", "--labels", "labels.npy"
    assert run("fit", "gaps.csv", *words)[0] == 0
    assert np.load("labels.npy").tolist() == [0, -2, 0, 0]


def test_columns_by_name(run, X, tmp_path):
    parquet(tmp_path / "rows.parquet", X)
    words = ["fit", "rows.parquet", "--components", "1", "--n-init", "1", "--json", "--columns"]
    for columns, chosen in {"b:c": ["b", "c"], "c,a": ["c", "a"], "1,a": ["b", "a"]}.items():
        status, out, _ = run(*words, columns)
        assert (status, json.loads(out)["columns"]) == (0, chosen)


def test_a_checkpoint_is_written_and_gone_on_from(run, csv):
    words = ["fit", csv, "--components", "2", "--n-init", "2", "--json", "--checkpoint", "c.npz"]
    first, second = (json.loads(run(*words)[1]) for _ in range(2))
    assert (first["mixture"], first["trace"]) == (second["mixture"], second["trace"])
    status, out, err = run(*words, "--tol", "1e-3")
    assert (status, out) == (2, "")
    assert err == (
        "fastem: c.npz is the checkpoint of another fit: --tol was 1e-06 and is 0.001; give the "
        "same arguments and rows, or another checkpoint, or delete the file\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rows.csv", "--memory", "lots"], "--memory is 'lots'; give a number of bytes or a text"),
        (["rows.csv", "--memory", "3K"], "--memory is 3072 bytes; give at least 1048576"),
        (["rows.csv", "-"], "- is standard input and stands alone"),
        (["none-*.npy"], "none-*.npy matches no file"),
        (["rows.csv", "absent.npy"], "No such file"),
        (["good.npy", "bad.npy"], "bad.npy, row 2, column 1"),
        (["rows.csv", "rows.csv", "--columns", "z"], "has no column 'z'"),
        (["rows.csv", "--checkpoint", "absent/c.npz"], "its directory does not exist; give a path"),
    ],
    ids=str,
)
def test_refusals(refused, csv, tmp_path, words, told):
    bad = np.zeros((4, 3))
    bad[2, 1] = np.nan
    np.save(tmp_path / "bad.npy", bad)
    np.save(tmp_path / "good.npy", np.zeros((4, 3)))
    assert told in refused("fit", *words, "--components", "1", "--labels", "labels.csv")


def test_progress_is_shown_where_asked_for(run, csv):
    pytest.importorskip("tqdm")
    # With so many components the last run begins far from its end, and has passes to show.
    words = ["fit", csv, "--components", "13", "--n-init", "1"]
    assert run(*words)[2] == ""
    shown = run(*words, "--progress")[2]
    assert "rows/s, time left unknown" in shown


def test_memory_is_that_of_the_library():
    assert fastem.rows.open.__kwdefaults__["memory"] == "256M"


def test_a_packed_line_without_an_end_keeps_to_the_memory(refused, tmp_path):
    with gzip.open(tmp_path / "x.csv.gz", "wb") as file:
        for _ in range(40):
            file.write(b"1," * 500_000)
    told = refused("fit", "x.csv.gz", "--memory", "16M")
    assert "x.csv.gz, line 1 is longer than 2097152 bytes" in told
    assert "raise --memory, or check its quotes" in told
