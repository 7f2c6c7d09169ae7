"""Densities: mixtures factored for the kernels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.density import partition
from fastem.density.accumulator import Accumulator, all_components, compiled_mode, is_wide, row_work
from fastem.kernels.answers import answer
from fastem.kernels.double_double import refine
from fastem.kernels.elementary import HALF_BITS, LN2
from fastem.kernels.tile import TILE_ROWS
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.units import Units

#: Fewest floating point operations of a pass for which an order is looked for: to see whether it
#: pays takes as long as half a million.
PRUNABLE_WORK = 2e7

#: Variance inflation of a column by its regression on the others, 1 / (1 - R**2), from which rows
#: are worked on in twice the precision. Up to it rounding costs eps times its root, 3e-14 at most.
INFLATED = 1e3
#: Work of a component in twice the precision, in multiples of its own.
COMPENSATED_WORK = 5.0

_NO_LOW_PARTS = read_only(np.empty((0, 0, 0)))
_NEVER = read_only(np.empty((0, 0)))
_NONE_COMPENSATED = read_only(np.empty(0, np.uint32))


@dataclass(frozen=True, eq=False)
class Density:
    """A mixture as kernels take it, factored once so that passes over rows only multiply.

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

    def refined(self, weights: NDArray[np.float64], covariances: NDArray[np.float64]) -> Density:
        """The density in twice the precision where that counts, for results row by row.

        EM itself does not need it: its parameters are never so well known.

        Parameters
        ----------
        weights : (n_components,)
        covariances : (n_components, n_features, n_features) or of the shape of `factors`
            What the density was factored from.
        """
        return self

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
        accumulator = self.accumulator(len(block), block.dtype, units, parallel=parallel)
        accumulator.add(block, sample_weight, order)
        return accumulator.moments()

    def accumulator(
        self, n: int, dtype: np.dtype, units: Units, *, parallel: bool = True
    ) -> Accumulator:
        """A pass over n rows that come block by block, of that dtype."""
        return Accumulator(self.cast(np.dtype(dtype)), self.is_noisy, n, units, parallel)

    def log_prob(
        self, block: NDArray, units: Units, *, parallel: bool = True
    ) -> NDArray[np.float64]:
        """Log density of each row, (n,), in nats."""
        return self.answers({"log_prob"}, block, units, parallel=parallel)["log_prob"]

    def responsibilities(self, block: NDArray, units: Units, *, parallel: bool = True) -> NDArray:
        """Probability of each component given the row, (n, n_components), of the block's dtype.

        With noise there is one more column, the last.

        Zeros for a row so far out, 1e150 standard deviations (float32: 1e19), that all underflow.
        """
        asked = {"responsibilities"}
        return self.answers(asked, block, units, parallel=parallel)["responsibilities"]

    def predict(self, block: NDArray, units: Units, *, parallel: bool = True) -> NDArray[np.int32]:
        """Likeliest component of each row, (n,); -1 is noise."""
        return self.answers({"predict"}, block, units, parallel=parallel)["predict"]

    def answers(
        self, asked: Collection[str], block: NDArray, units: Units, *, parallel: bool = True
    ) -> dict[str, NDArray]:
        """What the methods of those names say of the rows of a block, in one pass.

        Parameters
        ----------
        asked : collection of str
            Of "log_prob", "responsibilities", "predict".
        block : (n, n_features) float64 or float32, C order
        units : Units
        parallel : bool

        Returns
        -------
        dict
            By name.
        """
        n, width = len(block), len(self.means) + self.is_noisy
        found = {
            "log_prob": np.empty(n if "log_prob" in asked else 0),
            "responsibilities": np.empty(
                (n if "responsibilities" in asked else 0, width), block.dtype
            ),
            "predict": np.empty(n if "predict" in asked else 0, np.int32),
        }
        self._answer(block, units, parallel, *found.values())
        if "log_prob" in asked:
            found["log_prob"] *= LN2
            found["log_prob"] += units.log_jacobian
        if "predict" in asked:
            self._label_noise(found["predict"])
        return {name: found[name] for name in asked}

    def classify(self, block: NDArray, units: Units) -> NDArray[np.int32]:
        """Labels as of `predict`, by the code of `summarise`, which EM has compiled already."""
        labels = np.empty(len(block), np.int32)
        accumulator = self.accumulator(len(block), block.dtype, units)
        step = accumulator.most_slots * accumulator.slot_rows
        for start in range(0, len(block), step):
            some = slice(start, start + step)
            accumulator.sums(block[some], None, labels=labels[some])
        return self._label_noise(labels)

    def expected(self, moments: Moments) -> float:
        """Log-likelihood, in nats, of rows together with their components, of such moments.

        Parameters
        ----------
        moments : Moments
            About `means`; of which only counts and `second` matter, and noise if there is any.
        """
        if moments.second.ndim == 2:
            squares = (moments.second * self.factors**2).sum()
        else:
            squares = ((self.factors @ moments.second) * self.factors).sum()
        # Of a component without rows the norm may be infinite.
        norms = np.where(moments.counts > 0, self.log_norms, 0.0)
        bits = (moments.counts * norms).sum() - squares
        if self.log_noise is not None and moments.noise > 0:
            bits += moments.noise * self.log_noise
        return float(bits) * LN2

    @property
    def is_noisy(self) -> bool:
        """Whether there is noise."""
        return self.log_noise is not None

    def _label_noise(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Labels with -1 for noise, which is the last component of kernels."""
        if self.is_noisy:
            labels[labels == len(self.means)] = -1
        return labels

    def _answer(self, block: NDArray, units: Units, parallel: bool, *found: NDArray) -> None:
        slot_rows = TILE_ROWS * partition.slot_tiles(len(block), 1, 0, self.work(1))
        n_slots = partition.n_slots(len(block), slot_rows)
        parameters = self.cast(block.dtype)
        factors_low, compensated = self._low_parts(block.dtype)
        work = self.work(len(block)) * (1.0 + COMPENSATED_WORK * len(compensated) / len(self.means))
        answer(
            work if parallel else 0.0,
            n_slots,
            read_only(block),
            slot_rows,
            read_only(units.array),
            compiled_mode(parameters[1], block.dtype),
            all_components(len(parameters[0]))[0][0],
            *parameters,
            factors_low,
            compensated,
            *found,
        )

    def _low_parts(self, dtype: np.dtype) -> tuple[NDArray, NDArray]:
        """Low parts of the factors, and the components they count in, for rows of that dtype."""
        return _NEVER, _NONE_COMPENSATED

    def cast(self, dtype: np.dtype) -> tuple[NDArray, NDArray, NDArray]:
        """Means, factors and log_norms for kernels, of the dtype of the rows.

        Noise is one more component, to which all rows have distance 0.
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
        return len(self.means) >= partition.PRUNABLE_COMPONENTS and self.work(n) >= PRUNABLE_WORK

    def work(self, n: int) -> float:
        """Floating point operations of a pass over n rows, about."""
        return n * row_work(len(self.means), self.factors)


@dataclass(frozen=True, eq=False)
class Ellipsoidal(Density):
    """Components whose covariances are full matrices.

    Parameters
    ----------
    means, factors, log_norms, log_noise
        As `Density` has them.
    factors_low : like factors, or (0, 0, 0)
        Low parts of `factors`, which make them exact to twice the precision.
    compensated : (n_compensated,) uint32
        The ill-conditioned components, whose densities need them.
    """

    factors_low: NDArray[np.float64] = field(default_factory=lambda: _NO_LOW_PARTS)
    compensated: NDArray[np.uint32] = field(default_factory=lambda: _NONE_COMPENSATED)

    def refined(
        self, weights: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> Ellipsoidal:
        """Factors in twice the precision, and the components whose rows need it too."""
        covariances = read_only(np.ascontiguousarray(covariances.reshape(self.factors.shape)))
        deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        if is_wide(self.factors) and _inflation(self.factors, deviations).max() < 0.5 * INFLATED:
            return self  # twice the precision takes long, and rows do not need it
        factors, log_norms = self.factors.copy(), self.log_norms.copy()
        factors_low, scratch = np.zeros(factors.shape), np.empty((2, *factors.shape[1:]))
        refine(read_only(weights), covariances, HALF_BITS, factors, factors_low, log_norms, scratch)
        inflation = _inflation(factors, deviations)
        compensated = (
            np.broadcast_to(inflation > INFLATED, len(weights)).nonzero()[0].astype(np.uint32)
        )
        found = replace(self, factors=read_only(factors), log_norms=read_only(log_norms))
        if not len(compensated):
            return found
        return replace(
            found, factors_low=read_only(factors_low), compensated=read_only(compensated)
        )

    def _low_parts(self, dtype: np.dtype) -> tuple[NDArray, NDArray]:
        return (
            (self.factors_low, self.compensated)
            if dtype == np.float64
            else (_NEVER, _NONE_COMPENSATED)
        )


def _inflation(
    factors: NDArray[np.float64], deviations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The largest variance inflation of a column, of each component or of all: (K,) or (1,)."""
    return ((factors * deviations[:, None] / HALF_BITS) ** 2).sum(axis=1).max(axis=1)


class AxisAligned(Density):
    """Components whose covariances are diagonal."""
