"""A family beside noise: one more component, whose density is the same everywhere.

The weights of the Gaussians sum to less than 1, and what they lack is the noise's. Its volume is
given by the data and no part of what EM updates (J. D. Banfield and A. E. Raftery, Biometrics 49
(1993) 803, section 4).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Family, Wrapped
from fastem.covariance.parameters import Bounds, Parameters
from fastem.density import LN2, Density
from fastem.kernels import noise as kernel
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.units import Units


class WithNoise(Wrapped):
    """A family and noise.

    Parameters
    ----------
    family : Family
    noise : Noise
        In the user's units; its weight does not matter.
    log_jacobian : float
        What a log density in the units of the rows lacks to be one in the user's.
    """

    noise: Noise

    def __init__(self, family: Family, noise: Noise, log_jacobian: float = 0.0) -> None:
        super().__init__(family)
        self.noise = noise
        self.noise_density = -(noise.log_volume + log_jacobian) / LN2
        if family.beliefs is None:
            self.covariances_of = family.covariances_of

    def at(self, units: Units) -> WithNoise:
        """The same noise in those units."""
        return WithNoise(self.family.at(units), self.noise, units.log_jacobian)

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Two more, the noise's weight and its volume, as mclust counts."""
        return self.family.n_parameters(n_components, n_features) + 2

    def noise_weight(self, parameters: Parameters) -> float:
        """What the weights lack to sum to 1."""
        return kernel.noise_weight(_vector(parameters.weights))

    def factor(self, parameters: Parameters) -> Density:
        """The density of `family`, and the noise's."""
        log_noise = kernel.log_norm(_vector(parameters.weights), self.noise_density)
        return replace(self.family.factor(parameters), log_noise=log_noise)

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step of `family` on the rows that are not noise; rows that do not count are noise."""
        weights = moments.weights if start is None else start.weights
        counted = _vector(moments.counts), moments.noise, moments.n_rows
        share = kernel.noise_share(*counted, _vector(weights))
        gaussians = replace(moments, noise=0.0)
        found = self.family.maximise(gaussians, bounds, start)
        return found._replace(weights=found.weights * (1.0 - share))


def _vector(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """As kernels take them."""
    return read_only(np.ascontiguousarray(numbers))
