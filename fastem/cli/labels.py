"""Labels of all rows, and how many there are of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.cli.errors import InputError, as_input_error
from fastem.mixture import Mixture
from fastem.rows import Stream
from fastem.rows.labels import FORMATS, Csv, Npy, Parquet, header


def write(
    rows: Stream,
    mixture: Mixture,
    to: Any = None,
    *,
    target: str = "",
    probabilities: bool = False,
    keep: Sequence[str] = (),
) -> NDArray[np.int64]:
    """Label all rows of the files, and write that where it is asked for.

    Parameters
    ----------
    rows : Stream
    mixture : Mixture
    to : Path or file, optional
        Where to write.
    target : str
        What the user called it: its suffix says in what format; CSV if it says nothing else.
    probabilities : bool
        Whether to write those as well.
    keep : sequence of str
        Columns of the files to carry along.

    Returns
    -------
    sizes : (1 + n_components,)
        How many rows are noise, and how many belong to each component.
    """
    sizes = np.zeros(1 + mixture.n_components, np.int64)
    wanted = ["predict", "responsibilities"] if probabilities else ["predict"]
    kind = FORMATS.get(Path(target).suffix.lower(), Csv)
    if keep and kind is Npy:
        raise InputError(f"--keep has no place in {target}; end it in .csv or .parquet")
    file: Npy | Csv | Parquet | None = None
    with as_input_error():
        names, carried = rows.carried(keep) if keep else ([], iter(()))
        if to is not None:
            names = header(
                mixture.n_components if probabilities else None, mixture.noise is not None, names
            )
            file = kind(to, names)
        try:
            with closing(mixture.each(wanted, rows)) as results:
                for labels, *resp in results:
                    sizes += np.bincount(labels[labels >= -1] + 1, minlength=len(sizes))
                    if file is not None:
                        beside = list(zip(*islice(carried, len(labels)), strict=True))
                        file.write(labels, resp[0] if resp else None, beside)
        finally:
            if file is not None:
                file.close()
    return sizes
