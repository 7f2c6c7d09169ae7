"""Labels of all rows, and how many there are of each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastem.cli.errors import as_input_error
from fastem.mixture import Mixture
from fastem.rows import Stream
from fastem.rows.labels import FORMATS, Csv, LabelsFile, header


def write(
    rows: Stream,
    mixture: Mixture,
    to: Path | IO[str] | None = None,
    *,
    target: str = "",
    probabilities: bool = False,
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

    Returns
    -------
    sizes : (1 + n_components,)
        How many rows are noise, and how many belong to each component.
    """
    sizes = np.zeros(1 + mixture.n_components, np.int64)
    wanted = ["predict", "responsibilities"] if probabilities else ["predict"]
    file = None
    with as_input_error():
        if to is not None:
            file = _file(to, target, mixture, probabilities)
        try:
            with closing(mixture.each(wanted, rows)) as results:
                for labels, *resp in results:
                    sizes += np.bincount(labels[labels >= -1] + 1, minlength=len(sizes))
                    if file is not None:
                        file.write(labels, resp[0] if resp else None)
        finally:
            if file is not None:
                file.close()
    return sizes


def _file(to: Any, target: str, mixture: Mixture, probabilities: bool) -> LabelsFile:
    names = header(mixture.n_components if probabilities else None, mixture.noise is not None)
    return FORMATS.get(Path(target).suffix.lower(), Csv)(to, names)
