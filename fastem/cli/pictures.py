"""Pictures of the clusters and of the criterion (extra: plot)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastem.cli.errors import InputError, as_input_error
from fastem.rows import Stream
from fastem.selection import Selection
from fastem.units import LOOKED_AT

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


class _Named(np.ndarray):
    """An array with names of columns."""

    columns: Sequence[str] = ()


def _clusters(choice: Selection, rows: Stream, path: Path) -> None:
    from fastem import plot

    looked_at = rows.look(LOOKED_AT)
    looked_at = looked_at[~np.isnan(looked_at).any(axis=1)].view(_Named)
    looked_at.columns = rows.columns
    _save(plot.clusters(choice.best.mixture, looked_at), path)


def _selection(choice: Selection, rows: Stream, path: Path) -> None:
    from fastem import plot

    _save(plot.selection(choice), path)


def _save(axes: Any, path: Path) -> None:
    np.ravel(axes)[0].figure.savefig(path)


#: The options that ask for a picture, and what draws it.
DRAWN: dict[str, Callable[[Selection, Stream, Path], None]] = {
    "--plot": _clusters,
    "--plot-selection": _selection,
}
