"""Starts from the clusters of k-means, and from its seeds alone.

k-means++: D. Arthur and S. Vassilvitskii, SODA 2007; its use for mixtures: J. Bloemer and K. Bujna,
PAKDD 2016.
"""

from __future__ import annotations

import numpy as np

from fastem.kernels.k_means import k_means
from fastem.rows import MemoryRows
from fastem.search.starts.labelled import Start, standard_rows

#: Steps of k-means after k-means++, at most: in many columns a few leave clusters shared and split.
LLOYD_STEPS = 50


def k_means_plus_plus(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds and k-means after them, one start for each generator."""
    return _clusters(sample, n_components, generators, LLOYD_STEPS)


def plus_plus_seeds(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds, every row with its nearest."""
    return _clusters(sample, n_components, generators, 0)


def _clusters(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator], n_steps: int
) -> list[Start]:
    n_trials = 2 + int(np.log(n_components))
    uniforms = np.stack([rng.random((n_components, n_trials)) for rng in generators])
    rows, weight = standard_rows(sample)
    centres, labels = k_means(rows, weight, uniforms, n_steps)
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]
