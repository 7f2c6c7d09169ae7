"""Slots: how a pass over rows is divided, by sizes alone, so that sums are the same everywhere."""

from __future__ import annotations

from functools import lru_cache

from fastem.kernels.tile import TILE_ROWS

#: A pass is divided into this many slots at most, a multiple of any likely number of threads,
MAX_SLOTS = 192
#: as long as a slot's rows take no more bytes than this or are no more than so many tiles: several
#: slots must fit into whatever memory a pass over a file may use.
SLOT_ROW_BYTES = 2**20
SLOT_TILES = 8
#: Bytes that slots' moments may take together, as long as there are MIN_SLOTS.
SLOT_BYTES = 2**24
MIN_SLOTS = 4
#: What a slot sums beside moments: the weight of its rows, log-likelihood and classification
#: entropy.
SCALARS = 3


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
    n_tiles = -(-n // TILE_ROWS)
    tiles = max(1, -(-n_tiles // min(MAX_SLOTS, most_slots(slot_bytes))))
    return min(tiles, max(SLOT_TILES, SLOT_ROW_BYTES // max(TILE_ROWS * row_bytes, 1)))


def most_slots(slot_bytes: int) -> int:
    """How many slots' moments may stand in memory together."""
    return max(MIN_SLOTS, SLOT_BYTES // max(slot_bytes, 1))


def n_slots(n: int, tiles: int) -> int:
    """How many slots of so many tiles n rows fill."""
    return max(1, -(-n // (tiles * TILE_ROWS)))


@lru_cache(maxsize=64)
def plan(
    n: int, itemsize: int, n_components: int, n_features: int, second_dims: int
) -> tuple[int, int, int]:
    """Numbers that a slot sums, its tiles, and how many slots may stand in memory together."""
    n_second = n_components * n_features**second_dims
    tiles = slot_tiles(n, n_features * itemsize, 8 * n_second)
    n_sums = SCALARS + n_components * (1 + n_features) + n_second
    return n_sums, tiles, most_slots(8 * n_second)
