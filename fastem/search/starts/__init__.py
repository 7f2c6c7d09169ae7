"""Where EM begins.

user_start    parameters that the user starts from
labelled      rows with labels, and a family's parameters of them
sources       where labels come from: k-means++, random rows and subsets, a dendrogram
noise_start   which rows may be noise, before any fit
"""

from fastem.search.starts.labelled import Start, standard_rows
from fastem.search.starts.sources import STARTS, nearest_means
from fastem.search.starts.user_start import SymmetricStartWarning, UserStart

__all__ = [
    "STARTS",
    "Start",
    "SymmetricStartWarning",
    "UserStart",
    "nearest_means",
    "standard_rows",
]
