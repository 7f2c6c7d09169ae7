"""A vector in memory as a table of one column."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence

from numpy.typing import NDArray

from fastem.rows.formats.table import CHUNK, Table


class Array(Table):
    """A vector, maybe mapped from a file.

    Parameters
    ----------
    vector : (n_rows,) ndarray
    """

    width = 1

    def __init__(self, vector: NDArray) -> None:
        self.vector, self.name, self.n_rows = vector, "an array", len(vector)

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """Some of it at a time."""
        for start in range(0, len(self.vector), CHUNK):
            yield self.vector[start : start + CHUNK, None]

    def stamp(self) -> Hashable:
        """It is not looked at again."""
        return 0
