"""Parameters of a mixture in other units."""

from __future__ import annotations

from fastem.covariance import Family, Parameters
from fastem.units import Units


def to_units(parameters: Parameters, kind: Family, units: Units) -> Parameters:
    """Parameters in the user's units brought into others."""
    weights, means, covariances = parameters
    return Parameters(weights, units.enter(means), kind.rescale(covariances, units.scale))


def from_units(parameters: Parameters, kind: Family, units: Units) -> Parameters:
    """Parameters in those units brought back into the user's."""
    weights, means, covariances = parameters
    return Parameters(weights, units.leave(means), kind.rescale(covariances, 1.0 / units.scale))


def change_units(parameters: Parameters, kind: Family, old: Units, new: Units) -> Parameters:
    """Parameters in old units brought into new ones."""
    return to_units(from_units(parameters, kind, old), kind, new)
