"""The first look at rows that come in blocks: whether they can be fitted, what they are like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.rows.dask.chunk import Mark
from fastem.rows.missing import Gaps, check_seen
from fastem.validation.column_choice import called


class Facts(NamedTuple):
    """What a block is like.

    Parameters
    ----------
    n_rows, n_counted : int
        Rows, and those of weight above 0.
    heaviest, sum : float
        The largest weight and their sum; 1 and the number of rows where there are none.
    low, high : (n_features,)
        Smallest and largest number in each column of the rows that count.
    bad, bad_weight : Bad or None
    n_lacking, n_empty : int
        Rows that count and lack columns, and those that have none.
    mark : Mark
        What later passes know the block by.
    """

    n_rows: int
    n_counted: int
    heaviest: float
    sum: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bad: validation.Bad | None
    bad_weight: validation.Bad | None
    n_lacking: int
    n_empty: int
    mark: Mark


def survey(
    block: ArrayLike,
    weight: ArrayLike | None,
    number: int,
    n_rows: float,
    n_features: int,
    missing: str,
) -> Facts | Exception:
    """Look at a block and the weights of its rows; an error is returned, to be raised elsewhere.

    Parameters
    ----------
    block : (n, n_features) array-like
    weight : (n,) array-like or None
    number : int
        Of the block.
    n_rows : float
        That it is said to have; NaN if nobody knows.
    n_features : int
    missing : {"error", "mar"}
        Whether a row may lack columns.
    """
    name = f"block {number} of X"
    try:
        X = validation.matrix(block, name=name)
        v = (
            None
            if weight is None
            else validation.vector(weight, len(X), f"sample_weight of {name}")
        )
    except (TypeError, ValueError) as error:
        return error
    if X.shape[1] != n_features:
        return ValueError(f"{name} has {X.shape[1]} columns, where X has {n_features}")
    if wrong := miscounted(len(X), n_rows, name):
        return wrong
    counted = X if v is None else X[v > 0]
    with np.errstate(over="ignore"):
        total = float(len(X) if v is None else v.sum())
    return Facts(
        len(X),
        len(counted),
        1.0 if v is None else float(v.max(initial=0.0)),
        total,
        np.fmin.reduce(counted, axis=0, initial=np.inf).astype(np.float64),
        np.fmax.reduce(counted, axis=0, initial=-np.inf).astype(np.float64),
        validation.first_bad(X if missing == "error" else np.where(np.isnan(X), 0.0, X)),
        None if v is None else validation.first_bad_weight(v),
        int(np.isnan(counted).any(axis=1).sum()),
        int(np.isnan(counted).all(axis=1).sum()),
        Mark.of(number, block, weight),
    )


def miscounted(n_rows: int, declared: float, name: str) -> ValueError | None:
    """What is wrong if a block has other than the rows that its chunks declare, NaN for any."""
    if np.isnan(declared) or n_rows == declared:
        return None
    return ValueError(
        f"{name} has {n_rows} rows, where its chunks say {declared:.0f}; X.compute_chunk_sizes() "
        f"counts them"
    )


class Survey(NamedTuple):
    """What all rows are like.

    Parameters
    ----------
    ends : (n_blocks,) int
        Rows that count in each block and all before it.
    heaviest : float
    sums : (n_blocks,)
        Of the weights in each block.
    low, high : (n_features,)
    n_lacking : int
        Rows that lack columns.
    empty : str or None
        What is said of rows that have none.
    marks : (n_blocks,)
    """

    ends: NDArray[np.int64]
    heaviest: float
    sums: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_lacking: int
    empty: str | None
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, blocks: Sequence[Facts | Exception], n_features: int) -> Survey:
        """Put together what is known of the blocks, in their order.

        Raises
        ------
        TypeError, ValueError
            If the rows cannot be fitted; they are counted over all blocks.
        """
        facts = [_raised(block) for block in blocks]
        n_rows = sum(block.n_rows for block in facts)
        if n_rows == 0 or n_features == 0:
            raise ValueError(
                f"X is empty, shape {n_rows, n_features}; give at least one row and column"
            )
        if bad := _first([block.bad for block in facts], facts):
            raise bad.in_rows("X")
        if bad := _first([block.bad_weight for block in facts], facts):
            raise bad.in_weights()
        ends = np.cumsum([block.n_counted for block in facts])
        if ends[-1] == 0:
            raise ValueError("sample_weight is zero for every row; at least one row must count")
        low = np.min([block.low for block in facts], axis=0)
        check_seen(low, "X", called(None, n_features))
        return cls(
            ends,
            max(block.heaviest for block in facts),
            np.array([block.sum for block in facts]),
            low,
            np.max([block.high for block in facts], axis=0),
            sum(block.n_lacking for block in facts),
            Gaps(n_features, n_empty=sum(block.n_empty for block in facts)).empty,
            tuple(block.mark for block in facts),
        )


def _raised(block: Facts | Exception) -> Facts:
    if isinstance(block, Exception):
        raise block
    return block


def _first(found: Sequence[validation.Bad | None], facts: Sequence[Facts]) -> validation.Bad | None:
    """The bad entries of all blocks together, the first one counted over all rows."""
    before, first, how_many = 0, None, 0
    for bad, block in zip(found, facts, strict=True):
        if bad is not None:
            first = first or bad._replace(row=before + bad.row)
            how_many += bad.how_many
        before += block.n_rows
    return first and first._replace(how_many=how_many)
