"""Split-and-merge moves: out of a local maximum where one component does two's work.

EM cannot carry a component from a cluster that two of them share to one that lacks its own, because
every point between is worse. Such a swap is proposed from hard labels, for the whole sample at
once, and accepted only if EM from there ends at a higher likelihood.

Source: N. Ueda, R. Nakano, Z. Ghahramani and G. E. Hinton, Neural Computation 12 (2000) 2109, for
the moves. Candidates are ranked here by the classification likelihood (G. Celeux and G. Govaert,
Pattern Recognition 28 (1995) 781), which needs moments only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.eigen import eigh
from fastem.kernels.labelled import label_moments
from fastem.rows import MemoryRows
from fastem.search.objective import Objective
from fastem.search.starts import Start, standard_rows

#: Rounds of moves, at most; each is one run of EM on the sample.
MAX_ROUNDS = 8
#: Splits and merges that are combined into swaps.
CANDIDATES = 12
#: Swaps tried alone in a round: the first figure, and one more for so many components.
SINGLE_TRIES = 2, 12
#: The loss, in nats for each row of an average component, that hard labels may promise of those.
LOSS = 0.2
#: Nearest components that each is tried to be merged with.
NEIGHBOURS = 6
#: Steps of one-dimensional 2-means that place a split, and where they begin, in standard
#: deviations: three clusters in a row are parted one from two only by a first cut off the middle.
SPLIT_STEPS = 4
FIRST_CUTS = (0.0, -0.6, 0.6)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Labelled rows, summed up: what a component would be if its rows were its alone."""

    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray, weight: NDArray, labels: NDArray, about: NDArray) -> _Groups:
        n_groups, n_features = about.shape
        counts, first = np.zeros(n_groups), np.zeros_like(about)
        second = np.zeros((n_groups, n_features, n_features))
        label_moments(rows, weight, labels, about, counts, first, second)
        safe = np.maximum(counts, np.finfo(float).tiny)
        delta = first / safe[:, None]
        second += np.tril(second, -1).swapaxes(1, 2)
        covariances = second / safe[:, None, None] - delta[:, :, None] * delta[:, None, :]
        return cls(counts, about + delta, covariances)

    def log_likelihood(self, bounds: Bounds) -> NDArray[np.float64]:
        """Classification log-likelihood of each group, up to a constant for each row."""
        return _log_likelihood(self.counts, self.covariances, bounds)


def _log_likelihood(counts: NDArray, covariances: NDArray, bounds: Bounds) -> NDArray[np.float64]:
    floor = bounds.floor * np.eye(covariances.shape[-1])
    _, log_det = np.linalg.slogdet(covariances + floor)
    safe = np.maximum(counts, np.finfo(float).tiny)
    return np.where(counts > 0, counts * (np.log(safe) - 0.5 * log_det), 0.0)


def improve(
    objective: Objective,
    parameters: Parameters,
    level: float,
    again: Callable[[Parameters, float], tuple[Parameters, float]],
) -> tuple[Parameters, float]:
    """Swap components from where they are spare to where they lack, while that pays.

    Parameters
    ----------
    objective : Objective
        Gains in mean log-likelihood below its `tol` are not worth a move, however many the rows.
    parameters : Parameters
        Where EM converged.
    level : float
        Mean log-likelihood there.
    again : callable
        Runs EM from given parameters, as long as it may come up to a given level; returns where it
        ends and the level there.

    Returns
    -------
    parameters : Parameters
    level : float
    """
    if len(parameters.weights) < 3:
        return parameters, level
    sample, family, bounds = objective.rows, objective.family, objective.bounds
    all_rows, all_weight = standard_rows(sample)
    worth = max(objective.tol, _price(family, sample, len(parameters.weights)))
    for _ in range(MAX_ROUNDS):
        labels = family.factor(parameters).classify(sample.X, sample.units)
        rows, weight, noise = all_rows, all_weight, family.noise_weight(parameters)
        clear = labels >= 0
        if not clear.any():
            break
        if not clear.all():
            rows = rows[clear]
            weight, labels = weight[clear], labels[clear]
        for start in _proposals(rows, weight, labels, parameters.means, bounds):
            begun = replace(start, noise=noise).parameters(family, bounds)
            tried, reached = again(begun, level + worth)
            if reached > level + worth:
                parameters, level = tried, reached
                break
        else:
            break
    return parameters, level


def _price(family: Family, sample: MemoryRows, n_components: int) -> float:
    """What a component costs by the BIC, in nats a row: the least that a move must gain.

    Among all splits of all components one always fits a few rows that happen to lie in a line. Such
    spurious maxima gain less than this; a component in the wrong cluster costs far more.
    """
    K, D, n = n_components, sample.n_features, sample.n_samples
    return (family.n_parameters(K, D) - family.n_parameters(K - 1, D)) * np.log(n) / (2 * n)


def _proposals(
    rows: NDArray, weight: NDArray, labels: NDArray, means: NDArray, bounds: Bounds
) -> Iterator[Start]:
    """Labels after swaps: all at once that promise a gain, then the most promising one by one.

    What hard labels promise is rough where clusters overlap, so a few that promise a small loss are
    tried as well.
    """
    groups = _Groups.of(rows, weight, labels, means)
    sides, split_gains, halves = _split(rows, weight, labels, groups, bounds)
    pairs, merge_gains = _merges(groups, bounds)

    def swapped(swaps: list[tuple[int, int, int]]) -> Start:
        after, about = labels.copy(), groups.means.copy()
        for k, i, j in swaps:
            after[labels == j] = i
            after[(labels == k) & sides] = j
            pair = np.maximum(groups.counts[[i, j]], np.finfo(float).tiny)
            about[i] = np.average(groups.means[[i, j]], axis=0, weights=pair)
            about[k], about[j] = halves[2 * k], halves[2 * k + 1]
        return Start(rows, weight, after, about)

    ranked = _ranked(split_gains, merge_gains, pairs)
    together: list[tuple[int, int, int]] = []
    for gain, k, i, j in ranked:
        if gain > 0 and not {k, i, j} & {c for swap in together for c in swap}:
            together.append((k, i, j))
    if len(together) > 1:
        yield swapped(together)
    loss = LOSS * weight.sum() / len(means)
    tries = SINGLE_TRIES[0] + len(means) // SINGLE_TRIES[1]
    for gain, k, i, j in ranked[:tries]:
        if gain > -loss:
            yield swapped([(k, i, j)])


def _ranked(
    split_gains: NDArray, merge_gains: NDArray, pairs: NDArray
) -> list[tuple[float, int, int, int]]:
    """Swaps (gain, split, merged, merged) by falling gain: the best splits with the best merges."""
    splits = np.argsort(-split_gains)[:CANDIDATES]
    merges = np.argsort(-merge_gains)[:CANDIDATES]
    swaps = [
        (float(split_gains[k] + merge_gains[p]), int(k), int(pairs[p, 0]), int(pairs[p, 1]))
        for k in splits
        for p in merges
        if k not in pairs[p] and np.isfinite(split_gains[k])
    ]
    return sorted(swaps, reverse=True)


def _split(
    rows: NDArray, weight: NDArray, labels: NDArray, groups: _Groups, bounds: Bounds
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Halve every group across its principal axis.

    Returns
    -------
    sides : (m,) bool
        Which rows are in the second half of their group.
    gains : (K,)
        What halving gains in classification log-likelihood; -inf where a half is too small.
    halves : (2 K, D)
        Means of the halves.
    """
    _, vectors = eigh(groups.covariances)
    axis = vectors[:, :, -1]
    along = np.einsum("md,md->m", rows, axis[labels])
    along -= np.einsum("kd,kd->k", groups.means, axis)[labels]
    spread = np.sqrt(np.maximum(groups.covariances.diagonal(axis1=1, axis2=2).sum(axis=1), 0.0))
    whole = groups.log_likelihood(bounds)
    best_sides = np.zeros(len(labels), bool)
    best_gains = np.full(len(whole), -np.inf)
    best_halves = np.repeat(groups.means, 2, axis=0)
    for first_cut in FIRST_CUTS:
        sides = _two_means(along, weight, labels, first_cut * spread)
        half = (2 * labels + sides).astype(np.int32)
        halves = _Groups.of(rows, weight, half, np.repeat(groups.means, 2, axis=0))
        gains = halves.log_likelihood(bounds).reshape(-1, 2).sum(axis=1) - whole
        fewest = np.bincount(half, minlength=2 * len(whole)).reshape(-1, 2).min(axis=1)
        gains[fewest < 2 * (rows.shape[1] + 1)] = -np.inf
        better = gains > best_gains
        best_gains[better] = gains[better]
        best_sides[better[labels]] = sides[better[labels]]
        best_halves[np.repeat(better, 2)] = halves.means[np.repeat(better, 2)]
    return best_sides, best_gains, best_halves


def _two_means(along: NDArray, weight: NDArray, labels: NDArray, cuts: NDArray) -> NDArray:
    """Which rows lie beyond their group's cut, after a few steps of 2-means along its axis."""
    for _ in range(SPLIT_STEPS):
        half = 2 * labels + (along > cuts[labels])
        mass = np.bincount(half, weight, 2 * len(cuts))
        centre = np.bincount(half, weight * along, 2 * len(cuts)) / np.maximum(mass, 1e-300)
        cuts = centre.reshape(-1, 2).mean(axis=1)
    return along > cuts[labels]


def _merges(groups: _Groups, bounds: Bounds) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Neighbouring pairs of groups, and what merging each gains in log-likelihood."""
    n_components = len(groups.counts)
    distances = ((groups.means[:, None] - groups.means) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, : min(NEIGHBOURS, n_components - 1)]
    paired = np.zeros_like(distances, bool)
    np.put_along_axis(paired, near, True, axis=1)
    pairs = np.argwhere(np.triu(paired | paired.T))
    i, j = pairs.T
    counts = groups.counts[i] + groups.counts[j]
    safe = np.maximum(counts, np.finfo(float).tiny)
    share = (groups.counts[i] / safe)[:, None, None]
    between = (groups.means[i] - groups.means[j])[:, :, None]
    merged = (
        share * groups.covariances[i]
        + (1 - share) * groups.covariances[j]
        + share * (1 - share) * between * between.swapaxes(1, 2)
    )
    alone = groups.log_likelihood(bounds)
    return pairs, _log_likelihood(counts, merged, bounds) - alone[i] - alone[j]
