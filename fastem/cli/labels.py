"""Labels of all rows, and how many there are of each."""

from __future__ import annotations

import argparse
from contextlib import closing, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.cli.arguments import listed
from fastem.cli.messages import InputError, as_input_error
from fastem.mixture import Mixture
from fastem.rows import Stream
from fastem.rows.labels import FORMATS, header, to_csv, to_npy


def write(
    rows: Stream,
    mixture: Mixture,
    to: Any,
    arguments: argparse.Namespace,
) -> NDArray[np.int64]:
    """Label all rows of the files, and write that to a path or stream, if there is one.

    The suffix that the user gave says in what format, CSV if nothing else.

    Returns
    -------
    sizes : (1 + n_components,)
        How many rows are noise, and how many belong to each component.
    """
    sizes = np.zeros(1 + mixture.n_components, np.int64)
    target, keep = arguments.labels or "", listed(arguments.keep) or []
    probabilities = getattr(arguments, "probabilities", False)
    wanted = ["predict", "responsibilities"] if probabilities else ["predict"]
    writer = FORMATS.get(Path(target).suffix.lower(), to_csv)
    if keep and to and writer is to_npy:
        raise InputError(f"--keep has no place in {target}; end it in .csv or .parquet")
    n_components = mixture.n_components if probabilities else None
    with as_input_error():
        names, types, carried = rows.carried(keep) if keep and to else ([], [], iter(()))
        names = header(n_components, mixture.noise is not None, names)
        with (
            nullcontext() if to is None else writer(to, names, types) as add,
            closing(mixture.each(wanted, rows)) as results,
        ):
            for labels, *resp in results:
                sizes += np.bincount(labels[labels >= -1] + 1, minlength=len(sizes))
                if add is not None:
                    beside = list(zip(*islice(carried, len(labels)), strict=True))
                    add(labels, resp[0] if resp else None, beside)
    return sizes
