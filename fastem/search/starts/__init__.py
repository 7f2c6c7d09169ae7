"""Where EM begins.

user_start    parameters that the user starts from
labelled      rows with labels, and a family's parameters of them
k_means       clusters of k-means, or its seeds
random_rows   random rows and random subsets
hierarchical  groups of dendrograms
noise_start   which rows may be noise, before any fit
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fastem import validation
from fastem.search.samples import Sample
from fastem.search.starts.hierarchical import SMALL, grow, hierarchical, small_groups
from fastem.search.starts.k_means import (
    k_means_plus_plus,
    plus_plus_seeds,
    turned_k_means,
    unscaled_k_means,
)
from fastem.search.starts.labelled import Start, standard_rows
from fastem.search.starts.random_rows import nearest_means, random_rows, random_subsets
from fastem.search.starts.user_start import SymmetricStartWarning, UserStart

__all__ = [
    "STARTS",
    "Start",
    "SymmetricStartWarning",
    "UserStart",
    "draw",
    "kinds",
    "nearest_means",
    "standard_rows",
]

Kind = Callable[[Sample, int, list[np.random.Generator]], list[Start]]

#: The starts that `fit` knows by name.
STARTS: dict[str, Kind] = {
    "k-means++": k_means_plus_plus,
    "k-means++-seeds": plus_plus_seeds,
    "k-means++-turned": turned_k_means,
    "k-means++-unscaled": unscaled_k_means,
    "random": random_rows,
    "random-subsets": random_subsets,
    "hierarchical": hierarchical,
    **{kind: partial(small_groups, kind) for kind in SMALL},
}
#: What "mixed" stands for: kinds that lead to different maxima, in the order in which they start.
MIXED = (
    "k-means++",
    "hierarchical-trace",
    "random",
    "hierarchical-determinant",
    "k-means++-turned",
    "hierarchical-diagonal",
    "random-subsets",
    "k-means++-unscaled",
    "k-means++-turned",
    "k-means++-seeds",
)


def kinds(init: str | Sequence[str]) -> tuple[str, ...]:
    """The kinds that starts are of, one after the other and from the first again.

    Raises
    ------
    TypeError, ValueError
        If one is unknown, or there is none.
    """
    if isinstance(init, str) or not isinstance(init, Sequence):
        validation.choice(init, "init", ("mixed", *STARTS))
        return MIXED if init == "mixed" else (init,)
    if not init:
        raise ValueError("init is empty; give at least one kind of starts")
    for name in init:
        validation.choice(name, "init", STARTS)
    return tuple(init)


def draw(
    init: str | Sequence[str],
    sample: Sample,
    n_components: int,
    generators: list[np.random.Generator],
) -> list[Start]:
    """A start for each generator, of the kinds that `init` names."""
    names = kinds(init)
    dealt: dict[str, list[int]] = {}
    for i in range(len(generators)):
        dealt.setdefault(names[i % len(names)], []).append(i)
    grow(dealt, sample, n_components)
    starts: dict[int, Start] = {}
    for name, places in dealt.items():
        made = STARTS[name](sample, n_components, [generators[i] for i in places])
        starts |= zip(places, made, strict=True)
    return [starts[i] for i in range(len(generators))]
