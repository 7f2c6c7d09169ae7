"""Components cut in two, left out or put in: starts of one component more or one less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.eigen import eigh
from fastem.moments import Moments

#: How far the mean of half a Gaussian lies from the cut, in standard deviations.
HALF_MEAN = float(np.sqrt(2.0 / np.pi))
#: Covariance of a component's core, as a share of the whole's.
CORE = 0.4
#: How far twins lie from where the component was, in its standard deviations; twins of twins lie
#: half as far, or one would be where another is.
TWINS_APART = 0.01

Parts = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]


def splits(
    parameters: Parameters, family: Family, bounds: Bounds, axis: int = 0
) -> list[Parameters]:
    """Mixtures in which one component is halved across a principal axis, by default the longest.

    The halves have the moments of a Gaussian cut through its mean: means a standard deviations s
    to either side along the axis e, and covariances S - a^2 s^2 e e', with a^2 = 2 / pi. Together
    they have the moments of the whole.

    Parameters
    ----------
    parameters : Parameters
        Of k components; columns should have a like spread, which principal axes depend on.
    family : Family
    bounds : Bounds
    axis : int
        Of each component's the longest is 0, the next one 1.

    Returns
    -------
    list of Parameters
        k of them, of k + 1 components each, the halves last.
    """
    return _cut(parameters, family, bounds, partial(_halves, axis=axis))


def cores(parameters: Parameters, family: Family, bounds: Bounds) -> list[Parameters]:
    """Mixtures in which one component is parted into a core and a tail about the same mean.

    Each has half of the weight, and covariances that are `CORE` and 2 - `CORE` times the whole's.
    Parameters and returned list are as of `splits`.
    """
    return _cut(parameters, family, bounds, _cores_and_tails)


def without(parameters: Parameters, j: int, family: Family, bounds: Bounds) -> Parameters:
    """The mixture of the components but one, whose weight the others share."""
    weights, means, covariances = parameters
    spread = family.spread(covariances, *means.shape)
    rest = np.arange(len(weights)) != j
    counts = weights[rest] * (weights.sum() / weights[rest].sum())
    return fitted(counts, means[rest], spread[rest], family, bounds)


def put_in(
    parameters: Parameters, mean: NDArray, weight: float, family: Family, bounds: Bounds
) -> Parameters:
    """The mixture and one component more, the last: there, of half the others' mean covariance."""
    weights, means, covariances = parameters
    spread = family.spread(covariances, *means.shape)
    pooled = np.average(spread, axis=0, weights=weights)
    counts = np.r_[weights * (1.0 - weight), weights.sum() * weight]
    return fitted(counts, np.r_[means, [mean]], np.r_[spread, [pooled / 2]], family, bounds)


def twinned(
    parameters: Parameters, family: Family, bounds: Bounds, apart: float = TWINS_APART
) -> Parameters:
    """The mixture with its heaviest component twice, hardly apart: a level that is hardly lower.

    From two components that coincide EM would never part them.
    """
    weights, means, covariances = parameters
    spread = family.spread(covariances, *means.shape)
    j = int(weights.argmax())
    offset = apart * _axis(spread[[j]])[0]
    counts, places = np.r_[weights, weights[j] / 2], np.r_[means, [means[j] + offset]]
    counts[j] /= 2
    places[j] -= offset
    return fitted(counts, places, np.r_[spread, spread[[j]]], family, bounds)


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
    spread = family.spread(covariances, *means.shape).copy()
    counts, means = weights.copy(), means.copy()
    counts[which] = 0.0
    counts *= weights.sum() / counts.sum()
    for j in which:
        pair = [int(counts.argmax()), j]
        (means[pair],), (spread[pair],) = _halves(means[pair[:1]], spread[pair[:1]])
        counts[pair] = counts[pair[0]] / 2
    return fitted(counts, means, spread, family, bounds)


def _cut(parameters: Parameters, family: Family, bounds: Bounds, parts: Parts) -> list[Parameters]:
    """Mixtures in which each component in turn is two, the last."""
    weights, means, covariances = parameters
    spread = family.spread(covariances, *means.shape)
    pairs, halves = parts(means, spread)
    found = []
    for j in range(len(weights)):
        order = [k for k in range(len(weights)) if k != j] + [j, j]
        counts, about, matrices = weights[order], means[order], spread[order]
        counts[-2:] /= 2
        about[-2:], matrices[-2:] = pairs[j], halves[j]
        found.append(fitted(counts, about, matrices, family, bounds))
    return found


def _cores_and_tails(means: NDArray, spread: NDArray) -> tuple[NDArray, NDArray]:
    """Means (K, 2, D) and covariances (K, 2, D[, D]), of both about one mean."""
    return np.stack([means, means], axis=1), np.stack([CORE * spread, (2 - CORE) * spread], axis=1)


def _halves(means: NDArray, spread: NDArray, axis: int = 0) -> tuple[NDArray, NDArray]:
    """Means (K, 2, D) and covariances (K, 2, D[, D]) of Gaussians' halves."""
    offset = HALF_MEAN * _axis(spread, axis)
    apart = offset * offset if spread.ndim == 2 else offset[:, :, None] * offset[:, None, :]
    half = spread - apart
    return np.stack([means - offset, means + offset], axis=1), np.stack([half, half], axis=1)


def _axis(spread: NDArray, axis: int = 0) -> NDArray[np.float64]:
    """A principal axis of each component, a standard deviation long, (K, D); 0 is the longest."""
    place = spread.shape[1] - 1 - axis
    if spread.ndim == 2:
        which = spread.argsort(axis=1, kind="stable")[:, place, None]
        return np.sqrt(np.maximum(spread, 0.0)) * (np.arange(spread.shape[1]) == which)
    variances, axes = eigh(spread)
    return np.sqrt(np.maximum(variances[:, place, None], 0.0)) * axes[:, :, place]


def fitted(
    counts: NDArray, about: NDArray, spread: NDArray, family: Family, bounds: Bounds
) -> Parameters:
    """The M step from weights, means and covariances, in the form of second moments."""
    second = counts.reshape((-1,) + (1,) * (spread.ndim - 1)) * spread
    moments = Moments(about, 1.0, 0.0, 0.0, counts, np.zeros_like(about), second)
    return family.maximise(moments, bounds)
