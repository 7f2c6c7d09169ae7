"""`fastem impute`, after `fastem fit --missing mar`."""

import numpy as np
import pandas as pd
import pytest

import fastem


@pytest.fixture
def files(command, tmp_path):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (200, 3)), rng.normal(5, 1, (200, 3))])
    X[rng.random(X.shape) < 0.1] = np.nan
    frame = pd.DataFrame(X[~np.isnan(X).all(axis=1)], columns=["a", "b", "c"])
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    words = "--missing", "mar", "--components", "2", "--model", tmp_path / "model.npz"
    out = command("fit", tmp_path / "gaps.csv", *words)
    assert "2 components" in out
    return frame, tmp_path


@pytest.mark.parametrize("suffix", [".csv", ".npy"])
def test_rows_are_filled(files, command, suffix):
    frame, folder = files
    out = folder / f"filled{suffix}"
    said = command("impute", folder / "model.npz", folder / "gaps.csv", "--out", out)
    assert f"{len(frame)} rows, filled" in said
    written = np.load(out) if suffix == ".npy" else pd.read_csv(out)[["a", "b", "c"]].to_numpy()
    expected = fastem.Mixture.load(folder / "model.npz").impute(frame)
    np.testing.assert_allclose(written, expected, rtol=1e-12)


def test_what_is_refused(files, refused):
    _, folder = files
    words = "impute", folder / "model.npz", folder / "gaps.csv"
    assert "end it in .npy, .csv, .parquet" in refused(*words, "--out", "-")
    said = refused(*words, "--columns", "b,c", "--out", folder / "x.csv")
    assert "has 2 columns of data but" in said
