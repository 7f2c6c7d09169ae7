"""Checks of what users pass in. Every message names the argument, its value and the remedy.

rows          rows and their weights
options       numbers, words, yes or no, columns, paths, and things of the package's own
arrays        arrays of real numbers, and weights, means and covariances of a mixture
"""

from fastem.validation.arrays import check_mask, numeric, parameter, same_arrays, weights
from fastem.validation.options import (
    boolean,
    choice,
    column_numbers,
    components,
    instance,
    integer,
    listed,
    path,
    proportion,
    random_state,
    real,
    share,
)
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
    "column_numbers",
    "columns",
    "components",
    "first_bad",
    "first_bad_weight",
    "instance",
    "integer",
    "listed",
    "matrix",
    "not_a_matrix",
    "numeric",
    "parameter",
    "path",
    "precision_for",
    "proportion",
    "random_state",
    "real",
    "rows",
    "same_arrays",
    "sample_weight",
    "share",
    "vector",
    "weights",
]
