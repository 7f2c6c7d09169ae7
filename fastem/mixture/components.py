"""Components: the parameters of a mixture, checked and frozen, as a value; and their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import covariance, validation
from fastem.compiler.options import refuse_uncompiled
from fastem.covariance import Family, Parameters, WithNoise
from fastem.density import Density
from fastem.lazy import lazy
from fastem.noise import Noise
from fastem.summary import Shown, Summary
from fastem.summary.mixture import column_names, components, found
from fastem.units import Units
from fastem.validation.column_choice import printable

#: The least one that a fit comes to: its floor is 1e-10 of the data's, whose squares are normal.
LEAST_VARIANCE = np.finfo(float).tiny * 2.0**-34


@dataclass(frozen=True, eq=False, repr=False)
class Components(Shown):
    """What a `Mixture` is made of; that is where its fields are explained."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    covariance_type: str = "full"
    noise: Noise | None = None
    feature_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        refuse_uncompiled()
        family = covariance.family_by_name(self.covariance_type)
        means = np.array(validation.rows(self.means, name="means"), dtype=np.float64)
        n_components, n_features = means.shape
        left = 1.0 if self.noise is None else 1.0 - _check_noise(self.noise, n_features).weight
        weights = validation.weights(self.weights, n_components, total=left)
        covariances = validation.parameter(
            self.covariances, "covariances", family.shape(n_components, n_features)
        )
        if not family.diagonal:
            _check_symmetric(covariances)
        if self.feature_names is not None:
            names = validation.feature_names_for(self.feature_names, n_features)
            object.__setattr__(self, "feature_names", names)
        for name, value in ("weights", weights), ("means", means), ("covariances", covariances):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        try:
            _ = self._factored
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"covariances are not valid: {error}; "
                f"give symmetric matrices with positive eigenvalues"
            ) from None
        least = self._variances.min()
        if least < LEAST_VARIANCE:
            raise ValueError(
                f"covariances hold a variance of {least:g}, which float64 has but a few digits of; "
                f"multiply the data by a constant"
            )

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.weights)

    @property
    def n_features(self) -> int:
        """Number of columns of the data."""
        return self.means.shape[1]

    @property
    def n_parameters(self) -> int:
        """Free parameters: K - 1 weights, K D means and those of the covariance family.

        Noise has two more: its weight, and its volume, which is taken from the data.
        """
        return self.family.n_parameters(self.n_components, self.n_features)

    @property
    def family(self) -> Family:
        """The covariance family, and the noise beside it."""
        family = covariance.family_by_name(self.covariance_type)
        return family if self.noise is None else WithNoise(family, self.noise)

    @lazy
    def full_covariances(self) -> NDArray[np.float64]:
        """Every component's covariance as a matrix, (n_components, n_features, n_features)."""
        return self.family.expand(self.covariances, self.n_components, self.n_features)

    def __eq__(self, other: object) -> bool:
        """Same family and equal arrays, whatever the columns are called."""
        if not isinstance(other, Components):
            return NotImplemented
        same = self.covariance_type == other.covariance_type and self.noise == other.noise
        return same and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self._parameters, other._parameters, strict=True)
        )

    def __hash__(self) -> int:
        """Consistent with equality, for which 0.0 is -0.0."""
        arrays = ((a + 0.0).tobytes() for a in self._parameters)
        return hash((self.covariance_type, self.noise, *arrays))

    def summary(self) -> Summary:
        """Weights, and mean ± standard deviation of each column, for people.

        Returns
        -------
        Summary
        """
        return Summary(f"{found(self)}:", *components(self))

    def table_columns(self) -> dict[str, list[Any]]:
        """Weights, means and standard deviations as lists by column, a line a component.

        Returns
        -------
        dict of str to list
            "component", "weight", and for each column of the data "mean NAME" and "std NAME".

        Examples
        --------
        >>> from fastem import Mixture
        >>> Mixture([1.0], [[0.0, 5.0]], [[1.0, 4.0]], "diag").table_columns()["std column 1"]
        [2.0]
        """
        deviations = np.sqrt(np.diagonal(self.full_covariances, axis1=1, axis2=2))
        columns: dict[str, list[Any]] = {
            "component": list(range(self.n_components)),
            "weight": self.weights.tolist(),
        }
        for d, name in enumerate(column_names(self)):
            columns[f"mean {name}"] = self.means[:, d].tolist()
            columns[f"std {name}"] = deviations[:, d].tolist()
        return columns

    def __repr__(self) -> str:
        """Family, sizes, weights and means, for people."""
        shown = min(self.n_components, 8)
        lines = [
            f"Mixture of {self.n_components} Gaussians in {self.n_features} dimensions, "
            f"{self.covariance_type} covariances, {self.n_parameters} parameters"
        ]
        if self.feature_names is not None:
            more = ", ..." if self.n_features > 8 else ""
            lines.append(f"  columns: {', '.join(map(printable, self.feature_names[:8]))}{more}")
        deviations = np.sqrt(np.diagonal(self.full_covariances, axis1=1, axis2=2))
        with np.printoptions(precision=4, threshold=8, edgeitems=3, linewidth=160):
            lines += [
                f"  {k}: weight {self.weights[k]:.4f}, mean {self.means[k]}, std {deviations[k]}"
                for k in range(shown)
            ]
        if shown < self.n_components:
            lines.append(f"  and {self.n_components - shown} more")
        if self.noise is not None:
            lines.append(f"  noise: weight {self.noise.weight:.4f}")
        return "\n".join(lines)

    def __getstate__(self) -> dict:
        """The fields, without what is derived from them."""
        names = "weights", "means", "covariances", "covariance_type", "noise", "feature_names"
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict) -> None:
        """Restore and check."""
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    @property
    def _parameters(self) -> Parameters:
        return Parameters(self.weights, self.means, self.covariances)

    @property
    def _variances(self) -> NDArray[np.float64]:
        """Of each component and column, (n_components, n_features)."""
        if self.family.diagonal:  # not by way of matrices, so many times as large
            own = self.covariances.reshape(self.n_components, -1)
            return np.broadcast_to(own, self.means.shape)
        return np.diagonal(self.full_covariances, axis1=1, axis2=2)

    @lazy
    def _factored(self) -> tuple[Density, Units]:
        """The density for float64 rows, in units that suit its components."""
        spread = np.sqrt(np.max(self._variances, axis=0, initial=np.finfo(float).tiny))
        if not self.family.per_column:
            spread = np.full_like(spread, spread.max())
        units = Units.from_spread(np.zeros(self.n_features), spread)
        family = self.family.at(units)
        return family.factor(to_units(self._parameters, family, units)), units

    @lazy
    def _refined(self) -> tuple[Density, Units]:
        """`_factored`, as exactly as its arrays can say it."""
        density, units = self._factored
        parameters = to_units(self._parameters, self.family.at(units), units)
        return density.refined(parameters.weights, parameters.covariances), units

    @lazy
    def _centred(self) -> tuple[Density, Units]:
        """The density for rows of single precision: in units about the mean of all."""
        centre = self.weights @ self.means
        units = Units(centre, self._factored[1].scale)
        family = self.family.at(units)
        return family.factor(to_units(self._parameters, family, units)), units

    def _factored_for(self, dtype: np.dtype) -> tuple[Density, Units]:
        """The density for rows of a dtype, and its units."""
        return self._refined if dtype == np.float64 else self._centred


def by_weight(weights: NDArray, means: NDArray) -> NDArray[np.intp]:
    """The order of components: the heaviest first; by their means where weights agree to 1e-3."""
    return np.lexsort((*means.T[::-1], -np.round(weights, 3)))


def to_units(parameters: Parameters, family: Family, units: Units) -> Parameters:
    """Parameters in the user's units brought into others."""
    weights, means, covariances = parameters
    return Parameters(weights, units.enter(means), family.rescale(covariances, units.scale))


def from_units(parameters: Parameters, family: Family, units: Units) -> Parameters:
    """Parameters in those units brought back into the user's."""
    weights, means, covariances = parameters
    return Parameters(weights, units.leave(means), family.rescale(covariances, 1.0 / units.scale))


def change_units(parameters: Parameters, family: Family, old: Units, new: Units) -> Parameters:
    """Parameters in old units brought into new ones."""
    return to_units(from_units(parameters, family, old), family, new)


def _check_symmetric(covariances: NDArray) -> None:
    difference = np.abs(covariances - covariances.swapaxes(-1, -2)).max()
    if difference > 1e-6 * np.abs(covariances).max():
        raise ValueError(
            f"covariances are not symmetric: entries differ from their mirror images by up to "
            f"{difference:g}; average the matrices with their transposes"
        )


def _check_noise(noise: Noise, n_features: int) -> Noise:
    validation.instance(noise, "noise", Noise, "a fastem.Noise, or None")
    if noise.n_features != n_features:
        raise ValueError(
            f"noise has a box of {noise.n_features} dimensions but means have {n_features} columns"
        )
    return noise
