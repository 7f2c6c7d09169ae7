"""fit, from a file to files and text; the oracle is the library called directly."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import fastem
from fastem.cli import report
from fastem.summary.mixture import means_and_deviations

DATA = Path(__file__).parents[1] / "data"
FAITHFUL = str(DATA / "faithful.csv")
ROWS = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)
QUICK = ["--n-init", "2", "--tol", "1e-3"]


def read_labels(path):
    lines = Path(path).read_text().splitlines()
    assert lines[0] == "label"
    return np.array(lines[1:], dtype=int)


def test_faithful_has_two_clusters_for_people(run):
    status, out, err = run("fit", FAITHFUL, "--components", "1:4", "--labels", "labels.csv")
    assert (status, err) == (0, "")
    assert "272 rows, 2 columns: eruptions, waiting" in out
    assert "lower is better" in out
    assert "2322.19 *" in out
    assert "The best fit has 2 components (clusters), full covariance" in out
    assert "0.6441" in out
    assert "4.29 ± 0.41   80.0 ± 6.0" in out
    assert "Status: converged" in out
    assert "Wrote labels.csv" in out
    labels = read_labels("labels.csv")
    assert sorted(np.bincount(labels)) == [97, 175]


def test_json_is_what_the_library_finds(run):
    words = "--covariance", "full,diag", "--criterion", "aic", "--seed", "3", "--json"
    status, out, err = run("fit", FAITHFUL, "--components", "1:3", *words)
    assert (status, err) == (0, "")
    found = json.loads(out)
    choice = fastem.select(
        ROWS, [1, 2, 3], covariance_type=["full", "diag"], criterion="aic", random_state=3
    )
    best = choice.best
    assert found["columns"] == ["eruptions", "waiting"]
    assert found["criterion"] == "aic"
    assert found["table"] == [
        {**row._asdict(), "seconds": shown["seconds"]}
        for row, shown in zip(choice.table, found["table"], strict=True)
    ]
    mixture = found["mixture"]
    rebuilt = fastem.Mixture(
        *(mixture[name] for name in ("weights", "means", "covariances", "covariance_type"))
    )
    assert rebuilt == best.mixture
    assert found["status"] == {"code": best.status.code, "text": best.status.text}
    assert len(found["restarts"]) == len(best.restarts) == 10
    assert sum(found["sizes"]) == found["n_samples"] == 272
    assert found["log_likelihood"] == best.log_likelihood


def test_a_start_at_a_hierarchy_ends_where_mclusts_does(run):
    """Oracle: mclust's best fit of these rows; one such start is the same whatever the seed."""
    words = "--covariance", "EEE", "--init", "hierarchical", "--n-init", "1", "--seed"
    found = [run("fit", FAITHFUL, "--components", "3", *words, seed)[1] for seed in "12"]
    assert found[0] == found[1]
    assert "BIC 2314.30" in found[0]


def test_json_has_null_for_what_is_not_finite():
    assert report._plain({"a": [-np.inf, np.float64("nan"), np.int64(1)]}) == {"a": [None, None, 1]}


def test_the_same_command_finds_the_same(run):
    first, second = (run("fit", FAITHFUL, "--components", "3", *QUICK)[1] for _ in range(2))
    assert first == second


def test_without_components_1_to_9_are_tried_or_as_many_as_rows(run, tmp_path):
    (tmp_path / "few.csv").write_text("x\n0\n1\n5\n6.5\n")
    status, out, _ = run("fit", "few.csv", "--json", *QUICK)
    assert status == 0
    assert [row["n_components"] for row in json.loads(out)["table"]] == [1, 2, 3, 4]


def test_components_listed(run):
    out = run("fit", FAITHFUL, "--components", "4,1:2", "--json", *QUICK)[1]
    assert [row["n_components"] for row in json.loads(out)["table"]] == [4, 1, 2]


def test_the_best_at_the_edge_asks_for_more(run):
    out = run("fit", FAITHFUL, "--components", "1:2", *QUICK)[1]
    assert "largest number tried; try more: --components 2:4" in out


def test_what_went_wrong_is_marked_and_told_in_options(run):
    out = run("fit", FAITHFUL, "--components", "4:5", "--max-iter", "1", "--tol", "0")[1]
    assert "* the best, ~ not converged" in " ".join(out.split())
    assert " *~\n" in out
    assert "raise --max-iter or --tol" in " ".join(out.split())
    Path("x.csv").write_text("a,b\n" + "1,2\n" * 5 + "7,8\n" * 5)
    out = run("fit", "x.csv", "--components", "1:2", *QUICK)[1]
    assert "! collapsed components" in " ".join(out.split())
    assert "try more" not in out


def test_several_families_stand_side_by_side(run):
    out = run("fit", FAITHFUL, "--components", "1:2", "--covariance", "full,diag", *QUICK)[1]
    heads = next(line.split() for line in out.splitlines() if line.startswith("  components  "))
    assert heads == ["components", "full", "diag"]


def test_a_prior_is_handed_on(run):
    status, out, _ = run("fit", FAITHFUL, "--components", "3", "--prior", "--json")
    fitted = fastem.fit(ROWS, 3, prior=True, random_state=0)
    assert status == 0
    assert json.loads(out)["mixture"]["means"] == fitted.mixture.means.tolist()


def test_noise_is_labelled_and_told(run, tmp_path):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (200, 2)), rng.uniform(-20, 20, (60, 2))])
    np.save(tmp_path / "noisy.npy", X)
    words = "--components", "1", "--noise", "--labels", "labels.csv", "--model", "model.npz"
    status, out, _ = run("fit", "noisy.npy", *words)
    fitted = fastem.fit(X, 1, noise=True, random_state=0)
    labels = fitted.mixture.predict(X)
    assert status == 0
    assert f"noise: {(labels == -1).sum()} rows, weight {fitted.mixture.noise.weight:.4f}" in out
    assert read_labels("labels.csv").tolist() == labels.tolist()
    document = json.loads(run("fit", "noisy.npy", "--components", "1", "--noise", "--json")[1])
    assert document["mixture"]["noise"]["weight"] == fitted.mixture.noise.weight
    assert document["sizes"] == [(labels == 0).sum()]
    status, out, _ = run("predict", "model.npz", "noisy.npy", "--probabilities")
    assert out.startswith("label,probability_0,probability_noise\n")
    assert [int(line.split(",")[0]) for line in out.splitlines()[1:]] == labels.tolist()


def test_wide_tables_are_wrapped(run, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "60")
    np.save("x.npy", np.random.default_rng(0).normal(size=(50, 14)))
    out = run("fit", "x.npy", "--components", "1", "--covariance", "diag", *QUICK)[1]
    table = out.split("\n\n")[2:-2]
    assert len(table) > 1
    assert all(len(line) <= 60 for block in table for line in block.splitlines())
    assert "and 2 more columns" in out


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (54.478, 5.8, "54.5 ± 5.8"),
        (2.0364, 0.263, "2.04 ± 0.26"),
        (802339.2, 13766.1, "802339 ± 13766"),
        (1e-9, 2.5e-10, "1e-09 ± 2.5e-10"),
        (1.23456e12, 1e9, "1.2346e+12 ± 1e+09"),
        (1e9, 0.5, "1000000000.00 ± 0.50"),
        (3.0, 0.0, "3 ± 0"),
        (0.0, 1e-12, "0 ± 1e-12"),
    ],
)
def test_means_are_given_to_the_digits_that_their_deviation_leaves(mean, deviation, text):
    found = means_and_deviations(np.array([mean]), np.array([deviation]))
    assert found == [text]


def test_digits_of_a_column_are_even():
    found = means_and_deviations(np.array([9.0, -0.001, 8.96]), np.array([2.5, 0.31, 0.42]))
    assert found == ["9.00 ± 2.50", "0.00 ± 0.31", "8.96 ± 0.42"]


def test_notes_go_to_standard_error(run):
    Path("x.csv").write_text('"","a"\n1,0.5\n2,3\n3,3.5\n')
    status, out, err = run("fit", "x.csv", "--components", "1", "--json", *QUICK)
    assert status == 0
    assert json.loads(out)["columns"] == ["a"]
    assert err.startswith("fastem: note: the first column, '', holds row names")


def test_pictures(run):
    pytest.importorskip("matplotlib")
    words = "--components", "1:2", "--plot", "c.png", "--plot-selection", "s.svg"
    status, out, err = run("fit", FAITHFUL, *words, *QUICK)
    assert (status, err) == (0, "")
    assert Path("c.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("s.svg").read_text()
    assert "Wrote c.png" in out
    assert sorted(os.listdir()) == ["c.png", "s.svg"]


@pytest.mark.parametrize("n_columns", [1, 3])
def test_pictures_of_other_than_two_columns(run, n_columns):
    pytest.importorskip("matplotlib")
    np.save("x.npy", np.random.default_rng(0).normal(size=(60, n_columns)))
    assert run("fit", "x.npy", "--components", "2", "--plot", "c.png", *QUICK)[0] == 0
    assert Path("c.png").stat().st_size > 1000


def test_a_link_and_a_mode_outlive_the_output(run):
    Path("real.csv").write_text("old")
    Path("real.csv").chmod(0o640)
    Path("link.csv").symlink_to("real.csv")
    assert run("fit", FAITHFUL, "--components", "1", "--labels", "link.csv", *QUICK)[0] == 0
    assert Path("link.csv").is_symlink()
    assert len(read_labels("real.csv")) == 272
    assert Path("real.csv").stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_stays(run):
    before = os.stat(os.devnull)
    assert run("fit", FAITHFUL, "--components", "1", "--labels", os.devnull, *QUICK)[0] == 0
    assert os.stat(os.devnull).st_ino == before.st_ino


def test_a_field_may_run_across_the_pieces_a_file_is_read_in(run):
    rows = [f"{i},x" for i in range(8191)] + ['5,"x\ny\nz"', "6,x"]
    Path("x.csv").write_text("\n".join(["a,note", *rows]))
    out = run("fit", "x.csv", "--columns", "a", "--components", "1", "--json")[1]
    found = json.loads(out)
    assert found["n_samples"] == 8193
    np.testing.assert_allclose(found["mixture"]["means"], [[(8190 * 8191 / 2 + 11) / 8193]])


def test_demo_hands_on_its_folder(run, monkeypatch):
    story = pytest.importorskip("fastem.demo")
    told = []
    monkeypatch.setattr(story, "run", lambda out, *, readme: told.append((out, readme)))
    assert run("demo", "--out", "pictures", "--readme")[0] == 0
    assert told == [("pictures", True)]
