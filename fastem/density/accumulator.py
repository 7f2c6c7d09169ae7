"""Accumulator: one pass over rows that come block by block."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.density import partition
from fastem.kernels import passes
from fastem.kernels.elementary import LN2
from fastem.kernels.matrices import mirror
from fastem.kernels.passes import SCALARS
from fastem.kernels.tile import OVERLAPPING, PRODUCTS, SEPARATED
from fastem.kernels.wide import COLUMNS
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.units import Units

#: An order costs the lists of components, as a share of a pass's work, and gathered rows, in
#: floating point operations a number. It pays if no more than MUST_SAVE of that work is left.
LISTING = 0.02
GATHER_WORK = 35.0
MUST_SAVE = 0.95

#: Bytes of a row from which rows that share in a component are gathered: to find them takes 2% to
#: 5% of a pass, and saves up to a third of it.
WIDE = 192

NO_LABELS = np.empty(0, np.int32)
_NO_WEIGHTS = read_only(np.empty(0))
_AS_THEY_COME = read_only(np.empty(0, np.uint16))
_MODES = {n: read_only(np.empty((0,) * n)) for n in (OVERLAPPING, SEPARATED, PRODUCTS)}


class Accumulator:
    """The moments of rows that come block by block: the same bits however they are cut.

    The rows are divided into slots of `slot_rows`, by sizes alone, and the slots' sums are added in
    their order.

    Parameters
    ----------
    parameters : (means, factors, log_norms)
        As `Density.cast` gives them for the dtype of the rows, float64 or float32.
    noisy : bool
        Whether the last component is noise.
    n : int
        Number of rows in all blocks together.
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
        self,
        parameters: tuple[NDArray, NDArray, NDArray],
        noisy: bool,
        n: int,
        units: Units,
        parallel: bool,
    ) -> None:
        self._parameters, self._noisy, self._units = parameters, noisy, units
        means, factors, _ = parameters
        self._second_dims = factors.ndim - 1
        self._row_work = row_work(len(means), factors)
        self._parallel = parallel
        self._n_sums, self.slot_rows, self.most_slots = partition.plan(
            n, means.dtype.itemsize, *means.shape, self._second_dims, self._row_work
        )
        self._sums: NDArray[np.float64] | None = None

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
        labels: NDArray[np.int32] | None = None,
    ) -> NDArray[np.float64]:
        """The sums of a block of at most `most_slots`, for `merge`; any thread may call this.

        Parameters
        ----------
        block, sample_weight, order
            As `add` has them.
        labels : (n,) int32, optional
            Receives the index of each row's likeliest component; noise is the last. No order then.

        Returns
        -------
        sums : (n_slots, n_sums)
            As of `passes.summarise`, the weight of each slot's rows before them.
        """
        sums = self.empty_sums(block, sample_weight)
        passes.summarise(
            self._row_work * len(block) if self._parallel else 0.0,
            len(sums),
            *self.arguments(block, sample_weight, order),
            *self._parameters,
            sums,
            NO_LABELS if labels is None else labels,
        )
        return sums

    def empty_sums(
        self, block: NDArray, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Room for the sums of a block's slots, as of `sums`; the weights of rows are summed."""
        n, slot_rows = len(block), self.slot_rows
        n_slots = partition.n_slots(n, slot_rows)
        sums = np.empty((n_slots, self._n_sums))
        if sample_weight is None:
            sums[:-1, 0] = slot_rows
            sums[-1, 0] = n - (n_slots - 1) * slot_rows
        else:
            sums[:, 0] = np.add.reduceat(sample_weight, range(0, n, slot_rows)) if n else 0.0
        return sums

    def arguments(
        self,
        block: NDArray,
        sample_weight: NDArray[np.float64] | None,
        order: Order | None = None,
    ) -> tuple:
        """What `passes.summarise` takes of a block: its arguments from `rows` to `separated`."""
        if order is None:
            lists = all_components(len(self._parameters[0]))
        else:
            lists = order.lists(*self._parameters)
        return (
            read_only(block),
            self.slot_rows,
            _NO_WEIGHTS if sample_weight is None else read_only(sample_weight),
            _AS_THEY_COME if order is None else order.index,
            *lists,
            self._units.array,
            compiled_mode(self._parameters[1], block.dtype),
        )

    def merge(self, sums: NDArray[np.float64]) -> None:
        """Add the slots of the next rows, in their order."""
        if self._sums is not None:
            sums[0] += self._sums
        self._sums = sums[0] if len(sums) == 1 else np.add.reduce(sums, axis=0)

    def _pays(self, order: Order) -> bool:
        """Whether a pass in that order is faster than one over the rows as they come."""
        work = self._row_work
        gather = GATHER_WORK * self._parameters[0].shape[1]
        return (order.share(*self._parameters) + LISTING) * work + gather < MUST_SAVE * work

    def moments(self) -> Moments:
        """The moments of all rows added."""
        assert self._sums is not None
        means = self._parameters[0]
        K, D = means.shape  # noise is one of the components here
        second_at = SCALARS + K + K * D
        if self._second_dims == 2:  # kernels leave the upper triangles empty
            mirror(self._sums[second_at:], K, D)
        sums = read_only(self._sums)
        n_rows, bits, classification_entropy = sums[:SCALARS].tolist()
        counts = sums[SCALARS : SCALARS + K]
        first = sums[SCALARS + K : second_at].reshape(K, D)
        second = sums[second_at:].reshape(means.shape + (D,) * (self._second_dims - 1))
        noise = 0.0
        if self._noisy:
            means, counts, noise = means[:-1], counts[:-1], float(counts[-1])
            first, second = first[:-1], second[:-1]
        return Moments(
            means.astype(np.float64, copy=False),
            n_rows,
            bits * LN2 + n_rows * self._units.log_jacobian,
            classification_entropy * LN2,
            counts,
            first,
            second,
            noise,
        )


def row_work(n_components: int, factors: NDArray) -> float:
    """Floating point operations of a pass for one row, about."""
    per_component, n_features = factors.size // len(factors), factors.shape[-1]
    return float(n_components) * (30 + 2 * per_component + 4 * n_features)


def is_wide(factors: NDArray) -> bool:
    """Whether products of rows and such factors go to BLAS."""
    return factors.ndim == 3 and factors.shape[-1] >= COLUMNS


def compiled_mode(factors: NDArray, dtype: np.dtype) -> NDArray[np.float64]:
    """What `passes.summarise` calls `separated`, for rows of that dtype."""
    if is_wide(factors):
        return _MODES[PRODUCTS]
    gathers = factors.ndim == 3 and factors.shape[-1] * dtype.itemsize >= WIDE
    return _MODES[SEPARATED if gathers else OVERLAPPING]


@lru_cache
def all_components(n_components: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """A list of all components, and its length, for tiles that need them all."""
    listed, n_listed = np.arange(n_components, dtype=np.uint32), np.array([n_components], np.uint32)
    return read_only(listed[None]), read_only(n_listed)
