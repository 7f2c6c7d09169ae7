"""A selection for people: the best models, and the criterion of them all."""

from __future__ import annotations

from collections.abc import Sequence

from fastem.selection.table import Row
from fastem.summary import Table

MARKS = {"collapsed": "!", "not converged": "~"}
LEGEND = {"*": "the best", "!": "collapsed components", "~": "not converged"}
#: So many models come first, if there are more.
BEST = 3


def criteria(table: Sequence[Row], best: Row, criterion: str) -> list[str | Table]:
    """The best three models, then the criterion of every fit."""
    return [*_best(table, best, criterion), *_all(table, best, criterion)]


def more_to_try(table: Sequence[Row], best: Row, n_samples: float) -> tuple[int, int] | None:
    """Numbers of components from and to, where those tried have cut the search short."""
    counts = [row.n_components for row in table]
    most = min(2 * max(counts), int(n_samples))
    if min(counts) < best.n_components == max(counts) < most and best.status != "collapsed":
        return max(counts), most
    return None


def _best(table: Sequence[Row], best: Row, name: str) -> list[str | Table]:
    """The best by the criterion, and how far the next are behind."""
    if len(table) <= BEST:
        return []
    others = [row for row in table if row is not best and row.status != "collapsed"]
    rows = [best, *sorted(others, key=lambda row: getattr(row, name))[: BEST - 1]]
    level = getattr(best, name)
    cells = [
        ["covariance", *(row.covariance_type for row in rows)],
        ["components", *(str(row.n_components) for row in rows)],
        [name.upper(), *(f"{getattr(row, name):.2f}" for row in rows)],
        ["behind by", "", *(f"{getattr(row, name) - level:.2f}" for row in rows[1:])],
    ]
    return [f"The best models by {name.upper()}:", Table(cells, marked=0, left=True)]


def _all(table: Sequence[Row], best: Row, criterion: str) -> list[str | Table]:
    """The criterion of every fit: components down, families across."""
    families = list(dict.fromkeys(row.covariance_type for row in table))
    counts = list(dict.fromkeys(row.n_components for row in table))
    fits = {(row.n_components, row.covariance_type): row for row in table}
    cells = [["components", *map(str, counts)]]
    head = criterion.upper()
    marks = "*"
    for name in families:
        column = []
        for row in (fits.get((k, name)) for k in counts):
            mark = "" if row is None else "*" * (row is best) + MARKS.get(row.status, "")
            marks += mark
            column.append("" if row is None else f"{getattr(row, criterion):.2f} {mark:<2}")
        cells.append([f"{name if len(families) > 1 else head}   ", *column])
    legend = ", ".join(f"{mark} {LEGEND[mark]}" for mark in LEGEND if mark in marks)
    shape = f" with {families[0]} covariance" if len(families) == 1 else ""
    title = f"{head} of {len(table)} fits{shape} (lower is better; {legend}):"
    return [title, Table(cells, marked=counts.index(best.n_components))]
