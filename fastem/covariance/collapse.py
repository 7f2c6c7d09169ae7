"""Collapse: components that are singular but for the bounds that hold them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance.family import Bounds, Family, Parameters
from fastem.kernels.elementary import cholesky


def collapsed(parameters: Parameters, family: Family, bounds: Bounds) -> NDArray[np.bool_]:
    """Which components lie on the floor of the bounds, (n_components,)."""
    n_components, n_features = parameters.means.shape
    expanded = family.expand(parameters.covariances, n_components, n_features)
    shifted = expanded - 1.001 * bounds.floor * np.eye(n_features)
    if cholesky(shifted, np.empty_like(shifted)) < 0:
        return np.zeros(n_components, bool)
    return np.array([cholesky(one[None], np.empty_like(one[None])) >= 0 for one in shifted])
