"""Pictures of the clusters and of the criterion (extra: plot)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastem.cli.messages import InputError, as_input_error
from fastem.rows import Stream
from fastem.selection import Selection
from fastem.units import LOOKED_AT

OPTIONS = "--plot", "--plot-selection"
FORMATS = ".png", ".pdf", ".svg", ".jpg"


def check(asked: Mapping[str, str | None]) -> None:
    """Whether pictures can be drawn, before there is anything to draw."""
    for option, path in asked.items():
        if path is None:
            continue
        if Path(path).suffix.lower() not in FORMATS:
            raise InputError(f"{option} {path} is no picture; end it in {', '.join(FORMATS)}")
        with as_input_error():
            from fastem import plot  # noqa: F401


def draw(option: str, choice: Selection, rows: Stream, path: Path) -> None:
    """The picture that an option asks for, as a file."""
    from fastem import plot

    if option == "--plot-selection":
        axes: Any = plot.selection(choice)
    else:
        looked_at = rows.look(LOOKED_AT)
        looked_at = looked_at[~np.isnan(looked_at).any(axis=1)].view(_Named)
        looked_at.columns = rows.columns
        axes = plot.clusters(choice.best.mixture, looked_at)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        np.ravel(axes)[0].figure.savefig(path)


class _Named(np.ndarray):
    """An array with names of columns."""

    columns: Sequence[str] = ()
