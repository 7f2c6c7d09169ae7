"""Lengths of steps in parameters, in the norm of the complete data's information.

Compiled because a fit of a few hundred rows would else spend its time calling NumPy. Parameters are
vectors here: weights, means and covariances one after the other.
"""

import math

from fastem.kernels.jit import jit

#: The least weight that is divided by: the smallest normal number.
TINY = 2.2250738585072014e-308
#: The least weight of noise, which is known as what the others lack to sum to 1.
EPS = 2.220446049250313e-16


@jit
def measure_steps(point, image, shape, noisy, factors, scale, before, steps):
    """Lengths, for one row of data, of the step that EM takes, of the way here and their product.

    Parameters
    ----------
    point, image : (P,)
        Where EM stands, and where it steps to.
    shape : (K, D)
    noisy : bool
        Whether what the weights lack to sum to 1 is a weight as well.
    factors : (K or 1, D * D) or (K, D)
        Inverse lower Cholesky factors of the covariances at `point`, or of variances, times scale.
    scale : float
    before : (2, P)
        An earlier point and the step from it; replaced by this one and its step.
    steps : (3, P)
        Scratch.

    Returns
    -------
    size, slowed, length : float
        |r|^2, <m, r_before - r> and |m|^2 for the step r and the way m from the earlier point.
    """
    for p in range(point.shape[0]):
        step = image[p] - point[p]
        steps[0, p] = step
        steps[1, p] = point[p] - before[0, p]
        steps[2, p] = before[1, p] - step
        before[0, p] = point[p]
        before[1, p] = step
    size = slowed = length = 0.0
    if noisy:
        left = 1.0
        for k in range(shape[0]):
            left -= point[k]
            size += steps[0, k]
            length += steps[1, k]
            slowed += steps[2, k]
        share = 1.0 / max(left, EPS)
        size, slowed, length = share * size * size, share * length * slowed, share * length * length
    for step in range(3):
        whiten(steps[step], point, shape[0], shape[1], factors, scale)
    for p in range(point.shape[0]):
        size += steps[0, p] * steps[0, p]
        slowed += steps[1, p] * steps[2, p]
        length += steps[1, p] * steps[1, p]
    return size, slowed, length


@jit
def whiten(step, point, K, D, factors, scale):
    """Turn a step into one whose squared length is step' I_c step."""
    n_spreads = step.shape[0] - K - K * D
    triangular = factors.shape[1] == D * D
    total = 0.0
    for k in range(K):
        share = max(point[k], TINY)
        total += share
        step[k] /= math.sqrt(share)
        factor = factors[k if factors.shape[0] > 1 else 0]
        _whiten_mean(step[K + k * D :], D, factor, triangular, math.sqrt(share) / scale)
    shared = triangular and n_spreads == D * D  # one matrix for all
    for k in range(1 if shared else K):
        share = total if shared else max(point[k], TINY)
        weight = math.sqrt(0.5 * share) / (scale * scale)
        if triangular:
            spread = step[K + K * D + k * D * D :]
            factor = factors[k if factors.shape[0] > 1 else 0]
            _whiten_matrix(spread, D, factor, weight)
        elif n_spreads == K * D:
            for d in range(D):
                step[K + K * D + k * D + d] *= weight * factors[k, d] * factors[k, d]
        else:  # one variance for all columns
            squares = 0.0
            for d in range(D):
                square = factors[k, d] * factors[k, d]
                squares += square * square
            step[K + K * D + k] *= weight * math.sqrt(squares)


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
