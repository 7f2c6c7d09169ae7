"""A mixture as a file: arrays in an .npz, and nothing that could be executed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from fastem import archive
from fastem.atomic import whole
from fastem.mixture.components import Components
from fastem.noise import NOISE_FIELDS, Noise

FORMAT = "fastem mixture"
#: Of files with noise; those without are of version 1, and older readers take them.
FORMAT_VERSION = 2
#: What older readers pass over.
NAMES = "columns"
FIELDS = "weights", "means", "covariances", "covariance_type"
REMEDY = "give a file that Mixture.save or fastem fit --model wrote"

M = TypeVar("M")


def write(
    path: str | os.PathLike, mixture: Components, more: Mapping[str, Any] | None = None
) -> None:
    """Write the file, whole or not at all, with more fields that `read` passes over."""
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
            **(more or {}),
        )


def read(path: str, make: Callable[..., M]) -> M:
    """What `make` makes of the fields of a mixture.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, of a later version or not a mixture.
    """
    known = "format", "version", *FIELDS, NAMES, *NOISE_FIELDS
    try:
        fields = archive.members(path, known)
    except archive.Damaged as error:
        raise ValueError(f"{path} is damaged or not a fastem mixture: {error}; {REMEDY}") from None
    if "format" not in fields or str(fields["format"]) != FORMAT:
        raise ValueError(f"{path} is not a fastem mixture; {REMEDY}")
    version = fields.get("version", np.array(None))
    if version.dtype.kind not in "iu" or version.shape or version < 1:
        raise ValueError(f"{path} is damaged: its version is no number from 1; {REMEDY}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} is of format version {version}, later than {FORMAT_VERSION}, the "
            f"latest that this fastem reads; upgrade fastem"
        )
    try:
        if missing := set(FIELDS) - fields.keys():
            raise archive.Damaged(f"it lacks {', '.join(sorted(missing))}")
        *arrays, name = (fields[field] for field in FIELDS)
        names = tuple(fields[NAMES].tolist()) if NAMES in fields else None
        with np.errstate(all="ignore"):
            return make(*arrays, str(name), Noise.of_fields(fields), names)
    except tuple(archive.CAUSES) as error:
        told = str(error) if isinstance(error, ValueError | TypeError) else archive.cause(error)
        raise ValueError(f"{path} is damaged: {told}; {REMEDY}") from None
