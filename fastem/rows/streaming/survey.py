"""The first pass over a stream: rows are counted, checked, and kept if they are few."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.rows.memory import Memory, limits
from fastem.rows.source import tile_sums, weight_unit
from fastem.rows.streaming.stream import KEPT, Stream
from fastem.rows.streaming.surveyed import Surveyed
from fastem.rows.tables.table import Block


def survey(stream: Stream) -> Memory | Surveyed:
    """Read all rows once: count them, check them, and keep them if they are few.

    Raises
    ------
    ValueError
        If there are none, or one is not finite.
    """
    stamp = stream.table.stamp()
    few = stream.memory // (KEPT * stream.row_bytes)
    n = 0

    def facts(X: NDArray, weight: NDArray | None, _: int) -> Facts:
        heaviest = 0.0 if weight is None else float(weight.max())
        with np.errstate(over="ignore"):
            sums = None if weight is None else tile_sums(weight)
        kept = None if n > few else (X.copy(), None if weight is None else weight.copy())
        return Facts(len(X), *limits(X), heaviest, sums, kept)

    heaviest = 0.0
    sums: list[NDArray[np.float64]] = []
    kept: list[Block] = []
    low = np.full(stream.table.n_features, np.inf)
    high = -low
    with closing(stream.each(facts, checked=True)) as results:
        for here in results:
            n += here.n
            low, high = np.minimum(low, here.low), np.maximum(high, here.high)
            heaviest = max(heaviest, here.heaviest)
            if here.sums is not None:
                sums.append(here.sums)
            if here.kept is None or n > few:
                kept.clear()
            else:
                kept.append(here.kept)
    if not n:
        rows = "rows of weight above 0" if stream.table.weighted else "rows"
        raise ValueError(f"{stream.table.name} has no {rows}; give at least one")
    unit = weight_unit(heaviest)
    if n > few:
        of_tiles = np.concatenate(sums) / unit if sums else None
        return Surveyed(stream, n, low, high, stamp, of_tiles, unit)
    weights = [weight / unit for _, weight in kept if weight is not None]
    rows_kept = np.concatenate([X for X, _ in kept])
    return Memory(rows_kept, np.concatenate(weights) if weights else None, unit)


class Facts(NamedTuple):
    """What a survey keeps of a block."""

    n: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    heaviest: float
    sums: NDArray[np.float64] | None
    kept: Block | None
