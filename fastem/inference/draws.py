"""Random weights of rows: the same ones wherever the rows are and in whatever pieces they come.

Numbers of Philox are found by their place, without those before (J. K. Salmon, M. A. Moraes, R. O.
Dror and D. E. Shaw, SC 2011): every row has places of its own in every replicate's series.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from fastem.lazy import lazy
from fastem.rows import Pieces

#: Rows that are drawn from together, after it is drawn how often they are drawn in all; as many as
#: a cache holds with what is worked out on the way.
PART = 4096
#: Numbers of Philox that come at once.
AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class Draw(ABC):
    """Weights of one replicate, as `Rows.reweighted` asks for them.

    Parameters
    ----------
    key : (2,) uint64
        Of all replicates.
    replicate : int
        From 0.
    n_samples : int
        Rows that count.
    n_drawn : int
        Rows that they count for.
    weight_unit : float
        What their own weights are multiples of.
    pieces : Pieces, optional
        Of rows that have weights.
    n_replicates : int
        Replicates in all.
    """

    key: NDArray
    replicate: int
    n_samples: int
    n_drawn: int
    weight_unit: float = 1.0
    pieces: Pieces | None = None
    n_replicates: int = 0

    @abstractmethod
    def __call__(self, first: int, n: int, weight: NDArray | None) -> NDArray[np.float64]:
        """New weights of some rows that follow each other."""

    def series(self, number: int, place: int = 0) -> Generator:
        """Chance of the replicate: a series from some place on, counted in `AT_ONCE`."""
        return series(self.key, self.replicate, number, place)


def series(key: NDArray, replicate: int, number: int = 0, place: int = 0) -> Generator:
    """Chance of a replicate: a series from some place on, counted in `AT_ONCE`."""
    return Generator(Philox(key=key, counter=[place, number, replicate, 0]))


class Counts(Draw):
    """How often each row is drawn, with replacement: a multinomial draw.

    The parts' totals are one multinomial draw, and each part's total is spread over its rows by
    another: together that is the multinomial draw of all rows (L. Devroye, Non-Uniform Random
    Variate Generation (1986), chapter 11). Of rows that have weights the parts are the pieces that
    they come in: nobody else knows the weights of a part together.
    """

    def __call__(self, first: int, n: int, weight: NDArray | None) -> NDArray[np.float64]:
        """Each row's depends on its number and, in the end, on the weights of all."""
        if weight is not None:
            return self._of_pieces(first, weight)
        parts = range(first // PART, -(-(first + n) // PART))
        drawn = np.concatenate([np.empty(0), *map(self._of_part, parts)])
        return drawn[first % PART :][:n]

    def _of_part(self, part: int) -> NDArray[np.int64]:
        n = min(PART, self.n_samples - part * PART)
        drawn = self.series(1 + part).integers(n, size=self._totals[part])
        return np.bincount(drawn, minlength=n)

    def _of_pieces(self, first: int, weight: NDArray) -> NDArray[np.float64]:
        """Of whole pieces, from the number of their first row and their weights."""
        assert self.pieces is not None
        begins = self.pieces.begins
        low, high = np.searchsorted(begins, [first, first + len(weight)])
        cuts = np.r_[begins[low:high], first + len(weight)] - first
        found = np.empty(len(weight))
        for piece, begin, end in zip(range(low, high), cuts[:-1], cuts[1:], strict=True):
            if begin < end:
                share = weight[begin:end] / weight[begin:end].sum()
                found[begin:end] = self.series(1 + piece).multinomial(self._totals[piece], share)
        return found

    @lazy
    def _totals(self) -> NDArray[np.int64]:
        """How often rows of each part are drawn."""
        if self.pieces is not None:
            sizes = self.pieces.sums
        elif self.n_samples > PART:
            sizes = np.diff(np.r_[0 : self.n_samples : PART, self.n_samples])
        else:
            return np.array([self.n_drawn])
        return self.series(0).multinomial(self.n_drawn, sizes / sizes.sum())


class Exponentials(Draw):
    """Exponential variates; of a row that counts v times the sum of v, a gamma variate."""

    def __call__(self, first: int, n: int, weight: NDArray | None) -> NDArray[np.float64]:
        """Each row's depends on its number and its weight alone."""
        found = np.empty(n)
        for start in range(0, n, PART):
            some = slice(start, min(start + PART, n))
            shape = None if weight is None else weight[some] * self.weight_unit
            found[some] = self._of_part(first + start, some.stop - start, shape)
        return found

    def _of_part(self, first: int, n: int, shape: NDArray | None) -> NDArray[np.float64]:
        def uniforms(number: int, each: int = 1) -> NDArray[np.float64]:
            place, before = divmod(each * first, AT_ONCE)
            drawn = self.series(number, place).random(before + each * n)
            return drawn[before:].reshape(n, each)

        return -np.log1p(-uniforms(0)[:, 0]) if shape is None else gamma(shape, uniforms)


class LeftOut(Draw):
    """All rows but every n-th one, of which each replicate leaves out others: the jackknife."""

    def __call__(self, first: int, n: int, weight: NDArray | None) -> NDArray[np.float64]:
        """A row's own weight, or 0."""
        kept = (first + np.arange(n)) % self.n_replicates != self.replicate
        return kept * (1.0 if weight is None else weight * self.weight_unit)


#: How replicates weight rows at random, by the names that users know.
KINDS: dict[str, type[Draw]] = {"nonparametric": Counts, "weighted-likelihood": Exponentials}


def gamma(
    shape: NDArray[np.float64], uniforms: Callable[[int, int], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Gamma variates by rejection: a row's uniforms are its own, however often others are rejected.

    G. Marsaglia and W. W. Tsang, ACM Trans. Math. Softw. 26 (2000) 363; normal variates by G. E. P.
    Box and M. E. Muller, Ann. Math. Stat. 29 (1958) 610.

    Parameters
    ----------
    shape : (n,)
        Positive.
    uniforms : callable
        From the number of a series, and how many are wanted for each row, to (n, each) numbers in
        [0, 1).
    """
    below = shape < 1.0  # G(shape) is G(shape + 1) U^(1 / shape)
    d = shape + below - 1 / 3
    c = 1 / np.sqrt(9 * d)
    found, left = np.empty_like(d), np.arange(len(d))
    for attempt in count(1):
        u, angle, level = np.ascontiguousarray(uniforms(attempt, 3)[left].T)
        normal = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * angle)
        cube = 1 + c[left] * normal
        cube *= cube * cube
        with np.errstate(divide="ignore", invalid="ignore"):
            most = 0.5 * normal**2 + d[left] * (1 - cube + np.log(cube))
            taken = np.log(level) < most  # never of cubes that are not positive
        found[left[taken]] = (d[left] * cube)[taken]
        left = left[~taken]
        if not len(left):
            break
    found[below] *= uniforms(0, 1)[below, 0] ** (1 / shape[below])
    return found
