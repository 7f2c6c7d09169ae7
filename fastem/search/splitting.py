"""Components cut in half: for starts of one more, and in place of those that were of chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
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
    found = []
    for j in range(len(weights)):
        rest = np.arange(len(weights)) != j
        pair, halves = _halves(means[j], spread[j])
        counts = np.r_[weights[rest], weights[j] / 2, weights[j] / 2]
        found.append(
            _fitted(counts, np.r_[means[rest], pair], np.r_[spread[rest], halves], family, bounds)
        )
    return found


def replaced(
    parameters: Parameters, which: NDArray[np.intp], family: Family, bounds: Bounds
) -> Parameters:
    """A mixture in which each of some components gives way to half of the heaviest other one.

    Parameters
    ----------
    parameters : Parameters
        As `splits` takes them.
    which : (m,)
        Not all of them.
    family : Family
    bounds : Bounds
    """
    weights, means, covariances = parameters
    spread = family.expand(covariances, *means.shape).copy()
    counts, means = weights.copy(), means.copy()
    counts[which] = 0.0
    counts *= weights.sum() / counts.sum()
    for j in which:
        pair = [int(counts.argmax()), j]
        means[pair], spread[pair] = _halves(means[pair[0]], spread[pair[0]])
        counts[pair] = counts[pair[0]] / 2
    return _fitted(counts, means, spread, family, bounds)


def _halves(mean: NDArray, spread: NDArray) -> tuple[NDArray, NDArray]:
    """Means (2, D) and covariances (2, D, D) of a Gaussian's halves."""
    variances, axes = np.linalg.eigh(spread)
    offset = HALF_MEAN * np.sqrt(max(variances[-1], 0.0)) * axes[:, -1]
    half = spread - np.outer(offset, offset)
    return np.stack([mean - offset, mean + offset]), np.stack([half, half])


def _fitted(
    counts: NDArray, about: NDArray, spread: NDArray, family: Family, bounds: Bounds
) -> Parameters:
    """The M step from statistics instead of rows."""
    second = counts[:, None, None] * spread
    if family.diagonal:
        second = np.diagonal(second, axis1=1, axis2=2).copy()
    moments = Moments(about, 1.0, 0.0, 0.0, counts, np.zeros_like(about), second)
    return family.maximise(moments, bounds)
