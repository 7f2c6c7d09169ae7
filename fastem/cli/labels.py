"""Labels of all rows, as text or in the formats of `fastem.rows.labels`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastem.cli.errors import InputError, told
from fastem.cli.tables import Table
from fastem.lazy import lazy
from fastem.mixture import Mixture
from fastem.rows.labels import FORMATS, header, lines


def check(target: str | None, table: Table) -> None:
    """Whether labels of these rows can be written there."""
    if _suffix(target) is not None and table.kept is not None:
        raise InputError(
            f"--labels {target} has no place for rows left out for missing values; end it in .csv"
        )


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of a table's rows and, where asked for, probabilities.

    Rows that are read piece by piece are labelled anew each time.

    Parameters
    ----------
    table : Table
    mixture : Mixture
    probabilities : bool
    """

    table: Table
    mixture: Mixture
    probabilities: bool = False

    def sizes(self) -> NDArray[np.int64]:
        """How many rows are noise, and how many belong to each component."""
        sizes = np.zeros(1 + self.mixture.n_components, np.int64)
        for labels, _ in self._blocks():
            sizes += np.bincount(labels + 1, minlength=len(sizes))
        return sizes

    def text(self) -> Iterator[str]:
        """CSV with a header and a line for every row of the file; rows left out are NA."""
        names = header(*self._columns)
        yield ",".join(names) + "\n"
        rows = (line for labels, resp in self._blocks() for line in lines(labels, resp))
        if self.table.kept is None:
            yield from rows
            return
        absent = ",".join(["NA"] * len(names)) + "\n"
        for is_kept in self.table.kept:
            yield next(rows) if is_kept else absent

    def write(self, target: str | None, path: Path) -> None:
        """Write what the target's suffix says to a path; CSV where it says nothing else."""
        suffix = _suffix(target)
        if suffix is None:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.writelines(self.text())
            return
        with closing(FORMATS[suffix](path, *self._columns)) as numbers:
            for labels, resp in self._blocks():
                numbers.write(labels, resp)

    @property
    def _columns(self) -> tuple[int | None, bool]:
        """Number of probabilities, and whether that of noise follows."""
        if not self.probabilities:
            return None, False
        return self.mixture.n_components, self.mixture.noise is not None

    def _blocks(self) -> Iterable[tuple[NDArray, NDArray | None]]:
        return self._at_once if isinstance(self.table.X, np.ndarray) else self._one_by_one()

    @lazy
    def _at_once(self) -> list[tuple[NDArray, NDArray | None]]:
        return list(self._one_by_one())

    def _one_by_one(self) -> Iterator[tuple[NDArray, NDArray | None]]:
        kernels = ["predict", "responsibilities"] if self.probabilities else ["predict"]
        with told(), closing(self.mixture.each(kernels, self.table.X)) as results:
            for labels, *resp in results:
                yield labels, resp[0] if resp else None


def _suffix(target: str | None) -> str | None:
    """That of a format of numbers; None stands for text."""
    suffix = Path(target or "").suffix.lower()
    return suffix if suffix in FORMATS and suffix != ".csv" else None
