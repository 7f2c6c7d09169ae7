"""Rows coloured by cluster: one pair of columns, a grid of pairs, or a histogram of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture import Mixture
from fastem.plot.one_column import density_1d, histogram
from fastem.plot.outlines import contours, ellipses
from fastem.plot.style import (
    MIXTURE,
    MOST_NAMED,
    NOISE,
    axes,
    beside,
    colour,
    column_indices,
    column_names,
    figure,
    folded,
    handles,
    marginal,
    marker,
    rows_drawn,
)
from fastem.words import Outline

#: A grid of pairs shows so many columns, unless columns are chosen.
MOST_COLUMNS = 6
OUTLINES: dict[str, Callable[..., Axes]] = {
    "ellipses": ellipses,
    "contours": contours,
    "none": lambda mixture, ax: ax,
}
#: What a legend says of them.
MEANING = {
    "ellipses": "\nrings: 1, 2, 3 deviations",
    "contours": "\nlines enclose 25, 50, 75, 95 %",
    "none": "",
}
#: Where fewer of the rows are distinct, those that coincide are one larger dot.
DISTINCT = 0.7


def clusters(
    mixture: Mixture,
    X: ArrayLike,
    ax: Any = None,
    columns: Sequence[int | str] | None = None,
    *,
    outline: Outline = "ellipses",
) -> Any:
    """Rows coloured by their likeliest component, with the components' outlines; noise is grey.

    One column is drawn as a histogram, two as points, more as a grid of all pairs: below the
    diagonal points, on it each column's histogram. Of more than 5000 rows a random sample of 5000
    is drawn; of more than 6 columns those 6 in which the components lie furthest apart.

    Parameters
    ----------
    mixture : Mixture
    X : (n_samples, n_features) array-like
        The names of a data frame's columns label the axes.
    ax : Axes, or (m, m) array of Axes for a grid of m columns, optional
        Drawn on; by default those of a new figure.
    columns : sequence of int or str, optional
        Which columns to draw, and in what order.
    outline : {"ellipses", "contours", "none"}, default "ellipses"

    Returns
    -------
    Axes or (m, m) ndarray of Axes
        Of the grid, those above the diagonal are hidden.

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, X is not what it was fitted to, or another argument is not what it
        must be.

    Examples
    --------
    >>> import fastem
    >>> mixture = fastem.Mixture([0.5, 0.5], [[0, 0], [5, 5]], [[1, 1], [1, 2]], "diag")
    >>> X, _ = mixture.sample(1000, random_state=0)
    >>> ax = clusters(mixture, X)
    >>> ax.get_xlabel()
    'column 0'
    """
    validation.choice(outline, "outline", OUTLINES)
    validation.instance(mixture, "mixture", Mixture, MIXTURE)
    rows = mixture.rows_of(X)
    names = column_names(X, mixture.n_features, mixture)
    chosen = column_indices(columns, names) or _separating_columns(mixture)
    rows = rows[rows_drawn(rows)]
    labels = mixture.predict(rows)
    names = [names[d] for d in chosen]
    part = marginal(mixture, chosen)
    if len(chosen) == 1:
        return density_1d(part, rows[:, chosen], ax, name=names[0])
    if len(chosen) == 2:
        ax = points(rows[:, chosen], labels, ax)
        _outline(outline, part, ax)
        ax.set(xlabel=names[0], ylabel=names[1])
        # Few enough for numbers of many digits.
        ax.xaxis.set_major_locator(MaxNLocator(5))
        if mixture.n_components <= MOST_NAMED:
            beside(ax, handles(mixture), _title(outline))
        return ax
    return _pairs(mixture, rows, labels, ax, chosen, names, outline)


def points(X: ArrayLike, labels: ArrayLike, ax: Axes | None = None) -> Axes:
    """Rows of two columns coloured by any labels, those of k-means for one.

    Where many rows coincide, as those of whole numbers do, each dot's area counts them.

    Parameters
    ----------
    X : (n_samples, 2) array-like
    labels : (n_samples,) array-like of int, from 0; -1 is noise, grey
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If X has not two columns, the labels are not one for each row, or ax is no Axes.

    Examples
    --------
    >>> ax = points([[0, 1], [5, 6], [9, 9]], [0, 1, -1])
    """
    names = column_names(X, 2)
    X = validation.rows(X)
    labels = validation.numeric(labels, "labels")
    if X.shape[1] != 2:
        raise ValueError(f"X has {X.shape[1]} columns; points draws two")
    if labels.shape != (len(X),) or labels.dtype.kind not in "iu" or labels.min() < -1:
        raise ValueError(
            f"labels has shape {labels.shape} and dtype {labels.dtype}; give one number from 0, or "
            f"-1 for noise, for each of the {len(X)} rows"
        )
    ax = axes(ax)
    drawn = rows_drawn(X)
    size = float(np.clip(6000 / len(drawn), 4, 24))
    tied = len(np.unique(X[drawn], axis=0)) < DISTINCT * len(drawn)
    for k in np.unique(labels[drawn]):
        mine = X[drawn][labels[drawn] == k]
        counts: NDArray = np.ones(1)
        if tied:
            mine, counts = np.unique(mine, axis=0, return_counts=True)
        ax.scatter(
            mine[:, 0],
            mine[:, 1],
            s=size * counts,
            c=colour(int(k)) if k >= 0 else NOISE,
            marker=marker(int(k)) if k >= 0 else ".",
            alpha=0.45,
            linewidths=0,
            rasterized=True,
        )
    ax.set(xlabel=names[0], ylabel=names[1])
    return ax


def _pairs(
    mixture: Mixture,
    rows: NDArray,
    labels: NDArray,
    grid: Any,
    chosen: list[int],
    names: list[str],
    outline: str,
) -> NDArray:
    m = len(chosen)
    if grid is None:
        side = min(2.1 * m, 12.0)
        grid = figure(m, m, size=(side, side), sharex="col")
    if np.shape(grid) != (m, m):
        raise ValueError(
            f"ax has shape {np.shape(grid)}, but {m} columns need an array ({m}, {m}) of Axes; "
            f"give one, or None for new ones, or choose two columns"
        )
    grid = np.asarray(grid)
    for i in range(m):
        for j in range(m):
            ax = grid[i, j]
            if j > i:
                ax.set_visible(False)
            elif i == j:
                one = marginal(mixture, [chosen[i]])
                histogram(one, rows[:, chosen[i]].astype(np.float64), ax)
                ax.set_yticks([])
            else:
                pair = [chosen[j], chosen[i]]
                _outline(outline, marginal(mixture, pair), points(rows[:, pair], labels, ax))
            ax.set(
                xlabel=folded(names[j]) if i == m - 1 else "",
                ylabel=folded(names[i]) if j == 0 and i else "",
            )
            # None at the ends, where it would meet that of the neighbour.
            ax.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
            for axis in ax.xaxis, ax.yaxis:
                short = ScalarFormatter(useMathText=True)
                short.set_powerlimits((-3, 5))
                axis.set_major_formatter(short)
            ax.tick_params(labelbottom=i == m - 1, labelleft=j == 0 and i > 0)
    sheet = grid[0, 0].figure
    if mixture.n_components <= MOST_NAMED:
        sheet.legend(
            handles=handles(mixture), loc="upper right", frameon=False, title=_title(outline)
        )
    if m < mixture.n_features:
        sheet.suptitle(f"{m} of {mixture.n_features} columns", x=0.02, ha="left", fontsize=11)
    return grid


def _separating_columns(mixture: Mixture) -> list[int]:
    """All columns if few, else those whose means lie furthest apart for their spread."""
    if mixture.n_features <= MOST_COLUMNS:
        return list(range(mixture.n_features))
    means, weights = mixture.means, mixture.weights
    between = weights @ (means - weights @ means) ** 2
    within = weights @ np.diagonal(mixture.full_covariances, axis1=1, axis2=2)
    separating = np.argsort(-between / within, kind="stable")[:MOST_COLUMNS]
    return sorted(int(d) for d in separating)


def _outline(outline: str, mixture: Mixture, ax: Axes) -> None:
    """The outlines, in a window that holds them and the rows."""
    if outline != "none":
        deviations = np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
        alive = mixture.weights > 0
        reach = 3.1 * deviations[alive]
        low = (mixture.means[alive] - reach).min(axis=0)
        high = (mixture.means[alive] + reach).max(axis=0)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.set_xlim(min(left, low[0]), max(right, high[0]))
        ax.set_ylim(min(bottom, low[1]), max(top, high[1]))
    OUTLINES[outline](mixture, ax)


def _title(outline: str) -> str:
    """What a legend says of components and of their outlines."""
    return f"component: weight{MEANING[outline]}"
