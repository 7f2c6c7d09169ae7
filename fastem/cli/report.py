"""What a fit found, for people and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.cli.messages import in_options
from fastem.mixture import Mixture
from fastem.rows import Stream
from fastem.selection import Row, Selection

#: Beyond these a table is no longer read by people; --json has everything.
MAX_COLUMNS, MAX_COMPONENTS = 12, 64
MARKS = {"collapsed": "!", "not converged": "~"}
LEGEND = {"*": "the best", "!": "collapsed components", "~": "not converged"}


def text(name: str, rows: Stream, choice: Selection, sizes: NDArray, width: int) -> str:
    """The table of a selection and the mixture it chose, in lines of at most `width` characters.

    The file is called `name`; `sizes` (1 + n_components,) count rows of noise and of components.
    """
    best = choice.best
    mixture = best.mixture
    n = mixture.n_components
    count = "1 component (cluster)" if n == 1 else f"{n} components (clusters)"
    found = f"{count}, {mixture.covariance_type} covariance"
    lines = [f"{name}: {_rows(rows)}, {_columns(rows)}", ""]
    if len(choice.table) > 1:
        lines += [*_selection(choice), "", f"The best fit has {found}:", ""]
    else:
        lines += [f"{found}:", ""]
    lines += clusters(mixture, rows.columns, sizes, width)
    criteria = f"AIC {best.aic():.2f}, BIC {best.bic():.2f}, ICL {best.icl():.2f}"
    lines += [
        "",
        f"Log-likelihood {best.log_likelihood:.2f} with {mixture.n_parameters} parameters; "
        f"{criteria} (lower is better).",
        f"Status: {in_options(best.status.text)}.",
    ]
    lines += [f"{in_options(choice.remark)}."] * bool(choice.remark and len(choice.table) > 1)
    return "\n".join(lines + _advice(choice))


def clusters(mixture: Mixture, columns: Sequence[str], sizes: NDArray, width: int) -> list[str]:
    """One line a component: rows, weight, and mean ± standard deviation of each column."""
    deviations = np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
    shown = range(min(mixture.n_components, MAX_COMPONENTS))
    cells = [
        ["component", *map(str, shown)],
        ["rows", *(str(sizes[1 + k]) for k in shown)],
        ["weight", *(f"{mixture.weights[k]:.4f}" for k in shown)],
    ]
    for d, name in enumerate(columns[:MAX_COLUMNS]):
        head = name if len(name) <= 24 else name[:23] + "…"
        means = mixture.means[: len(shown), d]
        cells.append([head, *means_and_deviations(means, deviations[: len(shown), d])])
    lines = _wrapped(cells, width)
    if mixture.noise is not None:
        n_noise, weight = sizes[0], mixture.noise.weight
        lines.append(f"  noise: {n_noise} rows, weight {weight:.4f}")
    if mixture.n_components > MAX_COMPONENTS:
        lines.append(f"  and {mixture.n_components - MAX_COMPONENTS} more; --json has them all")
    lines += [
        "",
        "  rows: those that most probably belong to it; columns: mean ± standard deviation",
    ]
    if len(columns) > MAX_COLUMNS:
        lines.append(f"  and {len(columns) - MAX_COLUMNS} more columns; --json has them all")
    return lines


def means_and_deviations(means: NDArray, deviations: NDArray) -> list[str]:
    """A column, to the second digit of its smallest deviation, all to the same: `54.5 ± 5.8`."""
    usual = (deviations > 0) & (deviations < 1e7)
    decimals = [1 - math.floor(math.log10(deviation)) for deviation in deviations[usual]]
    if not usual.all() or max(decimals) > 6:
        return list(map(_mean_and_deviation, means, deviations))
    places = max(*decimals, 0)
    # Rounding may leave -0.0, which is 0.
    pairs = zip(np.round(means, places) + 0.0, deviations, strict=True)
    return [f"{mean:.{places}f} ± {deviation:.{places}f}" for mean, deviation in pairs]


def _mean_and_deviation(mean: float, deviation: float) -> str:
    """Where one of a column vanishes, or is too small or too large for fixed places."""
    if deviation <= 0 or not math.isfinite(deviation):
        return f"{mean:.6g} ± {deviation:.2g}"
    decimals = 1 - math.floor(math.log10(deviation))
    digits = 2
    if mean:
        digits = max(2, math.floor(math.log10(abs(mean))) + decimals + 1)
    return f"{mean:.{min(digits, 12)}g} ± {deviation:.2g}"


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


def _selection(choice: Selection) -> list[str]:
    """The criterion of every fit: components down, families across."""
    best = choice.best_row
    families = list(dict.fromkeys(row.covariance_type for row in choice.table))
    counts = list(dict.fromkeys(row.n_components for row in choice.table))
    fits = {(row.n_components, row.covariance_type): row for row in choice.table}
    cells = [["components", *map(str, counts)]]
    criterion = choice.criterion.upper()
    marks = "*"
    for name in families:
        column = []
        for row in (fits.get((k, name)) for k in counts):
            mark = "" if row is None else "*" * (row is best) + MARKS.get(row.status, "")
            marks += mark
            column.append("" if row is None else f"{getattr(row, choice.criterion):.2f} {mark:<2}")
        cells.append([f"{name if len(families) > 1 else criterion}   ", *column])
    legend = ", ".join(f"{mark} {LEGEND[mark]}" for mark in LEGEND if mark in marks)
    shape = f" with {families[0]} covariance" if len(families) == 1 else ""
    head = f"{criterion} of {len(choice.table)} fits{shape} (lower is better; {legend}):"
    return [head, "", *(line.rstrip() for line in _wrapped(cells, 10**6))]


def _wrapped(cells: list[list[str]], width: int) -> list[str]:
    """Columns side by side; those too many for a line go below, led by the first column again."""
    widths = [max(map(len, column)) for column in cells]
    lines: list[str] = []
    j = 1
    while j < len(cells):
        block, used = [0], 2 + widths[0]
        while j < len(cells) and (len(block) == 1 or used + 3 + widths[j] <= width):
            block.append(j)
            used += 3 + widths[j]
            j += 1
        if lines:
            lines.append("")
        for i in range(len(cells[0])):
            lines.append("  " + "   ".join(cells[b][i].rjust(widths[b]) for b in block))
    return lines


def _advice(choice: Selection) -> list[str]:
    """A last line where the range of components has cut the search short."""
    counts = [row.n_components for row in choice.table]
    best: Row = choice.best_row
    most = min(2 * max(counts), int(choice.best.n_samples))
    if min(counts) < best.n_components == max(counts) < most and best.status != "collapsed":
        return [
            f"The best is the largest number tried; try more: --components {max(counts)}:{most}."
        ]
    return []


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
