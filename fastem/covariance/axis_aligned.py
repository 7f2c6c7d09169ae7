"""Families whose covariances are diagonal.

    diag VVI  spherical VII  EII  EEI  VEI  EVI  and, for a single column, E and V

Their M steps are in `fastem.kernels`, `averages` and `parsimonious`. Covariances are variances
(n_components, n_features), equal ones repeated, but for `spherical`, which has one a component.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import CompiledFamily, Parameters, not_positive_definite
from fastem.density import HALF_BITS, AxisAligned, Density
from fastem.kernels import averages, parsimonious
from fastem.kernels.matrices import factor_diagonal


class Diagonal(CompiledFamily):
    """A variance for each component and column: Celeux and Govaert's [lambda_k B_k]."""

    name = "diag"
    diagonal = True
    covariances_of: ClassVar[Any] = staticmethod(averages.diagonal)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features)."""
        return n_components, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D."""
        return n_components * n_features

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component and column."""
        return _factored(parameters, parameters.covariances)

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Variances on the diagonals."""
        return covariances[:, :, None] * np.eye(n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times scale squared."""
        return covariances * scale * scale


class Spherical(CompiledFamily):
    """One variance for each component, averaged over the columns: [lambda_k I]."""

    name = "spherical"
    per_column = False
    diagonal = True
    covariances_of: ClassVar[Any] = staticmethod(averages.spherical)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components,)."""
        return (n_components,)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K."""
        return n_components

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component, for all columns."""
        shape = parameters.means.shape
        return _factored(parameters, np.repeat(parameters.covariances, shape[1]).reshape(shape))

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Multiples of the identity."""
        return covariances[:, None, None] * np.eye(n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times the one scale squared."""
        return covariances * scale[0] * scale[0]


class EII(Diagonal):
    """lambda I: one variance for all components and columns, Celeux and Govaert's [lambda I]."""

    name = "EII"
    shared = True
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(averages.equal_spherical)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1."""
        return 1


class EEI(Diagonal):
    """lambda A: one variance for each column, Celeux and Govaert's [lambda B]."""

    name = "EEI"
    shared = True
    covariances_of: ClassVar[Any] = staticmethod(averages.equal_diagonal)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """D."""
        return n_features


class VEI(Diagonal):
    """lambda_k A: proportional variances, Celeux and Govaert's [lambda_k B]."""

    name = "VEI"
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.vei)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes and D - 1 for the shape."""
        return n_components + n_features - 1


class EVI(Diagonal):
    """lambda A_k: variances of equal product, Celeux and Govaert's [lambda B_k]."""

    name = "EVI"
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.evi)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume and K (D - 1) for the shapes."""
        return 1 + n_components * (n_features - 1)


class V(Diagonal):
    """sigma_k^2, for a single column."""

    name = "V"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, 1)."""
        return n_components, _single(self.name, "VVV", n_features)


class E(EEI):
    """sigma^2, the same for all components, for a single column."""

    name = "E"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, 1)."""
        return n_components, _single(self.name, "EEE", n_features)


def _single(name: str, instead: str, n_features: int) -> int:
    if n_features != 1:
        raise ValueError(
            f"covariance_type {name!r} is for a single column, but there are {n_features}; "
            f"use {instead!r}"
        )
    return 1


def _factored(parameters: Parameters, variances: NDArray) -> AxisAligned:
    """Density from variances (n_components, n_features)."""
    inverses, norms = np.empty(variances.shape), np.empty(len(variances))
    weights, variances = read_only(parameters.weights), read_only(variances)
    failed = factor_diagonal(weights, variances, HALF_BITS, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.flags.writeable = norms.flags.writeable = False
    return AxisAligned(read_only(parameters.means), inverses, norms)
