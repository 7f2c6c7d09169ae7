"""Clusters drawn at random: how many there are, and why restarts matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastem import plot
from fastem.demo import examples
from fastem.demo.showing import named, save
from fastem.fit import fit
from fastem.selection import Selection, select

#: Random clusters, and starts for them, of which a single one leads to a wrong number.
CLUSTERS_SEED, STARTS_SEED = 0, 37
#: Nats by which a start has missed what another found: it has stuck at a lesser maximum.
MISSED = 10.0
#: Criteria differ by whole units, 2 n times this tol: close enough, and reached much sooner.
OPTIONS: dict[str, Any] = {
    "criterion": "aic",
    "random_state": STARTS_SEED,
    "init": "random-subsets",
    "tol": 1e-5,
    "max_iter": 200,
}


def random_clusters(out: Path, *, readme: bool) -> list[str]:
    """How many clusters: AIC and BIC from one start, and from the best of five."""
    example = examples.random_clusters(CLUSTERS_SEED)
    one = select(example.X, range(1, 7), n_init=1, **OPTIONS)
    five = select(example.X, range(1, 11), n_init=5, **OPTIONS)
    save(_beside_each_other(one, five), out / "how-many-clusters.png")
    if not readme:
        k = five.best_by("bic").n_components
        chosen = fit(example.X, k, init="random-subsets", random_state=STARTS_SEED)
        ax = named(chosen.plot(example.X))
        ax.set_title(f"{example.n_clusters} random clusters; BIC picks {k}")
        save(ax, out / "random-clusters.png")
        ax = plot.trace(chosen)
        ax.set_title(f"{len(chosen.restarts)} starts race, and one goes on over all rows")
        save(ax, out / "restarts.png")
    return [
        f"{example.n_clusters} clusters in truth; lower is better, * the lowest",
        f"{'':6}{'one start':>24}{'best of five':>26}",
        f"{'k':>6}{'AIC':>12}{'BIC':>12}{'AIC':>14}{'BIC':>12}",
        *_criteria_table(one, five),
    ]


def _beside_each_other(one: Selection, five: Selection) -> Any:
    """The criteria of both, to one scale."""
    panels = plot.figure(1, 2, size=(10.0, 4.0), sharey=True)[0]
    stuck = ", ".join(str(k) for k in _stuck(one, five))
    titles = (
        "One start" + (f": stuck at {stuck}" if stuck else ""),
        "The best of five; faint: starts dropped",
    )
    for ax, choice, title in zip(panels, (one, five), titles, strict=True):
        choice.plot(ax, ["aic", "bic"])
        ax.set_title(title)
        ax.label_outer()
    _zoom(panels[0], five)
    return panels[0]


def _stuck(one: Selection, five: Selection) -> list[int]:
    """Numbers of components at which one start stopped well below the best of five."""
    found = {row.n_components: row.log_likelihood for row in five.table}
    return [
        row.n_components
        for row in one.table
        if row.log_likelihood < found[row.n_components] - MISSED
    ]


def _zoom(ax: Any, choice: Selection) -> None:
    """Leave out one component, whose criteria would flatten all others."""
    levels = [level for row in choice.table if row.n_components > 1 for level in (row.aic, row.bic)]
    span = max(levels) - min(levels)
    ax.set_ylim(min(levels) - 0.2 * span, max(levels) + 0.2 * span)


def _criteria_table(one: Selection, five: Selection) -> list[str]:
    lines = []
    for k in sorted({row.n_components for row in five.table}):
        line = f"{k:>6}"
        for choice, gap in (one, 0), (five, 2):
            for name in "aic", "bic":
                row = next((row for row in choice.table if row.n_components == k), None)
                mark = "*" if row is not None and row is choice.best_by(name) else " "
                value = "" if row is None else f"{getattr(row, name):,.0f}{mark}"
                line += f"{value:>{12 + (gap if name == 'aic' else 0)}}"
        lines.append(line.rstrip())
    return lines
