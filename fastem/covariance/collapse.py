"""Collapse: components that are singular but for the bounds that hold them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Bounds, Family, Parameters
from fastem.kernels.matrices import above_floor


def collapsed(parameters: Parameters, family: Family, bounds: Bounds) -> NDArray[np.bool_]:
    """Which components lie on the floor of the bounds, (n_components,)."""
    n_components, n_features = parameters.means.shape
    expanded = family.expand(parameters.covariances, n_components, n_features)
    passed = np.empty(n_components, np.bool_)
    above_floor(read_only(np.ascontiguousarray(expanded)), 1.001 * bounds.floor, 0.0, passed)
    return ~passed
