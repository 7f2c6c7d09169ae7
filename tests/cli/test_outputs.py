"""Where output goes: files, devices, pipes, and streams that are closed or full."""

import os
import stat
import sys
import threading
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import processes
import pyarrow
import pytest
from pyarrow import parquet

import fastem

DATA = Path(__file__).parents[1] / "data"
FAITHFUL = str(DATA / "faithful.csv")
WORDS = ["fit", FAITHFUL, "--components", "2", "--n-init", "2", "--tol", "1e-3"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(fastem.__file__).parents[1])}
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX devices and shells")


@pytest.fixture
def table(tmp_path):
    """Rows with an identity and a name that needs quotes."""
    X = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)
    frame = pd.DataFrame(X, columns=["eruptions", "waiting"])
    frame.insert(0, "id", [f"{i:03}" for i in range(len(X))])
    frame["name"] = [f'a "b", {i}' for i in range(len(X))]
    frame.to_csv(tmp_path / "x.csv", index=False)
    frame.to_parquet(tmp_path / "x.parquet")
    np.save(tmp_path / "x.npy", X)
    return frame


@pytest.mark.parametrize(("suffix", "begins"), [("npy", b"\x93NUMPY"), ("parquet", b"PAR1")])
def test_the_name_of_a_link_tells_the_format(run, suffix, begins):
    Path("store.csv").write_text("")
    Path(f"l.{suffix}").symlink_to("store.csv")
    run("fit", FAITHFUL, "--components", "1", "--labels", f"l.{suffix}")
    assert Path("store.csv").read_bytes().startswith(begins)


@pytest.mark.parametrize("source", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_are_carried_along(run, table, source, suffix):
    words = ["--columns", "eruptions:waiting", "--components", "2", "--n-init", "2"]
    out = ["--labels", f"l.{suffix}", "--keep", "name,id", "--model", "m.npz"]
    assert run("fit", source, *words, *out)[0] == 0
    found = pd.read_csv("l.csv", dtype=str) if suffix == "csv" else pd.read_parquet("l.parquet")
    expected = fastem.Mixture.load("m.npz").predict(table[["eruptions", "waiting"]])
    assert list(found) == ["name", "id", "label"]
    assert found["id"].tolist() == table["id"].tolist()
    assert found["name"].tolist() == table["name"].tolist()
    assert np.array_equal(found["label"].astype(int), expected)
    status, out, _ = run("predict", "m.npz", source, "--keep", "id", "--probabilities")
    assert status == 0
    assert out.startswith("id,label,probability_0,probability_1\n000,")


def test_columns_that_cannot_be_carried_along(run, refused, table):
    assert run(*WORDS, "--model", "m.npz")[0] == 0
    assert "--keep: x.csv has no column 'z'" in refused("predict", "m.npz", "x.csv", "--keep", "z")
    told = refused("predict", "m.npz", "x.csv", "--keep", "id", "--labels", "l.npy")
    assert "--keep has no place in l.npy; end it in .csv or .parquet" in told
    out = run("predict", "m.npz", "x.npy", "--keep", "1")[1]
    assert out.startswith("column 1,label\n79.0,")


def test_carried_columns_and_rows_left_out(run):
    Path("x.csv").write_text("id,a\nu,1\nv,NA\nw,3\nx,4\n")
    words = "--columns", "a", "--components", "1", "--drop-missing", "--keep", "id"
    assert run("fit", "x.csv", *words, "--labels", "l.csv", "--model", "m.npz")[0] == 0
    assert Path("l.csv").read_text() == "id,label\nu,0\nv,-2\nw,0\nx,0\n"
    out = run("predict", "m.npz", "x.csv", "--drop-missing", "--keep", "id", "--probabilities")[1]
    assert out.splitlines()[2] == "v,-2,"


def test_a_dash_is_standard_output(run, refused):
    assert run(*WORDS, "--labels", "l.csv", "--model", "m.npz")[0] == 0
    status, out, err = run(*WORDS, "--labels", "-")
    assert (status, out) == (0, Path("l.csv").read_text())
    assert "2 components (clusters)" in err
    assert run("predict", "m.npz", FAITHFUL, "--labels", "-")[1] == out
    assert not Path("-").exists()
    assert "- is standard output, for one text" in refused(*WORDS, "--model", "-")
    assert "- is standard output, for one text" in refused(*WORDS, "--labels", "-", "--json")


@posix
@pytest.mark.parametrize("option", ["--model", "--labels"])
def test_a_device_is_written_to_and_stays(run, option):
    before = os.stat(os.devnull)
    os.symlink(os.devnull, "null")
    for path in os.devnull, "null":
        assert run(*WORDS, option, path)[0] == 0
    after = os.stat(os.devnull)
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_rdev) == (before.st_ino, before.st_rdev)
    assert Path("null").is_symlink()


@posix
def test_a_device_that_is_full_is_named(refused):
    told = "--model /dev/full cannot be written: No space left on device; free some space"
    assert told in refused(*WORDS, "--model", "/dev/full")
    assert "/dev/full is no checkpoint" in refused(*WORDS, "--checkpoint", "/dev/full")


@posix
def test_a_pipe_is_read_and_written(run):
    assert run(*WORDS, "--labels", "l.csv", "--model", "m.npz")[0] == 0
    for name in "in", "out":
        os.mkfifo(name)
    writer = threading.Thread(target=lambda: Path("in").write_bytes(Path(FAITHFUL).read_bytes()))
    held = []
    reader = threading.Thread(target=lambda: held.append(Path("out").read_text()))
    writer.start()
    reader.start()
    assert run("predict", "m.npz", "in", "--labels", "out")[0] == 0
    writer.join()
    reader.join()
    assert held == [Path("l.csv").read_text()]


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_outputs_are_no_inputs_by_whatever_name(refused, no_fit, tmp_path, link):
    Path("x.csv").write_text("a\n1\n2\n3\n")
    link("x.csv", "other.csv")
    for option in "--labels", "--model", "--checkpoint":
        told = refused("fit", "x.csv", option, "other.csv")
        assert f"{option} other.csv is x.csv as well; give another name" in told
    told = refused("fit", "x.csv", "--checkpoint", "c.npz", "--model", "c.npz")
    assert "--checkpoint c.npz is --model as well; give another name" in told


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--max-iter", "1", "--tol", "0"], 3, "raise --max-iter or --tol"),
        (["--components", "40", "--n-init", "1"], 3, "ask for fewer components"),
        ([], 0, "converged after"),
    ],
)
def test_exit_status(run, words, status, told):
    np.save("x.npy", np.round(np.random.default_rng(0).normal(size=(60, 2))))
    quick = ["--components", "2", "--n-init", "2", *words]
    found, out, _ = run("fit", "x.npy", *quick, "--labels", "l.csv", "--model", "m.npz")
    assert found == status
    assert told in " ".join(out.split())
    assert Path("l.csv").exists()
    assert Path("m.npz").exists()


def test_a_name_that_is_too_long(refused, no_fit):
    assert "give a shorter name" in refused("fit", FAITHFUL, "--labels", "x" * 300)


# Streams that are closed or full -----------------------------------------------------------------


def shell(command, folder):
    """What a shell makes of a command, `fastem` standing for the words that run it."""
    line = command.replace("fastem", f'"{sys.executable}" -m fastem')
    return processes.run(["bash", "-c", line], cwd=folder, env=ENVIRONMENT)


FIT = f"fastem fit '{FAITHFUL}' --components 2 --n-init 2 --tol 1e-3 --labels l.csv --model m.npz"
FULL = "fastem: standard output cannot be written: No space left on device; what files were asked "


@posix
@pytest.mark.parametrize(
    ("streams", "status", "out", "err"),
    [
        ("<&-", 0, "272 rows", ""),
        (">&-", 0, "", ""),
        ("2>&-", 0, "272 rows", ""),
        ("<&- >&- 2>&-", 0, "", ""),
        ("> /dev/full", 2, "", FULL),
        ("2> /dev/full", 0, "272 rows", ""),
    ],
)
def test_outputs_are_written_whatever_streams_there_are(tmp_path, streams, status, out, err):
    done = shell(f"{FIT} {streams}", tmp_path)
    assert done.returncode == status, done.stderr
    assert out in done.stdout
    assert done.stderr.startswith(err)
    assert done.stderr.count("\n") == bool(err)
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 273
    assert fastem.Mixture.load(tmp_path / "m.npz").n_components == 2


@posix
@pytest.mark.parametrize(
    ("command", "err"),
    [
        ("fastem predict m.npz x.csv >&-", "fastem: standard output is closed; give --labels"),
        ("fastem predict m.npz x.csv > /dev/full", "fastem: --labels - cannot be written: No spa"),
        ("fastem fit - <&-", "fastem: standard input is closed; give a file\n"),
        ("fastem fit absent.csv 2>&-", ""),
        ("fastem fit absent.csv >&- 2>&-", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_done_without_a_stream(tmp_path, command, err):
    fastem.Mixture([1.0], [[0.0]], [1.0], "spherical").save(tmp_path / "m.npz")
    (tmp_path / "x.csv").write_text("a\n1\n2\n")
    done = shell(command, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(err)
    assert done.stderr.count("\n") == bool(err)


def test_columns_that_begin_with_nulls_keep_their_types(run):
    """Whatever the first block of rows holds; the oracle is the table that was written."""
    n, empty = 60_000, 50_000
    decimals = [None] * empty + [Decimal(i) / 100 for i in range(n - empty)]
    table = pyarrow.table({
        "id": pyarrow.array([None] * empty + ["x"] * (n - empty), pyarrow.string()),
        "price": pyarrow.array(decimals, pyarrow.decimal128(9, 2)),
        "x": np.random.default_rng(0).normal(size=n),
    })  # fmt: skip
    parquet.write_table(table, "x.parquet")
    fastem.Mixture([1.0], [[0.0]], [[1.0]], "diag", feature_names=["x"]).save("m.npz")
    words = "--keep", "id,price", "--labels", "l.parquet", "--memory", "1M"
    assert run("predict", "m.npz", "x.parquet", *words) == (0, "", "")
    assert parquet.read_table("l.parquet").select(["id", "price"]).equals(table.drop("x"))
