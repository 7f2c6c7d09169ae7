"""The mixture, a value.

components         its parameters, checked and frozen
evaluation         what it says of rows
answers            the same, of rows in memory that may lack columns
imputation         what rows lack
merging            components joined into clusters
mixture            Mixture: these, and drawing rows, marginals, conditionals, files
regression         Gaussians given some of their columns
file               how it is written and read
export             the same as scikit-learn's own class
"""

from fastem.mixture.components import by_weight, change_units, from_units, to_units
from fastem.mixture.merging import Merging
from fastem.mixture.mixture import Mixture, mixture_of

__all__ = [
    "Merging",
    "Mixture",
    "by_weight",
    "change_units",
    "from_units",
    "mixture_of",
    "to_units",
]
