"""Covariance families: one small class each, and nothing else in the package branches on a name.

family         covariance of component k       shape of `covariances`    density
full           Sigma_k                         (K, D, D)                 Ellipsoidal
tied           Sigma                           (D, D)                    Ellipsoidal, one factor
diag           diag(sigma_k1^2 .. sigma_kD^2)  (K, D)                    AxisAligned
spherical      sigma_k^2 I                     (K,)                      AxisAligned
"""

from fastem.covariance.axis_aligned import Diagonal, Spherical
from fastem.covariance.ellipsoidal import Full, Tied
from fastem.covariance.family import Bounds, Family, Parameters

__all__ = ["FAMILIES", "Bounds", "Family", "Parameters", "family"]

#: Every family by its name.
FAMILIES: dict[str, Family] = {f.name: f for f in (Full(), Tied(), Diagonal(), Spherical())}


def family(name: str) -> Family:
    """The family of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return FAMILIES[name]
    except (KeyError, TypeError):
        known = ", ".join(map(repr, FAMILIES))
        raise ValueError(f"covariance_type is {name!r}; use one of {known}") from None
