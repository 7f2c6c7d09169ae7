"""What is taken for rows of Dask, and what is refused of it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chunked import problem, table

import fastem
from fastem.rows import are_of_dask

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

ROOT = Path(__file__).parents[3]


ROWS = da.from_array(problem()[0], chunks=(700, 3))
UNKNOWN = ROWS[ROWS[:, 0] > -1e9]


def with_bad(value, *places):
    X, _ = problem()
    for place_ in places:
        X[place_] = value
    return da.from_array(X, chunks=(700, 2))


def bad_weight(value):
    weight = np.ones(3000)
    weight[[1500, 2900]] = value
    return da.from_array(weight, chunks=700)


REFUSED = {
    "NaN": (
        (with_bad(np.nan, (1705, 2), (2999, 0)),),
        ValueError,
        r"^X has 2 entries that are NaN or infinite, the first at row 1705, column 2 .*: nan; fill",
    ),
    "infinity": ((with_bad(np.inf, (0, 1)),), ValueError, "1 entry .* row 0, column 1"),
    "one dimension": ((ROWS[:, 0],), ValueError, r"X has 1 dimension, shape \(3000,\)"),
    "no rows": ((ROWS[:0],), ValueError, r"X is empty, shape \(0, 3\)"),
    "no rows left": ((UNKNOWN[UNKNOWN[:, 0] > 1e9],), ValueError, r"X is empty, shape \(0, 3\)"),
    "no columns": ((ROWS[:, :0],), ValueError, r"X is empty, shape \(3000, 0\)"),
    "unknown columns": (
        (ROWS[:, da.from_array(np.array([True, False, True]))],),
        ValueError,
        "unknown number of columns.*compute_chunk_sizes",
    ),
    "complex": ((ROWS * 1j,), TypeError, "block 0 of X is complex"),
    "text": (
        (da.from_array(np.full((9, 3), "x", object), chunks=9),),
        TypeError,
        "block 0 of X holds objects that are not real numbers",
    ),
    "dates": ((ROWS.astype("M8[s]"),), TypeError, "block 0 of X has dtype datetime64"),
    "too few rows": ((ROWS[:2],), ValueError, "only 2 rows"),
    "no collection of rows": (
        (dask.delayed(np.ones)((3, 3)),),
        TypeError,
        "X is a Delayed of Dask's; give a dask array or data frame",
    ),
    "columns that vary": (
        (da.from_delayed(dask.delayed(np.ones)((3, 2)), (3, 3), float),),
        ValueError,
        "block 0 of X has 2 columns, where X has 3",
    ),
    "fewer rows than declared": (
        (da.from_delayed(dask.delayed(np.ones)((3, 3)), (4, 3), float),),
        ValueError,
        r"block 0 of X has 3 rows, where its chunks say 4; X.compute_chunk_sizes\(\) counts them",
    ),
    "few weights": ((ROWS, da.ones(2999)), ValueError, r"shape \(2999,\).*shape \(3000,\)"),
    "weights in columns": ((ROWS, da.ones((3000, 1))), ValueError, r"shape \(3000, 1\)"),
    "weights in other chunks": ((UNKNOWN, da.ones(3000)), ValueError, "1 chunks but X has 5"),
    "weights of other lengths": (
        (UNKNOWN, da.ones(3000, chunks=600)),
        ValueError,
        r"sample_weight of block 0 of X has shape \(600,\).*\(700,\)",
    ),
    "weights of unknown chunks": ((UNKNOWN, np.ones(3000)), TypeError, "like X's"),
    "weights of no kind": ((ROWS, dask.delayed(np.ones)(3000)), TypeError, "column of a data"),
    "negative weights": (
        (ROWS, bad_weight(-1.0)),
        ValueError,
        "2 weights that are negative, NaN or infinite, the first at row 1500: -1.0",
    ),
    "NaN weights": ((ROWS, bad_weight(np.nan)), ValueError, "first at row 1500: nan"),
    "no weight": ((ROWS, da.zeros(3000)), ValueError, "zero for every row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(threads, case):
    (X, *weight), kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        fastem.fit(X, 3, sample_weight=weight[0] if weight else None)


def test_refused_by_a_cluster(client, capfd):
    """The error is the caller's, and workers print nothing."""
    with pytest.raises(ValueError, match=r"row 1705, column 2"):
        fastem.fit(with_bad(np.nan, (1705, 2)), 3)
    assert capfd.readouterr().err == ""


def test_recognised_by_name(frames):
    assert are_of_dask(ROWS)
    assert are_of_dask(frames.from_pandas(table(10), npartitions=2))
    assert not are_of_dask(np.ones((3, 3)))
    assert not are_of_dask([[1.0]])
    assert not are_of_dask(pd.DataFrame())


def test_rows_in_memory_do_not_import_dask():
    code = "import sys, fastem; fastem.fit([[0.0], [1.0]], 1); print('dask' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert run.stdout == b"False\n"
