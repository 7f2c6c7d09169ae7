"""What a mixture says of each row, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from fastem import validation
from fastem.rows.dask.as_chunks import matrix
from fastem.rows.dask.cluster import check_workers


def lazily(X: Any, n_features: int, of_rows: Callable[[NDArray, str], NDArray]) -> Any:
    """What a function says of each row, as a Dask array in the chunks of X.

    Parameters
    ----------
    X : dask array or data frame
    n_features : int
        Columns that it must have.
    of_rows : callable
        From rows (n, n_features) and a name for them to (n, ...).

    Raises
    ------
    TypeError, ValueError
        If X is no such array.
    """
    array = matrix(X)
    check_workers()
    validation.columns(array.shape[1], n_features)
    like = of_rows(np.zeros((1, n_features), validation.precision_for(array.dtype)), "X")[:0]
    return dask.array.map_blocks(
        _of_block,
        array,
        of_rows=delayed(of_rows, traverse=False, pure=False),
        like=like,
        dtype=like.dtype,
        meta=like,
        drop_axis=1 if like.ndim == 1 else None,
        chunks=(array.chunks[0], *((n,) for n in like.shape[1:])),
    )


def _of_block(
    block: NDArray,
    of_rows: Callable[[NDArray, str], NDArray],
    like: NDArray,
    block_id: tuple[int, ...],
) -> NDArray:
    return of_rows(block, f"block {block_id[0]} of X") if len(block) else like
