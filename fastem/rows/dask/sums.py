"""Sums of moments that are the same to the bit in whatever order they are added.

A number is cut at fixed places, whole multiples of `WIDTH` bits, into integers: of its own place,
which its exponent alone decides, and of the `LIMBS` - 1 below. Integers of one place add without
rounding; and of two numbers the sum has the higher place, below which it keeps as many. What is
dropped thus depends on the largest addend and not on the order (Demmel and Nguyen 2015, Parallel
reproducible summation, IEEE Transactions on Computers 64). At least 64 bits below the largest
addend are kept, and a single number stays what it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import add

import numpy as np
from numpy.typing import NDArray

from fastem.moments import Moments

WIDTH, LIMBS = 32, 3
#: The place of what is not finite: above all others.
WILD = 2**16
#: That of zero: below all others.
NOTHING = -WILD


@dataclass(frozen=True, eq=False)
class Sum:
    """Numbers added entry by entry, up to 2^30 arrays of them.

    Parameters
    ----------
    place : (...) int32
        Where the highest limb of an entry stands.
    limbs : (LIMBS, ...) int64
        Limb j counts in units of 2^(WIDTH (place - 1 - j)).
    """

    place: NDArray[np.int32]
    limbs: NDArray[np.int64]

    @classmethod
    def of(cls, x: NDArray[np.float64]) -> Sum:
        """An array by itself."""
        finite = np.isfinite(x)
        rest = np.where(finite, x, 0.0)
        place = -(-np.frexp(rest)[1] // WIDTH)
        place[rest == 0.0] = NOTHING
        limbs = np.empty((LIMBS, *x.shape), np.int64)
        for j in range(LIMBS):
            exponent = WIDTH * (place - 1 - j)
            limb = np.rint(np.ldexp(rest, -exponent))
            rest = rest - np.ldexp(limb, exponent)
            limbs[j] = limb
        place[~finite] = WILD
        return cls(place, limbs)

    def __add__(self, other: Sum) -> Sum:
        """Entry by entry."""
        place = np.maximum(self.place, other.place)
        return Sum(place, self._limbs_at(place) + other._limbs_at(place))

    def total(self) -> NDArray[np.float64]:
        """The sums; NaN where an addend was not finite."""
        total = np.zeros(self.place.shape)
        for j in reversed(range(LIMBS)):
            total += np.ldexp(self.limbs[j].astype(np.float64), WIDTH * (self.place - 1 - j))
        return np.where(self.place == WILD, np.nan, total)

    def _limbs_at(self, place: NDArray[np.int32]) -> NDArray[np.int64]:
        """The limbs of higher places; those that come to stand too low are dropped."""
        limbs, below = self.limbs, place - self.place
        for step in range(LIMBS):
            lowered = np.concatenate([np.zeros_like(limbs[:1]), limbs[:-1]])
            limbs = np.where(below > step, lowered, limbs)
        return limbs


@dataclass(frozen=True, eq=False)
class MomentsSum:
    """Moments of chunks added together.

    Parameters
    ----------
    about : (n_components, n_features)
        The means that they are taken about.
    scalars : (n_chunks, 4)
        Number of rows, log-likelihood, classification entropy and noise of each chunk.
    sums : (counts, first, second), each a Sum
    """

    about: NDArray[np.float64]
    scalars: NDArray[np.float64]
    sums: tuple[Sum, ...]

    @classmethod
    def of(cls, moments: Moments) -> MomentsSum:
        """Those of one chunk."""
        scalars = (
            moments.n_rows,
            moments.log_likelihood,
            moments.classification_entropy,
            moments.noise,
        )
        sums = tuple(map(Sum.of, (moments.counts, moments.first, moments.second)))
        return cls(moments.about, np.array([scalars]), sums)

    def __add__(self, other: MomentsSum) -> MomentsSum:
        """Moments of both sets of chunks, about the same means."""
        scalars = np.concatenate([self.scalars, other.scalars])
        return MomentsSum(self.about, scalars, tuple(map(add, self.sums, other.sums)))

    def moments(self) -> Moments:
        """Those of all rows; sums of scalars are exact, and so without order as well."""
        n_rows, log_likelihood, classification_entropy, noise = map(math.fsum, self.scalars.T)
        counts, first, second = (one.total() for one in self.sums)
        return Moments(
            self.about, n_rows, log_likelihood, classification_entropy, counts, first, second, noise
        )
