"""The words that arguments may be, for editors and type checkers."""

from typing import Literal

import numpy as np

CovarianceType = Literal[
    "full",
    "tied",
    "diag",
    "spherical",
    "EII",
    "VII",
    "EEI",
    "VEI",
    "EVI",
    "VVI",
    "EEE",
    "VEE",
    "EVE",
    "VVE",
    "EEV",
    "VEV",
    "EVV",
    "VVV",
    "E",
    "V",
]
#: Words for several families.
CovarianceGroup = Literal["mclust", "diagonal", "ellipsoidal"]
Criterion = Literal["aic", "bic", "icl"]
#: What becomes of rows that lack columns.
Missing = Literal["error", "drop", "mar"]
Outline = Literal["ellipses", "contours", "none"]
#: What a component has, one by one.
Parameter = Literal["weight", "mean", "variance"]
Replicates = Literal["nonparametric", "weighted-likelihood", "parametric", "jackknife"]
Start = Literal[
    "mixed",
    "k-means++",
    "k-means++-turned",
    "k-means++-unscaled",
    "k-means++-seeds",
    "random",
    "random-subsets",
    "hierarchical",
    "hierarchical-trace",
    "hierarchical-determinant",
    "hierarchical-diagonal",
]
#: Where chance comes from.
Seed = int | np.random.Generator | np.random.RandomState | None
