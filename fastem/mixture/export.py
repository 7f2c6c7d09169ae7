"""A mixture as scikit-learn's own class, fitted: for what takes scikit-learn's models alone."""

from __future__ import annotations

import numpy as np

try:
    import sklearn.mixture
except ImportError as error:
    raise ImportError(
        f"to_sklearn needs scikit-learn ({error}); install it with: pip install 'fastem[sklearn]'"
    ) from error

from fastem import covariance
from fastem.covariance.precisions import cholesky_factors, precisions_from
from fastem.mixture.components import Components

#: scikit-learn's names of families by their other ones.
OWN = {"VVV": "full", "EEE": "tied", "VVI": "diag", "VII": "spherical"}


def to_sklearn(mixture: Components) -> sklearn.mixture.GaussianMixture:
    """As `Mixture.to_sklearn` says.

    Raises
    ------
    ValueError
        If the mixture has noise.
    """
    if mixture.noise is not None:
        raise ValueError(
            "the mixture has noise, which scikit-learn's class knows nothing of; give "
            "mixture.without_noise()"
        )
    family, spread = mixture.family, mixture.covariances
    name = OWN.get(family.name, family.name)
    if name not in OWN.values():
        name = "diag" if family.diagonal else "full"
    own = covariance.family_by_name(name)
    factors = cholesky_factors(spread, own)
    model = sklearn.mixture.GaussianMixture(mixture.n_components, covariance_type=name)
    model.weights_, model.means_ = mixture.weights.copy(), mixture.means.copy()
    model.covariances_, model.precisions_cholesky_ = spread.copy(), factors
    model.precisions_ = precisions_from(factors, own)
    model.n_features_in_ = mixture.n_features
    if mixture.feature_names is not None:
        model.feature_names_in_ = np.array(mixture.feature_names, dtype=object)
    model.converged_, model.n_iter_, model.lower_bound_ = True, 0, -np.inf
    model.lower_bounds_ = []
    return model
