"""Reader: one pass over the rows of a frame, those left out that do not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.rows.formats.table import Cursor
from fastem.rows.frame import Frame, Part
from fastem.rows.missing import Gaps


class Reader:
    """One pass over the rows of a frame; `gaps` is what has been missing so far.

    What is missing or not finite may be looked for. Rows that are left out of fits may be given out
    too, as they are, and no weights.
    """

    def __init__(self, frame: Frame, *, checked: bool, every: bool = False) -> None:
        self.gaps = Gaps(frame.n_features)
        self._frame, self._checked, self._every = frame, checked or frame.changeable, every
        self._left = iter(frame.parts)
        self._part: Part | None = None
        self._cursor: Cursor | None = None
        weights = None if every else frame.weights
        self._weights = None if weights is None else weights.cursor(1)
        self._row = 0

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Fill X (n, n_features) and weight (n,) with the next rows that count.

        How many they are is returned: fewer than there is room for only at the end.
        """
        filled = 0
        while filled < len(X):
            room = X[filled:], None if weight is None else weight[filled:]
            n = self._rows(*room)
            if not n:
                if self.gaps.n_dropped and self._frame.missing == "error":
                    raise self.gaps.error
                break
            filled += self._kept(room[0][:n], None if room[1] is None else room[1][:n])
            self._row += n
        return filled

    def close(self) -> None:
        """Let go of files."""
        for cursor in self._cursor, self._weights:
            if cursor is not None:
                cursor.close()

    def _rows(self, X: NDArray, weight: NDArray | None) -> int:
        """Read the next rows of one table, with their weights."""
        n_features = X.shape[1]
        while True:
            if self._cursor is None:
                self._part = next(self._left, None)
                if self._part is None:
                    if self._weights is not None and self._weights.read(np.empty((1, 1))):
                        raise unequal(self._frame.name, "more weights", f"{self.gaps.n_rows} rows")
                    return 0
                n_read = n_features if self._every else len(self._part.columns)
                self._cursor, self._row = self._part.cursor(n_read), 0
            if self._frame.has_weights and not self._every:
                both = np.empty((len(X), n_features + 1))
                n = self._cursor.read(both)
                X[:n], weight[:n] = both[:n, :-1], both[:n, -1]  # type: ignore[index]
            else:
                n = self._cursor.read(X)
            if n:
                break
            self._cursor.close()
            self._cursor = None
        self.gaps.n_rows += n
        if self._weights is not None and weight is not None:
            beside = np.empty((n, 1))
            if (n_weights := self._weights.read(beside)) < n:
                n_weights += self.gaps.n_rows - n
                raise unequal(self._frame.name, f"{n_weights} weights", "more rows")
            weight[:n] = beside[:, 0]
        return n

    def _kept(self, X: NDArray, weight: NDArray | None) -> int:
        """Look at rows that were read, and close the ranks where some do not count."""
        kept = None
        if self._checked:
            self._frame.marks.apply(X)
            kept = self._complete(X)
        if weight is not None:
            self._check_weights(weight)
            if not weight.all():
                kept = weight > 0 if kept is None else kept & (weight > 0)
        if kept is None or self._every:
            return len(X)
        n = int(kept.sum())
        X[:n] = X[kept]
        if weight is not None:
            weight[:n] = weight[kept]
        return n

    def _complete(self, X: NDArray) -> NDArray[np.bool_] | None:
        """Which rows lack nothing, if some do; what is infinite is refused."""
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(X.sum()) or np.isfinite(X).all():
                return None
        missing, infinite = np.isnan(X), np.isinf(X)
        if infinite.any():
            raise ValueError(f"{self._where(infinite)} is {X[infinite][0]}; fill or drop such rows")
        self.gaps.first = self.gaps.first or f"{self._where(missing)} is missing"
        dropped = self._frame.missing != "mar"
        self.gaps.add(missing, dropped)
        return ~missing.any(axis=1) if dropped else None

    def _where(self, wrong: NDArray[np.bool_]) -> str:
        """What messages call the first such place."""
        assert self._part is not None
        i, j = map(int, np.argwhere(wrong)[0])
        return self._part.table.where(self._row + i, self._part.columns[j])

    def _check_weights(self, weight: NDArray) -> None:
        if bad := validation.first_bad_weight(weight):
            assert self._part is not None
            raise ValueError(
                f"{self._part.table.name} has a sample_weight of {bad.value} at row "
                f"{self._row + bad.row} (counted from 0); weights must be finite and at least 0"
            )


def unequal(name: str, weights: str, rows: str) -> ValueError:
    """What to say of weights that are not as many as the rows."""
    return ValueError(f"sample_weight has {weights} but {name} has {rows}; give one weight a row")
