"""Acceleration of EM: a quasi-Newton ascent that EM preconditions, one step a call.

EM's step is the gradient of the likelihood, measured by the information of the complete data
(D. M. Titterington, J. R. Stat. Soc. B 46 (1984) 257). Limited-memory BFGS in that metric learns
from the last few steps what the complete data have and the rows lack. Its Hessian is definite, so
that it climbs away from saddles, towards which the extrapolation of a fixed point iteration leads.

Steps are taken in the space of sufficient statistics (weight, mean and scatter of each component's
rows) and not of parameters: an M step follows each, so the point lies in its covariance family
whatever the family is, and this file knows none of them.

Sources: K. Lange, Statistica Sinica 5 (1995) 1, and M. Jamshidian and R. I. Jennrich, J. R. Stat.
Soc. B 59 (1997) 569, for quasi-Newton acceleration of EM; J. Nocedal, Math. Comp. 35 (1980) 773.

A point is a vector of sufficient statistics: weights (K), means (K, D) and scatters (K, D, D) or
(K, D). Whitened, it has the length that the complete data's information gives it, and one number
more: the weight of noise, which is what the others lack to sum to 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit
from fastem.kernels.convergence import EPS
from fastem.kernels.elementary import cholesky
from fastem.kernels.whitening import whiten
from fastem.kernels.wide_matrices import SIDE, STEP, is_definite

#: Steps that an extrapolation learns from, at most.
ORDER = 8
#: Bytes that these may take.
HISTORY_BYTES = 2**26
#: Cosine between a step and its change of gradient below which the two say nothing of curvature.
LEAST_COSINE = 1e-8
#: Length of an extrapolation over that of the plain step, at most.
LONGEST = 10.0
#: Halvings of an extrapolation that leaves the domain, before the plain step is taken instead.
HALVINGS = 4


class Memory(NamedTuple):
    """What `ascend` remembers of earlier steps.

    Parameters
    ----------
    before : (2, P)
        The last point and the EM step from there.
    seen : (2,) int
        Pairs kept, or -1 before the first call; and the slot of the next pair.
    pairs : (2, order, P)
        Steps, and how much the EM step shrank on each.
    white : (2, order + 1, P + 1)
        The same whitened; the last two are scratch.
    """

    before: NDArray[np.float64]
    seen: NDArray[np.int_]
    pairs: NDArray[np.float64]
    white: NDArray[np.float64]

    @classmethod
    def empty(cls, size: int) -> Memory:
        """Before the first step, of points of that size."""
        # No more pairs than dimensions: nothing would be learnt, and the scratch is that long.
        order = max(1, min(ORDER, size, HISTORY_BYTES // (32 * max(size, 1))))
        return cls(
            np.zeros((2, size)),
            np.array([-1, 0]),
            np.zeros((2, order, size)),
            np.zeros((2, order + 1, size + 1)),
        )


@jit
def extrapolate(
    em_step, point, shape, noisy, factors, scale, known, floor, memory, matrices, direction, target
):
    """Note what the last step taught, and find where to go.

    Parameters
    ----------
    em_step, point, shape, noisy, factors, scale, known
        As of `ascend`.
    floor, matrices
        As of `reach`.
    memory : Memory
    direction : (P,)
        Scratch.
    target : (P,)
        Receives the extrapolated point.

    Returns
    -------
    found : bool
        False where the EM step is the best guess.
    """
    own = shape, noisy, factors, scale, known
    if not ascend(em_step, point, *own, memory, LONGEST, direction):
        return False
    for _ in range(1 + HALVINGS):
        if factors.ndim == 3:
            inside = reach_wide(point, direction, shape, noisy, floor, matrices, target)
        else:
            inside = reach(point, direction, shape, noisy, floor, matrices, target)
        if inside:
            return True
        for p in range(direction.shape[0]):
            direction[p] *= 0.5
    return False


@jit
def ascend(em_step, point, shape, noisy, factors, scale, known, memory, longest, direction):
    """Note what the last step taught, and find the next one.

    Parameters
    ----------
    em_step, point : (P,)
        Where EM leads from the point, and the point.
    shape : (K, D)
    noisy : bool
        Whether there is a noise component.
    factors : (K or 1, D * D), (K, D) or, of many columns, (K or 1, D, D)
        Inverse lower Cholesky factors of the covariances there, or of variances, times scale.
    scale : float
    known : (4, P) or (0, P)
        As `convergence.measure_steps` leaves its `steps`, where it was given the same points: what
        is whitened there is not whitened again.
    memory : Memory
    longest : float
        Length of the next step over that of the EM step, at most.
    direction : (P,)
        Receives the next step.

    Returns
    -------
    found : bool
        False where the EM step is the best guess.
    """
    before, seen, pairs, white = memory
    own = shape, noisy, factors, scale
    size, order, slot = em_step.shape[0], pairs.shape[1], seen[1]
    if seen[0] < 0:
        seen[0] = 0
    else:
        for p in range(size):
            pairs[0, slot, p] = point[p] - before[0, p]
            pairs[1, slot, p] = before[1, p] - (em_step[p] - point[p])
        step, change = white[0, slot], white[1, slot]
        _whitened(pairs[0, slot], point, *own, known[1:2], white[1, order], step)
        _whitened(pairs[1, slot], point, *own, known[2:3], white[1, order], change)
        if _dot(step, change) > LEAST_COSINE * math.sqrt(_dot(step, step) * _dot(change, change)):
            seen[0] = min(seen[0] + 1, order)
            seen[1] = (slot + 1) % order
    for p in range(size):
        before[0, p] = point[p]
        before[1, p] = direction[p] = em_step[p] - point[p]
    if seen[0] == 0:
        return False
    whitened = white[0, order]
    _whitened(direction, point, *own, known[:1], white[1, order], whitened)
    plain = math.sqrt(_dot(whitened, whitened))
    _two_loops(seen, pairs, white, direction)
    length = math.sqrt(_dot(whitened, whitened))
    if not (length > 0.0 and length < math.inf):
        return False
    shrink = min(1.0, longest * plain / length)
    for p in range(size):
        direction[p] *= shrink
    return True


@jit
def reach(point, direction, shape, noisy, floor, matrices, target):
    """Whether the point after a step has positive weights and definite scatters.

    Parameters
    ----------
    point, direction : (P,)
    shape : (K, D)
    noisy : bool
    floor : float
        Eigenvalues above minus this are raised to it by the M step.
    matrices : (K, D, D), or (0, D, D) where scatters are diagonal
        Scratch.
    target : (P,)
        Receives the end.
    """
    K, D = shape
    if not _move(point, direction, K, noisy, target):
        return False
    spread = target[K + K * D :]
    if matrices.shape[0] == 0:
        for p in range(spread.shape[0]):
            if not spread[p] > -floor:
                return False
        return True
    for k in range(K):
        for i in range(D):
            for j in range(i + 1):
                matrices[k, i, j] = spread[(k * D + i) * D + j]
            matrices[k, i, i] += floor
    return cholesky(matrices, matrices) < 0


@jit
def reach_wide(point, direction, shape, noisy, floor, matrices, target):
    """As `reach`, of many columns; matrices are (2, D, D)."""
    K, D = shape
    if not _move(point, direction, K, noisy, target):
        return False
    matrix, scratch = matrices[0], matrices[1].reshape(D * D)
    for k in range(K):
        spread = target[K + K * D + k * D * D :]
        for i in range(D):
            for j in range(i, D):
                matrix[i, j] = spread[i * D + j]
            matrix[i, i] += floor
        if not is_definite(matrix, scratch, scratch[SIDE * STEP :]):
            return False
    return True


@jit
def _move(point, direction, K, noisy, target):
    """Take a step; whether the point after it is finite and its weights are positive."""
    left = 1.0
    for p in range(target.shape[0]):
        target[p] = point[p] + direction[p]
        if not abs(target[p]) < math.inf:
            return False
    for k in range(K):
        left -= target[k]
        if not target[k] >= 0.0:
            return False
    return left > 0.0 or not noisy


@jit
def _two_loops(seen, pairs, white, direction):
    """Multiply a gradient by the inverse Hessian that the pairs imply (Nocedal 1980).

    The gradient is in whitened coordinates the last of `white`, and `direction` in plain ones: both
    become the product. Inner products are those of whitened vectors.
    """
    order = pairs.shape[1]
    n_pairs, next_slot = seen[0], seen[1]
    whitened, used = white[0, order], white[1, order]
    for back in range(n_pairs):
        slot = (next_slot - 1 - back) % order
        step, change = white[0, slot], white[1, slot]
        amount = _dot(step, whitened) / _dot(step, change)
        _add(whitened, -amount, change)
        _add(direction, -amount, pairs[1, slot])
        used[back] = amount
    newest = (next_slot - 1) % order
    change = white[1, newest]
    # EM's own step is too short, never too long: rows tell less than the complete data would.
    growth = max(1.0, _dot(white[0, newest], change) / _dot(change, change))
    _add(whitened, growth - 1.0, whitened)
    _add(direction, growth - 1.0, direction)
    for back in range(n_pairs - 1, -1, -1):
        slot = (next_slot - 1 - back) % order
        step, change = white[0, slot], white[1, slot]
        amount = used[back] - _dot(change, whitened) / _dot(step, change)
        _add(whitened, amount, step)
        _add(direction, amount, pairs[0, slot])


@jit
def _whitened(step, point, shape, noisy, factors, scale, known, spare, out):
    size, left, change = step.shape[0], 1.0, 0.0
    for k in range(shape[0]):
        left -= point[k]
        change += step[k]
    out[size] = change / math.sqrt(max(left, EPS)) if noisy else 0.0
    for p in range(size):
        out[p] = known[0, p] if known.shape[0] > 0 else step[p]
    if known.shape[0] == 0:
        whiten(out[:size], point, shape[0], shape[1], factors, scale, spare)


@jit
def _dot(x, y):
    total = 0.0
    for p in range(x.shape[0]):
        total += x[p] * y[p]
    return total


@jit
def _add(x, amount, y):
    for p in range(x.shape[0]):
        x[p] += amount * y[p]
