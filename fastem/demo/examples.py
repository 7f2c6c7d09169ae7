"""The data of the two programs that started fastem: an R script's and a NumPy program's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Rows of each cluster.
ROWS = 1000


class Example(NamedTuple):
    """Rows and where they came from.

    Parameters
    ----------
    X : (n_samples, 2) float64
    labels : (n_samples,) int64
        The cluster that each row was drawn from.
    """

    X: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def n_clusters(self) -> int:
        """How many clusters the rows were drawn from."""
        return int(self.labels[-1]) + 1


def overlapping(seed: int = 0) -> Example:
    """A narrow cluster within a round one: N((0,0), 10 I) and N((3,0), [[5,2],[2,1]])."""
    rng = np.random.default_rng(seed)
    wide = rng.multivariate_normal([0.0, 0.0], 10.0 * np.eye(2), ROWS)
    narrow = rng.multivariate_normal([3.0, 0.0], [[5.0, 2.0], [2.0, 1.0]], ROWS)
    return _labelled([wide, narrow])


def random_clusters(seed: int = 0, n_clusters: int | None = None) -> Example:
    """Axis-aligned clusters, 1 to 5 of them unless the number is given.

    Means are N(0, 30^2) a coordinate, variances gamma draws of shape 50 and rate 1.
    """
    rng = np.random.default_rng(seed)
    drawn = int(rng.integers(1, 6))
    K = drawn if n_clusters is None else n_clusters
    means = rng.normal(0.0, 30.0, (K, 2))
    deviations = np.sqrt(rng.gamma(50.0, 1.0, (K, 2)))
    return _labelled([rng.normal(m, s, (ROWS, 2)) for m, s in zip(means, deviations, strict=True)])


def two_round_clusters(seed: int = 1) -> Example:
    """Unit clusters at (0, 0) and (5, 5), as `np.random.seed(1)` gave them column by column."""
    legacy = np.random.RandomState(seed)
    columns = [[legacy.normal(centre, 1.0, ROWS) for _ in range(2)] for centre in (0.0, 5.0)]
    return _labelled([np.column_stack(pair) for pair in columns])


def _labelled(clusters: list[NDArray[np.float64]]) -> Example:
    return Example(np.concatenate(clusters), np.repeat(np.arange(len(clusters)), ROWS))
