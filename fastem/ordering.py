"""An order in which neighbouring rows fill a tile, so that a pass can leave components out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.kernels import ordering
from fastem.kernels.tile import GROUP, ROWS
from fastem.units import Units

#: Rows looked at to choose the grid, and the share of them left out at either end.
LOOKED_AT = 4096
TAIL = 1 / 128
#: Tiles, at most, that tell what share of components the others need.
LOOKED_AT_TILES = 16
#: Tiles whose lists are one piece of work.
TILES_OF_A_PART = 16


@dataclass(frozen=True, eq=False)
class Order:
    """An order of rows, which stay where they are: 2 bytes a row, and a box for 512.

    Parameters
    ----------
    index : (n,) uint16
        The rows' numbers, in order, in groups of 65,536: no row leaves its group.
    boxes : (n_tiles, 2, n_features)
        Centre and half widths of the rows of each tile, in the units of the pass.
    """

    index: NDArray[np.uint16]
    boxes: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, units: Units) -> Order:
        """Order of rows X (n, n_features) for passes in those units."""
        n, n_features = X.shape
        index = np.empty(n, np.uint16)
        boxes = np.empty((-(-n // int(ROWS)), 2, n_features))
        arrays = read_only(X), read_only(_grid(X)), read_only(units.array)
        work = 40.0 * X.size
        ordering.order(work, -(-n // GROUP), *arrays, index, boxes)
        return cls(read_only(index), read_only(boxes))

    def lists(
        self, means: NDArray, factors: NDArray, log_norms: NDArray, step: int = 1
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Which components tiles need, and how many, of every so many tiles one.

        Parameters
        ----------
        means, factors, log_norms
            As kernels take them.
        step : int

        Returns
        -------
        listed : (n_tiles, n_components)
        n_listed : (n_tiles,)
        """
        boxes = read_only(np.ascontiguousarray(self.boxes[::step]))
        listed = np.empty((len(boxes), len(means)), np.uint32)
        n_listed = np.empty(len(boxes), np.uint32)
        work = 4.0 * len(boxes) * factors.size
        parts = -(-len(boxes) // TILES_OF_A_PART)
        parameters = means, factors, log_norms
        ordering.list_components(work, parts, boxes, TILES_OF_A_PART, *parameters, listed, n_listed)
        return read_only(listed), read_only(n_listed)

    def share(self, means: NDArray, factors: NDArray, log_norms: NDArray) -> float:
        """The share of components that tiles need, from some of the tiles."""
        step = -(-len(self.boxes) // LOOKED_AT_TILES)
        _, n_listed = self.lists(means, factors, log_norms, step)
        return float(n_listed.mean()) / len(means)


def _grid(X: NDArray) -> NDArray[np.float64]:
    """Corner and 1 / extent of a grid over all but the tails of the rows."""
    some = np.asarray(X[:: max(1, len(X) // LOOKED_AT)], dtype=np.float64)
    first = int(TAIL * len(some))
    last = len(some) - 1 - first
    low, high = np.partition(some, [first, last], axis=0)[[first, last]]
    with np.errstate(divide="ignore", over="ignore"):
        per_extent = 1 / (high - low)
    return np.stack([low, np.where(per_extent < np.inf, per_extent, 0.0)])
