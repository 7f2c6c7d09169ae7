"""Steps of EM in the metric of the complete data's information.

Whitened by the Cholesky factors that a pass has used, a step has the squared length step' I_c step,
for one row: dw^2 / w + w (dm' S^-1 dm + tr(S^-1 dS S^-1 dS) / 2), summed over components. Matrices
of many columns are worked on by BLAS, block by block, and what is judged after each pass by all
threads.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.blas import multiply
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.wide_matrices import SIDE, apart

#: The least weight that is divided by: the smallest normal number.
TINY = 2.2250738585072014e-308


def whiten_steps(
    point: NDArray[np.float64],
    em_step: NDArray[np.float64],
    shape: tuple[int, int],
    factors: NDArray[np.float64],
    scale: float,
    before: NDArray[np.float64],
    steps: NDArray[np.float64],
) -> None:
    """Find the steps that `convergence.measure_steps` takes of many columns, and whiten them.

    Parameters
    ----------
    point, em_step, shape, scale, before, steps
        As of `measure_steps`, which replaces what was before.
    factors : (K or 1, D, D)
    """
    find_steps(point, em_step, before, steps)
    if not before[0, : shape[0]].any():  # the first: there is nothing to compare it with
        steps[1:3] = 0.0
        _whiten_by_threads(steps[0], point, shape, factors, scale, steps[3])
        return
    # Where the step from the point before was taken, the way here is that step: one less is left.
    is_followed = np.array_equal(steps[1], before[1])
    for step in steps[: 2 if is_followed else 3]:
        _whiten_by_threads(step, point, shape, factors, scale, steps[3])
    if is_followed:
        np.subtract(steps[1], steps[0], out=steps[2])


def _whiten_by_threads(
    step: NDArray[np.float64],
    point: NDArray[np.float64],
    shape: tuple[int, int],
    factors: NDArray[np.float64],
    scale: float,
    spare: NDArray[np.float64],
) -> None:
    """As `whiten`, of many columns."""
    K, D = shape
    _whiten_means(step, point, K, D, factors, scale)
    spreads, turned = step[K + K * D :].reshape(-1, D, D), spare[: D * D].reshape(D, D)
    n, work = -(-D // SIDE), float(D) ** 3
    blocks = apart(n)
    for k, spread in enumerate(spreads):
        factor = factors[k if len(factors) > 1 else 0]
        weight = _weight(point, K, k, len(spreads) == 1, scale)
        _turn_each(work, n, spread, factor, blocks, turned)
        _transpose_each(float(spread.size), n, turned, blocks)
        _whiten_each(work / 3, n, turned, factor, weight, blocks, spread)


@slot_loop
def _turn_each(slot, spread, factor, blocks, turned):
    _turn_rows(spread, factor, blocks[slot] * SIDE, turned)


@slot_loop
def _transpose_each(slot, turned, blocks):
    _transpose_below(turned, blocks[slot] * SIDE)


@slot_loop
def _whiten_each(slot, turned, factor, weight, blocks, spread):
    _whiten_rows(turned, factor, weight, blocks[slot] * SIDE, spread)


@jit
def find_steps(point, em_step, before, steps):
    """The step that EM takes, the way here, and how much the step shrank on it."""
    for p in range(point.shape[0]):
        step = em_step[p] - point[p]
        steps[0, p] = step
        steps[1, p] = point[p] - before[0, p]
        steps[2, p] = before[1, p] - step


@jit
def whiten(step, point, K, D, factors, scale, spare):
    """Turn a step into one whose squared length is step' I_c step; spare is scratch of its size."""
    n_spreads = step.shape[0] - K - K * D
    triangular = factors.ndim == 3 or factors.shape[1] == D * D
    _whiten_means(step, point, K, D, factors, scale)
    shared = triangular and n_spreads == D * D  # one matrix for all
    for k in range(1 if shared else K):
        weight = _weight(point, K, k, shared, scale)
        factor = factors[k if factors.shape[0] > 1 else 0]
        if factors.ndim == 3:
            spread = step[K + K * D + k * D * D : K + K * D + (k + 1) * D * D].reshape(D, D)
            _whiten_wide(spread, factor, weight, spare[: D * D].reshape(D, D))
        elif triangular:
            _whiten_matrix(step[K + K * D + k * D * D :], D, factor, weight)
        elif n_spreads == K * D:
            for d in range(D):
                step[K + K * D + k * D + d] *= weight * factor[d] * factor[d]
        else:  # one variance for all columns
            squares = 0.0
            for d in range(D):
                square = factor[d] * factor[d]
                squares += square * square
            step[K + K * D + k] *= weight * math.sqrt(squares)


@jit
def _weight(point, K, k, shared, scale):
    """What a covariance's part of a step is multiplied by."""
    share = 0.0 if shared else max(point[k], TINY)
    for other in range(K if shared else 0):
        share += max(point[other], TINY)
    return math.sqrt(0.5 * share) / (scale * scale)


@jit
def _whiten_means(step, point, K, D, factors, scale):
    """The part of `whiten` that weights and means have."""
    triangular = factors.ndim == 3 or factors.shape[1] == D * D
    for k in range(K):
        share = max(point[k], TINY)
        step[k] /= math.sqrt(share)
        factor = factors[k if factors.shape[0] > 1 else 0]
        flat, weight = factor.reshape(factor.size), math.sqrt(share) / scale
        _whiten_mean(step[K + k * D :], D, flat, triangular, weight)


@jit
def _whiten_mean(mean, D, factor, triangular, weight):
    for i in range(D - 1, -1, -1):
        total = 0.0
        if triangular:
            for j in range(i + 1):
                total += factor[i * D + j] * mean[j]
        else:
            total = factor[i] * mean[i]
        mean[i] = weight * total


@jit
def _whiten_matrix(spread, D, factor, weight):
    """F S F' in the place of S; off the diagonal once, times sqrt(2), in the lower triangle."""
    for i in range(D - 1, -1, -1):
        row = spread[i * D : i * D + i + 1]
        pivot = factor[i * D + i]
        for j in range(i + 1):
            row[j] *= pivot
        for d in range(i):
            f = factor[i * D + d]
            above = spread[d * D : d * D + i + 1]
            for j in range(i + 1):
                row[j] += f * above[j]
        for j in range(i, -1, -1):
            total = 0.0
            for d in range(j + 1):
                total += row[d] * factor[j * D + d]
            row[j] = total * weight * (1.0 if i == j else math.sqrt(2.0))
    for i in range(D):
        for j in range(i + 1, D):
            spread[i * D + j] = 0.0


@jit
def _whiten_wide(spread, factor, weight, turned):
    """F S F' in the place of a symmetric S, off the diagonal once, times sqrt(2). One thread.

    Parameters
    ----------
    spread : (D, D)
        Receives the result in its upper triangle, and zeros below it.
    factor : (D, D), lower triangular
    weight : float
        Of the result.
    turned : (D, D)
        Scratch.
    """
    D = spread.shape[0]
    for i in range(0, D, SIDE):
        _turn_rows(spread, factor, i, turned)
    for i in range(0, D, SIDE):
        _transpose_below(turned, i)
    for i in range(0, D, SIDE):
        _whiten_rows(turned, factor, weight, i, spread)


@jit
def _turn_rows(spread, factor, i, turned):
    """Rows of (F S)' = S F', of which the upper triangle counts, as columns below the diagonal."""
    D = spread.shape[0]
    s, f, t = spread.reshape(D * D), factor.reshape(D * D), turned.reshape(D * D)
    height = min(SIDE, D - i)
    for j in range(0, i + SIDE, SIDE):
        shape = height, min(SIDE, D - j), i + height
        multiply(shape, 1.0, f[i * D :], D, s[j:], D, 0.0, t[i * D + j :], D)


@jit
def _whiten_rows(turned, factor, weight, i, spread):
    """Rows of F (F S)', times the weight."""
    D = spread.shape[0]
    s, f, t = spread.reshape(D * D), factor.reshape(D * D), turned.reshape(D * D)
    height = min(SIDE, D - i)
    for j in range(i, D, SIDE):
        shape = height, min(SIDE, D - j), i + height
        multiply(shape, 1.0, f[i * D :], D, t[j:], D, 0.0, s[i * D + j :], D)
    root = weight * math.sqrt(2.0)
    for a in range(i, i + height):
        row = spread[a]
        for b in range(a):
            row[b] = 0.0
        row[a] *= weight
        for b in range(a + 1, D):
            row[b] *= root


@jit
def _transpose_below(matrix, i):
    """Transpose the block at (i, i), and the row of blocks left of it into the column above it."""
    D = matrix.shape[0]
    end = min(i + SIDE, D)
    for j in range(0, i + SIDE, SIDE):
        for a in range(i, end):
            for b in range(j, min(j + SIDE, a)):
                swapped = matrix[b, a]
                matrix[b, a] = matrix[a, b]
                matrix[a, b] = swapped
