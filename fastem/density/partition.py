"""Slots: how a pass over rows is divided, by sizes alone, so that sums are the same everywhere."""

from __future__ import annotations

from functools import lru_cache

from fastem.kernels.passes import SCALARS
from fastem.kernels.tile import TILE_ROWS
from fastem.kernels.wide import COLUMNS, STRIP

#: A pass is divided into this many slots at most, a multiple of any likely number of threads,
MAX_SLOTS = 192
#: as long as a slot's rows take no more bytes than this or are no more than so many tiles: several
#: slots must fit into whatever memory a pass over a file may use.
SLOT_ROW_BYTES = 2**20
SLOT_TILES = 8
#: Floating point operations of a slot, about, where its rows take no more bytes than these: to
#: begin one, and to add its sums to those of the others, takes as long as some ten thousand.
SLOT_WORK, FEW_ROW_BYTES = 1e6, 2**16
#: Bytes that slots' moments may take together, as long as there are MIN_SLOTS.
SLOT_BYTES = 2**24
MIN_SLOTS = 4
#: Components from which it may pay to put rows in an order, of which each tile has a list.
PRUNABLE_COMPONENTS = 8


def slot_tiles(n: int, row_bytes: int, slot_bytes: int, row_work: float) -> int:
    """How many tiles a slot has where n rows are divided.

    It depends on sizes alone, never on the machine, so that sums come out the same everywhere.

    Parameters
    ----------
    n, row_bytes : int
        How many rows, and how large one is.
    slot_bytes : int
        How large the moments of a slot are.
    row_work : float
        Floating point operations of a row, about.
    """
    n_tiles = -(-n // TILE_ROWS)
    tiles = max(1, -(-n_tiles // min(MAX_SLOTS, most_slots(slot_bytes))))
    enough = int(min(SLOT_WORK / (TILE_ROWS * row_work), FEW_ROW_BYTES / (TILE_ROWS * row_bytes)))
    tiles = max(tiles, min(n_tiles, enough))
    return min(tiles, max(SLOT_TILES, SLOT_ROW_BYTES // max(TILE_ROWS * row_bytes, 1)))


def most_slots(slot_bytes: int) -> int:
    """How many slots' moments may stand in memory together."""
    return max(MIN_SLOTS, SLOT_BYTES // max(slot_bytes, 1))


def even_rows(n: int, tiles: int, most: int) -> int:
    """Rows of a slot where slots of so many tiles, of many columns, are made alike.

    A slot's moments are large there, so that slots are few: ten tiles in four slots of three would
    keep one of two threads busy with six. A slot is of whole strips, and the number of slots is
    even where there may be so many. No more are made: to add up one more takes as long as some
    hundred rows.
    """
    wanted = 2 * -(-n_slots(n, tiles * TILE_ROWS) // 2)
    return STRIP * max(1, -(-n // (min(wanted, most) * STRIP)))


def n_slots(n: int, slot_rows: int) -> int:
    """How many slots of so many rows n rows fill."""
    return max(1, -(-n // slot_rows))


def n_sums(n_components: int, n_features: int, second_dims: int) -> int:
    """Numbers that a slot sums."""
    return SCALARS + n_components * (1 + n_features + n_features**second_dims)


@lru_cache(maxsize=64)
def plan(
    n: int, itemsize: int, n_components: int, n_features: int, second_dims: int, row_work: float
) -> tuple[int, int, int]:
    """Numbers that a slot sums, its rows, and how many slots may stand in memory together."""
    n_second = n_components * n_features**second_dims
    tiles = slot_tiles(n, n_features * itemsize, 8 * n_second, row_work)
    most = most_slots(8 * n_second)
    slot_rows = tiles * TILE_ROWS
    if second_dims == 2 and n_features >= COLUMNS and n_components < PRUNABLE_COMPONENTS:
        slot_rows = min(slot_rows, even_rows(n, tiles, most))
    return n_sums(n_components, n_features, second_dims), slot_rows, most
