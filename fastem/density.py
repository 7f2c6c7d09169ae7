"""Densities: mixtures factored for the kernels, the seam between rows and compiled code.

    Ellipsoidal   a triangular factor per component, or one shared
    AxisAligned   a factor per component and column

Every covariance family uses one of the two. Parameters are in the units of the rows they will meet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastem.kernels import passes
from fastem.kernels.factoring import mirror
from fastem.kernels.jit import Twins, read_only
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.units import Units

LN2 = float(np.log(2.0))
#: Factors carry this, so that squared lengths are bits: log2(exp(-d**2 / 2)) = -(HALF_BITS * d)**2.
HALF_BITS = float(np.sqrt(0.5 / LN2))

#: A pass is divided into this many slots at most, a multiple of any likely number of threads,
MAX_SLOTS = 192
#: as long as a slot's rows take no more bytes than this or are no more than so many tiles: several
#: slots must fit into whatever memory a pass over a file may use.
SLOT_ROW_BYTES = 2**20
SLOT_TILES = 8
#: Bytes that slots' moments may take together, as long as there are MIN_SLOTS.
SLOT_BYTES = 2**24
MIN_SLOTS = 4

#: Fewest components, and floating point operations of a pass, for which an order is looked for: to
#: see whether it pays takes as long as half a million operations.
PRUNABLE_COMPONENTS = 8
PRUNABLE_WORK = 2e7
#: What an order costs: to look which components are needed, as a share of what they cost, and to
#: gather rows, in floating point operations a number; and what it must leave of a pass's work.
LISTING = 0.02
GATHER_WORK = 35.0
MUST_SAVE = 0.95

_NO_WEIGHTS = np.empty(0)
_AS_THEY_COME = read_only(np.empty(0, np.uint16))


@dataclass(frozen=True, eq=False)
class Density:
    """A mixture as the kernels want it.

    Parameters
    ----------
    means : (n_components, n_features)
    factors : (n_components, n_features, n_features), (1, n_features, n_features) or
        (n_components, n_features)
        `HALF_BITS` times the inverse of the covariances' lower Cholesky factors.
    log_norms : (n_components,)
        log2 of weight times density at the mean.
    log_noise : float, optional
        log2 of the noise's weight times its density, which is the same everywhere.
    """

    means: NDArray[np.float64]
    factors: NDArray[np.float64]
    log_norms: NDArray[np.float64]
    log_noise: float | None = None
    second_dims: ClassVar[int]

    def summarise(
        self,
        block: NDArray,
        sample_weight: NDArray[np.float64] | None,
        units: Units,
        *,
        order: Order | None = None,
        parallel: bool = True,
    ) -> Moments:
        """One pass over a block of rows.

        Parameters
        ----------
        block : (n, n_features) float64 or float32, C order
        sample_weight : (n,) float64 or None
        units : Units
            Of `means` and `factors`; the rows are brought into them on the way.
        order : Order, optional
            Of the block, in these units: what components add to rows far from them is left out,
            where it is less than rounding.
        parallel : bool
            False keeps to the calling thread.
        """
        tally = self.tally(len(block), block.dtype, units, parallel=parallel)
        tally.add(block, sample_weight, order)
        return tally.moments()

    def tally(self, n: int, dtype: np.dtype, units: Units, *, parallel: bool = True) -> Tally:
        """A pass over n rows that come block by block, of that dtype."""
        return Tally(self, n, dtype, units, parallel)

    def log_prob(
        self, block: NDArray, units: Units, *, parallel: bool = True
    ) -> NDArray[np.float64]:
        """Log density of each row, (n,), in nats."""
        out = self._rowwise(passes.log_prob, block, units, (len(block),), np.float64, parallel)
        out *= LN2
        out += units.log_jacobian
        return out

    def responsibilities(self, block: NDArray, units: Units, *, parallel: bool = True) -> NDArray:
        """Probability of each component given the row, (n, n_components), of the block's dtype.

        With noise there is one more column, the last.

        Zeros for a row so far out, 1e150 standard deviations (float32: 1e19), that all underflow.
        """
        shape = (len(block), len(self.means) + self.is_noisy)
        return self._rowwise(passes.responsibilities, block, units, shape, block.dtype, parallel)

    def predict(self, block: NDArray, units: Units, *, parallel: bool = True) -> NDArray[np.int32]:
        """Likeliest component of each row, (n,); -1 is noise."""
        labels = self._rowwise(passes.predict, block, units, (len(block),), np.int32, parallel)
        if self.is_noisy:
            labels[labels == len(self.means)] = -1
        return labels

    @property
    def is_noisy(self) -> bool:
        """Whether there is noise beside the components."""
        return self.log_noise is not None

    def _rowwise(
        self,
        kernel: Twins,
        block: NDArray,
        units: Units,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        parallel: bool,
    ) -> NDArray:
        out = np.empty(shape, dtype)
        tiles = slot_tiles(len(block), 0, 0)
        n_slots = _slots(len(block), tiles)
        parameters = self._cast(block.dtype)
        kernel(
            self._work(len(block)) if parallel else 0.0,
            n_slots,
            read_only(block),
            tiles,
            read_only(units.array),
            _everyone(len(parameters[0]))[0][0],
            *parameters,
            out,
        )
        return out

    def _cast(self, dtype: np.dtype) -> tuple[NDArray, NDArray, NDArray]:
        """What kernels take: means, factors and log_norms, of the dtype of the rows.

        Noise is one more component, of which all rows are at distance 0.
        """
        arrays = self.means, self.factors, self.log_norms
        if self.log_noise is not None:
            n_components, n_features = self.means.shape
            factors = np.zeros((n_components + 1, *self.factors.shape[1:]))
            factors[:-1] = self.factors
            means = np.append(self.means, np.zeros((1, n_features)), axis=0)
            arrays = means, factors, np.append(self.log_norms, self.log_noise)
        elif dtype == np.float64 and not any(array.flags.writeable for array in arrays):
            return arrays
        means, factors, log_norms = (np.ascontiguousarray(array, dtype) for array in arrays)
        return read_only(means), read_only(factors), read_only(log_norms)

    def prunable(self, n: int) -> bool:
        """Whether it may pay to find an order of n rows, by sizes alone."""
        return len(self.means) >= PRUNABLE_COMPONENTS and self._work(n) >= PRUNABLE_WORK

    def _work(self, n: int) -> float:
        """Floating point operations of a pass over n rows, about."""
        return n * self._row_work()

    def _row_work(self) -> float:
        per_component = self.factors[0].size
        return float(len(self.means)) * (30 + 2 * per_component + 4 * self.means.shape[1])


class Ellipsoidal(Density):
    """Components whose covariances are full matrices."""

    second_dims = 2


class AxisAligned(Density):
    """Components whose covariances are diagonal."""

    second_dims = 1


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
        self._parameters = density._cast(dtype)
        self._shapes, self._tiles, self.most_slots = _plan(
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
        n_slots = _slots(len(block), self._tiles)
        slots = [np.zeros((n_slots, *shape)) for shape in self._shapes]
        if order is None:
            lists = _everyone(len(self._parameters[0]))
        else:
            lists = order.lists(*self._parameters)
        passes.summarise(
            self._density._work(len(block)) if self._parallel else 0.0,
            n_slots,
            read_only(block),
            self._tiles,
            read_only(_NO_WEIGHTS if sample_weight is None else sample_weight),
            _AS_THEY_COME if order is None else order.index,
            *lists,
            read_only(self._units.array),
            *self._parameters,
            *slots,
        )
        if sample_weight is None or not len(block):
            return np.array([float(len(block))]), *slots
        return np.add.reduceat(sample_weight, range(0, len(block), self.slot_rows)), *slots

    def merge(self, sums: Sums) -> None:
        """Add the slots of the next rows."""
        if self._sums:
            for each, total in zip(sums, self._sums, strict=True):
                each[0] += total
        self._sums = tuple(map(_merge, sums))

    def _pays(self, order: Order) -> bool:
        """Whether a pass in that order is faster than one over the rows as they come."""
        work = self._density._row_work()
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
def _everyone(n_components: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Lists of components, and their lengths, of tiles that need all: one for all tiles."""
    listed, n_listed = np.arange(n_components, dtype=np.uint32), np.array([n_components], np.uint32)
    return read_only(listed[None]), read_only(n_listed)


@lru_cache(maxsize=64)
def _plan(
    n: int, itemsize: int, n_components: int, n_features: int, second_dims: int
) -> tuple[tuple[tuple[int, ...], ...], int, int]:
    """Shapes of a slot's sums, tiles of a slot, and how many slots may stand in memory together."""
    second_shape = (n_components,) + (n_features,) * second_dims
    slot_bytes = 8 * math.prod(second_shape)
    shapes = (2,), (n_components,), (n_components, n_features), second_shape
    tiles = slot_tiles(n, n_features * itemsize, slot_bytes)
    return shapes, tiles, most_slots(slot_bytes)


def slot_tiles(n: int, row_bytes: int, slot_bytes: int) -> int:
    """How many tiles a slot has where n rows are divided.

    It depends on sizes alone, never on the machine, so that sums come out the same everywhere.

    Parameters
    ----------
    n, row_bytes : int
        How many rows, and how large one is.
    slot_bytes : int
        How large the moments of a slot are.
    """
    n_tiles = -(-n // passes.TILE_ROWS)
    tiles = max(1, -(-n_tiles // min(MAX_SLOTS, most_slots(slot_bytes))))
    return min(tiles, max(SLOT_TILES, SLOT_ROW_BYTES // max(passes.TILE_ROWS * row_bytes, 1)))


def most_slots(slot_bytes: int) -> int:
    """How many slots' moments may stand in memory together."""
    return max(MIN_SLOTS, SLOT_BYTES // max(slot_bytes, 1))


def _slots(n: int, tiles: int) -> int:
    """How many slots of so many tiles n rows fill."""
    return max(1, -(-n // (tiles * passes.TILE_ROWS)))
