"""Tally: one pass over rows that come block by block."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastem.density import slots
from fastem.density.bits import LN2
from fastem.kernels import passes
from fastem.kernels.factoring import mirror
from fastem.kernels.jit import read_only
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.units import Units

if TYPE_CHECKING:
    from fastem.density.density import Density

#: What an order costs: to look which components are needed, as a share of what they cost, and to
#: gather rows, in floating point operations a number; and what it must leave of a pass's work.
LISTING = 0.02
GATHER_WORK = 35.0
MUST_SAVE = 0.95

_NO_WEIGHTS = np.empty(0)
_AS_THEY_COME = read_only(np.empty(0, np.uint16))

#: Of each slot in turn: its rows or their weight, log-likelihood and uncertainty, and moments.
Sums = tuple[NDArray, ...]


class Tally:
    """The moments of rows that come block by block: the same bits however they are cut.

    The rows are divided into slots of whole tiles, by sizes alone, and the slots' sums are added in
    their order.

    Parameters
    ----------
    density : Density
    n : int
        Number of rows in all blocks together.
    dtype : dtype
        float64 or float32, of the rows.
    units : Units
    parallel : bool
        False keeps to the calling thread.

    Attributes
    ----------
    slot_rows : int
        Rows of a slot. Every block but the last must be a multiple of it.
    most_slots : int
        How many slots' moments may stand in memory together.
    """

    def __init__(
        self, density: Density, n: int, dtype: np.dtype, units: Units, parallel: bool
    ) -> None:
        n_components, n_features = density.means.shape
        n_components += density.is_noisy
        self._density, self._units, self._parallel = density, units, parallel
        self._parameters = density.cast(dtype)
        self._shapes, self._tiles, self.most_slots = slots.plan(
            n, dtype.itemsize, n_components, n_features, density.second_dims
        )
        self.slot_rows = self._tiles * passes.TILE_ROWS
        self._sums: Sums = ()

    def add(
        self,
        block: NDArray,
        sample_weight: NDArray[np.float64] | None,
        order: Order | None = None,
    ) -> None:
        """Add the next rows.

        Parameters
        ----------
        block : (n, n_features) float64 or float32, C order
        sample_weight : (n,) float64 or None
        order : Order, optional
            Of the block. Unused where it does not pay, or if the slots' moments may not stand in
            memory together.
        """
        step = self.most_slots * self.slot_rows
        if order is not None and not (len(block) <= step and self._pays(order)):
            order = None
        if len(block) <= step:
            self.merge(self.sums(block, sample_weight, order))
            return
        for start in range(0, len(block), step):
            some = slice(start, start + step)
            weight = None if sample_weight is None else sample_weight[some]
            self.merge(self.sums(block[some], weight, order))

    def sums(
        self,
        block: NDArray,
        sample_weight: NDArray[np.float64] | None,
        order: Order | None = None,
    ) -> Sums:
        """What `merge` is to add for a block of at most `most_slots`; any thread may call this."""
        n_slots = slots.n_slots(len(block), self._tiles)
        totals = [np.zeros((n_slots, *shape)) for shape in self._shapes]
        if order is None:
            lists = everyone(len(self._parameters[0]))
        else:
            lists = order.lists(*self._parameters)
        passes.summarise(
            self._density.work(len(block)) if self._parallel else 0.0,
            n_slots,
            read_only(block),
            self._tiles,
            read_only(_NO_WEIGHTS if sample_weight is None else sample_weight),
            _AS_THEY_COME if order is None else order.index,
            *lists,
            read_only(self._units.array),
            *self._parameters,
            *totals,
        )
        if sample_weight is None or not len(block):
            return np.array([float(len(block))]), *totals
        return np.add.reduceat(sample_weight, range(0, len(block), self.slot_rows)), *totals

    def merge(self, sums: Sums) -> None:
        """Add the slots of the next rows."""
        if self._sums:
            for each, total in zip(sums, self._sums, strict=True):
                each[0] += total
        self._sums = tuple(map(_merge, sums))

    def _pays(self, order: Order) -> bool:
        """Whether a pass in that order is faster than one over the rows as they come."""
        work = self._density.row_work
        gather = GATHER_WORK * self._density.means.shape[1]
        return (order.share(*self._parameters) + LISTING) * work + gather < MUST_SAVE * work

    def moments(self) -> Moments:
        """Those of all rows added."""
        n_rows, (bits, uncertainty), counts, first, second = self._sums
        n_components = len(self._density.means)
        second = second[:n_components]
        if second.ndim == 3:  # kernels leave the upper triangles empty
            mirror(second.reshape(-1), n_components, second.shape[-1])
        return Moments(
            self._parameters[0].astype(np.float64, copy=False)[:n_components],
            float(n_rows),
            float(bits) * LN2 + float(n_rows) * self._units.log_jacobian,
            float(uncertainty) * LN2,
            counts[:n_components],
            first[:n_components],
            second,
            float(counts[n_components:].sum()),
        )


def _merge(slots: NDArray) -> NDArray:
    """The sum of all slots, in their order."""
    if len(slots) == 1:
        return slots[0]
    if slots.size == len(slots):  # single numbers NumPy would add in pairs
        return np.add.accumulate(slots, axis=0)[-1]
    return np.add.reduce(slots, axis=0)


@lru_cache
def everyone(n_components: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Lists of components, and their lengths, of tiles that need all: one for all tiles."""
    listed, n_listed = np.arange(n_components, dtype=np.uint32), np.array([n_components], np.uint32)
    return read_only(listed[None]), read_only(n_listed)
