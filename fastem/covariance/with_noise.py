"""A family beside noise: one more component, whose density is the same everywhere.

The weights of the Gaussians sum to less than 1, and what they lack is the noise's. Its volume is
given by the data and no part of what EM updates (J. D. Banfield and A. E. Raftery, Biometrics 49
(1993) 803, section 4).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastem.covariance.family import Family, Wrapped
from fastem.covariance.parameters import Bounds, Parameters
from fastem.density import LN2, Density
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.units import Units

#: Noise loses no more than all but this share of its weight in one step: from 0 it never returns.
LEAST_LEFT = 1e-3


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
        self.noise, self.log_jacobian = noise, log_jacobian

    def at(self, units: Units) -> WithNoise:
        """The same noise in those units."""
        return WithNoise(self.family.at(units), self.noise, units.log_jacobian)

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Two more, the noise's weight and its volume, as mclust counts."""
        return self.family.n_parameters(n_components, n_features) + 2

    def noise_weight(self, parameters: Parameters) -> float:
        """What the weights lack to sum to 1."""
        return max(1.0 - float(parameters.weights.sum()), 0.0)

    def factor(self, parameters: Parameters) -> Density:
        """The density of `family`, and the noise's."""
        with np.errstate(divide="ignore"):
            bits = np.log2(self.noise_weight(parameters))
        bits -= (self.noise.log_volume + self.log_jacobian) / LN2
        return replace(self.family.factor(parameters), log_noise=float(bits))

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step of `family` on the rows that are not noise; rows that do not count are noise."""
        total = float(moments.counts.sum())
        noise = moments.noise or max(moments.n_rows - total, 0.0)
        share = noise / (total + noise)
        if start is not None:
            share = max(share, LEAST_LEFT * self.noise_weight(start))
        gaussians = replace(moments, noise=0.0)
        found = self.family.maximise(gaussians, bounds, start)
        return found._replace(weights=found.weights * (1.0 - share))
