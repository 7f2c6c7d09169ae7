"""Histograms of what the replicates of a bootstrap say of each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from fastem import validation
from fastem.inference.replicates import Bootstrap
from fastem.plot.style import INK, colour, column_indices, column_names, figure, folded
from fastem.words import Parameter

#: Parameters that histograms are drawn of, and what a replicate calls them.
PARTS = {"weight": "weights", "mean": "means", "variance": "variances"}
#: So many components are drawn, and columns unless columns are chosen.
MOST_COMPONENTS, MOST_COLUMNS = 7, 6
#: Bins of a histogram, at most.
MOST_BINS = 40


def histograms(
    made: Bootstrap,
    ax: Any = None,
    *,
    parameter: Parameter = "mean",
    columns: Sequence[int | str] | None = None,
    level: float = 0.95,
) -> NDArray:
    """Histograms of the replicates of one kind of parameter, with estimates and intervals.

    A column of the grid is a component, a row of it a column of the data; of weights there is one
    row. Of more than 7 components the first are drawn, which `fastem.fit` makes the heaviest, and
    of more than 6 columns the first, unless columns are chosen.

    Parameters
    ----------
    made : Bootstrap
    ax : (n_rows, n_components) array of Axes, optional
        Drawn on; by default those of a new figure.
    parameter : {"mean", "weight", "variance"}, default "mean"
    columns : sequence of int or str, optional
        Which columns to draw, and in what order.
    level : float, default 0.95
        As of `Bootstrap.interval`, whose intervals are drawn.

    Returns
    -------
    (n_rows, n_components) ndarray of Axes

    Raises
    ------
    TypeError, ValueError
        If made is no Bootstrap, or another argument is not what it must be.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> made = fastem.bootstrap(fastem.fit(X, 1), X, 9, random_state=0)
    >>> histograms(made).shape
    (2, 1)
    """
    validation.instance(made, "made", Bootstrap, "what fastem.bootstrap returned")
    validation.choice(parameter, "parameter", PARTS)
    mixture, part = made.mixture, PARTS[parameter]
    names = column_names(None, mixture.n_features, mixture)
    chosen = column_indices(columns, names) or list(range(min(mixture.n_features, MOST_COLUMNS)))
    n_drawn = min(mixture.n_components, MOST_COMPONENTS)
    found = [getattr(values, part) for values in (made.estimates, *made.interval(level))]
    values = getattr(made, part)
    if parameter == "weight":
        values, found, chosen = values[..., None], [one[:, None] for one in found], [0]
    grid = _grid(ax, len(chosen), n_drawn)
    for i, d in enumerate(chosen):
        for k in range(n_drawn):
            _histogram(values[:, k, d], [one[k, d] for one in found], colour(k), grid[i, k])
            grid[i, k].set_title(f"component {k}" if i == 0 else "")
        grid[i, 0].set_ylabel("" if parameter == "weight" else folded(names[d]))
    for panel in grid[-1]:
        panel.set_xlabel(parameter)
    sheet = grid[0, 0].figure
    sheet.supylabel("replicates", fontsize=9)
    lines = [
        Line2D([], [], color=INK, lw=1.6, label="estimate"),
        Line2D([], [], color=INK, lw=1.2, ls="--", label=f"{100 * level:g}% interval"),
    ]
    sheet.legend(handles=lines, loc="outside upper right", ncols=2, fontsize=9, frameon=False)
    left_out = []
    if n_drawn < mixture.n_components:
        left_out.append(f"{n_drawn} of {mixture.n_components} components")
    if parameter != "weight" and len(chosen) < mixture.n_features:
        left_out.append(f"{len(chosen)} of {mixture.n_features} columns")
    sheet.suptitle(", ".join(left_out), x=0.02, ha="left", fontsize=11)
    return grid


def _grid(ax: Any, n_rows: int, n_columns: int) -> NDArray:
    """The Axes given, if they are as many, or new ones."""
    if ax is None:
        size = min(max(2.6 * n_columns, 4.5), 14.0), min(1.0 + 1.9 * n_rows, 12.0)
        return figure(n_rows, n_columns, size=size)
    if np.shape(ax) != (n_rows, n_columns):
        raise ValueError(
            f"ax has shape {np.shape(ax)}; give an array ({n_rows}, {n_columns}) of Axes, or None "
            f"for new ones"
        )
    return np.asarray(ax)


def _histogram(values: NDArray, marks: Sequence[float], ink: str, ax: Axes) -> None:
    """Replicates of one parameter; marks are its estimate and the ends of its interval."""
    bins = min(max(int(np.sqrt(len(values))), 5), MOST_BINS)
    ax.hist(values, bins=bins, color=ink, alpha=0.55, edgecolor="white", linewidth=0.5)
    ax.axvline(marks[0], color=INK, lw=1.6)
    for end in marks[1:]:
        ax.axvline(end, color=INK, lw=1.2, ls="--")
    ax.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    short = ScalarFormatter(useMathText=True)
    short.set_powerlimits((-3, 5))
    ax.xaxis.set_major_formatter(short)
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
