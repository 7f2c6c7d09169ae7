"""Why fits collapse: what of the columns lets a component shrink onto rows that coincide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastem.data import Data
from fastem.validation.column_choice import called, ranges

#: Rows that are looked at, evenly spaced.
ENOUGH = 20_000
#: A column is mostly one value if that has this share of the rows.
MOSTLY = 0.3
#: A column is a lattice if so many rows, on average, have each of its values.
ROWS_PER_VALUE = 8


def why(data: Data, n_collapsed: int, n_fits: int) -> str:
    """One sentence that says how many fits collapsed, in which columns, and what to do.

    Parameters
    ----------
    data : Data
    n_collapsed, n_fits : int

    Returns
    -------
    str
        Empty if none collapsed.
    """
    if not n_collapsed:
        return ""
    found = f"{n_collapsed} of {n_fits} fits collapsed"
    rng = np.random.default_rng(0)
    X, _ = data.tractable.draw(ENOUGH, rng)
    names = called(data.feature_names, data.n_features)
    bad, reason = _reason(np.asarray(X, np.float64), len(X) == data.n_samples, names)
    if not bad:
        return f"{found}: ask for fewer components, for simpler families, or give prior=True"
    left = [j for j in range(data.n_features) if j not in bad]
    if not left:
        return f"{found} in {reason}: give prior=True or a larger reg_covar"
    them = "it" if len(bad) == 1 else "them"
    return f"{found} in {reason}: leave {them} out (columns={ranges(left)!r}) or give prior=True"


def _reason(X: NDArray, is_all: bool, names: Sequence[str]) -> tuple[list[int], str]:
    """Columns in which components collapse, and what is the matter with them."""
    for found in (_single_values(X, is_all, names), _repeated(X, names), _lattices(X, names)):
        if found:
            shown = "; ".join(list(found.values())[:3])
            more = f"; and {len(found) - 3} more columns" if len(found) > 3 else ""
            return list(found), shown + more
    return [], ""


def _single_values(X: NDArray, is_all: bool, names: Sequence[str]) -> dict[int, str]:
    """Columns that are one value in most rows."""
    found = {}
    for j, column in enumerate(X.T):
        values, counts = np.unique(column, return_counts=True)
        most = int(counts.max())
        if most > max(MOSTLY * len(X), 2):
            share = f"{most} of {len(X)} rows" if is_all else f"{most / len(X):.0%} of the rows"
            found[j] = f"{names[j]}, which is {values[counts.argmax()]:g} in {share}"
    return found


def _repeated(X: NDArray, names: Sequence[str]) -> dict[int, str]:
    """Columns that are a multiple of an earlier one, and a number."""
    centred = X - X.mean(axis=0)
    largest = np.abs(centred).max(axis=0)
    centred /= np.where(largest > 0, largest, 1.0)
    products = centred.T @ centred
    squares = np.diag(products)
    same = products**2 >= (1.0 - 1e-12) * np.outer(squares, squares)
    found: dict[int, str] = {}
    for j in range(1, X.shape[1]):
        (earlier,) = np.nonzero(same[j, :j])
        if len(earlier) and squares[j] > 0:
            found[j] = f"{names[j]}, which says the same as {names[earlier[0]]}"
    return found


def _lattices(X: NDArray, names: Sequence[str]) -> dict[int, str]:
    """Columns of a few values each, which many rows share."""
    found = {}
    for j, column in enumerate(X.T):
        values = np.unique(column)
        if len(values) * ROWS_PER_VALUE <= len(X):
            kind = "whole numbers" if (values == np.round(values)).all() else "values"
            found[j] = f"{names[j]}, which has {len(values)} {kind} alone"
    return found
