"""A family that changes some of another's verbs and hands on the rest."""

from __future__ import annotations

from numpy.typing import NDArray

from fastem.covariance.family import Bounds, Family, Parameters
from fastem.density import Density
from fastem.moments import Moments


class Wrapped(Family):
    """The family `kind` itself, for subclasses to add to.

    Parameters
    ----------
    kind : Family
    """

    def __init__(self, kind: Family) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.noise = kind.noise
        self.per_column, self.diagonal, self.shared = kind.per_column, kind.diagonal, kind.shared

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Those of `kind`."""
        return self.kind.shape(n_components, n_features)

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Those of `kind`."""
        return self.kind.n_parameters(n_components, n_features)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """Those of `kind`."""
        return self.kind.n_covariance_parameters(n_components, n_features)

    def factor(self, parameters: Parameters) -> Density:
        """The density of `kind`."""
        return self.kind.factor(parameters)

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step of `kind`."""
        return self.kind.maximise(moments, bounds, start)

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """As `kind` does."""
        return self.kind.expand(covariances, n_components, n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """As `kind` does."""
        return self.kind.rescale(covariances, scale)

    def noise_weight(self, parameters: Parameters) -> float:
        """That of `kind`."""
        return self.kind.noise_weight(parameters)

    def log_prior(self, parameters: Parameters) -> float:
        """That of `kind`."""
        return self.kind.log_prior(parameters)
