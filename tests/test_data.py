"""What rows say before any fit: the box that noise lies in.

Oracle: widths of rows along given axes.
"""

import numpy as np
import pytest
from noisy import clusters_and_noise, turn
from numpy.testing import assert_allclose

import fastem
from fastem.data import Data

D = 2


def test_the_box_is_the_smaller_of_two():
    """Oracle: the widths of rows along given axes."""
    rng = np.random.default_rng(0)
    flat = rng.uniform(-1, 1, size=(4000, D)) * [10.0, 1.0]
    plain, turned = (Data.of(X, None).noise_box for X in (flat, flat @ turn(0.7).T))
    assert turned.axes is not None
    assert_allclose(turned.log_volume, np.log(40), atol=0.03)
    assert_allclose(plain.log_volume, np.log(40), atol=0.03)
    inside = (flat @ turn(0.7).T) @ turned.axes
    assert (inside >= turned.low).all()
    assert (inside <= turned.high).all()


def test_the_box_moves_and_grows_with_the_data():
    X, _ = clusters_and_noise(0.2)
    here = Data.of(X, None).noise_box
    for scale, shift in ((2.0**400, 0.0), (2.0**-400, 0.0), (1.0, 1e6)):
        there = Data.of(X * scale + shift, None).noise_box
        assert_allclose(there.log_volume, here.log_volume + D * np.log(scale), rtol=1e-6)


def test_rows_on_a_line_have_the_box_along_the_columns():
    x = np.random.default_rng(0).normal(size=200)
    assert Data.of(np.column_stack([x, 2 * x]), None).noise_box.axes is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wherever_rows_live_they_have_one_box(tmp_path, dtype):
    """Oracle: the rows in memory, turned all at once."""
    dask_array = pytest.importorskip("dask.array")
    X = (clusters_and_noise(0.2, n=20000)[0] * [3.0, 1.0] @ turn(0.7).T).astype(dtype)
    np.save(tmp_path / "rows.npy", X)
    here = Data.of(X, None).noise_box
    assert here.axes is not None
    turned = X.astype(np.float64) @ here.axes
    assert_allclose(here.low, turned.min(axis=0), rtol=1e-6)
    assert_allclose(here.high, turned.max(axis=0), rtol=1e-6)
    streamed = fastem.rows.open(tmp_path / "rows.npy", memory=1_200_000)
    for place in tmp_path / "rows.npy", streamed, dask_array.from_array(X, chunks=(7000, 2)):
        there = Data.of(place, None).noise_box
        assert_allclose(there.low, here.low, rtol=1e-6)
        assert_allclose(there.high, here.high, rtol=1e-6)


def test_a_constant_column_has_no_volume():
    X = np.column_stack([np.arange(50.0), np.full(50, 3.0)])
    with pytest.raises(ValueError, match="X column 1 is 3 in every row; drop that column"):
        fastem.fit(X, 2, noise=True)
