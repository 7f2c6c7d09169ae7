"""Starts from the clusters of k-means, and from its seeds alone.

k-means++: D. Arthur and S. Vassilvitskii, SODA 2007; its use for mixtures: J. Bloemer and K. Bujna,
PAKDD 2016.
"""

from __future__ import annotations

import numpy as np

from fastem.kernels.k_means import k_means
from fastem.rows import MemoryRows
from fastem.search.hierarchy import coordinates
from fastem.search.starts.labelled import Start, standard_rows
from fastem.search.starts.random_rows import random_rows

#: Steps of k-means after k-means++, at most: in many columns a few leave clusters shared and split.
LLOYD_STEPS = 50


def k_means_plus_plus(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds and k-means after them, one start for each generator."""
    rows, weight = standard_rows(sample)
    centres, labels = k_means(rows, weight, _uniforms(n_components, generators), LLOYD_STEPS)
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]


def plus_plus_seeds(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds, every row with its nearest."""
    rows, weight = standard_rows(sample)
    centres, labels = k_means(rows, weight, _uniforms(n_components, generators), 0)
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]


def turned_k_means(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """k-means++ and k-means in the coordinates of `hierarchy`, where no axis is much the longest.

    Clusters that lie beside each other across the data's long axes are parted there.
    """
    rows, weight = standard_rows(sample)
    turned = np.ascontiguousarray(coordinates(rows, weight, turned=True))
    _, labels = k_means(turned, weight, _uniforms(n_components, generators), LLOYD_STEPS)
    return [Start.grouped(rows, weight, found, n_components) for found in labels]


def unscaled_k_means(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """k-means++ and k-means of the columns as they are given, not standardised.

    Where columns share a unit, the widest of them may be the one that tells clusters apart. Rows
    that are as they are anyway, for a family of spheres, have had that start: theirs is at random.
    """
    scale = sample.units.scale
    if (scale == scale[0]).all():
        return random_rows(sample, n_components, generators)
    rows, weight = standard_rows(sample)
    _, labels = k_means(
        rows * (scale.min() / scale), weight, _uniforms(n_components, generators), LLOYD_STEPS
    )
    return [Start.grouped(rows, weight, found, n_components) for found in labels]


def _uniforms(n_components: int, generators: list[np.random.Generator]) -> np.ndarray:
    n_trials = 2 + int(np.log(n_components))
    return np.stack([rng.random((n_components, n_trials)) for rng in generators])
