"""A mixture of the oracle, factored for the kernels, and their moments as the oracle gives them."""

import numpy as np

from fastem.covariance import Parameters, family
from fastem.units import Units


def factored(mixture, covariance_type, X):
    """Return the density of a mixture in the units that suit rows X, and those units."""
    kind = family(covariance_type)
    units = Units.of(X, per_column=kind.per_column)
    means, covariances = units.enter(mixture.means), kind.rescale(mixture.covariances, units.scale)
    return kind.factor(Parameters(mixture.weights, means, covariances)), units


def in_data_units(moments, units):
    """Return about, first and second of moments in the units of the data."""
    scale = units.scale
    product = scale[:, np.newaxis] * scale if moments.second.ndim == 3 else scale * scale
    return units.leave(moments.about), moments.first / scale, moments.second / product
