"""What results say, in text, in HTML and as data frames: the same everywhere."""

import sys
from pathlib import Path

import numpy as np
import pytest

import fastem
from fastem import cli
from fastem.summary import Summary, Table

FAITHFUL = str(Path(__file__).parent / "data" / "faithful.csv")
ROWS = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)


@pytest.fixture(scope="module")
def choice():
    return fastem.select(
        ROWS, range(1, 5), covariance_type="mclust", n_init=1, tol=1e-3, random_state=0
    )


def test_a_selection_prints_its_best_three_first_within_80_columns(choice):
    """Oracle: the table, sorted."""
    lines = str(choice).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "The best models by BIC:"
    expected = sorted(choice.table, key=lambda row: row.bic)[:3]
    for line, row in zip(lines[3:6], expected, strict=True):
        family, count, level, *_ = line.split()
        assert (family, int(count)) == (row.covariance_type, row.n_components)
        assert level == f"{row.bic:.2f}"


def test_every_fit_of_a_folded_table_is_printed(choice):
    text = str(choice)
    for row in choice.table:
        assert f"{row.bic:.2f}" in text


def test_a_fit_says_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    fit = fastem.fit(FAITHFUL, 2, random_state=0)
    assert cli.main(["fit", FAITHFUL, "--components", "2"]) == 0
    out = capsys.readouterr().out
    same = [line for line in fit.summary(FAITHFUL).text(100).splitlines() if line]
    assert len(same) == 7
    for line in same:
        assert line in out


def test_sizes_are_counted_or_those_of_the_weights():
    fit = fastem.fit(ROWS, 2, random_state=0)
    counted = np.bincount(fit.mixture.predict(ROWS))
    for k in range(2):
        assert f"  {counted[k]}   {fit.mixture.weights[k]:.4f}" in str(fit.summary(ROWS))
        expected = f"{272 * fit.mixture.weights[k]:.0f}"
        assert f"  {expected}   {fit.mixture.weights[k]:.4f}" in str(fit.summary())


def test_noise_has_rows_too():
    X = np.concatenate([ROWS, np.random.default_rng(0).uniform(0, 100, (40, 2))])
    fit = fastem.fit(X, 2, noise=True, random_state=0)
    n_noise = (fit.mixture.predict(X) == -1).sum()
    assert f"noise: {n_noise} rows, weight {fit.mixture.noise.weight:.4f}" in str(fit.summary(X))


def test_notebooks_get_tables(choice):
    test = fastem.lrt(ROWS, 2, n_replicates=9, level=0.2, random_state=0)
    spread = fastem.bootstrap(choice.best, ROWS, 9, random_state=0)
    for result in choice, choice.best, choice.best.mixture, test, spread, choice.best.summary():
        html = result._repr_html_()
        assert html.count("<table>") == html.count("</table>") >= 1
    assert 'style="font-weight: bold"' in choice._repr_html_()


def test_names_are_escaped_in_html():
    named = fastem.Mixture([1.0], [[0.0]], [[1.0]], "diag", feature_names=["<b>"])
    assert "<b>" not in named._repr_html_()
    assert "&lt;b&gt;" in named._repr_html_()


def test_results_become_data_frames(choice):
    pytest.importorskip("pandas")
    assert choice.to_frame()["bic"].min() == choice.best.bic()
    assert list(choice.best.to_frame()["weight"]) == choice.best.mixture.weights.tolist()
    mixture = fastem.Mixture([1.0], [[3.0]], [[4.0]], "diag", feature_names=["x"])
    assert mixture.to_frame().to_dict("list") == {
        "component": [0],
        "weight": [1.0],
        "mean x": [3.0],
        "std x": [2.0],
    }
    spread = fastem.bootstrap(choice.best, ROWS, 9, random_state=0)
    frame = spread.to_frame(0.5)
    assert list(frame["low"]) == spread.table_columns(0.5)["low"]


def test_what_is_missing_is_named(choice, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        choice.to_frame()


def test_tables_are_folded_and_long_words_stay():
    wide = Table([["k", "1"], ["a" * 30, "2"], ["b" * 30, "3"]])
    assert [line.split() for line in wide.text(60).splitlines()] == [
        ["k", "a" * 30],
        ["1", "2"],
        [],
        ["k", "b" * 30],
        ["1", "3"],
    ]
    assert Summary("x" * 90, "").text() == "x" * 90


def test_a_classifier_says_its_classes_models_and_errors():
    y = np.where(ROWS[:, 0] > 3, "long", "short")
    found = fastem.classify(ROWS, y, covariance_type="EEE", cv=3, random_state=0)
    text = str(found)
    for name, share in zip(found.classes, found.shares, strict=True):
        assert any(line.split()[:2] == [name, f"{share:.4f}"] for line in text.splitlines())
    assert f"{found.cv_error:.4f} of rows left out" in text
    assert "<table>" in found._repr_html_()
    assert found.table_columns()["bic"] == [row.bic for row in found.table]
