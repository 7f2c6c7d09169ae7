"""The floor that eigenvalues of covariances are held at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit, jit_allocating, read_only
from fastem.compiler.slot_loop import slot_loop
from fastem.compiler.threads import LAUNCH_WORK
from fastem.kernels import wide_matrices
from fastem.kernels.decomposition import compose, eigen
from fastem.kernels.elementary import cholesky
from fastem.kernels.matrices import work_of
from fastem.kernels.wide import COLUMNS

#: Correlation matrices with eigenvalues below this, times D, are singular to rounding.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


def above_floor(
    covariances: NDArray[np.float64], floor: float, rounding: float, passed: NDArray[np.bool_]
) -> bool:
    """Look for matrices with eigenvalues below the floor.

    Parameters
    ----------
    covariances : (n, D, D)
        Symmetric; the lower triangles are read.
    floor, rounding : float
        A matrix passes if what is left of it is positive definite after its diagonal has lost this
        share, and then the floor.
    passed : (n,)
        Receives which pass.

    Returns
    -------
    all_passed : bool
    """
    if covariances.shape[-1] >= COLUMNS:
        n_features = covariances.shape[-1]
        pivots, matrix = wide_matrices.pivots_for(n_features), np.empty(covariances.shape[1:])
        ones = np.ones(n_features)
        for k, covariance in enumerate(covariances):
            wide_matrices.load(covariance, ones, matrix)
            matrix.flat[:: len(matrix) + 1] *= 1.0 - rounding
            matrix.flat[:: len(matrix) + 1] -= floor
            passed[k] = wide_matrices.cholesky(matrix, pivots)
        return bool(passed.all())
    scratch, work = np.empty(covariances.shape), work_of(covariances)
    arguments = covariances, floor, rounding, scratch, passed
    if work < LAUNCH_WORK:
        return above_floor_all(*arguments)
    _above_floor_each(work, len(passed), *arguments)
    return bool(passed.all())


@jit
def above_floor_all(covariances, floor, rounding, scratch, passed):
    """As `above_floor`, one after the other; scratch is like covariances."""
    all_passed = True
    for k in range(covariances.shape[0]):
        _matrix_above_floor(k, covariances, floor, rounding, scratch, passed)
        all_passed &= passed[k]
    return all_passed


@slot_loop
def _above_floor_each(k, covariances, floor, rounding, scratch, passed):
    _matrix_above_floor(k, covariances, floor, rounding, scratch, passed)


@jit
def _matrix_above_floor(k, covariances, floor, rounding, scratch, passed):
    for i in range(covariances.shape[1]):
        for j in range(i):
            scratch[k, i, j] = covariances[k, i, j]
        scratch[k, i, i] = covariances[k, i, i] * (1.0 - rounding) - floor
    passed[k] = cholesky(scratch[k : k + 1], scratch[k : k + 1]) < 0


def raised(covariances: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Raise eigenvalues below the floor of a matrix, or of a stack of them, in place.

    The result can be factored, unless it is zero: a matrix singular to rounding is raised too.
    """
    n_features = covariances.shape[-1]
    stack = covariances.reshape(-1, n_features, n_features)
    rounding, passed = ROUNDING * n_features, np.empty(len(stack), np.bool_)
    if not above_floor(read_only(stack), floor, rounding, passed):
        if n_features < COLUMNS:
            raise_all(stack, floor, rounding, passed)
        else:
            for k in np.flatnonzero(~passed):
                _raise_wide(stack[k], floor, rounding)
    return covariances


@jit_allocating
def raise_all(covariances, floor, rounding, passed):
    """Raise low eigenvalues of those matrices, (n, D, D), that have not passed, in place."""
    n_matrices, n_features = covariances.shape[0], covariances.shape[1]
    values, axes = np.empty((1, n_features)), np.empty((1, n_features, n_features))
    for k in range(n_matrices):
        if not passed[k]:
            eigen(covariances[k], values[0], axes[0])
            least = max(floor, 2 * rounding * values[0, n_features - 1])
            for i in range(n_features):
                values[0, i] = max(values[0, i], least)
            compose(axes, values, covariances[k : k + 1])


def _raise_wide(matrix: NDArray[np.float64], floor: float, rounding: float) -> None:
    """As `raised`, one matrix of many columns, of which the low eigenvalues alone are looked for.

    That takes a third of the time that all take.
    """
    from scipy.linalg import eigh

    least = floor
    # No eigenvalue is above the largest sum of a row: mostly that will do.
    if 2 * rounding * float(np.abs(matrix).sum(axis=1).max()) > floor:
        last = len(matrix) - 1, len(matrix) - 1
        (largest,) = eigh(matrix, subset_by_index=last, eigvals_only=True)
        least = max(floor, 2 * rounding * float(largest))
    values, vectors = eigh(matrix, subset_by_value=(-np.inf, least), driver="evr")
    missing = vectors * np.sqrt(np.maximum(least - values, 0.0))
    matrix += missing @ missing.T
