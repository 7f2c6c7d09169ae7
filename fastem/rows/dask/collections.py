"""Dask's collections: rows as chunks of whole rows, and what a mixture says of each as another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
from dask.base import is_dask_collection
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from fastem import validation
from fastem.rows.dask.cluster import check_workers
from fastem.rows.dask.survey import miscounted


def matrix(X: Any) -> dask.array.Array:
    """A Dask array or data frame as an array (n_samples, n_features) in chunks of whole rows.

    Raises
    ------
    TypeError, ValueError
        If it is another collection or not 2-dimensional.
    """
    array = _array(X, "X", "a dask array or data frame")
    if array.ndim != 2:
        raise validation.not_a_matrix(array.shape, "X")
    if np.isnan(array.shape[1]):
        raise ValueError("X has an unknown number of columns; X.compute_chunk_sizes() counts them")
    return array if array.numblocks[1] == 1 else array.rechunk({1: -1})


def weights_of(weight: Any, X: dask.array.Array) -> tuple[Delayed | None, ...]:
    """The weights of each chunk of X."""
    n_chunks, known = X.numblocks[0], not np.isnan(X.shape[0])
    if weight is None:
        return (None,) * n_chunks
    if is_dask_collection(weight):
        weight = _array(weight, "sample_weight", "a dask array or a column of a data frame")
    elif known:
        weight = np.asarray(weight)
    else:
        raise TypeError(
            f"sample_weight is a {type(weight).__name__}, but how many rows the chunks of X have "
            f"is unknown; give a dask array or a column of a data frame, in chunks like X's"
        )
    shaped = known and not np.isnan(weight.shape).any()
    if weight.ndim != 1 or (shaped and weight.shape != X.shape[:1]):
        raise ValueError(
            f"sample_weight has shape {weight.shape}; give one weight a row, shape {X.shape[:1]}"
        )
    if isinstance(weight, np.ndarray):
        weight = dask.array.from_array(weight, chunks=(X.chunks[0],))
    elif shaped:
        weight = weight.rechunk((X.chunks[0],))
    if weight.numblocks[0] != n_chunks:
        raise ValueError(
            f"sample_weight has {weight.numblocks[0]} chunks but X has {n_chunks}; "
            f"give it in chunks like X's"
        )
    return tuple(weight.to_delayed().tolist())


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


def _array(value: Any, name: str, wanted: str) -> dask.array.Array:
    if hasattr(value, "to_dask_array"):
        value = value.to_dask_array()
    if not isinstance(value, dask.array.Array):
        raise TypeError(f"{name} is a {type(value).__qualname__} of Dask's; give {wanted}")
    return value


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
