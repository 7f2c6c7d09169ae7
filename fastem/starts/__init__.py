"""Where EM begins.

given       parameters that the user starts from
labelled    rows with labels, and a family's parameters of them
sources     where labels come from: k-means++, random rows and subsets, a dendrogram
clutter     noise before any fit: its box, and which rows it may be
"""

from fastem.starts.given import Given, SymmetricStartWarning
from fastem.starts.labelled import Start, standard_rows
from fastem.starts.sources import STARTS, nearest_means

__all__ = [
    "STARTS",
    "Given",
    "Start",
    "SymmetricStartWarning",
    "nearest_means",
    "standard_rows",
]
