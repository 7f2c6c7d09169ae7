"""Where EM begins.

given       parameters that the user starts from
labelled    rows with labels, and a family's parameters of them
sources     where labels come from: k-means++, random rows and subsets, a dendrogram
noise_start     noise before any fit: its box, and which rows it may be
"""

from fastem.search.starts.labelled import Start, standard_rows
from fastem.search.starts.sources import STARTS, nearest_means
from fastem.search.starts.user_start import Given, SymmetricStartWarning

__all__ = [
    "STARTS",
    "Given",
    "Start",
    "SymmetricStartWarning",
    "nearest_means",
    "standard_rows",
]
