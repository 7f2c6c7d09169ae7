"""A selection for people: the best models, and the criterion of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastem.summary.page import Table

if TYPE_CHECKING:
    from fastem.selection import Selection

MARKS = {"collapsed": "!", "not converged": "~"}
LEGEND = {"*": "the best", "!": "collapsed components", "~": "not converged"}
#: So many models come first, if there are more.
BEST = 3


def criteria(choice: Selection) -> list[str | Table]:
    """The best three models, then the criterion of every fit."""
    return [*_best(choice), *_all(choice)]


def more_to_try(choice: Selection) -> tuple[int, int] | None:
    """Numbers of components from and to, where those tried have cut the search short."""
    counts = [row.n_components for row in choice.table]
    best = choice.best_row
    most = min(2 * max(counts), int(choice.best.n_samples))
    if min(counts) < best.n_components == max(counts) < most and best.status != "collapsed":
        return max(counts), most
    return None


def _best(choice: Selection) -> list[str | Table]:
    """The best by the criterion, and how far the next are behind."""
    if len(choice.table) <= BEST:
        return []
    name, first = choice.criterion, choice.best_row
    others = [row for row in choice.table if row is not first and row.status != "collapsed"]
    rows = [first, *sorted(others, key=lambda row: getattr(row, name))[: BEST - 1]]
    level = getattr(first, name)
    cells = [
        ["covariance", *(row.covariance_type for row in rows)],
        ["components", *(str(row.n_components) for row in rows)],
        [name.upper(), *(f"{getattr(row, name):.2f}" for row in rows)],
        ["behind by", "", *(f"{getattr(row, name) - level:.2f}" for row in rows[1:])],
    ]
    return [f"The best models by {name.upper()}:", Table(cells, marked=0, left=True)]


def _all(choice: Selection) -> list[str | Table]:
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
    return [head, Table(cells, marked=counts.index(best.n_components))]
