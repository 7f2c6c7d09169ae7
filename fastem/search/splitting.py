"""Starts of k + 1 components from a fit of k: each component in turn is cut in half."""

from __future__ import annotations

import numpy as np

from fastem.covariance import Bounds, Family, Parameters
from fastem.kernels.forks import fork_waits
from fastem.moments import Moments

#: How far the mean of half a Gaussian lies from the cut, in standard deviations.
HALF_MEAN = float(np.sqrt(2.0 / np.pi))


def splits(parameters: Parameters, family: Family, bounds: Bounds) -> list[Parameters]:
    """Mixtures in which one component is halved across its principal axis.

    The halves have the moments of a Gaussian cut through its mean: means a standard deviations s
    to either side along the axis e, and covariances S - a^2 s^2 e e', with a^2 = 2 / pi. Together
    they have the moments of the whole.

    Parameters
    ----------
    parameters : Parameters
        Of k components; columns should have a like spread, which principal axes depend on.
    family : Family
    bounds : Bounds

    Returns
    -------
    list of Parameters
        k of them, of k + 1 components each, the halves last.
    """
    weights, means, covariances = parameters
    spread = family.expand(covariances, *means.shape)
    with fork_waits(spread.size):
        variances, axes = np.linalg.eigh(spread)
    offsets = HALF_MEAN * np.sqrt(np.maximum(variances[:, -1:], 0.0)) * axes[:, :, -1]
    found = []
    for j, offset in enumerate(offsets):
        rest = np.arange(len(weights)) != j
        half = spread[j] - np.outer(offset, offset)
        counts = np.r_[weights[rest], weights[j] / 2, weights[j] / 2]
        about = np.r_[means[rest], means[j : j + 1] - offset, means[j : j + 1] + offset]
        second = counts[:, None, None] * np.r_[spread[rest], half[None], half[None]]
        if family.diagonal:
            second = np.diagonal(second, axis1=1, axis2=2).copy()
        moments = Moments(about, 1.0, 0.0, 0.0, counts, np.zeros_like(about), second)
        with fork_waits(second.size):
            found.append(family.maximise(moments, bounds))
    return found
