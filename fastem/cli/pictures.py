"""Pictures of the clusters and of the criterion (extra: plot)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastem.cli.errors import InputError, told
from fastem.cli.tables import Table
from fastem.selection import Selection

FORMATS = ".png", ".pdf", ".svg", ".jpg"


def check(asked: Mapping[str, str | None]) -> None:
    """Whether pictures can be drawn, before there is anything to draw."""
    for option, path in asked.items():
        if path is None:
            continue
        if Path(path).suffix.lower() not in FORMATS:
            raise InputError(f"{option} {path} is no picture; end it in {', '.join(FORMATS)}")
        with told():
            from fastem import plot  # noqa: F401


def _clusters(choice: Selection, table: Table, path: Path) -> None:
    from fastem import plot

    _save(plot.clusters(choice.best.mixture, table), path)


def _selection(choice: Selection, table: Table, path: Path) -> None:
    from fastem import plot

    _save(plot.selection(choice), path)


def _save(axes: Any, path: Path) -> None:
    np.ravel(axes)[0].figure.savefig(path)


#: The options that ask for a picture, and what draws it.
DRAWN: dict[str, Callable[[Selection, Table, Path], None]] = {
    "--plot": _clusters,
    "--plot-selection": _selection,
}
