"""The first pass over a frame: rows are counted, checked, and kept if they are few."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.rows.incomplete import Incomplete, observed_limits
from fastem.rows.memory import Memory, limits
from fastem.rows.missing import Gaps, check_seen
from fastem.rows.source import Drawn, Limits, tile_sums, weight_unit
from fastem.rows.stream.passes import KEPT, Passes


@dataclass(frozen=True, eq=False)
class Scan:
    """What is known of rows that were read once.

    Parameters
    ----------
    n : int
        Rows that count.
    limits : (n_features,) and (n_features,)
        Smallest and largest number in each column.
    stamp : object
        The frame's at the time.
    tile_sums : (n_tiles,) or None
        Of the weights, in their unit, of each tile of rows.
    weight_unit : float
    kept : Memory or None
        The rows, where they are few.
    gaps : Gaps
        What is missing.
    """

    n: int
    limits: Limits
    stamp: Hashable
    tile_sums: NDArray[np.float64] | None
    weight_unit: float
    kept: Memory | None
    gaps: Gaps


def scan(passes: Passes) -> Scan:
    """Read all rows once.

    Raises
    ------
    ValueError
        If there are none, or one is not finite or not complete where it must be.
    """
    frame, stamp = passes.frame, passes.frame.stamp()
    few = passes.memory // (KEPT * passes.row_bytes)
    n = 0

    def facts(X: NDArray, weight: NDArray | None, _: int) -> Facts:
        heaviest = 0.0 if weight is None else float(weight.max())
        with np.errstate(over="ignore"):
            sums = None if weight is None else tile_sums(weight)
        kept = None if n > few else (X.copy(), None if weight is None else weight.copy())
        low, high = observed_limits(X) if frame.missing == "mar" else limits(X)
        return Facts(len(X), low, high, heaviest, sums, kept)

    heaviest = 0.0
    sums: list[NDArray[np.float64]] = []
    kept: list[Drawn] = []
    gaps: list[Gaps] = []
    low = np.full(frame.n_features, np.inf)
    high = -low
    with closing(passes.each(facts, checked=True, gaps=gaps)) as results:
        for here in results:
            n += here.n
            low, high = np.fmin(low, here.low), np.fmax(high, here.high)
            heaviest = max(heaviest, here.heaviest)
            if here.sums is not None:
                sums.append(here.sums)
            if here.kept is None or n > few:
                kept.clear()
            else:
                kept.append(here.kept)
    if not n:
        raise nothing_left(frame.name, frame.weighted, gaps[0])
    check_seen(low, frame.name, frame.columns)
    unit = weight_unit(heaviest)
    memory = None
    if n <= few:
        weights = [weight / unit for _, weight in kept if weight is not None]
        rows = np.concatenate([X for X, _ in kept])
        kind = Incomplete if np.isnan(rows).any() else Memory
        memory = kind(rows, np.concatenate(weights) if weights else None, unit)
    of_tiles = np.concatenate(sums) / unit if sums else None
    return Scan(n, (low, high), stamp, of_tiles, unit, memory, gaps[0])


class Facts(NamedTuple):
    """What a scan keeps of a block."""

    n: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    heaviest: float
    sums: NDArray[np.float64] | None
    kept: Drawn | None


def nothing_left(name: str, weighted: bool, gaps: Gaps) -> ValueError:
    """What is said where no row counts."""
    if gaps.n_dropped:
        return ValueError(f"{name}: every row has missing values; choose other columns=")
    rows = "rows of weight above 0" if weighted else "rows"
    return ValueError(f"{name} has no {rows}; give at least one")
