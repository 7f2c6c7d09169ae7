"""What a worker makes of chunks: by the serial kernel, for a worker has threads of its own."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.density import Density
from fastem.density.incomplete import Groups
from fastem.moments import Moments
from fastem.rows.dask.sums import MomentsSum
from fastem.rows.digest import Digest
from fastem.rows.incomplete import noise_widths
from fastem.rows.memory import limits_along
from fastem.rows.source import Drawn, Limits, Weigh
from fastem.units import Units

#: About how many rows of a chunk are compared at every pass with what they were.
COMPARED = 32

R = TypeVar("R")


class Mark(NamedTuple):
    """What tells a chunk from what it was: its number, how many rows it has, and a few of them."""

    number: int
    digest: Digest

    @classmethod
    def of(cls, number: int, block: ArrayLike, weight: ArrayLike | None) -> Mark:
        """That of a chunk (n, n_features) and the weights of its rows."""
        X = np.asarray(block)
        some = slice(None, None, max(1, len(X) // COMPARED))
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(X[some], np.float64)
        weights = None if weight is None else np.ascontiguousarray(weight, np.float64)[some]
        seen = Digest.of(rows, weights) if rows.size else Digest()
        return cls(number, Digest(len(X), seen.rows, seen.weights))

    def check(self, block: ArrayLike, weight: ArrayLike | None) -> None:
        """Whether it is the same chunk.

        Raises
        ------
        ValueError
            If it is another.
        """
        shape, now = np.shape(block), Mark.of(self.number, block, weight)
        if now == self:
            return
        what = "holds other rows than before"
        if shape[0] != self.digest.n_rows:
            what = f"has {shape[0]} rows, where it had {self.digest.n_rows} before"
        raise ValueError(
            f"block {self.number} of X {what}: its chunks change from pass to pass; persist them, "
            f"or read what does not change"
        )


class Form(NamedTuple):
    """What kernels take of a chunk: dtype, number of columns, and what weights are counted in."""

    dtype: np.dtype
    n_features: int
    weight_unit: float = 1.0

    def counted(self, block: ArrayLike, weight: ArrayLike | None, mark: Mark) -> Drawn:
        """The rows of a chunk that count, and their weights, if it is still the same chunk."""
        X = np.ascontiguousarray(block, dtype=self.dtype)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"block {mark.number} of X has shape {X.shape}, where it had {self.n_features} "
                f"columns before"
            )
        mark.check(block, weight)
        if weight is None:
            return X, None
        weight = np.asarray(weight, dtype=np.float64)
        counted = weight > 0
        if not counted.all():
            X, weight = X[counted], weight[counted]
        return X, weight / self.weight_unit


def of_counted(
    block: ArrayLike, weight: ArrayLike | None, mark: Mark, form: Form, work: Callable[..., R]
) -> R:
    """What a function makes of the rows of a chunk that count, and their weights."""
    return work(*form.counted(block, weight, mark))


def take(X: NDArray, weight: NDArray[np.float64] | None, *, numbers: NDArray[np.intp]) -> Drawn:
    """Rows by their numbers, and their weights."""
    return X[numbers], None if weight is None else weight[numbers]


def along(X: NDArray, weight: NDArray[np.float64] | None, *, axes: NDArray[np.float64]) -> Limits:
    """Smallest and largest number in each column of rows times axes."""
    return limits_along(X, axes)


class Order(NamedTuple):
    """What a pass asks of the workers: moments under a density, of chunks of so many rows in all.

    The rows may be given other weights by a function. Where some lack columns there is a box, as
    `IncompleteRows` has it.

    How many they are decides how large the pieces are that a chunk is summed in: each has scratch
    of its own, which Dask's workers give back to the system at once.
    """

    form: Form
    n_samples: int
    density: Density
    units: Units
    weigh: Weigh | None = None
    box: Limits | None = None

    def of(self, block: ArrayLike, weight: ArrayLike | None, mark: Mark, first: int) -> Moments:
        """The moments of one chunk, whose first row has that number."""
        X, v = self.form.counted(block, weight, mark)
        v = v if self.weigh is None else self.weigh(first, len(X), v)
        if self.box is not None and len(X):
            widths = noise_widths(self.box, self.units)
            return Groups.of(X, v).summarise(self.density, self.units, widths, parallel=False)
        accumulator = self.density.accumulator(
            self.n_samples, self.form.dtype, self.units, parallel=False
        )
        accumulator.add(X, v)
        return accumulator.moments()


def summarise(
    blocks: Sequence[tuple[ArrayLike, ArrayLike | None, Mark, int]], order: Order
) -> MomentsSum:
    """The moments of some chunks."""
    return reduce(operator.add, (MomentsSum.of(order.of(*block)) for block in blocks))


def add(*sums: MomentsSum) -> MomentsSum:
    """The moments of the rows of all of them."""
    return reduce(operator.add, sums)
