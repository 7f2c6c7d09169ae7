"""Merging: components joined into clusters, step by step, where their rows overlap most.

J.-P. Baudry, A. E. Raftery, G. Celeux, K. Lo and R. Gottardo, J. Comput. Graph. Stat. 19 (2010)
332.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.drawing import draw
from fastem.mixture.imputation import Imputation
from fastem.rows import RowsLike
from fastem.words import Missing

#: Components whose rows are shared by fewer nats, all together, overlap nowhere.
APART = 1e-9


@dataclass(frozen=True, eq=False)
class Merging:
    """The order in which a mixture's components are joined into clusters.

    Parameters
    ----------
    mixture : Mixture
    tree : (n_components - 1, 2) int
        Pairs of clusters in the order of joining, each called by its first component; the first of
        a pair lends its name.
    entropies : (n_components,)
        Of the rows' assignment to 1, 2, ..., n_components clusters, in nats:
        -sum_i sum_c t_ic log t_ic.
    n_clusters : int
        Where the entropies begin to grow steeply: the break of the best two straight lines through
        them. All components where none overlap, to 1e-9 nats.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.uniform(0, 4, (300, 2)), rng.normal(9, 1, (300, 2))])
    >>> merging = fastem.fit(X, 4, random_state=0).mixture.merge(X)
    >>> len(np.unique(merging.predict(X, 2)))
    2
    """

    mixture: Imputation
    tree: NDArray[np.intp]
    entropies: NDArray[np.float64]
    n_clusters: int = field(init=False)

    def __post_init__(self) -> None:
        """Choose a number."""
        object.__setattr__(self, "n_clusters", elbow(self.entropies))

    def clusters(self, n_clusters: int | None = None) -> tuple[tuple[int, ...], ...]:
        """The components of each of so many clusters.

        Parameters
        ----------
        n_clusters : int, optional
            By default the number chosen.

        Returns
        -------
        tuple of tuple of int
            In the order of their first components.

        Raises
        ------
        TypeError, ValueError
            If there are not so many.
        """
        K = len(self.entropies)
        n = self.n_clusters if n_clusters is None else validation.integer(n_clusters, "n_clusters")
        if n > K:
            raise ValueError(f"n_clusters is {n}, but the mixture has {K} components")
        groups = {k: [k] for k in range(K)}
        for kept, joined in self.tree[: K - n].tolist():
            groups[kept] += groups.pop(joined)
        return tuple(tuple(sorted(groups[k])) for k in sorted(groups))

    def responsibilities(
        self, X: RowsLike, n_clusters: int | None = None, *, missing: Missing = "error"
    ) -> NDArray:
        """Probability that each row is of each cluster.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
        n_clusters : int, optional
            By default the number chosen.
        missing : {"error", "drop", "mar"}, default "error"
            As in `Mixture.log_prob`.

        Returns
        -------
        resp : (n_samples, n_clusters), with noise one column more

        Raises
        ------
        TypeError, ValueError, OSError
            As `Mixture.log_prob`, and if there are not so many clusters.
        """
        groups = self.clusters(n_clusters)
        resp = self.mixture.responsibilities(X, missing=missing)
        joined = [resp[:, list(group)].sum(axis=1) for group in groups]
        return np.column_stack([*joined, resp[:, len(self.entropies) :]])

    def predict(
        self, X: RowsLike, n_clusters: int | None = None, *, missing: Missing = "error"
    ) -> NDArray[np.int32]:
        """The likeliest cluster of each row, from 0; -1 is noise, -2 a row that was left out.

        Parameters
        ----------
        X, n_clusters, missing
            As in `responsibilities`.

        Returns
        -------
        labels : (n_samples,) int32

        Raises
        ------
        TypeError, ValueError, OSError
            As `responsibilities`.
        """
        resp = self.responsibilities(X, n_clusters, missing=missing)
        n = len(self.clusters(n_clusters))
        labels = np.where(np.isnan(resp[:, 0]), -2, resp.argmax(axis=1)).astype(np.int32)
        labels[labels == n] = -1
        return labels

    def plot(self, ax: Any = None) -> Any:
        """Entropies against the number of clusters: `fastem.plot.merging` (extra: plot).

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        Axes

        Raises
        ------
        ImportError
            If matplotlib or Pillow is not installed.
        """
        return draw("merging", self, ax)


def merged(mixture: Imputation, resp: NDArray) -> Merging:
    """Join components one pair after another: always that which leaves the least entropy."""
    K = mixture.n_components
    resp = resp[~np.isnan(resp).any(axis=1)].astype(np.float64)
    own = np.array([_entropy(resp[:, k]) for k in range(K)])
    of_noise = sum(_entropy(column) for column in resp[:, K:].T)
    pairs = np.full((K, K), np.inf)
    for j in range(K):
        for k in range(j + 1, K):
            pairs[j, k] = _entropy(resp[:, j] + resp[:, k]) - own[j] - own[k]
    tree, entropies = [], [own.sum() + of_noise]
    left = list(range(K))
    for _ in range(K - 1):
        j, k = (int(i) for i in np.unravel_index(pairs.argmin(), pairs.shape))
        tree.append((j, k))
        resp[:, j] += resp[:, k]
        own[j] = _entropy(resp[:, j])
        left.remove(k)
        pairs[k], pairs[:, k] = np.inf, np.inf
        for other in left:
            if other != j:
                low, high = min(other, j), max(other, j)
                together = _entropy(resp[:, low] + resp[:, high])
                pairs[low, high] = together - own[low] - own[high]
        entropies.append(own[left].sum() + of_noise)
    order = np.array(tree, np.intp).reshape(-1, 2)
    return Merging(mixture, order, np.array(entropies[::-1]))


def elbow(entropies: Sequence[float] | NDArray) -> int:
    """The number of clusters from 1 at which two straight lines through the entropies break."""
    n = len(entropies)
    if n < 3 or entropies[-1] < APART:
        return n
    y, x = np.asarray(entropies, dtype=float), np.arange(1.0, n + 1)
    errors = [_error(x[:c], y[:c]) + _error(x[c - 1 :], y[c - 1 :]) for c in range(2, n)]
    return 2 + int(np.argmin(errors))


def _error(x: NDArray, y: NDArray) -> float:
    """Of the straight line of least squares."""
    across, along = x - x.mean(), y - y.mean()
    slope = (across @ along) / (across @ across)
    return float(((along - slope * across) ** 2).sum())


def _entropy(share: NDArray[np.float64]) -> float:
    """-sum of t log t, in nats."""
    positive = share[(share > 0) & (share < 1)]
    return -float(positive @ np.log(positive))
