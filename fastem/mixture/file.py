"""A mixture as a file: arrays in an .npz, and nothing that could be executed."""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from fastem.atomic import whole
from fastem.mixture.components import Components
from fastem.noise import Noise

FORMAT = "fastem mixture"
#: Of files with noise; those without are of version 1, and older readers take them.
FORMAT_VERSION = 2
#: What older readers pass over.
NAMES = "columns"
FIELDS = "weights", "means", "covariances", "covariance_type"


def write(path: str | os.PathLike, mixture: Components) -> None:
    """Write the file, whole or not at all."""
    noise: dict[str, Any] = {} if mixture.noise is None else mixture.noise.fields()
    fields: dict[str, Any] = {name: np.array(getattr(mixture, name)) for name in FIELDS} | noise
    if mixture.feature_names is not None:
        fields[NAMES] = np.array(mixture.feature_names)
    with whole(path) as part, open(part, "wb") as file:
        np.savez(
            file,
            format=np.array(FORMAT),
            version=np.array(FORMAT_VERSION if noise else 1),
            **fields,
        )


def read(path: str | os.PathLike) -> tuple[Any, ...]:
    """The arguments that `Mixture` is made of.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, of a later version or not a mixture.
    """
    try:
        with open(path, "rb") as opened:
            if not zipfile.is_zipfile(opened):  # NumPy would advise to trust it
                raise ValueError("give a file that Mixture.save or fastem fit --model wrote")
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                fields = {name: file[name] for name in file.files}
        version = int(fields.get("version", 0))
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged or not a fastem mixture: {error}") from None
    if str(fields.get("format")) != FORMAT:
        raise ValueError(f"{path} is not a fastem mixture; give a file that Mixture.save wrote")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} is of format version {version}, later than {FORMAT_VERSION}, the "
            f"latest that this fastem reads; upgrade fastem"
        )
    missing = set(FIELDS) - fields.keys()
    if missing:
        raise ValueError(f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
    *arrays, name = (fields[field] for field in FIELDS)
    names = tuple(fields[NAMES].tolist()) if NAMES in fields else None
    return *arrays, str(name), Noise.of_fields(fields), names
