"""Large matrices by BLAS: products, Cholesky factors and their inverses.

A matrix is worked on in blocks of `SIDE` by `SIDE`, whose products OpenBLAS makes in the calling
thread: results are the same to the bit for any number of threads, each of which has blocks of its
own. A matrix that is factored holds both the lower factor L and, above the diagonal, its transpose,
so that no factor of a product is transposed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.blas import ONE_THREAD, multiply
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop

SIDE = 64
assert SIDE**3 <= ONE_THREAD
#: From a row to the next in scratch of one block.
STEP = SIDE + 8
#: Blocks so many apart follow one another, so that threads get as much work each.
APART = 8
#: Columns from which threads share a Cholesky factor: they wait for each other twice a panel.
SHARED = 900


def pivots_for(n_features: int) -> NDArray[np.float64]:
    """Room for the inverses of the factors of diagonal blocks: (n_blocks, SIDE * STEP)."""
    return np.empty((-(-n_features // SIDE), SIDE * STEP))


def load(
    covariance: NDArray[np.float64], deviations: NDArray[np.float64], matrix: NDArray[np.float64]
) -> None:
    """The lower triangle of a covariance (D, D) over deviations (D,), where `cholesky` reads it."""
    n = -(-len(matrix) // SIDE)
    _load_each(2.0 * matrix.size, n, covariance, deviations, apart(n), matrix)


def cholesky(matrix: NDArray[np.float64], pivots: NDArray[np.float64]) -> bool:
    """Factor a matrix (D, D) in place, of which the upper triangle is read.

    Parameters
    ----------
    matrix : (D, D)
        Receives L, and L' above the diagonal.
    pivots : as of `pivots_for`
        Receives the inverses of L's diagonal blocks.

    Returns
    -------
    found : bool
        False if the matrix is not positive definite.
    """
    D = len(matrix)
    for panel in range(len(pivots)):
        i = panel * SIDE
        left, work = -(-(D - i) // SIDE), 2.0 * SIDE * (D - i) if D >= SHARED else 0.0
        _update_each(work * i, left, matrix, i)
        if not factor_diagonal_block(matrix, i, pivots[panel]):
            return False
        if left > 1:
            _finish_each(work * SIDE, left - 1, matrix, i, pivots[panel])
    return True


def invert(
    matrix: NDArray[np.float64],
    pivots: NDArray[np.float64],
    units: NDArray[np.float64],
    inverse: NDArray[np.float64],
) -> None:
    """The inverse of what `cholesky` has found, its columns times units (D,), into zeros (D, D)."""
    n, work = len(pivots), float(len(matrix)) ** 3 / 3
    _invert_each(work, n, matrix, pivots, units, apart(n), inverse)


def add_product(
    left: NDArray[np.float64], right: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add the lower triangle of left (D, n) @ right (n, D) to that of out (D, D)."""
    n_blocks, work = -(-len(out) // SIDE), float(left.size) * len(out)
    _add_product_each(work, n_blocks, left, right, apart(n_blocks), out)


def apart(n: int) -> NDArray[np.int_]:
    """Numbers of n blocks, in an order in which any stretch has early and late ones."""
    return np.concatenate([np.arange(n)[first::APART] for first in range(min(APART, n))])


@slot_loop
def _load_each(slot, covariance, deviations, blocks, matrix):
    i, D = blocks[slot] * SIDE, matrix.shape[0]
    for j in range(i, D, SIDE):
        for a in range(i, min(i + SIDE, D)):
            row = matrix[a]
            for b in range(max(j, a), min(j + SIDE, D)):
                row[b] = covariance[b, a] / deviations[b] / deviations[a]


@slot_loop
def _add_product_each(slot, left, right, blocks, out):
    i, (D, n) = blocks[slot] * SIDE, left.shape
    a, b, c = left.reshape(D * n), right.reshape(n * D), out.reshape(D * D)
    height = min(SIDE, D - i)
    for j in range(0, i + height, SIDE):
        shape = height, min(SIDE, D - j), n
        multiply(shape, 1.0, a[i * n :], n, b[j:], D, 1.0, c[i * D + j :], D)
    for a in range(i, i + height):
        for b in range(a + 1, i + height):
            out[a, b] = 0.0


@slot_loop
def _update_each(slot, matrix, i):
    update_block(matrix, i, i + slot * SIDE)


@slot_loop
def _finish_each(slot, matrix, i, pivot):
    finish_block(matrix, i, i + (slot + 1) * SIDE, pivot, np.empty(SIDE * STEP))


@slot_loop
def _invert_each(slot, matrix, pivots, units, blocks, inverse):
    _invert_columns(matrix, pivots, blocks[slot] * SIDE, units, inverse, np.empty(SIDE * STEP))


@jit
def update_block(matrix, i, j):
    """Subtract from the block at (i, j) the product of L' above it and L left of it."""
    D = matrix.shape[0]
    flat = matrix.reshape(D * D)
    shape = min(SIDE, D - i), min(SIDE, D - j), i
    multiply(shape, -1.0, flat[i * D :], D, flat[j:], D, 1.0, flat[i * D + j :], D)


@jit
def factor_diagonal_block(matrix, i, pivot):
    """Factor the block at (i, i), which has been updated, and invert its factor into pivot."""
    D = matrix.shape[0]
    end = min(i + SIDE, D)
    for a in range(i, end):
        row = matrix[a]
        for p in range(i, a):
            u, above = matrix[p, a], matrix[p]
            for b in range(a, end):
                row[b] -= u * above[b]
        if not (row[a] > 0.0 and row[a] < math.inf):
            return False
        root = math.sqrt(row[a])
        row[a] = root
        for b in range(a + 1, end):
            row[b] /= root
    for p in range(SIDE * STEP):
        pivot[p] = 0.0
    for a in range(end - i):
        line = pivot[a * STEP :]
        for p in range(a):
            u, known = matrix[i + p, i + a], pivot[p * STEP :]
            matrix[i + a, i + p] = u
            for b in range(p + 1):
                line[b] -= u * known[b]
        line[a] = 1.0
        for b in range(a + 1):
            line[b] /= matrix[i + a, i + a]
    return True


@jit
def finish_block(matrix, i, j, pivot, piece):
    """Turn an updated block at (i, j) right of the diagonal into one of L', and L's below it."""
    D = matrix.shape[0]
    flat = matrix.reshape(D * D)
    height, width = min(SIDE, D - i), min(SIDE, D - j)
    shape = height, width, height
    multiply(shape, 1.0, pivot, STEP, flat[i * D + j :], D, 0.0, piece, STEP)
    for a in range(height):
        line, row = piece[a * STEP :], matrix[i + a, j:]
        for b in range(width):
            row[b] = line[b]
    for b in range(width):
        row = matrix[j + b, i:]
        for a in range(height):
            row[a] = piece[a * STEP + b]


@jit
def _invert_columns(matrix, pivots, j, units, inverse, piece):
    """The inverse of L in the columns of the block that begins at j."""
    D = matrix.shape[0]
    flat, found = matrix.reshape(D * D), inverse.reshape(D * D)
    width = min(SIDE, D - j)
    for a in range(width):
        for b in range(a + 1):
            inverse[j + a, j + b] = pivots[j // SIDE, a * STEP + b]
    for i in range(j + SIDE, D, SIDE):
        height, above = min(SIDE, D - i), found[j * D + j :]
        shape = height, width, i - j
        multiply(shape, -1.0, flat[i * D + j :], D, above, D, 0.0, piece, STEP)
        shape, pivot = (height, width, height), pivots[i // SIDE]
        multiply(shape, 1.0, pivot, STEP, piece, STEP, 0.0, found[i * D + j :], D)
    for i in range(j, D):
        row = inverse[i]
        for b in range(j, min(j + width, i + 1)):
            row[b] *= units[b]


@jit
def is_definite(matrix, pivot, piece):
    """Whether a matrix (D, D) is positive definite; it is overwritten. One thread."""
    D = matrix.shape[0]
    for i in range(0, D, SIDE):
        for j in range(i, D, SIDE):
            update_block(matrix, i, j)
        if not factor_diagonal_block(matrix, i, pivot):
            return False
        for j in range(i + SIDE, D, SIDE):
            finish_block(matrix, i, j, pivot, piece)
    return True
