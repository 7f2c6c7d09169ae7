"""A classifier as a file: arrays in an .npz, and nothing that could be executed."""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from fastem.atomic import whole
from fastem.mixture import Mixture

FORMAT, VERSION = "fastem classifier", 1
FIELDS = (
    "classes",
    "shares",
    "priors",
    "log_likelihood",
    "n_parameters",
    "n_samples",
    "training_error",
    "cv_error",
    "cv_brier",
)
#: Of a mixture.
PARTS = "weights", "means", "covariances", "covariance_type"


def write(path: str, fields: dict[str, Any], mixtures: tuple[Mixture, ...]) -> None:
    """Write the file, whole or not at all."""
    arrays: dict[str, Any] = {
        name: np.array(np.nan if value is None else value) for name, value in fields.items()
    }
    for c, mixture in enumerate(mixtures):
        arrays |= {f"{part}_{c}": np.array(getattr(mixture, part)) for part in PARTS}
    names = mixtures[0].feature_names
    if names is not None:
        arrays["columns"] = np.array(names)
    with whole(path) as part, open(part, "wb") as opened:
        np.savez(opened, format=np.array(FORMAT), version=np.array(VERSION), **arrays)


def read(path: str | os.PathLike) -> tuple[dict[str, Any], tuple[Mixture, ...]]:
    """What `Classifier` is made of.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, of a later version or no classifier.
    """
    try:
        with open(path, "rb") as opened:
            if not zipfile.is_zipfile(opened):  # NumPy would advise to trust it
                raise ValueError("give a file that Classifier.save wrote")
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as loaded:
                arrays: dict[str, Any] = {name: loaded[name] for name in loaded.files}
        if str(arrays.get("format")) != FORMAT or int(arrays["version"]) > VERSION:
            raise ValueError("it is no classifier, or one of a later version; upgrade fastem")
        names = tuple(arrays["columns"].tolist()) if "columns" in arrays else None
        mixtures = tuple(_mixture(arrays, c, names) for c in range(len(arrays["classes"])))
        numbers = {name: arrays[name] for name in FIELDS}
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged or no fastem classifier: {error}") from None
    for name in FIELDS[3:]:
        value = numbers[name].item()
        numbers[name] = None if name.startswith("cv_") and value != value else value
    return numbers, mixtures


def _mixture(arrays: dict[str, Any], c: int, names: tuple[str, ...] | None) -> Mixture:
    weights, means, covariances, kind = (arrays[f"{part}_{c}"] for part in PARTS)
    return Mixture(weights, means, covariances, str(kind), feature_names=names)
