"""Rowwise: what a mixture says of each row, wherever rows live.

An array is answered at once, by several threads. Files and other sources are read in blocks, each
by one thread. Of Dask's collections the answer is one too, computed when it is asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture.answers import answers
from fastem.mixture.components import Components
from fastem.rows import RowsLike, Source, are_of_dask, converted, streamed
from fastem.rows.missing import spread
from fastem.units import Units
from fastem.words import Missing

#: Rows of float32 farther away than this, in the mixture's units, are evaluated as float64.
FAR = 1e12


@dataclass(frozen=True, eq=False, repr=False)
class Rowwise(Components):
    """Components that answer for each row."""

    def rows_of(self, X: ArrayLike) -> NDArray:
        """Rows in memory as an array, checked, its columns in the mixture's order."""
        return validation.rows(self._in_order(X), n_features=self.n_features)

    def each(
        self,
        kernels: Sequence[str],
        X: RowsLike,
        name: str = "X",
        *,
        missing: Missing = "error",
        parallel: bool = True,
    ) -> Generator[list[NDArray], None, None]:
        """What methods of those names say of each row: of an array at once, of files in blocks.

        Parameters
        ----------
        kernels : sequence of str
            "predict", "responsibilities", "log_prob", "component_log_prob", "uncertainty".
        X : (n_samples, n_features) array-like, path or source
        name : str
            What messages call X.
        missing : {"error", "drop", "mar"}
        parallel : bool
            Whether an array may have several threads.

        Yields
        ------
        list of ndarray
            One for each kernel, of the rows of one block, in their order.
        """
        source = streamed(X, None, self.feature_names, missing)
        if source is None:
            X = self._in_order(X)
            validation.choice(missing, "missing", validation.MISSING)
            source = converted(X) if missing == "error" and parallel else None
        if source is None:
            rows, gaps = validation.complete(X, missing, name, self.n_features)
            said = self._said(kernels, rows, parallel, complete=missing != "mar")
            kept = None if gaps is None else np.logical_not(gaps.any(axis=1))
            yield said if kept is None else [spread(part, kept) for part in said]
            return
        self._check_source(source)

        def work(block: NDArray) -> list[NDArray]:
            return self._said(kernels, block, parallel=False, complete=False)

        beside = (self.n_components + 2) * source.dtype.itemsize
        with closing(source.every(work, beside)) as results:
            yield from results

    def _in_order(self, X: Any) -> Any:
        """Rows whose columns have names, in the order of the mixture's.

        Raises
        ------
        ValueError
            If they have other names.
        """
        theirs, mine = validation.feature_names(X), self.feature_names
        if theirs is None or mine is None or theirs == mine:
            return X
        if sorted(theirs) != sorted(mine):
            raise validation.other_names("X", theirs, mine)
        return validation.chosen_columns(X, mine)

    def _check_source(self, source: Source) -> None:
        """Refuse rows that are open already, of other columns or in another order."""
        names = getattr(source, "names", None), self.feature_names
        validation.columns(source.n_features, self.n_features, *names, name=source.name)

    def _of_each_row(
        self,
        kernel: str,
        X: RowsLike,
        name: str = "X",
        *,
        missing: Missing = "error",
        parallel: bool = True,
    ) -> NDArray:
        """What the density says of each row by the method of that name."""
        if are_of_dask(X):
            from fastem.rows.dask import lazily

            serial = partial(self._of_each_row, kernel, missing=missing, parallel=False)
            return lazily(X, self.n_features, serial)
        how = {"missing": missing, "parallel": parallel}
        with closing(self.each((kernel,), X, name, **how)) as results:  # type: ignore[arg-type]
            return _joined((part for (part,) in results), getattr(X, "shape", ()))

    def _said(
        self, kernels: Sequence[str], rows: NDArray, parallel: bool, complete: bool
    ) -> list[NDArray]:
        """What methods of those names say of an array of rows, which may lack columns or not."""
        said = answers(kernels, self, rows, parallel, complete)
        far = far_rows(rows, self._factored_for(rows.dtype)[1])
        if far is not None:
            distant = self._said(kernels, rows[far].astype(np.float64), parallel, complete)
            for part, exact in zip(said, distant, strict=True):
                part[far] = exact
        return said


def _joined(parts: Iterator[NDArray], shape: tuple[int, ...]) -> NDArray:
    """Parts one after the other; in place, where the shape of the rows says how many there are."""
    first = next(parts)
    if not shape:
        rest = list(parts)
        return np.concatenate([first, *rest]) if rest else first
    if len(first) == shape[0]:
        return first
    found, start = np.empty((shape[0], *first.shape[1:]), first.dtype), 0
    for part in chain([first], parts):
        found[start : start + len(part)] = part
        start += len(part)
    return found


def far_rows(rows: NDArray, units: Units) -> NDArray[np.bool_] | None:
    """Which rows of float32 lie so far away that their squares may overflow; None if none do."""
    if rows.dtype != np.float32 or not rows.size:
        return None
    reach = (FAR / units.scale + np.abs(units.centre)).min()
    if max(rows.max(), -rows.min()) < reach:
        return None
    far = (np.abs(rows) >= reach).any(axis=1)
    return far if far.any() else None
