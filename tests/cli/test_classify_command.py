"""`fastem classify`: what it reads, prints and writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastem

DATA = Path(__file__).parents[1] / "data"
IRIS = DATA / "iris.csv"


def test_edda_of_iris(command, tmp_path):
    model, labels = tmp_path / "classifier.npz", tmp_path / "classes.csv"
    out = command("classify", IRIS, "--label-column", "label", "--model", model, "--labels", labels)
    assert "Covariances of all classes are VEV together." in out
    assert "Log-likelihood -187.71 with 36 parameters; BIC 555.80" in out
    frame, written = pd.read_csv(IRIS), pd.read_csv(labels)
    found = fastem.Classifier.load(model)
    assert found.mixtures[0].feature_names == tuple(frame.columns[:4])
    assert (found.predict(frame[frame.columns[:4]]) == written["class"]).all()
    np.testing.assert_allclose(written.filter(like="probability").sum(axis=1), 1.0)


def test_gaps_and_unknown_classes(command, tmp_path):
    frame = pd.read_csv(IRIS)
    frame.loc[::7, "label"] = None
    frame.loc[::5, "sepal_width"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    words = "classify", tmp_path / "gaps.csv", "--label-column", "label", "--covariance", "EEE"
    assert "with 22 parameters" in command(*words, "--missing", "mar")
    out = command(*words, "--missing", "drop", "--labels", tmp_path / "labels.csv")
    assert "with 22 parameters" in out
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 120


@pytest.mark.parametrize("read", ["parquet", "-"])
def test_a_column_of_text_in_any_place(command, tmp_path, monkeypatch, read):
    words = "--label-column", "label", "--covariance", "EEE"
    from_csv = command("classify", IRIS, *words)
    pd.read_csv(IRIS).to_parquet(tmp_path / "iris.parquet")
    with open(IRIS) as piped:
        monkeypatch.setattr("sys.stdin", piped)
        file = tmp_path / "iris.parquet" if read == "parquet" else "-"
        assert command("classify", file, *words) == from_csv


def test_nothing_beside_the_labels(refused, tmp_path):
    (tmp_path / "labels.csv").write_text("label\na\nb\n")
    assert "no column of" in refused("classify", tmp_path / "labels.csv", "--label-column", "label")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--label-column"),
        (("--label-column", "lable"), "no column 'lable'; did you mean 'label'?"),
        (("--label-column", "label", "--components", "x"), "--components x is no number"),
        (("--label-column", "label", "--cv", "99"), "cv is 99, but class 'setosa' has 50 rows"),
    ],
)
def test_what_is_refused(refused, words, message):
    assert message in refused("classify", IRIS, *words)
