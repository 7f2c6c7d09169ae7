"""Covariance families: one small class each, and nothing else in the package branches on a name.

    family         covariance of component k       shape of `covariances`    density
    full, VVV      Sigma_k                         (K, D, D)                 Ellipsoidal
    tied, EEE      Sigma                           (D, D)                    Ellipsoidal, one factor
    diag, VVI      diag(sigma_k1^2 .. sigma_kD^2)  (K, D)                    AxisAligned
    spherical, VII sigma_k^2 I                     (K,)                      AxisAligned

and, between those, mclust's parsimonious families, whose letters say whether volume, shape and
orientation are equal (E) or vary (V) among components, or axes are parallel to the columns (I):

    EII                  lambda I                  (K, D)                    AxisAligned
    EEI VEI EVI          lambda_k A_k              (K, D)                    AxisAligned
    VEE EEV VEV EVV      lambda_k D_k A_k D_k'     (K, D, D)                 Ellipsoidal
    EVE VVE              lambda_k D A_k D'         (K, D, D)                 Ellipsoidal

`WithPrior` puts a conjugate prior on the parameters of a family, `WithFixed` holds some of them,
`WithNoise` puts a uniform density beside the components, and `Variational` takes a distribution of
the parameters in their place; all are families again.

For a single column E is one variance and V one for each component, (K, 1).
"""

from __future__ import annotations

from collections.abc import Iterable

from fastem.covariance.axis_aligned import EEI, EII, EVI, VEI, E, V, diag, spherical
from fastem.covariance.conjugate import DirichletProcess, NormalWishart
from fastem.covariance.ellipsoidal import EEV, EVE, EVV, VEE, VEV, VVE, full, tied
from fastem.covariance.family import Family
from fastem.covariance.parameters import Bounds, Fixed, Parameters
from fastem.covariance.soundness import LACKING, Unsound, singular, unsound
from fastem.covariance.variational import Variational
from fastem.covariance.with_fixed import WithFixed, fixed_from
from fastem.covariance.with_noise import WithNoise
from fastem.covariance.with_prior import ConjugatePrior, WithPrior

__all__ = [
    "FAMILIES",
    "GROUPS",
    "LACKING",
    "Bounds",
    "ConjugatePrior",
    "DirichletProcess",
    "Family",
    "Fixed",
    "NormalWishart",
    "Parameters",
    "Unsound",
    "Variational",
    "WithFixed",
    "WithNoise",
    "WithPrior",
    "families",
    "family_by_name",
    "fixed_from",
    "singular",
    "unsound",
]

_PLAIN = full, tied, diag, spherical
_DIAGONAL = EII, spherical.called("VII"), EEI, VEI, EVI, diag.called("VVI")
_ELLIPSOIDAL = tied.called("EEE"), VEE, EVE, VVE, EEV, VEV, EVV, full.called("VVV")
_SINGLE_COLUMN = E, V

#: Every family by its name.
FAMILIES: dict[str, Family] = {
    f.name: f for f in (*_PLAIN, *_DIAGONAL, *_ELLIPSOIDAL, *_SINGLE_COLUMN)
}
#: Words for several families.
GROUPS: dict[str, tuple[Family, ...]] = {
    "mclust": (*_DIAGONAL, *_ELLIPSOIDAL),
    "diagonal": _DIAGONAL,
    "ellipsoidal": _ELLIPSOIDAL,
}


def family_by_name(name: str) -> Family:
    """The family of that name."""
    try:
        return FAMILIES[name]
    except (KeyError, TypeError):
        raise _unknown(name, FAMILIES) from None


def families(names: str | Iterable[str], n_features: int) -> list[Family]:
    """The families of those names, each once; a name may also be one of `GROUPS`.

    With one column every group comes to E and V: the others are one of the two.
    """
    found: dict[str, Family] = {}
    for name in [names] if isinstance(names, str) else names:
        if isinstance(name, str) and name in GROUPS:
            members = _SINGLE_COLUMN if n_features == 1 else GROUPS[name]
            found |= {member.name: member for member in members}
        elif isinstance(name, str) and name in FAMILIES:
            found[name] = FAMILIES[name]
        else:
            raise _unknown(name, (*FAMILIES, *GROUPS))
    if not found:
        raise ValueError("covariance_type is empty; give at least one family")
    return list(found.values())


def _unknown(name: object, known: Iterable[str]) -> ValueError:
    listed = ", ".join(map(repr, known))
    return ValueError(f"covariance_type is {name!r}; use one of {listed}")
