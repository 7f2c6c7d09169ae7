"""Rows for starts in place of those that lack columns: EM itself never sees what is filled in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.kernels.donors import DONORS, SLOT_ROWS, take_from_nearest


def filled(X: NDArray, centre: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray:
    """Rows whose gaps have the values of the nearest rows, over the columns that both have.

    So clusters keep their place and their spread, whatever kind of start looks at the rows.

    Parameters
    ----------
    X : (n, n_features) float64 or float32
        NaN where something is missing.
    centre, spread : (n_features,)
        Of the data. A column that no row has lies at one and the other spread from its centre.

    Returns
    -------
    filled : (n, n_features)
        X itself where nothing is missing.
    """
    if not np.isnan(X).any():
        return X
    found, n_slots = X.copy(), -(-len(X) // SLOT_ROWS)
    step = max(1, len(X) // DONORS)
    scratch = np.empty((n_slots, X.shape[1]))
    work = 6.0 * X.size * len(range(0, len(X), step))
    arguments = read_only(X), step, read_only(1.0 / spread)
    take_from_nearest(work, n_slots, *arguments, found, scratch)
    for j in np.flatnonzero(np.isnan(found).any(axis=0)):
        left = np.flatnonzero(np.isnan(found[:, j]))
        found[left, j] = centre[j] + spread[j] * (2.0 * (np.arange(len(left)) % 2) - 1.0)
    return found
