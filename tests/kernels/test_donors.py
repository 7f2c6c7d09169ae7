"""Values from the nearest rows, against all distances in NumPy."""

import numpy as np
from missing import holes
from numpy.testing import assert_array_equal

from fastem.search.filling import filled


def test_the_nearest_row_that_has_the_column_gives_its_value():
    rng = np.random.default_rng(0)
    X = holes(rng, rng.normal(size=(200, 4)), 0.3)
    got = filled(X, np.zeros(4), np.array([1.0, 2.0, 1.0, 1.0]))
    scaled = X / [1.0, 2.0, 1.0, 1.0]
    squares = (scaled[:, None] - scaled[None]) ** 2
    n_shared = (~np.isnan(squares)).sum(axis=2)
    distances = np.nansum(squares, axis=2) / np.maximum(n_shared, 1)
    distances[n_shared == 0] = 1e300
    for i, j in np.argwhere(np.isnan(X)):
        donors = np.where(np.isnan(X[:, j]), np.inf, distances[i])
        assert got[i, j] == X[donors.argmin(), j]
    assert_array_equal(got[~np.isnan(X)], X[~np.isnan(X)])


def test_whole_rows_stay_as_they_are():
    X = np.ones((3, 2))
    assert filled(X, np.zeros(2), np.ones(2)) is X


def test_a_column_that_no_row_has_lies_about_its_centre():
    X = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [4.0, np.nan]])
    got = filled(X, np.array([0.0, 5.0]), np.array([1.0, 2.0]))[:, 1]
    assert got.mean() == 5.0
    assert got.std() == 2.0
