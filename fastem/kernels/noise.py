"""Noise between two passes: what the weights of the components lack to sum to 1.

Passes take it as one more component, to which all rows have distance 0.
"""

import math

import numpy as np

from fastem.compiler.options import jit_strict
from fastem.kernels.matrices import shares

#: Noise loses no more than all but this share of its weight in one step: from 0 it never returns.
LEAST_LEFT = 1e-3


@jit_strict
def noise_weight(weights):
    """What weights lack to sum to 1."""
    total = 0.0
    for k in range(weights.shape[0]):
        total += weights[k]
    return max(1.0 - total, 0.0)


@jit_strict
def log_norm(weights, log_density):
    """log2 of the weight of noise times its density, whose log2 is given."""
    left = noise_weight(weights)
    return (math.log2(left) if left > 0.0 else -np.inf) + log_density


@jit_strict
def noise_share(counts, noise, n_rows, weights):
    """The weight of noise after an M step.

    Parameters
    ----------
    counts : (K,)
        Rows of the components.
    noise, n_rows : float
        Rows that are noise; 0 where they are those of all that do not count for a component.
    weights : (K,)
        Of the components before the step.
    """
    total = 0.0
    for k in range(counts.shape[0]):
        total += counts[k]
    if noise == 0.0:
        noise = max(n_rows - total, 0.0)
    return max(noise / (total + noise), LEAST_LEFT * noise_weight(weights))


@jit_strict
def put_beside_noise(point, shape, log_density, factors, means, with_noise, log_norms):
    """The density that a pass takes, as `Density.cast` has it: noise follows the components.

    Parameters
    ----------
    point : (K + K D + ...,)
        Weights and means come first.
    shape : (K, D)
    log_density : float
        As of `log_norm`.
    factors : (K or 1, D, D) or (K, D)
    means, with_noise : (K + 1, D), (K + 1, D, D) or (K + 1, D)
        Receive means and factors; of noise they are 0 already.
    log_norms : (K + 1,)
        Receives that of noise.
    """
    K, D = shape
    width = with_noise.size // (K + 1)
    own, written = factors.reshape(factors.size), with_noise.reshape(with_noise.size)
    for k in range(K):
        for i in range(D):
            means[k, i] = point[K + k * D + i]
        for p in range(width):
            written[k * width + p] = own[(k * width + p) % own.shape[0]]
    log_norms[K] = log_norm(point[:K], log_density)


@jit_strict
def set_noise_apart(moments, n_rows, shape, point, statistics):
    """The weight of noise after an M step; statistics become those of the rows that are not.

    Parameters
    ----------
    moments : (K + 1 + ...,)
        Counts come first, that of noise last among them.
    n_rows : float
    shape : (K, D)
    point : (K + ...,)
        Weights before the step come first.
    statistics : (K + ...,)
        Weights come first.
    """
    K = shape[0]
    shares(moments[:K], 0.0, statistics)
    return noise_share(moments[:K], moments[K], n_rows, point[:K])
