"""Rows coloured by cluster: one pair of columns, a grid of pairs, or a histogram of one."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture import Mixture
from fastem.plot.outlines import contours, ellipses
from fastem.plot.style import (
    INK,
    MIXTURE,
    MOST_NAMED,
    axes,
    colour,
    column_indices,
    column_names,
    figure,
    marginal,
    marker,
    rows_drawn,
)
from fastem.words import Outline

#: A grid of pairs shows so many columns, unless columns are chosen.
MOST_COLUMNS = 6
#: A name under a column of a grid is folded at so many characters.
FOLDED = 16
#: Rows of noise.
NOISE = "#999999"
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
#: Whole numbers over a range of no more have a bin each.
MOST_BINS = 60
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
        _legend(ax, mixture, outline)
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


def density_1d(
    mixture: Mixture, X: ArrayLike, ax: Axes | None = None, *, name: str | None = None
) -> Axes:
    """Histogram of one column, the mixture's density over it, and its components' shares.

    Parameters
    ----------
    mixture : Mixture
        Of one column.
    X : (n_samples, 1) or (n_samples,) array-like
    ax : Axes, optional
    name : str, optional
        Label of the axis; by default the name of a data frame's column.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If the mixture or X is not of one column, or ax is no Axes.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0], [5]], [[1], [2]], "diag")
    >>> ax = density_1d(mixture, mixture.sample(100, random_state=0)[0], name="height")
    """
    validation.instance(mixture, "mixture", Mixture, MIXTURE)
    if mixture.n_features != 1:
        raise ValueError(
            f"density_1d draws one column but the mixture has {mixture.n_features}; "
            f"clusters(mixture, X, columns=[0]) draws one of several"
        )
    named = name or getattr(X, "name", None) or column_names(X, 1)[0]
    column = validation.numeric(X, "X")
    values = validation.rows(column[:, None] if column.ndim == 1 else X, n_features=1)
    ax = axes(ax)
    _histogram(mixture, values[:, 0].astype(np.float64), ax)
    ax.set(xlabel=str(named), ylabel="density")
    lines = [Line2D([], [], color=INK, lw=1.6, label="mixture")]
    ax.legend(handles=lines + _handles(mixture), fontsize=8.5, frameon=False)
    return ax


def _histogram(mixture: Mixture, values: NDArray[np.float64], ax: Axes) -> None:
    ax.hist(
        values, bins=_bins(values), density=True, color="#DDDDDD", edgecolor="white", linewidth=0.5
    )
    low, high = ax.get_xlim()
    variances = mixture.full_covariances[:, 0, 0]
    # Fine where a component is narrow.
    near = mixture.means[:, 0] + np.linspace(-4, 4, 81)[:, None] * np.sqrt(variances)
    x = np.unique(np.concatenate([np.linspace(low, high, 400), near.ravel()]))
    x = x[(x >= low) & (x <= high)]
    for k in range(mixture.n_components):
        z = (x - mixture.means[k, 0]) ** 2 / variances[k]
        share = mixture.weights[k] * np.exp(-0.5 * z) / np.sqrt(2 * np.pi * variances[k])
        ax.plot(x, share, color=colour(k), lw=1.6, ls="--")
    ax.plot(x, np.exp(mixture.log_prob(x[:, None])), color=INK, lw=1.6)
    ax.set_xlim(low, high)


def _bins(values: NDArray[np.float64]) -> Any:
    """Bins about whole numbers where all values are, else a number of bins."""
    low, high = values.min(), values.max()
    if 0 < high - low < MOST_BINS and (values == np.round(values)).all():
        return np.arange(low - 0.5, high + 1.0)
    return min(len(np.histogram_bin_edges(values, "sqrt")) - 1, MOST_BINS)


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
                _histogram(one, rows[:, chosen[i]].astype(np.float64), ax)
                ax.set_yticks([])
            else:
                pair = [chosen[j], chosen[i]]
                _outline(outline, marginal(mixture, pair), points(rows[:, pair], labels, ax))
            below = textwrap.fill(names[j], FOLDED, break_long_words=False)
            beside = textwrap.fill(names[i], FOLDED, break_long_words=False)
            ax.set(xlabel=below if i == m - 1 else "", ylabel=beside if j == 0 and i else "")
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
            handles=_handles(mixture), loc="upper right", frameon=False, title=_title(outline)
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


def _legend(ax: Axes, mixture: Mixture, outline: str) -> None:
    if mixture.n_components <= MOST_NAMED:
        ax.legend(
            handles=_handles(mixture),
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            fontsize=9,
            frameon=False,
            title=_title(outline),
            title_fontsize=9,
        )


def _handles(mixture: Mixture) -> list[Line2D]:
    shown = [
        (marker(k), colour(k), f"{k}: {mixture.weights[k]:.0%}")
        for k in range(mixture.n_components)
    ]
    if mixture.noise is not None:
        shown.append((".", NOISE, f"noise: {mixture.noise.weight:.0%}"))
    return [
        Line2D([], [], ls="", marker=sign, color=ink, markersize=6, label=label)
        for sign, ink, label in shown
    ]
