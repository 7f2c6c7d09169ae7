"""Rows that lack some of their columns: groups of those that lack the same, and passes over them.

    rows --Groups.of--> groups --summarise(density)--> Moments of the rows as if they were whole

Rows are sorted within slots, stretches of rows of a length that depends on their number alone, by
the bit pattern of what is missing. `kernels.incomplete` has the mathematics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.density import partition
from fastem.density.accumulator import all_components, row_work
from fastem.density.chunks import Chunks, in_few_rows, rows_of_a_slot
from fastem.density.density import Density
from fastem.kernels import incomplete
from fastem.kernels.eight import LANES
from fastem.kernels.elementary import LN2
from fastem.kernels.tile import TILE_ROWS
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.units import Units

#: What a row that lacks columns takes, in multiples of one that lacks none.
WORK = 4.0

_NO_WEIGHTS = read_only(np.empty(0))
_OVERLAPPING = read_only(np.empty(0))
_NO_NOISE = read_only(np.empty(0))


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows sorted by what they lack.

    Parameters
    ----------
    rows : (n, n_features) float64 or float32
        In the order of `chunks`; what is missing is 0.
    sample_weight : (n,) float64 or None
        In that order.
    chunks : Chunks
    """

    rows: NDArray
    sample_weight: NDArray[np.float64] | None
    chunks: Chunks

    @classmethod
    def of(
        cls,
        X: NDArray,
        sample_weight: NDArray[np.float64] | None,
        slot_rows: int | None = None,
        set_of: NDArray[np.intp] | None = None,
    ) -> Groups:
        """Sort rows X (n, n_features), in which what is missing is NaN, by sets (n,) as well."""
        gaps = np.isnan(X)
        slot_rows = slot_rows or rows_of_a_slot(len(X), X.shape[1] * X.itemsize)
        chunks = Chunks.of(gaps, slot_rows, incomplete.TILE_FROM, set_of)
        rows = np.where(gaps, np.array(0, X.dtype), X)[chunks.order]
        return cls(read_only(rows), None, chunks).weighted(sample_weight)

    def weighted(self, sample_weight: NDArray[np.float64] | None) -> Groups:
        """The same rows with other weights, in the rows' own order."""
        if sample_weight is not None:
            sample_weight = read_only(sample_weight[self.chunks.order])
        return replace(self, sample_weight=sample_weight)

    @lazy
    def missing_weights(self) -> NDArray[np.float64]:
        """The weight of the rows of each slot that lack each column, (n_slots, n_features)."""
        start, stop, pattern, _ = self.chunks.chunks.T
        weights = (stop - start).astype(np.float64)
        if self.sample_weight is not None:
            weights = np.add.reduceat(self.sample_weight, start)
        masks = np.zeros(self.chunks.missing.shape)
        lacking = np.arange(self.rows.shape[1]) < self.chunks.n_missing[:, None]
        np.put_along_axis(masks, self.chunks.missing, lacking, axis=1)
        return np.add.reduceat(weights[:, None] * masks[pattern], self.chunks.slots[:-1], axis=0)

    @lazy
    def slot_weights(self) -> NDArray[np.float64]:
        """The weight of the rows of each slot."""
        begins = self.chunks.chunks[self.chunks.slots[:-1], 0]
        if self.sample_weight is None:
            return np.diff(np.r_[begins, len(self.rows)]).astype(np.float64)
        return np.add.reduceat(self.sample_weight, begins)

    def sums(
        self,
        density: Density,
        units: Units,
        noise_widths: NDArray | None,
        first: int = 0,
        most: int | None = None,
        *,
        possible: NDArray[np.bool_] | None = None,
        parallel: bool = True,
    ) -> NDArray[np.float64]:
        """Sums of slots from the first on, at most so many, as `Accumulator.merge` takes them."""
        own, order = density.cast(self.rows.dtype), self.chunks
        K, D = own[0].shape
        slots = order.slots[first : None if most is None else first + most + 1]
        sums = np.zeros((len(slots) - 1, partition.n_sums(K, D, own[1].ndim - 1)))
        sums[:, 0] = self.slot_weights[first : first + len(sums)]
        share = len(sums) / (len(order.slots) - 1)
        incomplete.summarise(
            share * _work(density, len(self.rows)) if parallel else 0.0,
            len(sums),
            self.rows,
            _NO_WEIGHTS if self.sample_weight is None else self.sample_weight,
            slots,
            order.chunks,
            order.missing,
            order.n_missing,
            *(all_components(K) if possible is None else _lists(possible)),
            units.array,
            _OVERLAPPING,
            *own,
            *_exact(density),
            *_blocks(density),
            _noise_bits(density, noise_widths),
            order.most[0],
            order.most[1],
            sums,
        )
        return sums

    def summarise(
        self,
        density: Density,
        units: Units,
        noise_widths: NDArray | None = None,
        *,
        possible: NDArray[np.bool_] | None = None,
        parallel: bool = True,
    ) -> Moments:
        """One pass: moments of the rows as if they were whole, likelihood of what is observed.

        Parameters
        ----------
        density : Density
        units : Units
        noise_widths : (n_features,), optional
            Of the noise's box, whose sides are along the columns, in the units.
        possible : (n_sets, n_components) bool, optional
            The components of each set of rows, the noise last if there is any. By default all.
        parallel : bool
            False keeps to the calling thread.
        """
        accumulator = density.accumulator(len(self.rows), self.rows.dtype, units)
        most = accumulator.most_slots
        for first in range(0, len(self.chunks.slots) - 1, most):
            how = {"possible": possible, "parallel": parallel}
            sums = self.sums(density, units, noise_widths, first, most, **how)  # type: ignore[arg-type]
            accumulator.merge(sums)
        missing_weight = np.add.reduce(self.missing_weights, axis=0)
        return of_what_is_observed(accumulator.moments(), missing_weight, units)


def of_what_is_observed(moments: Moments, missing_weight: NDArray, units: Units) -> Moments:
    """Moments whose log-likelihood, of what rows have, is brought into the user's units.

    The weight is that of the rows that lack each column, (n_features,).
    """
    lost = float(missing_weight @ np.log(units.scale))
    return replace(moments, log_likelihood=moments.log_likelihood - lost)


class Described(NamedTuple):
    """What is said of each row.

    Parameters
    ----------
    log_densities : (n, n_components)
        Of each component times its weight, the noise last if there is any, in nats.
    filled : (n_draws, n, n_features) or (1, n, n_features)
        The rows with what they lack, in the user's units.
    """

    log_densities: NDArray[np.float64]
    filled: NDArray[np.float64]


def describe(
    density: Density,
    X: NDArray,
    units: Units,
    noise_widths: NDArray | None = None,
    *,
    fill: bool = False,
    variates: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    parallel: bool = True,
) -> Described:
    """Densities of the components at rows X (n, n_features), NaN where something is missing.

    Parameters
    ----------
    density : Density
    X : (n, n_features) float64 or float32
    units : Units
    noise_widths : (n_features,), optional
        As of `Groups.summarise`.
    fill : bool
        Whether expectations of what is missing are wanted; where the noise tells they are 0 in the
        units.
    variates : (n_draws, n) and (n_draws, n, n_features), optional
        Uniform and normal variates, for draws in place of expectations.
    parallel : bool
    """
    gaps = np.isnan(X)
    order = Chunks.of(gaps, 4 * TILE_ROWS, TILE_ROWS + 1)
    order = in_few_rows(order)
    rows = np.where(gaps, np.array(0, X.dtype), X)[order.order]
    n, D = rows.shape
    K = len(density.means) + density.is_noisy
    n_draws = 0 if variates is None else len(variates[0])
    uniforms, normals = np.empty((0, n)), np.empty((0, n, D))
    if variates is not None:
        uniforms, normals = (part[:, order.order] for part in variates)
    found = np.empty((n, K))
    filled = np.empty((n_draws or int(fill), n, D))
    incomplete.describe(
        WORK * _work(density, n) if parallel else 0.0,
        len(order.slots) - 1,
        read_only(rows),
        order.slots,
        order.chunks,
        order.missing,
        order.n_missing,
        units.array,
        -np.inf if density.log_noise is None else density.log_noise,
        *_blocks(density),
        _noise_bits(density, noise_widths),
        max(order.most),
        read_only(np.ascontiguousarray(uniforms)),
        read_only(np.ascontiguousarray(normals)),
        found,
        filled,
    )
    back = np.empty_like(order.order)
    back[order.order] = np.arange(n)
    found = found[back] * LN2
    found += (~gaps @ np.log(units.scale))[:, None]
    return Described(found, units.leave(filled[:, back]))


def _lists(possible: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Numbers of the possible components of each set, and how many there are."""
    listed = np.argsort(~possible, axis=1, kind="stable").astype(np.uint32)
    return read_only(listed), read_only(possible.sum(axis=1).astype(np.uint32))


def _exact(density: Density) -> tuple[NDArray, NDArray]:
    """Factors and log_norms in float64, as kernels take them; matrices transposed."""
    _, factors, log_norms = density.cast(np.dtype(np.float64))
    if factors.ndim == 3:
        factors = read_only(np.ascontiguousarray(factors.swapaxes(1, 2)))
    return factors, log_norms


def _blocks(density: Density) -> tuple[NDArray, NDArray, NDArray]:
    """Means, factors and log_norms of components side by side, as of `kernels.lanes`."""
    means, factors, log_norms = density.means, density.factors, density.log_norms
    if factors.ndim == 3:
        factors = factors.swapaxes(1, 2)
    K = len(means)
    padded = np.minimum(np.arange(-(-K // LANES) * LANES), K - 1)
    which = padded if len(factors) > 1 else np.zeros_like(padded)
    return (
        _side_by_side(means[padded]),
        _side_by_side(factors[which]),
        _side_by_side(log_norms[padded]),
    )


def _side_by_side(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """An array (8 n_blocks, ...) as (n_blocks, ..., 8)."""
    blocks = array.reshape(-1, LANES, *array.shape[1:])
    lanes_last = 0, *range(2, blocks.ndim), 1
    return read_only(np.ascontiguousarray(blocks.transpose(lanes_last)))


def _noise_bits(density: Density, noise_widths: NDArray | None) -> NDArray[np.float64]:
    if not density.is_noisy:
        return _NO_NOISE
    assert noise_widths is not None
    return read_only(np.log2(noise_widths))


def _work(density: Density, n: int) -> float:
    return WORK * n * row_work(len(density.means), density.factors)
