"""The one reader: rows of files, piece by piece or all at once, and what else is told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastem import validation
from fastem.compiler.options import refuse_uncompiled
from fastem.rows.files import File, Paths, files, is_path
from fastem.rows.formats.recognise import table_of
from fastem.rows.formats.table import InMemory
from fastem.rows.frame import Frame, Part
from fastem.rows.missing import Marks
from fastem.rows.passes import DEFAULT_MEMORY, LINE, memory_of
from fastem.rows.reader import unequal
from fastem.rows.source import Source
from fastem.rows.stream import Stream
from fastem.validation.column_choice import Column
from fastem.words import Missing

#: What stands for an unknown label in text.
UNKNOWN = {"", "NA", "nan", "NaN", "null", "None", "?"}


def open(
    path: Paths,
    columns: Sequence[Column] | None = None,
    *,
    sample_weight: Column | ArrayLike | Path | None = None,
    member: str | None = None,
    dtype: DTypeLike | None = None,
    n_columns: int | None = None,
    memory: int | str = DEFAULT_MEMORY,
    missing: Missing = "error",
    na_values: Any = None,
    skip_rows: int = 0,
) -> Stream:
    """Rows of files, read block by block at every pass, as many as there may be.

    `fastem.fit`, `fastem.select`, `Mixture.predict_to` and whatever else takes rows take what this
    returns, and a path as well. Results are those of the same rows in memory, to the bit, as long
    as the sample of rows that starts race on takes less than an eighth of the budget.

    Parameters
    ----------
    path : path or iterable of paths
        .npy, .npz, text (CSV and its kin, packed too), raw binary or, with the extra parquet,
        Parquet, Feather and other files of Arrow's, and ORC; a folder stands for the files in it
        and below of the first of these kinds; a name with * or ? for the files it matches. Files
        follow one another, parts in the order of their numbers.
    columns : sequence of int or str, optional
        Which columns, in this order: names where the file has some, positions counted from 0, or
        ranges of either with both ends, such as "a:c". All that are data by default.
    sample_weight : str, int, path or array, optional
        A column of the file by its name or position, which is then no data; a file of one column as
        a `pathlib.Path`; or an array (n_rows,), which may be mapped from a file. Rows of weight 0
        are left out.
    member : str, optional
        The array of an .npz file; by default X, or the only one.
    dtype, n_columns : dtype and int, optional
        Of a raw binary file, which tells nothing of itself.
    memory : int or str, default "256M"
        Bytes that reading and working on the rows may take, at any number of rows; as text in
        units of K, M, G or T, powers of 1024. Where the rows take no more than a quarter of it they
        are kept.
    missing : {"error", "drop"}, default "error"
        What becomes of rows with missing values: NaN, nulls, and in text an empty field, NA, nan,
        null, none, ?, . or -. Where they are dropped `Mixture.predict` labels them -2.
    na_values : str, number or sequence of them, optional
        What else stands for a missing value, such as ["@", -200].
    skip_rows : int, default 0
        Lines to pass over at the beginning of a text file.

    Returns
    -------
    Stream

    Raises
    ------
    ImportError
        If a file is one of Arrow's and pyarrow is not installed.
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If it is not a table of real numbers, or there is no such column.

    Warns
    -----
    UserWarning
        If more rows are dropped than kept.

    Examples
    --------
    >>> import numpy as np, fastem, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(1000, 3)))
    >>> rows = fastem.rows.open(folder / "rows.npy", columns=[0, 2])
    >>> fastem.fit(rows, 1).mixture.means.shape
    (1, 2)
    """
    return opened(
        path,
        columns,
        sample_weight=sample_weight,
        memory=memory,
        missing=missing,
        na_values=na_values,
        member=member,
        dtype=dtype,
        n_columns=n_columns,
        skip_rows=skip_rows,
    )


def opened(
    path: Paths,
    columns: Sequence[Column] | None = None,
    *,
    fitted: Sequence[str] | None = None,
    but: Sequence[Column] = (),
    sample_weight: Any = None,
    memory: int | str = DEFAULT_MEMORY,
    missing: str = "error",
    na_values: Any = None,
    **how: Any,
) -> Stream:
    """As `open`; and where no columns are named, those of a model if the file names them too.

    Otherwise all that are data are meant `but` some others.
    """
    refuse_uncompiled()
    budget, marks = memory_of(memory), Marks.of(na_values)
    validation.choice(missing, "missing", validation.MISSING)
    named = is_column(sample_weight)
    tables = [table_of(file, budget // LINE, marks.texts, **how) for file in files(path)]
    names = tables[0].names
    if columns is None and fitted is not None and names is not None:
        if absent := [name for name in fitted if name not in names]:
            raise ValueError(
                f"{tables[0].name} has no column {absent[0]!r}, which the model was fitted to; say "
                f"which columns to use with columns="
            )
        columns = fitted
    weight = sample_weight if named else None
    frame = Frame.of(tables, columns, weight, but, missing=missing, marks=marks)
    if sample_weight is not None and not named:
        frame = replace(frame, weights=_weights(sample_weight, frame, budget))
    return Stream(frame, budget)


def elsewhere(
    X: Any, sample_weight: Any = None, names: Any = None, missing: str = "error", **how: Any
) -> Source | None:
    """Where a user's rows live, if that is not an array: files, blocks or Dask's chunks.

    Names are those of a model's columns, and the others arguments of `open`.
    """
    if are_of_dask(X):
        from fastem.rows.dask import Dask

        validation.choice(missing, "missing", validation.MISSING)
        how["missing"] = "drop" if missing == "drop" else None
        _refuse(how, "Dask's rows; choose or drop by Dask")
        return Dask.of(X, sample_weight, missing)
    return streamed(X, sample_weight, names, missing, **how)


def are_of_dask(X: object) -> bool:
    """Whether rows are Dask's, told by the name of their type: Dask itself is slow to import."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")


def streamed(
    X: Any,
    sample_weight: Any = None,
    names: Sequence[str] | None = None,
    missing: str = "error",
    **how: Any,
) -> Stream | None:
    """What a user gave as rows, if those are to be read piece by piece: a path, or what is open.

    Names are those of the columns of a model, which are meant where a file names them. All else is
    as `open` takes it, for a path.
    """
    if is_path(X):
        return opened(X, sample_weight=sample_weight, fitted=names, missing=missing, **how)
    if not isinstance(X, Stream):
        return None
    how["missing"] = None if missing == "error" else missing
    _refuse(
        {"sample_weight": sample_weight, **how},
        "a source of rows, which has its own; give it to fastem.rows.open, or let Blocks give "
        "pairs of rows and weights",
    )
    return X


def is_column(given: object) -> bool:
    """Whether it is the name or the position of a column."""
    return isinstance(given, str | int | np.integer)


def held(rows: Stream) -> NDArray:
    """All rows of files (n, n_features), those of weight 0 too, NaN for what is missing."""
    with closing(rows.every(lambda block: [block.copy()], 8 * rows.n_features)) as blocks:
        return np.concatenate([block for (block,) in blocks])


def told(rows: Stream, column: Column) -> list[Any]:
    """What another column of the files holds in each row; None where it is unknown."""
    marks = rows.passes.frame.marks
    unknown = UNKNOWN | marks.texts | {f"{value:g}" for value in marks.values}
    fields = chain.from_iterable(rows.carried([column])[2])
    return [None if _is_unknown(field, unknown) else field for field in fields]


def component_numbers(fields: Sequence[Any], name: str) -> NDArray[np.intp]:
    """Labels (n,) as numbers, -1 where none is known.

    Raises
    ------
    TypeError
        If one is no whole number.
    """
    return np.array([_number(field, i, name) for i, field in enumerate(fields)], np.intp)


def weights_beside(path: Paths, weight: Any, **how: Any) -> Any:
    """Weights of all rows, whether in a column of the files, in one of their own, or at hand."""
    if isinstance(weight, Path):
        return held(opened(weight)).ravel()
    return held(opened(path, [weight], **how)).ravel() if is_column(weight) else weight


def _refuse(given: Mapping[str, Any], beside: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise TypeError(f"{name} is given beside {beside}")


def _weights(given: Any, frame: Frame, budget: int) -> Part:
    """Weights from elsewhere: one column."""
    if isinstance(given, Path):
        (part,) = Frame.of([table_of(File(given), budget // LINE)]).parts
        n, n_rows = len(part.columns), part.table.n_rows
        if n != 1:
            raise ValueError(f"sample_weight {part.table.name} has {n} columns; give one")
    else:
        array: NDArray = np.asarray(given)
        if array.ndim != 1 or array.dtype.kind not in "fiub":
            raise ValueError(
                f"sample_weight has shape {array.shape} and dtype {array.dtype}; give one real "
                f"number a row, or the name of a column"
            )
        part, n_rows = Part(InMemory(array[:, None]), [0]), len(array)
    if None not in (n_rows, frame.n_rows) and n_rows != frame.n_rows:
        raise unequal(frame.name, f"{n_rows} weights", f"{frame.n_rows} rows")
    return part


def _is_unknown(field: Any, texts: set[str]) -> bool:
    return field is None or field != field or str(field).strip() in texts


def _number(field: Any, row: int, name: str) -> int:
    if field is None:
        return -1
    try:
        number = float(field)
    except (TypeError, ValueError):
        number = np.nan
    if not number.is_integer() or isinstance(field, bool):
        raise TypeError(
            f"labels: {name} holds {field!r} at row {row} (counted from 0); give whole numbers, "
            f"-1 or nothing where none is known, or see fastem.classify for classes by name"
        )
    return int(number)
