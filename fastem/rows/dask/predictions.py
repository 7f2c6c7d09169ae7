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
from fastem.rows.dask.survey import miscounted


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
        If X is no such array; when it is computed, if a chunk has other than the rows it declares.
    """
    array = matrix(X)
    check_workers()
    validation.columns(array.shape[1], n_features)
    like = of_rows(np.zeros((1, n_features), validation.precision_for(array.dtype)), "X")[:0]
    return dask.array.map_blocks(
        _of_block,
        array,
        asked=delayed((of_rows, array.chunks[0]), traverse=False, pure=False),
        like=like,
        dtype=like.dtype,
        meta=like,
        drop_axis=1 if like.ndim == 1 else None,
        chunks=(array.chunks[0], *((n,) for n in like.shape[1:])),
    )


def _of_block(
    block: NDArray,
    asked: tuple[Callable[[NDArray, str], NDArray], tuple[float, ...]],
    like: NDArray,
    block_id: tuple[int, ...],
) -> NDArray:
    of_rows, declared = asked
    name = f"block {block_id[0]} of X"
    if error := miscounted(len(block), declared[block_id[0]], name):
        raise error
    return of_rows(block, name) if len(block) else like
