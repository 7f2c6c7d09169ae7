"""The mixture, a value.

components         its parameters, checked and frozen
evaluation         what it says of rows
mixture            Mixture: these, and drawing rows, marginals, conditionals, files
regression         Gaussians given some of their columns
file               how it is written and read
"""

from fastem.mixture.components import by_weight, change_units, from_units, to_units
from fastem.mixture.mixture import Mixture, mixture_of

__all__ = ["Mixture", "by_weight", "change_units", "from_units", "mixture_of", "to_units"]
