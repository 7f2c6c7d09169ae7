"""Checks of what users pass in. Every message names the argument, its value and the remedy.

rows          rows and their weights
options       numbers, words, yes or no
parameters    weights, means and covariances of a mixture
arrays        arrays of real numbers, of whatever type, layout or library
"""

from fastem.validation.arrays import check_mask
from fastem.validation.options import (
    boolean,
    choice,
    components,
    integer,
    proportion,
    random_state,
    real,
)
from fastem.validation.parameters import parameter, same_arrays, weights
from fastem.validation.rows import (
    Bad,
    columns,
    first_bad,
    first_bad_weight,
    matrix,
    not_a_matrix,
    precision_for,
    rows,
    sample_weight,
    vector,
)

__all__ = [
    "Bad",
    "boolean",
    "check_mask",
    "choice",
    "columns",
    "components",
    "first_bad",
    "first_bad_weight",
    "integer",
    "matrix",
    "not_a_matrix",
    "parameter",
    "precision_for",
    "proportion",
    "random_state",
    "real",
    "rows",
    "same_arrays",
    "sample_weight",
    "vector",
    "weights",
]
