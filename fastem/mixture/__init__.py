"""The mixture, a value.

components         its parameters, checked and frozen
answers            what it says of rows in memory, which may lack columns
rowwise            the same of each row, wherever rows live
evaluation         what users ask it of rows: densities, labels, moments
imputation         what rows lack
merging            components joined into clusters
regression         marginals, conditionals, and columns predicted from others
mixture            Mixture: these, and drawing rows, other orders, files
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
