"""Mixtures in files, with the names of the columns that they were fitted to."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastem.cli.errors import InputError
from fastem.mixture import Mixture

#: Where a model file keeps those names.
NAMES = "columns.npy"


def save(mixture: Mixture, names: Sequence[str] | None, path: Path) -> None:
    """The mixture, and the names of its columns, by which `predict` finds them again."""
    mixture.save(path)
    if names is not None:
        with zipfile.ZipFile(path, "a") as file, file.open(NAMES, "w") as entry:
            np.lib.format.write_array(entry, np.array(names), allow_pickle=False)


def load(path: str) -> tuple[Mixture, list[str] | None]:
    """A mixture, and the names of its columns if it was fitted to a file that has some."""
    try:
        mixture = Mixture.load(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error
    with np.load(path, allow_pickle=False) as fields:
        names = fields["columns"].tolist() if "columns" in fields.files else None
    return mixture, names
