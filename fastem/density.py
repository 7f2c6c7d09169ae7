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
from fastem.kernels.jit import Twins, read_only
from fastem.moments import Moments
from fastem.units import Units

LN2 = float(np.log(2.0))
#: Factors carry this, so that squared lengths are bits: log2(exp(-d**2 / 2)) = -(HALF_BITS * d)**2.
HALF_BITS = float(np.sqrt(0.5 / LN2))

#: Most slots that a pass is divided into; a multiple of any likely number of threads.
MAX_SLOTS = 192
#: Bytes that the slots' moments may take together, as long as there are MIN_SLOTS.
SLOT_BYTES = 2**24
MIN_SLOTS = 4

_NO_WEIGHTS = np.empty(0)


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
    """

    means: NDArray[np.float64]
    factors: NDArray[np.float64]
    log_norms: NDArray[np.float64]
    second_dims: ClassVar[int]

    def summarise(
        self,
        block: NDArray,
        sample_weight: NDArray[np.float64] | None,
        units: Units,
        *,
        parallel: bool = True,
    ) -> Moments:
        """One pass over a block of rows.

        Parameters
        ----------
        block : (n, n_features) float64 or float32, C order
        sample_weight : (n,) float64 or None
        units : Units
            Of `means` and `factors`; the rows are brought into them on the way.
        parallel : bool
            False keeps to the calling thread.
        """
        n, n_features = block.shape
        n_components = len(self.means)
        second_shape = (n_components,) + (n_features,) * self.second_dims
        n_slots, tiles = slots(n, 8 * math.prod(second_shape))
        totals = np.zeros((n_slots, 2))
        counts = np.zeros((n_slots, n_components))
        first = np.zeros((n_slots, n_components, n_features))
        second = np.zeros((n_slots, *second_shape))
        means, factors, log_norms = self._cast(block.dtype)
        passes.summarise(
            self._work(n) if parallel else 0.0,
            n_slots,
            read_only(block),
            tiles,
            read_only(_NO_WEIGHTS if sample_weight is None else sample_weight),
            read_only(units.array),
            means,
            factors,
            log_norms,
            totals,
            counts,
            first,
            second,
        )
        n_rows = float(n) if sample_weight is None else float(sample_weight.sum())
        bits, uncertainty = _merge(totals)
        return Moments(
            means.astype(np.float64, copy=False),
            n_rows,
            float(bits) * LN2 + n_rows * units.log_jacobian,
            float(uncertainty) * LN2,
            _merge(counts),
            _merge(first),
            self._complete(_merge(second)),
        )

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

        Zeros for a row so far out, 1e150 standard deviations (float32: 1e19), that all underflow.
        """
        shape = (len(block), len(self.means))
        return self._rowwise(passes.responsibilities, block, units, shape, block.dtype, parallel)

    def predict(self, block: NDArray, units: Units, *, parallel: bool = True) -> NDArray[np.int32]:
        """Likeliest component of each row, (n,)."""
        return self._rowwise(passes.predict, block, units, (len(block),), np.int32, parallel)

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
        n_slots, tiles = slots(len(block), 0)
        kernel(
            self._work(len(block)) if parallel else 0.0,
            n_slots,
            read_only(block),
            tiles,
            read_only(units.array),
            *self._cast(block.dtype),
            out,
        )
        return out

    def _cast(self, dtype: np.dtype) -> tuple[NDArray, NDArray, NDArray]:
        """What kernels take: means, factors and log_norms, of the dtype of the rows."""
        arrays = self.means, self.factors, self.log_norms
        means, factors, log_norms = (np.ascontiguousarray(array, dtype) for array in arrays)
        return read_only(means), read_only(factors), read_only(log_norms)

    def _work(self, n: int) -> float:
        """Floating point operations of a pass over n rows, about."""
        per_component = self.factors[0].size
        return float(n) * len(self.means) * (30 + 2 * per_component + 4 * self.means.shape[1])

    def _complete(self, second: NDArray) -> NDArray:
        raise NotImplementedError


class Ellipsoidal(Density):
    """Components whose covariances are full matrices."""

    second_dims = 2

    def _complete(self, second: NDArray) -> NDArray:
        """Fill the upper triangle, which kernels leave empty."""
        return np.where(_lower(second.shape[-1]), second, second.swapaxes(-1, -2))


class AxisAligned(Density):
    """Components whose covariances are diagonal."""

    second_dims = 1

    def _complete(self, second: NDArray) -> NDArray:
        return second


def _merge(slots: NDArray) -> NDArray:
    """The sum of all slots, in their order."""
    return np.add.reduce(slots, axis=0) if len(slots) > 1 else slots[0]


@lru_cache
def _lower(n_features: int) -> NDArray[np.bool_]:
    return np.tri(n_features, dtype=bool)


def slots(n: int, slot_bytes: int) -> tuple[int, int]:
    """How a block of n rows is divided: number of slots, and tiles in each.

    It depends on sizes alone, never on the machine, so that sums come out the same everywhere.
    """
    n_tiles = -(-n // passes.TILE_ROWS)
    most = min(MAX_SLOTS, max(MIN_SLOTS, SLOT_BYTES // max(slot_bytes, 1)))
    tiles = max(1, -(-n_tiles // most))
    return max(1, -(-n_tiles // tiles)), tiles
