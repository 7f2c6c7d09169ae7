"""Chunks: rows in the order of what they lack, as kernels take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.kernels.lanes import FEW
from fastem.kernels.tile import TILE_ROWS

#: A slot has so many tiles of rows at least, for groups to have some rows in it, and the rows fill
#: no more than so many slots as long as slots do not get larger than that, nor than so many bytes.
LEAST_TILES, MOST_TILES, SLOTS, SLOT_BYTES = 16, 64, 8, 2**21


class Chunks(NamedTuple):
    """Rows as `kernels.incomplete` takes them.

    Parameters
    ----------
    order : (n,) intp
        The rows' numbers, in order.
    slots, chunks, missing, n_missing
        As of `kernels.incomplete.summarise`.
    most : (int, int)
        Missing columns, at most, in tiles and in few rows.
    """

    order: NDArray[np.intp]
    slots: NDArray[np.int64]
    chunks: NDArray[np.int64]
    missing: NDArray[np.int64]
    n_missing: NDArray[np.int64]
    most: tuple[int, int]

    @classmethod
    def of(
        cls,
        gaps: NDArray[np.bool_],
        slot_rows: int,
        tile_from: int,
        set_of: NDArray[np.intp] | None = None,
    ) -> Chunks:
        """Those of rows that lack these columns (n, n_features), by sets of components too."""
        n = len(gaps)
        masks, pattern_of = _distinct(gaps)
        slot_of = np.arange(n) // slot_rows
        n_sets = 1 if set_of is None else int(set_of.max()) + 1
        if set_of is not None:
            pattern_of = pattern_of * n_sets + set_of
        order = np.lexsort((pattern_of, slot_of))
        own, slot = pattern_of[order], slot_of[order]
        begins = np.flatnonzero(np.r_[True, (own[1:] != own[:-1]) | (slot[1:] != slot[:-1])])
        sizes = np.diff(np.r_[begins, n])
        n_missing = masks.sum(axis=1)
        own, lists = np.divmod(own[begins], n_sets)
        whole = n_missing[own] == 0
        n_tiles, rest = np.divmod(sizes, TILE_ROWS)
        n_tiles += (rest >= tile_from) | (whole & (rest > 0))
        left = np.maximum(sizes - n_tiles * TILE_ROWS, 0)
        each = n_tiles + -(-left // FEW)
        group = np.repeat(np.arange(len(begins)), each)
        place = np.arange(len(group)) - np.repeat(np.cumsum(each) - each, each)
        few = place - n_tiles[group]
        start = np.where(few < 0, place, n_tiles[group]) * TILE_ROWS
        start += np.maximum(few, 0) * FEW
        stop = np.minimum(start + np.where(few < 0, TILE_ROWS, FEW), sizes[group])
        begin, kind = begins[group], own[group]
        chunks = np.stack([begin + start, begin + stop, kind, lists[group]], axis=1)
        n_slots = int(slot[-1]) + 1
        slots = np.searchsorted(slot[begin], np.arange(n_slots + 1))
        lacking = n_missing[kind]
        most = [int(lacking[some].max(initial=0)) for some in (few < 0, few >= 0)]
        return cls(
            order,
            read_only(slots.astype(np.int64)),
            read_only(chunks.astype(np.int64)),
            read_only(np.argsort(~masks, axis=1, kind="stable").astype(np.int64)),
            read_only(n_missing.astype(np.int64)),
            (most[0], most[1]),
        )


def in_few_rows(order: Chunks) -> Chunks:
    """The same rows in chunks of `FEW`, tiles too."""
    start, stop, pattern, lists = order.chunks.T
    each = -(-(stop - start) // FEW)
    of = np.repeat(np.arange(len(start)), each)
    place = np.arange(len(of)) - np.repeat(np.cumsum(each) - each, each)
    begin = start[of] + place * FEW
    end = np.minimum(begin + FEW, stop[of])
    chunks = np.stack([begin, end, pattern[of], lists[of]], axis=1)
    slots = np.r_[0, np.cumsum(each)][order.slots]
    most = max(order.most)
    return order._replace(slots=read_only(slots), chunks=read_only(chunks), most=(0, most))


def rows_of_a_slot(n: int, row_bytes: int) -> int:
    """How many rows are sorted together, by sizes alone; threads share slots of equal size."""
    n_tiles = -(-n // TILE_ROWS)
    tiles = min(max(LEAST_TILES, -(-n_tiles // SLOTS)), MOST_TILES)
    n_slots = -(-n_tiles // max(1, min(tiles, SLOT_BYTES // (TILE_ROWS * row_bytes))))
    if n_slots > 2:
        n_slots = 4 * -(-n_slots // 4)
    return TILE_ROWS * max(1, -(-n_tiles // max(1, n_slots)))


def _distinct(gaps: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """The distinct rows in the order of their bits, and which of them each row is."""
    n, n_features = gaps.shape
    packed = np.zeros((n, 8 * -(-n_features // 64)), np.uint8)
    packed[:, : -(-n_features // 8)] = np.packbits(gaps, axis=1)
    words = packed.view(">u8").astype(np.uint64)  # whose order is that of the bits
    order = np.lexsort(words.T[::-1])
    words = words[order]
    new = np.r_[True, (words[1:] != words[:-1]).any(axis=1)]
    number = np.empty(n, np.intp)
    number[order] = np.cumsum(new) - 1
    return gaps[order[new]], number
