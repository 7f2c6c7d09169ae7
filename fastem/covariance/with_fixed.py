"""A family some of whose parameters are held where they are, as those of a known background.

The M step maximises over the others. A held mean is no weighted mean of rows, and the scatter is
about it; held weights leave the rest of 1 to the others, which share it by their rows; a held
covariance stays, and what components of its family share with it. Each is the maximum under that
constraint, so the likelihood never falls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.covariance.family import Family, Wrapped
from fastem.covariance.parameters import Bounds, Fixed, Parameters
from fastem.kernels.floor import raised
from fastem.moments import Moments
from fastem.units import Units


class WithFixed(Wrapped):
    """A family with held parameters.

    Parameters
    ----------
    family : Family
        Of any kind but one with noise, which goes around this one.
    fixed : Fixed
    units : Units, optional
        Of the rows; by default the user's.
    """

    fixed: Fixed

    def __init__(self, family: Family, fixed: Fixed, units: Units | None = None) -> None:
        super().__init__(family)
        self.fixed = fixed
        weights, means, covariances = fixed.values
        if units is not None:
            means, covariances = units.enter(means), family.rescale(covariances, units.scale)
        self._held = Parameters(weights, means, covariances)

    def at(self, units: Units) -> WithFixed:
        """The same values in other units."""
        return WithFixed(self.family.at(units), self.fixed, units)

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Those that are not held; of weights one less than are free, since their sum is known."""
        K, D, fixed = n_components, n_features, self.fixed
        n_weights = K - 1 - max(K - int(fixed.weights.sum()) - 1, 0)
        n_spreads, n_free = self.family.n_covariance_parameters, K - int(fixed.covariances.sum())
        held = n_weights + int(fixed.means.sum()) * D
        if n_free < K:  # what components share is held with the first of them
            held += n_spreads(K, D) - n_free * (n_spreads(2, D) - n_spreads(1, D))
        return self.family.n_parameters(K, D) - held

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step of `family` with the held parameters in their places."""
        fixed, held = self.fixed, self._held
        if fixed.means.any():
            moments = self.family.with_means(moments, held.means, fixed.means)
        weights, means, covariances = self.family.maximise(moments, bounds, start)
        if self.conform is not None and fixed.covariances.any():
            covariances = self._conform(self.conform, moments, bounds)
        means = np.where(fixed.means[:, None], held.means, means)
        if fixed.covariances.all():
            covariances = held.covariances
        elif fixed.covariances.any():
            covariances = np.where(
                fixed.covariances.reshape((-1,) + (1,) * (covariances.ndim - 1)),
                held.covariances,
                covariances,
            )
        return Parameters(self._shared_out(weights), means, covariances)

    def exact(self, parameters: Parameters) -> Parameters:
        """Parameters in the user's units, with those held as they were given, to the bit."""
        fixed, (_, means, covariances) = self.fixed, parameters
        means = np.where(fixed.means[:, None], fixed.values.means, means)
        if fixed.covariances.all():
            covariances = fixed.values.covariances
        elif fixed.covariances.any():
            covariances = covariances.copy()
            covariances[fixed.covariances] = fixed.values.covariances[fixed.covariances]
        return Parameters(parameters.weights, means, covariances)

    def _conform(self, conform: Callable, moments: Moments, bounds: Bounds) -> NDArray[np.float64]:
        """Covariances that have in common with held ones what the family's have."""
        own, held = moments.scatter()[2], self._held.covariances[self.fixed.covariances]
        if self.diagonal:
            found = conform(np.maximum(own + bounds.ridge, bounds.floor), held)
            return np.maximum(found, bounds.floor)
        found = conform(raised(own + np.diag(bounds.ridge), bounds.floor), held)
        return raised(0.5 * (found + found.swapaxes(1, 2)), bounds.floor)

    def _shared_out(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """What held weights leave, among the others."""
        held, free = self.fixed.weights, ~self.fixed.weights
        if not held.any():
            return weights
        found = np.where(held, self._held.weights, 0.0)
        left, total = max(1.0 - found.sum(), 0.0), weights[free].sum()
        if free.any():
            shares = weights[free] / total if total > 0 else 1.0 / free.sum()
            found[free] = left * shares
        return found


def fixed_from(given: Any, start: Mapping[str, Any], family: Family, shape: tuple) -> Fixed | None:
    """Check what a user gave; None where nothing is held.

    Parameters
    ----------
    given : mapping of str to bool or mask
        As `fastem.fit` has it.
    start : mapping of str to ndarray or None
        The user's start by the same names.
    family : Family
    shape : (n_components, n_features)

    Raises
    ------
    TypeError, ValueError
        If it is no such mapping, holds what the start does not give, or some covariances of a
        family in which they depend on each other.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise TypeError(
            f'fixed is {given!r}; give a dict such as {{"means": True}} or {{"means": mask}}'
        )
    for name in given:
        if name not in Parameters._fields:
            known = ", ".join(map(repr, Parameters._fields))
            raise ValueError(f"fixed holds {name!r}; use {known}")
    masks = [_mask(given.get(name), name, shape[0]) for name in Parameters._fields]
    if not any(mask.any() for mask in masks):
        return None
    for name, mask in zip(Parameters._fields, masks, strict=True):
        for needed in (name, "means"):
            if mask.any() and start[needed] is None:
                raise ValueError(
                    f"fixed holds {name}, but {needed}_init is not given; give the values to "
                    f"be held, and means to start from"
                )
    if masks[2].any() and not masks[2].all():
        _check_covariances(masks[2], start["covariances"], family)
    values = np.zeros(shape[0]), np.zeros(shape), np.zeros(family.shape(*shape))
    own = (start[name] for name in Parameters._fields)
    filled = (value if v is None else v for v, value in zip(own, values, strict=True))
    return Fixed(Parameters(*filled), *masks)


def _check_covariances(held: NDArray[np.bool_], covariances: NDArray, family: Family) -> None:
    """Refuse covariances of some components that say nothing of the others', or disagree.

    Raises
    ------
    ValueError
    """
    if family.separate:
        return
    if family.conform is None:
        raise ValueError(
            f"fixed holds the covariances of some components, but those of covariance_type "
            f"{family.name!r} are one; hold all of them (True), or use full, diag or spherical"
        )
    some = covariances[held]
    if not np.allclose(family.conform(some, some), some, rtol=1e-6, atol=1e-6 * np.abs(some).max()):
        raise ValueError(
            f"fixed holds covariances that do not share what those of covariance_type "
            f"{family.name!r} have in common; give such covariances_init, or hold one of them"
        )


def _mask(value: Any, name: str, n_components: int) -> NDArray[np.bool_]:
    """Which components a value of `fixed` means."""
    if value is None or isinstance(value, bool | np.bool_):
        return np.full(n_components, bool(value))
    try:
        mask = np.asarray(value)
    except ValueError:
        mask = np.empty(0)
    if mask.dtype != bool:
        raise TypeError(
            f"fixed[{name!r}] is {value!r}; give True, or True or False for each component"
        )
    if mask.shape != (n_components,):
        raise ValueError(
            f"fixed[{name!r}] has shape {mask.shape}; give True or False for each component, "
            f"shape ({n_components},)"
        )
    return mask
