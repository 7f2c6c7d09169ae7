"""What EM updates, what bounds it, and what is held of it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Parameters(NamedTuple):
    """What EM updates: arrays of a mixture, not validated, in whatever units the rows are in."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bounds:
    """What keeps covariances positive definite, in the units of the moments.

    Parameters
    ----------
    ridge : (n_features,)
        Added to the diagonal of every covariance, as scikit-learn's `reg_covar` is. It biases the
        estimate, and with it the likelihood may fall.
    floor : float
        Smallest eigenvalue that a covariance may have. Eigenvalues below it are raised to it, which
        is the maximum under that constraint (Ingrassia and Rocci 2007, section 3): where no
        component collapses nothing changes, and the likelihood never falls.
    """

    ridge: NDArray[np.float64]
    floor: float


@dataclass(frozen=True, eq=False)
class Fixed:
    """Which parameters are held, and where.

    Parameters
    ----------
    values : Parameters
        In the user's units; of those that are not held nothing matters.
    weights, means, covariances : (n_components,) bool
        Of which components.
    """

    values: Parameters
    weights: NDArray[np.bool_]
    means: NDArray[np.bool_]
    covariances: NDArray[np.bool_]

    def __str__(self) -> str:
        """What is held, in words."""
        masks = self.weights, self.means, self.covariances
        return "; ".join(
            f"{name} of {np.flatnonzero(mask).tolist()}"
            for name, mask in zip(Parameters._fields, masks, strict=True)
        )
