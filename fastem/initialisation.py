"""Starts for EM: labelled rows, from which each covariance family takes its first parameters.

Sources: k-means++, D. Arthur and S. Vassilvitskii, SODA 2007; its use for mixtures, J. Bloemer and
K. Bujna, PAKDD 2016; model-based hierarchical clustering, see `hierarchy`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.covariance import Bounds, Family, Parameters
from fastem.data import Sample
from fastem.kernels import seeding
from fastem.kernels.jit import fork_waits
from fastem.mixture import Mixture, to_units
from fastem.moments import Moments
from fastem.rows import MemoryRows
from fastem.units import Units

#: Steps of k-means after k-means++, at most: in many columns a few leave clusters shared and split.
LLOYD_STEPS = 50
#: Rows of each component in a start by random subsets.
SUBSET_ROWS = 30


@dataclass(frozen=True, eq=False)
class Start:
    """Rows with labels.

    Parameters
    ----------
    columns : (n_features, m)
        The rows, in the units of the sample they come from.
    weight : (m,)
    labels : (m,) int32
    about : (n_components, n_features)
        Points near the components' means.
    pooled : bool
        Whether small components borrow from the pooled covariance.
    noise : float
        Share of all rows that is noise, and not among these.
    finalist : bool
        Whether a race runs it to the end even where others are ahead: one made with care may begin
        low and end high.
    """

    columns: NDArray[np.float64]
    weight: NDArray[np.float64]
    labels: NDArray[np.int32]
    about: NDArray[np.float64]
    pooled: bool = True
    noise: float = 0.0
    finalist: bool = False

    def parameters(self, family: Family, bounds: Bounds) -> Parameters:
        """Means, covariances and shares of the labelled rows.

        A component of fewer rows than columns has no covariance of its own, and a start that is
        singular never recovers: with `pooled`, each counts D + 1 rows more of the pooled one.
        """
        n_components, n_features = self.about.shape
        shape = (
            (n_components, n_features)
            if family.diagonal
            else (n_components, n_features, n_features)
        )
        counts, first, second = np.zeros(n_components), np.zeros_like(self.about), np.zeros(shape)
        seeding.label_moments(
            self.columns, self.weight, self.labels, self.about, counts, first, second
        )
        if not family.diagonal:
            second += np.tril(second, -1).swapaxes(1, 2)
        n_rows = self.weight.sum() / (1.0 - self.noise)
        moments = Moments(self.about, n_rows, 0.0, 0.0, counts, first, second)
        if self.pooled:
            moments = _borrow(moments)
        with fork_waits(second.size):
            return family.maximise(moments, bounds)


def _borrow(moments: Moments) -> Moments:
    counts, means, spread = moments.scatter()
    trailing = (slice(None),) + (None,) * (spread.ndim - 1)
    total = counts.sum()
    share = counts[trailing] / total
    pooled = (share * spread).sum(axis=0)
    lent = (means.shape[1] + 1) * total / moments.n_rows
    spread = (counts[trailing] * spread + lent * pooled) / (counts[trailing] + lent)
    second = counts[trailing] * spread
    return Moments(means, moments.n_rows, 0.0, 0.0, counts, np.zeros_like(means), second)


def k_means_plus_plus(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds and k-means after them, one start for each generator."""
    n_trials = 2 + int(np.log(n_components))
    uniforms = np.stack([rng.random((n_components, n_trials)) for rng in generators])
    columns, weight = standard_columns(sample)
    centres = np.empty((len(generators), n_components, len(columns)))
    labels = np.empty((len(generators), columns.shape[1]), np.int32)
    work = 3.0 * uniforms.size * columns.size
    seeding.seed(work, len(generators), columns, weight, uniforms, LLOYD_STEPS, centres, labels)
    return [Start(columns, weight, *pair) for pair in zip(labels, centres, strict=True)]


def random_rows(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Random rows as centres, every row with its nearest."""
    columns, weight = standard_columns(sample)
    share = weight / weight.sum()
    chosen = [rng.choice(len(weight), n_components, replace=False, p=share) for rng in generators]
    return _nearest(columns, weight, np.stack([columns.T[rows] for rows in chosen]))


def random_subsets(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """For each component the mean and covariance of 30 random rows; equal weights."""
    columns, weight = standard_columns(sample)
    size = min(SUBSET_ROWS, len(weight))
    labels = np.repeat(np.arange(n_components, dtype=np.int32), size)
    starts = []
    for rng in generators:
        rows = np.concatenate(
            [rng.choice(len(weight), size, replace=False) for _ in range(n_components)]
        )
        subset = np.ascontiguousarray(columns[:, rows])
        about = subset.reshape(len(columns), n_components, size).mean(axis=2).T
        few = size <= len(columns) + 1
        starts.append(Start(subset, np.ones(len(rows)), labels, np.ascontiguousarray(about), few))
    return starts


def nearest_means(sample: MemoryRows, means: NDArray[np.float64]) -> Start:
    """Every row with the nearest of given means (n_components, n_features), in sample units."""
    columns, weight = standard_columns(sample)
    return _nearest(columns, weight, means[None])[0]


def hierarchical(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The groups of the rows' dendrogram; where more starts are wanted, the others by k-means++.

    Raises
    ------
    ValueError
        If there are more components than rows in the dendrogram.
    """
    tree = sample.dendrogram()
    if n_components > len(tree.X):
        raise ValueError(
            f"init='hierarchical' looks at {len(tree.X)} rows and cannot part them into "
            f"n_components={n_components}; use init='k-means++'"
        )
    labels = tree.cut(n_components)
    columns, weight = standard_columns(MemoryRows(tree.X, tree.weight, sample.units))
    sums = np.stack([np.bincount(labels, weight * column) for column in columns], axis=1)
    about = sums / np.bincount(labels, weight)[:, None]
    fewest = np.bincount(labels[tree.distinct], minlength=n_components).min()
    few = bool(fewest <= len(columns) + 1)
    start = Start(columns, weight, labels, about, pooled=few, finalist=True)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


#: The starts that `fit` knows by name.
STARTS: dict[str, Callable[[Sample, int, list[np.random.Generator]], list[Start]]] = {
    "k-means++": k_means_plus_plus,
    "random": random_rows,
    "random-subsets": random_subsets,
    "hierarchical": hierarchical,
}


def _nearest(columns: NDArray, weight: NDArray, centres: NDArray) -> list[Start]:
    labels = np.empty((len(centres), columns.shape[1]), np.int32)
    centres = np.ascontiguousarray(centres)
    work = 3.0 * centres.size * columns.shape[1]
    seeding.assign(work, len(centres), columns, centres, labels)
    return [Start(columns, weight, *pair) for pair in zip(labels, centres, strict=True)]


def standard_columns(sample: MemoryRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rows in sample units, columns contiguous (n_features, m), and their weights (m,)."""
    units = sample.units
    columns = np.ascontiguousarray(((sample.X - units.centre) * units.scale).T)
    weight = np.ones(columns.shape[1]) if sample.sample_weight is None else sample.sample_weight
    return columns, weight


class SymmetricStartWarning(UserWarning):
    """A given start in which components coincide: EM moves them alike and never parts them."""


@dataclass(frozen=True, eq=False)
class Given:
    """Parameters that the user starts from, in the user's units; None where there are none."""

    weights: NDArray[np.float64] | None = None
    means: NDArray[np.float64] | None = None
    covariances: NDArray[np.float64] | None = None

    kind: Family | None = None

    @classmethod
    def of(
        cls,
        weights: Any,
        means: Any,
        covariances: Any,
        kind: Family,
        n_components: int,
        n_features: int,
    ) -> Given:
        """Check shapes and values."""
        K, D = n_components, n_features
        if weights is not None:
            weights = validation.weights(weights, K, name="weights_init")
        if means is not None:
            means = validation.parameter(means, "means_init", (K, D))
        if covariances is not None:
            shape = kind.shape(K, D)
            covariances = validation.parameter(covariances, "covariances_init", shape)
            try:
                Mixture(np.full(K, 1 / K), np.zeros((K, D)), covariances, kind.name)
            except ValueError as error:
                raise ValueError(f"covariances_init: {error}") from None
        return cls(weights, means, covariances, kind)

    def override(self, start: Parameters, kind: Family, units: Units) -> Parameters:
        """A start with the given parameters in place of its own, in those units."""
        K, D = start.means.shape
        given = Parameters(
            start.weights if self.weights is None else self.weights,
            np.zeros((K, D)) if self.means is None else self.means,
            np.ones(kind.shape(K, D)) if self.covariances is None else self.covariances,
        )
        weights, means, covariances = to_units(given, kind, units)
        weights = weights if self.weights is None else weights * (1.0 - kind.noise_weight(start))
        return Parameters(
            weights,
            start.means if self.means is None else means,
            start.covariances if self.covariances is None else covariances,
        )

    def complete(self) -> Parameters:
        """Parameters from given means and covariances; equal weights where none are given."""
        assert self.means is not None
        assert self.covariances is not None
        weights = self.weights
        if weights is None:
            weights = np.full(len(self.means), 1.0 / len(self.means))
        return Parameters(weights, self.means, self.covariances)

    def warn_if_symmetric(self) -> None:
        """Warn where components coincide: same mean, and same covariance if covariances are given.

        Warns
        -----
        SymmetricStartWarning
        """
        if self.means is None:
            return
        described = self.means
        if self.covariances is not None and self.kind is not None:
            K, D = self.means.shape
            expanded = self.kind.expand(self.covariances, K, D).reshape(K, -1)
            described = np.hstack([described, expanded])
        same: dict[bytes, list[int]] = {}
        for k, row in enumerate(described + 0.0):  # -0.0 and 0.0 are the same start
            same.setdefault(row.tobytes(), []).append(k)
        twins = [indices for indices in same.values() if len(indices) > 1]
        if twins:
            named = "; ".join(", ".join(map(str, indices)) for indices in twins)
            warnings.warn(
                f"components {named} start at the same means and covariances: EM moves them alike "
                f"and cannot separate them. Give different means_init, or none: the default starts "
                f"differ",
                SymmetricStartWarning,
                stacklevel=3,
            )
