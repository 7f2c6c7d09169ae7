"""Families whose covariances are diagonal.

    diag VVI  spherical VII  EII  EEI  VEI  EVI  and, for a single column, E and V

Their M steps are in `fastem.kernels`, `averages` and `parsimonious`. Covariances are variances
(n_components, n_features), equal ones repeated, but for `spherical`, which has one a component.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import CompiledFamily, not_positive_definite
from fastem.covariance.parameters import Parameters
from fastem.density import HALF_BITS, AxisAligned, Density
from fastem.kernels import averages, parsimonious
from fastem.kernels.matrices import factor_diagonal


class Diagonal(CompiledFamily):
    """Variances for each component and column, (n_components, n_features)."""

    diagonal = True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features)."""
        return n_components, n_features

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component and column."""
        return _factored(parameters, parameters.covariances)

    def spread(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """The same."""
        return covariances

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times scale squared."""
        return covariances * scale * scale


class Spherical(CompiledFamily):
    """One variance for each component, (n_components,)."""

    diagonal = True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components,)."""
        return (n_components,)

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component, for all columns."""
        return _factored(parameters, self.spread(parameters.covariances, *parameters.means.shape))

    def spread(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Repeated for each column."""
        return np.repeat(covariances, n_features).reshape(n_components, n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times the one scale squared."""
        return covariances * scale[0] * scale[0]


class SingleColumn(Diagonal):
    """Variances of components in a single column, (n_components, 1)."""

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, 1)."""
        if n_features != 1:
            raise ValueError(
                f"covariance_type {self.name!r} is for a single column, but there are "
                f"{n_features}; use {3 * self.name!r}"
            )
        return n_components, 1


def _of_one_shape(own: NDArray, held: NDArray) -> NDArray:
    """Multiples of what is held."""
    return (own / held[0]).mean(axis=1)[:, None] * held[0]


def _of_one_volume(own: NDArray, held: NDArray) -> NDArray:
    """The same product of variances as what is held."""
    return own * np.exp(np.log(held[0]).mean() - np.log(own).mean(axis=1))[:, None]


# A variance for each component and column: Celeux and Govaert's [lambda_k B_k].
diag = Diagonal("diag", averages.diagonal, lambda K, D: K * D, separate=True)
# One for each component, averaged over the columns: [lambda_k I].
spherical = Spherical(
    "spherical", averages.spherical, lambda K, D: K, per_column=False, separate=True
)
# One for all components and columns: [lambda I].
EII = Diagonal("EII", averages.equal_spherical, lambda K, D: 1, shared=True, per_column=False)
# lambda A, one for each column: [lambda B].
EEI = Diagonal("EEI", averages.equal_diagonal, lambda K, D: D, shared=True)
# lambda_k A, proportional ones: [lambda_k B]. K volumes and D - 1 for the shape.
VEI = Diagonal("VEI", parsimonious.vei, lambda K, D: K + D - 1, conform=_of_one_shape)
# lambda A_k, of equal product: [lambda B_k]. 1 volume and K (D - 1) for the shapes.
EVI = Diagonal("EVI", parsimonious.evi, lambda K, D: 1 + K * (D - 1), conform=_of_one_volume)
# sigma^2 and sigma_k^2, for a single column.
E = SingleColumn("E", averages.equal_diagonal, lambda K, D: D, shared=True)
V = SingleColumn("V", averages.diagonal, lambda K, D: K * D, separate=True)


def _factored(parameters: Parameters, variances: NDArray) -> AxisAligned:
    """Density from variances (n_components, n_features)."""
    inverses, norms = np.empty(variances.shape), np.empty(len(variances))
    weights, variances = read_only(parameters.weights), read_only(variances)
    failed = factor_diagonal(weights, variances, HALF_BITS, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.setflags(write=False)
    norms.setflags(write=False)
    return AxisAligned(read_only(parameters.means), inverses, norms)
