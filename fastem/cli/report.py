"""What a fit found: for people, as JSON and in pictures (extra: plot)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.cli.messages import InputError, as_input_error, in_options
from fastem.rows import Stream
from fastem.selection import Selection
from fastem.selection.shown import criteria, more_to_try
from fastem.summary import Summary, Table
from fastem.summary.mixture import MAX_COLUMNS, components, ending, found
from fastem.units import LOOKED_AT

#: Options that ask for pictures, and how their files may end.
PICTURES = "--plot", "--plot-selection"
FORMATS = ".png", ".pdf", ".svg", ".jpg"


def text(name: str, rows: Stream, choice: Selection, sizes: NDArray, width: int) -> str:
    """The table of a selection and the mixture it chose, in lines of at most `width` characters.

    The file is called `name`; `sizes` (1 + n_components,) count rows of noise and of components.
    """
    best = choice.best
    several = len(choice.table) > 1
    mixture = found(best.mixture)
    blocks: list[str | Table] = [f"{name}: {_rows(rows)}, {_columns(rows)}"]
    if several:
        blocks += [
            *criteria(choice.table, choice.best_row, choice.criterion),
            f"The best fit has {mixture}:",
        ]
    else:
        blocks.append(f"{mixture}:")
    blocks += components(best.mixture, rows.columns, sizes, whole="--json has")
    blocks += [ending(best), f"Status: {in_options(best.status.text)}."]
    if choice.remark and several:
        blocks.append(f"{in_options(choice.remark)}.")
    more = more_to_try(choice.table, choice.best_row, choice.best.n_samples)
    if more is not None:
        low, high = more
        blocks.append(f"The best is the largest number tried; try more: --components {low}:{high}.")
    return Summary(*blocks).text(width)


def document(name: str, rows: Stream, choice: Selection, sizes: NDArray) -> dict[str, Any]:
    """Everything, as json.dumps takes it; numbers that are not finite are null."""
    best = choice.best
    mixture, noise = best.mixture, best.mixture.noise
    return _plain(
        {
            "file": name,
            "n_samples": rows.n_samples,
            "n_dropped": rows.gaps.n_dropped,
            "columns": rows.columns,
            "criterion": choice.criterion,
            "table": [row._asdict() for row in choice.table],
            "mixture": {
                **_fields(mixture, "n_components", "covariance_type", "n_parameters"),
                **_fields(mixture, "weights", "means", "covariances"),
                # Axes are null where they are the columns'.
                "noise": noise and _fields(noise, "weight", "low", "high", "axes"),
            },
            "sizes": sizes[1:],
            "log_likelihood": best.log_likelihood,
            "aic": best.aic(),
            "bic": best.bic(),
            "icl": best.icl(),
            **_fields(best, "n_iter", "converged"),
            "status": _fields(best.status, "code", "text"),
            "trace": best.trace,
            "restarts": [
                _fields(start, "index", "log_likelihood", "n_iter", "outcome")
                for start in best.restarts
            ],
        }
    )


def check_pictures(asked: Mapping[str, str | None]) -> None:
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
        looked_at, mixture = rows.look(LOOKED_AT), choice.best.mixture
        if mixture.feature_names is None:
            mixture = replace(mixture, feature_names=tuple(rows.columns))
        axes = plot.clusters(mixture, looked_at[~np.isnan(looked_at).any(axis=1)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        np.ravel(axes)[0].figure.savefig(path)


def _fields(value: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _rows(rows: Stream) -> str:
    found = f"{rows.n_samples} row{'s'[: rows.n_samples != 1]}"
    dropped = rows.gaps.n_dropped
    return f"{found} ({dropped} with missing values left out)" if dropped else found


def _columns(rows: Stream) -> str:
    n = rows.n_features
    count = f"{n} column{'s'[: n != 1]}"
    if rows.names is None:
        return count
    listed = ", ".join(rows.columns[:MAX_COLUMNS]) + (", ..." if n > MAX_COLUMNS else "")
    return f"{count}: {listed}"
