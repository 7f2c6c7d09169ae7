"""Agreement between two ways of putting rows into groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjusted_rand_index(first: ArrayLike, second: ArrayLike) -> float:
    """Adjusted Rand index of two labellings of the same rows.

    Of all pairs of rows, those that share a group in both labellings, against what labels shuffled
    at random would give:

        (S - E) / ((A + B) / 2 - E),    E = A B / (n choose 2)

    where S = sum_ij (n_ij choose 2) counts pairs together in both, A and B those together in the
    first and in the second. 1 is perfect agreement whatever the labels' names, 0 is chance.

    L. Hubert and P. Arabie, Journal of Classification 2 (1985) 193, equation 5.

    Parameters
    ----------
    first, second : (n_samples,) array-like
        Labels of any kind that NumPy can sort.

    Returns
    -------
    index : float

    Raises
    ------
    ValueError
        If the labellings are empty, not 1-dimensional or of different lengths.

    Examples
    --------
    >>> adjusted_rand_index([0, 0, 1, 1], ["b", "b", "a", "a"])
    1.0
    >>> round(adjusted_rand_index([0, 0, 1, 1], [0, 1, 1, 1]), 3)
    0.0
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"labels have shapes {first.shape} and {second.shape}; give two labels for each row, "
            f"both of shape (n_samples,)"
        )
    _, rows = np.unique(first, return_inverse=True)
    _, columns = np.unique(second, return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    together = _pairs(table)
    in_first, in_second = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    expected = in_first * in_second / max(_pairs(table.sum()), 1.0)
    most = (in_first + in_second) / 2
    # Both labellings trivial (one group, or a group for each row): nothing to disagree on.
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(counts: NDArray | float) -> float:
    return float(np.sum(counts * (counts - 1)) / 2)
