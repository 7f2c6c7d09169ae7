"""Moments of labelled rows, against NumPy's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels import labelled
from fastem.kernels.labelled import _label_moments, label_moments
from fastem.kernels.wide import COLUMNS


def problem(n, D):
    """Rows and weights."""
    rng = np.random.default_rng([n, D])
    return rng.normal(size=(n, D)), rng.exponential(size=n)


@pytest.mark.parametrize("diagonal", [True, False])
def test_moments_of_labelled_rows(diagonal):
    """Oracle: NumPy's sums; rows labelled -1 are left out."""
    rows, weight = problem(500, 5)
    labels = np.random.default_rng(0).integers(-1, 3, 500).astype(np.int32)
    about = rows[:3]
    counts, first = np.zeros(3), np.zeros((3, 5))
    second = np.zeros((3, 5) if diagonal else (3, 5, 5))
    label_moments(rows, weight, labels, about, counts, first, second)
    for k in range(3):
        here, w = rows[labels == k] - about[k], weight[labels == k]
        full = (here.T * w) @ here
        assert_allclose(counts[k], w.sum())
        assert_allclose(first[k], w @ here)
        assert_allclose(second[k], np.diagonal(full) if diagonal else np.tril(full))


def test_moments_of_labelled_rows_of_many_columns(monkeypatch):
    """Oracle: NumPy's sums; rows are worked on in several pieces."""
    monkeypatch.setattr(labelled, "TOGETHER", 150 * COLUMNS)
    D = COLUMNS + 9
    rows, weight = problem(700, D)
    labels = np.random.default_rng(0).integers(-1, 3, 700).astype(np.int32)
    about, counts, first, second = rows[:4], np.zeros(4), np.zeros((4, D)), np.zeros((4, D, D))
    label_moments(rows, weight, labels, about, counts, first, second)
    for k in range(4):
        here, w = rows[labels == k] - about[k], weight[labels == k]
        assert_allclose(counts[k], w.sum())
        assert_allclose(first[k], w @ here, atol=1e-11)
        assert_allclose(second[k], np.tril((here.T * w) @ here), atol=1e-11)


def test_moments_of_labelled_rows_are_compiled_once_for_writable_and_read_only_arrays():
    """Oracle: Numba's list of what it compiled."""
    rows, weight = problem(50, 2)
    given = rows, weight, np.zeros(50, np.int32), rows[:3].copy()
    added = np.zeros(3), np.zeros((3, 2)), np.zeros((3, 2))
    label_moments(*given, *added)
    compiled = len(_label_moments.signatures)
    for array in given:
        array.flags.writeable = False
        label_moments(*given, *added)
    assert len(_label_moments.signatures) == compiled
