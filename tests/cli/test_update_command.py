"""`fastem update`, against fastem.Stream."""

import numpy as np
import pytest

import fastem
from fastem import Mixture, Stream


@pytest.fixture
def model():
    return Mixture([0.5, 0.5], [[0.0, 0.0], [5.0, 5.0]], [1.0, 1.0], "spherical")


def save_rows(path, seed):
    rows = np.random.default_rng(seed).normal([[0.5, 0.0], [5.0, 5.5]] * 50)
    np.savetxt(path, rows, delimiter=",")
    return np.loadtxt(path, delimiter=",")


def test_updates_go_on_from_file_to_file(run, tmp_path, model):
    model.save(tmp_path / "model.npz")
    stream = Stream(model, seen=1000, half_life=400)
    for seed, words in ((1, ("--seen", 1000, "--half-life", 400)), (2, ())):
        rows = save_rows(tmp_path / "rows.csv", seed)
        status, out, _ = run("update", "model.npz", "rows.csv", *words)
        assert status == 0
        assert out.startswith("100 rows, ")
        stream.update(rows)
        found = Stream.load(tmp_path / "model.npz")
        np.testing.assert_allclose(found.mixture.means, stream.mixture.means, rtol=1e-12)
        assert found.n_seen == stream.n_seen
    assert fastem.Mixture.load(tmp_path / "model.npz").n_components == 2


def test_refusals(refused, run, tmp_path, model):
    model.save(tmp_path / "model.npz")
    save_rows(tmp_path / "rows.csv", 1)
    assert "--seen" in refused("update", "model.npz", "rows.csv")
    assert "decay is 0.2" in refused("update", "model.npz", "rows.csv", "--seen", 9, "--decay", 0.2)
    (tmp_path / "three.csv").write_text("1,2,3\n4,5,6\n")
    assert "3 columns" in refused("update", "model.npz", "three.csv", "--seen", 9)
    assert run("update", "model.npz", "rows.csv", "--seen", 9, "--out", "new.npz")[0] == 0
    assert "has its own decay" in refused("update", "new.npz", "rows.csv", "--decay", 0.7)
