"""Which families contain which: by the letters of mclust's names."""

from __future__ import annotations

from fastem.covariance.family import Family

#: scikit-learn's names in mclust's letters: volume, shape and orientation are those of the
#: identity (I), equal (E) or vary (V).
LETTERS = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}


def contains(larger: Family, smaller: Family) -> bool:
    """Whether each mixture of one family is one of the other too, and not the other way round.

    Examples
    --------
    >>> from fastem.covariance import FAMILIES
    >>> contains(FAMILIES["full"], FAMILIES["EEI"]), contains(FAMILIES["EVI"], FAMILIES["VEI"])
    (True, False)
    """
    one, other = (LETTERS.get(family.name, family.name) for family in (larger, smaller))
    if one == other or len(one) != len(other):
        return False
    return all("IEV".index(a) >= "IEV".index(b) for a, b in zip(one, other, strict=True))


def breadth(family: Family) -> int:
    """A number that is greater for a family that contains another."""
    return sum("IEV".index(letter) for letter in LETTERS.get(family.name, family.name))
