"""The floor under eigenvalues, and matrices raised to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.kernels.matrices import ROUNDING, above_floor


def raised(covariances: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Raise eigenvalues below the floor of a matrix, or of a stack of them, in place.

    The result can be factored, unless it is zero: a matrix singular to rounding is raised too.
    """
    n_features = covariances.shape[-1]
    stack = covariances.reshape(-1, n_features, n_features)
    rounding, passed = ROUNDING * n_features, np.empty(len(stack), np.bool_)
    if not above_floor(read_only(stack), floor, rounding, passed):
        for k in np.flatnonzero(~passed):
            values, vectors = np.linalg.eigh(stack[k])
            least = max(floor, 2 * rounding * values[-1])
            half = vectors * np.sqrt(np.maximum(values, least))
            stack[k] = half @ half.T
    return covariances
