"""Mixtures of the oracle factored for the kernels, moments in its units, and separated clusters."""

import numpy as np
from oracle import random_mixture, sample

from fastem import covariance
from fastem.covariance import Parameters
from fastem.units import Units


def factored(mixture, covariance_type, X):
    """Return the density of a mixture in the units that suit rows X, and those units."""
    family = covariance.family_by_name(covariance_type)
    units = Units.of(X, per_column=family.per_column)
    means, covariances = (
        units.enter(mixture.means),
        family.rescale(mixture.covariances, units.scale),
    )
    return family.factor(Parameters(mixture.weights, means, covariances)), units


def in_data_units(moments, units):
    """Return about, first and second of moments in the units of the data."""
    scale = units.scale
    product = scale[:, np.newaxis] * scale if moments.second.ndim == 3 else scale * scale
    return units.leave(moments.about), moments.first / scale, moments.second / product


def separated(n, K, D, distance, covariance_type="full", dtype=np.float64, seed=0):
    """Rows of a mixture with means about so many standard deviations apart, and the mixture."""
    rng = np.random.default_rng([seed, n, K, D])
    mixture = random_mixture(rng, K, D, covariance_type)
    means = rng.normal(size=(K, D)) * distance * K ** (1 / D)
    mixture = mixture._replace(means=means)
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture
