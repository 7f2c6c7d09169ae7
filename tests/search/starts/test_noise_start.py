"""What is known of noise before a fit: its box, and a guess at its rows.

Oracles: widths of rows along given axes, and labels that rows were drawn with.
"""

import numpy as np
import pytest
from noisy import clusters_and_noise, turn
from numpy.testing import assert_allclose

import fastem
from fastem.covariance import family
from fastem.data import Data
from fastem.search.starts import noise_start

D = 2


def test_the_box_is_the_smaller_of_two():
    """Oracle: the widths of rows along given axes."""
    rng = np.random.default_rng(0)
    flat = rng.uniform(-1, 1, size=(4000, D)) * [10.0, 1.0]
    plain, turned = (noise_start.box(Data.of(X, None)) for X in (flat, flat @ turn(0.7).T))
    assert turned.axes is not None
    assert_allclose(turned.log_volume, np.log(40), atol=0.03)
    assert_allclose(plain.log_volume, np.log(40), atol=0.03)
    inside = (flat @ turn(0.7).T) @ turned.axes
    assert (inside >= turned.low).all()
    assert (inside <= turned.high).all()


def test_the_box_moves_and_grows_with_the_data():
    X, _ = clusters_and_noise(0.2)
    here = noise_start.box(Data.of(X, None))
    for scale, shift in ((2.0**400, 0.0), (2.0**-400, 0.0), (1.0, 1e6)):
        there = noise_start.box(Data.of(X * scale + shift, None))
        assert_allclose(there.log_volume, here.log_volume + D * np.log(scale), rtol=1e-6)


def test_rows_on_a_line_have_the_box_along_the_columns():
    x = np.random.default_rng(0).normal(size=200)
    assert noise_start.box(Data.of(np.column_stack([x, 2 * x]), None)).axes is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wherever_rows_live_they_have_one_box(tmp_path, dtype):
    """Oracle: the rows in memory, turned all at once."""
    dask_array = pytest.importorskip("dask.array")
    X = (clusters_and_noise(0.2, n=20000)[0] * [3.0, 1.0] @ turn(0.7).T).astype(dtype)
    np.save(tmp_path / "rows.npy", X)
    here = noise_start.box(Data.of(X, None))
    assert here.axes is not None
    turned = X.astype(np.float64) @ here.axes
    assert_allclose(here.low, turned.min(axis=0), rtol=1e-6)
    assert_allclose(here.high, turned.max(axis=0), rtol=1e-6)
    streamed = fastem.rows.open(tmp_path / "rows.npy", memory=1_200_000)
    for place in tmp_path / "rows.npy", streamed, dask_array.from_array(X, chunks=(7000, 2)):
        there = noise_start.box(Data.of(place, None))
        assert_allclose(there.low, here.low, rtol=1e-6)
        assert_allclose(there.high, here.high, rtol=1e-6)


def test_a_constant_column_has_no_volume():
    X = np.column_stack([np.arange(50.0), np.full(50, 3.0)])
    with pytest.raises(ValueError, match="X column 1 is 3 in every row; drop that column"):
        fastem.fit(X, 2, noise=True)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_far_neighbours_tell_noise(share):
    X, labels = clusters_and_noise(share)
    guessed = noise_start.far_from_neighbours(X, np.ones(len(X)))
    assert ((labels == -1) == guessed).mean() > 0.9


@pytest.mark.parametrize("points", [np.zeros((40, 2)), np.zeros((1, 3)), np.eye(30, 200)])
def test_far_neighbours_of_points_without_any_are_told_nothing_wrong(points):
    assert noise_start.far_from_neighbours(points, np.ones(len(points))).shape == (len(points),)


def test_many_rows_are_sampled_with_their_marks():
    X, labels = clusters_and_noise(0.3, n=12000)
    data = Data.of(X, None)
    seed = np.random.SeedSequence(5)
    sample = data.sample(family("full"), 3, seed)
    marked = data.marked(labels == -1, "noise", 3, seed)
    assert len(marked) == len(sample.X) < len(X)
    rows = {tuple(row): label for row, label in zip(X.tolist(), labels, strict=True)}
    assert [rows[tuple(row)] == -1 for row in sample.X.tolist()] == marked.tolist()


@pytest.mark.parametrize("n_features", [2, 200])
@pytest.mark.parametrize("given", [False, True])
def test_starts_are_made_of_rows_that_are_no_noise(n_features, given):
    """Oracle: the labels. Of 200 columns only some of the rows are looked at."""
    X, labels = clusters_and_noise(0.3, n=1500, n_features=n_features)
    data, seed = Data.of(X, None), np.random.SeedSequence(0)
    sample = data.sample(family("full"), 3, seed)
    marks = labels == -1 if given else True
    clear, share = noise_start.clear(data, sample, marks, 3, seed)
    rows = {tuple(row): label for row, label in zip(X.tolist(), labels, strict=True)}
    kept = np.array([rows[tuple(row)] for row in clear.X.tolist()])
    assert (kept == -1).mean() < (1e-12 if given else 0.06)
    assert len(kept) > (1000 if n_features == 2 or given else 300)
    assert abs(share - 0.3) < (1e-3 if given else 0.06)


def test_too_few_rows_that_are_no_noise_are_not_made_do_with():
    X, _ = clusters_and_noise(0.0, n=40)
    data, seed = Data.of(X, None), np.random.SeedSequence(0)
    sample = data.sample(family("full"), 3, seed)
    marks = np.arange(40) > 3
    clear, share = noise_start.clear(data, sample, marks, 3, seed)
    assert clear is sample
    assert share == noise_start.MOST_SHARE
