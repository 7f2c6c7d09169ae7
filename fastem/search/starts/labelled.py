"""A start as labelled rows, from which each covariance family takes its first parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.kernels.labelled import label_moments
from fastem.moments import Moments
from fastem.rows import MemoryRows


@dataclass(frozen=True, eq=False)
class Start:
    """Rows with labels.

    Parameters
    ----------
    rows : (m, n_features)
        In the units of the sample they come from.
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

    rows: NDArray[np.float64]
    weight: NDArray[np.float64]
    labels: NDArray[np.int32]
    about: NDArray[np.float64]
    pooled: bool = True
    noise: float = 0.0
    finalist: bool = False

    @classmethod
    def grouped(
        cls,
        rows: NDArray[np.float64],
        weight: NDArray[np.float64],
        labels: NDArray[np.int32],
        n_components: int,
        *,
        pooled: bool = True,
        finalist: bool = False,
    ) -> Start:
        """Rows with labels from elsewhere, about the means that follow from them."""
        mass = np.bincount(labels, weight, n_components)
        sums = [np.bincount(labels, weight * column, n_components) for column in rows.T]
        about = np.stack(sums, axis=1) / np.maximum(mass, np.finfo(float).tiny)[:, None]
        return cls(rows, weight, labels, about, pooled=pooled, finalist=finalist)

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
        label_moments(self.rows, self.weight, self.labels, self.about, counts, first, second)
        if not family.diagonal:
            second += np.tril(second, -1).swapaxes(1, 2)
        n_rows = self.weight.sum() / (1.0 - self.noise)
        moments = Moments(self.about, n_rows, 0.0, 0.0, counts, first, second)
        if self.pooled:
            moments = _borrow(moments)
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


def standard_rows(sample: MemoryRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rows in sample units, (m, n_features), and their weights (m,)."""
    rows = np.ascontiguousarray((sample.X - sample.units.centre) * sample.units.scale)
    weight = np.ones(len(rows)) if sample.sample_weight is None else sample.sample_weight
    return rows, weight
