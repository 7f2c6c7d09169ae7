"""Families whose covariances are full matrices.

    full VVV  tied EEE  VEE  EVE  VVE  EEV  VEV  EVV

Their M steps are in `fastem.kernels`: `averages`, `parsimonious` and `common_axes`. Covariances are
matrices (n_components, n_features, n_features), but for `tied`, which has one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import CompiledFamily, Parameters, not_positive_definite
from fastem.density import HALF_BITS, Density, Ellipsoidal
from fastem.kernels import averages, common_axes, parsimonious
from fastem.kernels.matrices import factor


class Full(CompiledFamily):
    """A covariance matrix for each component: Celeux and Govaert's [lambda_k C_k]."""

    name = "full"
    covariances_of: ClassVar[Any] = staticmethod(averages.full)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features, n_features)."""
        return n_components, n_features, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D (D + 1) / 2."""
        return n_components * n_features * (n_features + 1) // 2

    def least_rows(self, n_features: int) -> int:
        """Those that need not lie in a hyperplane: D + 1."""
        return n_features + 1

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for each component."""
        return _factored(parameters, parameters.covariances)

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """The same."""
        return covariances

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


class Tied(CompiledFamily):
    """One covariance matrix that all components share: Celeux and Govaert's [lambda C]."""

    name = "tied"
    shared = True
    covariances_of: ClassVar[Any] = staticmethod(averages.tied)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_features, n_features)."""
        return n_features, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """D (D + 1) / 2."""
        return n_features * (n_features + 1) // 2

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for all."""
        return _factored(parameters, parameters.covariances[None])

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Repeated for each component."""
        return np.broadcast_to(covariances, (n_components, n_features, n_features))

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


class EqualShapes(Full):
    """Matrices of one shape, which all rows tell together: for subclasses."""

    def least_rows(self, n_features: int) -> int:
        """Two: a component's own are its volume and orientation."""
        return 2


class VEE(EqualShapes):
    """lambda_k C: proportional matrices, Celeux and Govaert's [lambda_k C]."""

    name = "VEE"
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.vee)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes, D - 1 for the shape and D (D - 1) / 2 for the orientation."""
        return n_components + n_features - 1 + _n_rotation(n_features)


class EVE(Full):
    """Common principal axes and equal determinants, Celeux and Govaert's [lambda D A_k D']."""

    name = "EVE"
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(common_axes.eve)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume, K (D - 1) for the shapes and D (D - 1) / 2 for the orientation."""
        return 1 + n_components * (n_features - 1) + _n_rotation(n_features)


class VVE(Full):
    """Common principal axes, Celeux and Govaert's [lambda_k D A_k D']."""

    name = "VVE"
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(common_axes.vve)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D variances and D (D - 1) / 2 for the orientation."""
        return n_components * n_features + _n_rotation(n_features)


class EEV(EqualShapes):
    """lambda D_k A D_k': equal but for orientation, Celeux and Govaert's [lambda D_k A D_k']."""

    name = "EEV"
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.eev)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume, D - 1 for the shape and K D (D - 1) / 2 for the orientations."""
        return n_features + n_components * _n_rotation(n_features)


class VEV(EqualShapes):
    """lambda_k D_k A D_k': one shape, Celeux and Govaert's [lambda_k D_k A D_k']."""

    name = "VEV"
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.vev)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes, D - 1 for the shape and K D (D - 1) / 2 for the orientations."""
        return n_components + n_features - 1 + n_components * _n_rotation(n_features)


class EVV(Full):
    """lambda D_k A_k D_k': matrices of equal determinant, Celeux and Govaert's [lambda C_k]."""

    name = "EVV"
    covariances_of: ClassVar[Any] = staticmethod(parsimonious.evv)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume and K (D (D + 1) / 2 - 1) for the rest."""
        return 1 + n_components * (n_features - 1 + _n_rotation(n_features))


def _n_rotation(n_features: int) -> int:
    """Free parameters of an orientation, D (D - 1) / 2."""
    return n_features * (n_features - 1) // 2


def _factored(parameters: Parameters, covariances: NDArray) -> Ellipsoidal:
    """Density from covariances (K, D, D), or (1, D, D) for all."""
    covariances = read_only(np.ascontiguousarray(covariances))
    scratch, inverses = np.empty(covariances.shape), np.zeros(covariances.shape)
    norms = np.empty(len(parameters.weights))
    weights = read_only(np.ascontiguousarray(parameters.weights))
    failed = factor(weights, covariances, HALF_BITS, scratch, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.flags.writeable = norms.flags.writeable = False
    return Ellipsoidal(read_only(parameters.means), inverses, norms)
