"""The two families there are for a single column: mclust's E and V."""

from __future__ import annotations

from fastem.covariance.axis_aligned import Diagonal
from fastem.covariance.family import Bounds, Parameters
from fastem.covariance.parsimonious_diagonal import EEI
from fastem.moments import Moments


class V(Diagonal):
    """sigma_k^2."""

    name = "V"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, 1)."""
        _check_single(self.name, "VVV", n_features)
        return n_components, 1

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted mean and variance of each component's rows."""
        _check_single(self.name, "VVV", moments.about.shape[1])
        return super().maximise(moments, bounds, start)


class E(EEI):
    """sigma^2, the same for all components."""

    name = "E"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, 1)."""
        _check_single(self.name, "EEE", n_features)
        return n_components, 1

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the pooled variance of the rows about them."""
        _check_single(self.name, "EEE", moments.about.shape[1])
        return super().maximise(moments, bounds, start)


def _check_single(name: str, instead: str, n_features: int) -> None:
    if n_features != 1:
        raise ValueError(
            f"covariance_type {name!r} is for a single column, but there are {n_features}; "
            f"use {instead!r}"
        )
