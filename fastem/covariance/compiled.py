"""Families whose M step is one compiled function, which Python's steps and compiled ones call."""

from __future__ import annotations

import numpy as np

from fastem.compiler.options import read_only
from fastem.covariance.family import Bounds, Family, Parameters
from fastem.covariance.floor import raised
from fastem.moments import Moments

_NONE = read_only(np.empty(0))


class CompiledFamily(Family):
    """A family that has `covariances_of`."""

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the family's covariances; matrices below the floor are raised."""
        shape = moments.about.shape
        covariances = np.empty(self.shape(*shape))
        before = _NONE if start is None else read_only(np.ascontiguousarray(start.covariances))
        limits = read_only(bounds.ridge), bounds.floor, before.reshape(-1)
        self.covariances_of(read_only(moments.statistics), shape, *limits, covariances.reshape(-1))
        if not self.diagonal:
            raised(covariances, bounds.floor)
        return Parameters(moments.weights, moments.scatter()[1], covariances)
