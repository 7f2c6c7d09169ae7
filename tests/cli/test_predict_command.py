"""predict, from a model to labels; the oracle is Mixture."""

from pathlib import Path

import numpy as np

import fastem

DATA = Path(__file__).parents[1] / "data"
FAITHFUL = str(DATA / "faithful.csv")
ROWS = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)
QUICK = ["--n-init", "2", "--tol", "1e-3"]


def test_predict_is_mixture_predict(run):
    run("fit", FAITHFUL, "--components", "3", "--model", "m.npz", "--labels", "a.csv", *QUICK)
    mixture = fastem.Mixture.load("m.npz")
    status, out, err = run("predict", "m.npz", FAITHFUL)
    assert (status, err) == (0, "")
    assert out == Path("a.csv").read_text()
    np.testing.assert_array_equal(np.loadtxt("a.csv", skiprows=1), mixture.predict(ROWS))


def test_probabilities_are_responsibilities(run):
    run("fit", FAITHFUL, "--components", "2", "--model", "m.npz", *QUICK)
    status, out, _ = run(
        "predict", "m.npz", FAITHFUL, "--probabilities", "--labels", "probabilities.csv"
    )
    assert (status, out) == (0, "")
    found = np.genfromtxt("probabilities.csv", delimiter=",", names=True)
    mixture = fastem.Mixture.load("m.npz")
    np.testing.assert_array_equal(found["label"], mixture.predict(ROWS))
    resp = mixture.responsibilities(ROWS)
    np.testing.assert_array_equal(found["probability_0"], resp[:, 0])
    np.testing.assert_array_equal(found["probability_1"], resp[:, 1])


def test_predict_finds_its_columns_by_name_in_any_order(run):
    run("fit", FAITHFUL, "--components", "2", "--model", "m.npz", "--labels", "a.csv", *QUICK)
    lines = [f"{w},x,{e}" for e, w in ROWS]
    Path("other.csv").write_text("\n".join(["waiting,note,eruptions", *lines]))
    assert run("predict", "m.npz", "other.csv")[1] == Path("a.csv").read_text()


def test_predict_takes_columns_without_names_in_their_order(run):
    run("fit", FAITHFUL, "--components", "2", "--model", "m.npz", "--labels", "a.csv", *QUICK)
    np.save("x.npy", ROWS)
    np.savetxt("x.txt", ROWS)
    assert run("predict", "m.npz", "x.npy")[1] == Path("a.csv").read_text()
    assert run("predict", "m.npz", "x.txt")[1] == Path("a.csv").read_text()


def test_predict_takes_a_mixture_that_python_saved(run):
    mixture = fastem.Mixture([0.5, 0.5], [[2, 50], [4, 80]], [[1, 9], [1, 9]], "diag")
    mixture.save("m.npz")
    out = run("predict", "m.npz", FAITHFUL)[1]
    np.testing.assert_array_equal(np.array(out.split()[1:], int), mixture.predict(ROWS))


def test_rows_left_out_keep_their_line(run):
    Path("x.csv").write_text("a\n1\n2\nNA\n9\n10\n")
    words = "--components", "2", "--drop-missing", "--labels", "a.csv", "--model", "m.npz"
    out = run("fit", "x.csv", *words, *QUICK)[1]
    assert "4 rows (1 with missing values left out)" in out
    labels = Path("a.csv").read_text().split()
    assert labels[3] == "-2"
    assert labels[1] == labels[2] != labels[4] == labels[5]
    out = run("predict", "m.npz", "x.csv", "--drop-missing", "--probabilities")[1]
    assert out.splitlines()[3] == "-2,,"
