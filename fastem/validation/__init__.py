"""Checks of what users pass in.

Each returns what it has checked, or raises a TypeError where that is of another kind, a ValueError
where only its value will not do. Every message names the argument, its value and the remedy.

rows          rows and their weights
options       numbers, words, yes or no, columns, paths, and things of the package's own
arrays        arrays of real numbers, and weights, means and covariances of a mixture
frames        data frames and structured arrays
column_choice which columns are meant
"""

from fastem.validation.arrays import check_mask, numeric, parameter, weights
from fastem.validation.column_choice import column_numbers, feature_names_for
from fastem.validation.frames import chosen_columns, feature_names
from fastem.validation.options import (
    boolean,
    choice,
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
    MISSING,
    Bad,
    are_rows,
    columns,
    complete,
    first_bad,
    first_bad_weight,
    matrix,
    none_left,
    not_a_matrix,
    nothing_in,
    other_names,
    precision_for,
    rows,
    sample_weight,
    vector,
)

__all__ = [
    "MISSING",
    "Bad",
    "are_rows",
    "boolean",
    "check_mask",
    "choice",
    "chosen_columns",
    "column_numbers",
    "columns",
    "complete",
    "components",
    "feature_names",
    "feature_names_for",
    "first_bad",
    "first_bad_weight",
    "instance",
    "integer",
    "listed",
    "matrix",
    "none_left",
    "not_a_matrix",
    "nothing_in",
    "numeric",
    "other_names",
    "parameter",
    "path",
    "precision_for",
    "proportion",
    "random_state",
    "real",
    "rows",
    "sample_weight",
    "share",
    "vector",
    "weights",
]
