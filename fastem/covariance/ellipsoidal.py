"""Families whose covariances are full matrices.

    full VVV  tied EEE  VEE  EVE  VVE  EEV  VEV  EVV

Their M steps are in `fastem.kernels`: `averages`, `parsimonious` and `common_axes`. Covariances are
matrices (n_components, n_features, n_features), but for `tied`, which has one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import CompiledFamily, not_positive_definite
from fastem.covariance.parameters import Parameters
from fastem.density import HALF_BITS, Density, Ellipsoidal
from fastem.eigen import eigh, eigvalsh
from fastem.kernels import averages, common_axes, parsimonious
from fastem.kernels.matrices import factor


class Full(CompiledFamily):
    """A covariance matrix for each component, (n_components, n_features, n_features)."""

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features, n_features)."""
        return n_components, n_features, n_features

    def least_rows(self, n_features: int) -> int:
        """Those that need not lie in a hyperplane: D + 1."""
        return n_features + 1

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for each component."""
        return _factored(parameters, parameters.covariances)

    def spread(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """The same."""
        return covariances

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


class Tied(CompiledFamily):
    """One covariance matrix that all components share, (n_features, n_features)."""

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_features, n_features)."""
        return n_features, n_features

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for all."""
        return _factored(parameters, parameters.covariances[None])

    def spread(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Repeated for each component."""
        return np.broadcast_to(covariances, (n_components, n_features, n_features))

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


class EqualShapes(Full):
    """Matrices of one shape, which all rows tell together."""

    def least_rows(self, n_features: int) -> int:
        """Two: a component's own are its volume and orientation."""
        return 2


def n_angles(n_features: int) -> int:
    """Free parameters of an orientation, D (D - 1) / 2."""
    return n_features * (n_features - 1) // 2


def _proportional(own: NDArray, held: NDArray) -> NDArray:
    """Multiples of what is held."""
    levels = np.trace(np.linalg.solve(held[0], own), axis1=1, axis2=2) / own.shape[1]
    return levels[:, None, None] * held[0]


def _of_one_volume(own: NDArray, held: NDArray) -> NDArray:
    """The same determinant as what is held."""
    logs = np.linalg.slogdet(held[0])[1] - np.linalg.slogdet(own)[1]
    return own * np.exp(logs / own.shape[1])[:, None, None]


def _rotated(own: NDArray, held: NDArray) -> NDArray:
    """What is held, along axes of each component's own."""
    _, axes = eigh(own)
    return _along(axes, eigvalsh(held[0]))


def _rotated_multiples(own: NDArray, held: NDArray) -> NDArray:
    """Multiples of what is held, along axes of each component's own."""
    values, axes = eigh(own)
    shape = eigvalsh(held[0])
    return _along(axes, (values / shape).mean(axis=1)[:, None] * shape)


def _along_axes(own: NDArray, held: NDArray) -> NDArray:
    """Variances along the axes of what is held."""
    # Axes that are ambiguous in one of several may be told by another.
    sizes = np.trace(held, axis1=1, axis2=2) * np.arange(1.0, 1.0 + len(held))
    _, axes = eigh((held / sizes[:, None, None]).sum(axis=0))
    return _along(axes, np.einsum("de,kdf,fe->ke", axes, own, axes))


def _along(axes: NDArray, variances: NDArray) -> NDArray:
    return (axes * variances[..., None, :]) @ np.swapaxes(axes, -1, -2)


# A matrix for each component: Celeux and Govaert's [lambda_k C_k].
full = Full("full", averages.full, lambda K, D: K * D * (D + 1) // 2, separate=True)
# One for all: [lambda C].
tied = Tied("tied", averages.tied, lambda K, D: D * (D + 1) // 2, shared=True)
# lambda_k C, proportional: [lambda_k C]. K volumes, D - 1 for the shape, and the orientation.
VEE = EqualShapes(
    "VEE", parsimonious.vee, lambda K, D: K + D - 1 + n_angles(D), conform=_proportional
)
# Common axes and equal determinants: [lambda D A_k D']. 1 volume, K (D - 1) for the shapes.
EVE = Full(
    "EVE",
    common_axes.eve,
    lambda K, D: 1 + K * (D - 1) + n_angles(D),
    per_column=False,
    conform=lambda own, held: _of_one_volume(_along_axes(own, held), held),
)
# Common axes: [lambda_k D A_k D']. K D variances along them.
VVE = Full(
    "VVE",
    common_axes.vve,
    lambda K, D: K * D + n_angles(D),
    per_column=False,
    conform=_along_axes,
)
# Equal but for orientation: [lambda D_k A D_k']. 1 volume and D - 1 for the shape.
EEV = EqualShapes(
    "EEV",
    parsimonious.eev,
    lambda K, D: D + K * n_angles(D),
    per_column=False,
    conform=_rotated,
)
# One shape: [lambda_k D_k A D_k']. K volumes and D - 1 for the shape.
VEV = EqualShapes(
    "VEV",
    parsimonious.vev,
    lambda K, D: K + D - 1 + K * n_angles(D),
    per_column=False,
    conform=_rotated_multiples,
)
# Equal determinants: [lambda C_k]. 1 volume and K (D (D + 1) / 2 - 1) for the rest.
EVV = Full(
    "EVV",
    parsimonious.evv,
    lambda K, D: 1 + K * (D - 1 + n_angles(D)),
    conform=_of_one_volume,
)


def _factored(parameters: Parameters, covariances: NDArray) -> Ellipsoidal:
    """Density from covariances (K, D, D), or (1, D, D) for all."""
    covariances = read_only(np.ascontiguousarray(covariances))
    scratch, inverses = np.empty(covariances.shape), np.zeros(covariances.shape)
    norms = np.empty(len(parameters.weights))
    weights = read_only(np.ascontiguousarray(parameters.weights))
    failed = factor(weights, covariances, HALF_BITS, scratch, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.setflags(write=False)
    norms.setflags(write=False)
    return Ellipsoidal(read_only(parameters.means), inverses, norms)
