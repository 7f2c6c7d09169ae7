"""Digest: a number that tells rows from others, the same in whatever blocks they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Numbers that are mixed at once: they stay in a cache.
AT_ONCE = 2**15
#: What numbers are counted modulo, and the base in which rows are its digits.
MODULUS, BASE = 2**64, 0x9E3779B97F4A7C15
#: Shifts and multipliers that spread each bit over all others: the finaliser of G. L. Steele, D.
#: Lea and C. H. Flood, OOPSLA 2014, figure 14.
SPREAD = (30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)


@dataclass(frozen=True)
class Digest:
    """Rows as the digits of a number below 2^64: that of two blocks follows from those of each."""

    n_rows: int = 0
    rows: int = 0
    weights: int = 0

    @classmethod
    def of(cls, X: NDArray, weight: NDArray[np.float64] | None) -> Digest:
        """That of rows X (n, n_features) and their weights (n,), if they have any."""
        step = max(1, AT_ONCE // X.shape[1])
        columns = _mixed(np.arange(1.0, X.shape[1] + 1)) | np.uint64(1)
        digest = cls()
        for start in range(0, len(X), step):
            some = slice(start, start + step)
            rows = _mixed(X[some]) @ columns
            weights = 0 if weight is None else _number(_mixed(weight[some]))
            digest += cls(len(rows), _number(rows), weights)
        return digest

    def __add__(self, other: Digest) -> Digest:
        """That of these rows and the other ones after them."""
        shift = pow(BASE, other.n_rows, MODULUS)
        return Digest(
            self.n_rows + other.n_rows,
            (self.rows * shift + other.rows) % MODULUS,
            (self.weights * shift + other.weights) % MODULUS,
        )


def _number(digits: NDArray[np.uint64]) -> int:
    powers = np.full(len(digits), BASE, np.uint64)
    powers[-1] = 1
    return int(np.multiply.accumulate(powers[::-1])[::-1] @ digits)


def _mixed(numbers: NDArray) -> NDArray[np.uint64]:
    """The bits of each number, spread over 64."""
    words = np.ascontiguousarray(numbers).view(f"u{numbers.itemsize}").astype(np.uint64)
    for shift, multiplier in SPREAD:
        words ^= words >> np.uint64(shift)
        words *= np.uint64(multiplier)
    return words
