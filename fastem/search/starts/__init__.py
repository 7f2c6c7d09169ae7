"""Where EM begins.

user_start    parameters that the user starts from
labelled      rows with labels, and a family's parameters of them
k_means       clusters of k-means, or its seeds
random_rows   random rows and random subsets
hierarchical  groups of dendrograms
noise_start   which rows may be noise, before any fit
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastem.search.samples import Sample
from fastem.search.starts.hierarchical import hierarchical
from fastem.search.starts.k_means import k_means_plus_plus
from fastem.search.starts.labelled import Start, standard_rows
from fastem.search.starts.random_rows import nearest_means, random_rows, random_subsets
from fastem.search.starts.user_start import SymmetricStartWarning, UserStart

__all__ = [
    "STARTS",
    "Start",
    "SymmetricStartWarning",
    "UserStart",
    "nearest_means",
    "standard_rows",
]

#: The starts that `fit` knows by name.
STARTS: dict[str, Callable[[Sample, int, list[np.random.Generator]], list[Start]]] = {
    "k-means++": k_means_plus_plus,
    "random": random_rows,
    "random-subsets": random_subsets,
    "hierarchical": hierarchical,
}
