"""Mixtures of two columns: contours of density, sigma ellipses, and means of replicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from fastem import validation
from fastem.inference.replicates import Bootstrap
from fastem.mixture import Mixture
from fastem.plot.style import (
    INK,
    MOST_NAMED,
    axes,
    beside,
    colour,
    column_names,
    dashes,
    marker,
    two_columns,
)

#: Shares of the rows that contours enclose.
ENCLOSED = 0.95, 0.75, 0.5, 0.25
#: Points along each side of the grid that contours are drawn from.
GRID = 161
#: Rows drawn from a mixture to find the density that encloses a share of it.
DRAWN = 20000


def contours(
    mixture: Mixture,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
    components: bool = True,
) -> Axes:
    """Contour lines of density that enclose 25, 50, 75 and 95 % of the rows.

    Parameters
    ----------
    mixture : Mixture
        Of two columns, unless two are chosen.
    ax : matplotlib Axes, optional
        Its limits are kept if it holds anything.
    columns : two ints or names such as "column 0", optional
    components : bool, default True
        Whether to draw each component's own density in its colour, or else the mixture's, the lines
        then those of the highest density regions (R. J. Hyndman, The American Statistician 50
        (1996) 120).

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, there are not two columns to draw, ax is no Axes, or components is
        neither True nor False.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0, 0], [5, 5]], [[1, 1], [1, 2]], "diag")
    >>> ax = contours(mixture)
    >>> len(ax.collections)
    2
    """
    components = validation.boolean(components, "components")
    mixture, _ = two_columns(mixture, columns, "contours")
    ax = axes(ax)
    low, high = _window(mixture, ax)
    x, y = (np.linspace(low[d], high[d], GRID) for d in range(2))
    grid = np.column_stack([side.ravel() for side in np.meshgrid(x, y)])
    if components:
        for k in np.flatnonzero(mixture.weights):
            centre, covariance = mixture.means[k : k + 1], mixture.full_covariances[k : k + 1]
            alone = Mixture(np.ones(1), centre, covariance)
            # A Gaussian in two columns is within Mahalanobis distance r with probability 1 -
            # e^(-r^2/2).
            peak = alone.log_prob(centre)[0]
            levels = peak + np.log1p(-np.array(ENCLOSED))
            _lines(ax, alone, grid, x, y, levels, colour(int(k)), dashes(int(k)))
    else:
        # R. J. Hyndman, The American Statistician 50 (1996) 120: the highest density region of
        # share s is bounded by the (1 - s) quantile of the density at rows drawn from it.
        density = mixture.log_prob(mixture.sample(DRAWN, random_state=0)[0])
        _lines(ax, mixture, grid, x, y, np.quantile(density, 1 - np.array(ENCLOSED)), INK)
    _set_window(ax, low, high)
    return ax


def _lines(
    ax: Axes,
    mixture: Mixture,
    grid: NDArray,
    x: NDArray,
    y: NDArray,
    levels: NDArray,
    ink: str,
    style: str = "solid",
) -> None:
    height = mixture.log_prob(grid).reshape(len(y), len(x))
    shown = levels[(levels > height.min()) & (levels < height.max())]
    if len(shown):
        ax.contour(x, y, height, levels=shown, colors=[ink], linewidths=1.2, linestyles=style)


def ellipses(
    mixture: Mixture,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
    sigmas: Sequence[float] = (1.0, 2.0, 3.0),
) -> Axes:
    """Each component as ellipses at 1, 2 and 3 standard deviations, its mean a cross.

    Parameters
    ----------
    mixture : Mixture
        Of two columns, unless two are chosen.
    ax : matplotlib Axes, optional
        Its limits are kept if it holds anything.
    columns : two ints or names such as "column 0", optional
    sigmas : sequence of float, default (1, 2, 3)
        Mahalanobis distances from the mean.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, there are not two columns to draw, ax is no Axes, or sigmas are
        not finite numbers of at least 0.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0, 0], [5, 5]], [[1, 1], [1, 2]], "diag")
    >>> len(ellipses(mixture, sigmas=[1, 2]).patches)
    4
    """
    mixture, _ = two_columns(mixture, columns, "ellipses")
    distances = [validation.real(sigma, "sigmas") for sigma in validation.listed(sigmas, "sigmas")]
    ax = axes(ax)
    low, high = _window(mixture, ax, 1.1 * max(distances, default=1.0))
    values, vectors = np.linalg.eigh(mixture.full_covariances)
    angles = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    diameters = 2.0 * np.sqrt(np.maximum(values, 0.0))
    for k in np.flatnonzero(mixture.weights):
        for i, sigma in enumerate(sorted(distances)):
            outline = Ellipse(
                (mixture.means[k, 0], mixture.means[k, 1]),
                width=sigma * diameters[k, 1],
                height=sigma * diameters[k, 0],
                angle=angles[k],
                fill=False,
                edgecolor=colour(int(k)),
                linestyle=dashes(int(k)),
                linewidth=max(1.8 - 0.5 * i, 0.6),
            )
            ax.add_patch(outline)
    means = mixture.means[mixture.weights > 0]
    ax.plot(means[:, 0], means[:, 1], "+", color=INK, markersize=9, markeredgewidth=1.8, zorder=4)
    _set_window(ax, low, high)
    return ax


def replicates(
    made: Bootstrap,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
    level: float = 0.95,
) -> Axes:
    """Means of all replicates as dots, their intervals as bars, the fit's ellipses at one sigma.

    The intervals are those of `Bootstrap.interval`.

    Parameters
    ----------
    made : Bootstrap
        Of a mixture of two columns, unless two are chosen.
    ax : matplotlib Axes, optional
    columns : two ints or names such as "column 0", optional
    level : float, default 0.95
        Share of the replicates that an interval holds, in each column by itself.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If made is no Bootstrap, there are not two columns to draw, ax is no Axes, or level does not
        lie between 0 and 1.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> made = fastem.bootstrap(fastem.fit(X, 1), X, 9, random_state=0)
    >>> replicates(made).get_xlabel()
    'column 0'
    """
    validation.instance(made, "made", Bootstrap, "what fastem.bootstrap returned")
    mixture, (i, j) = two_columns(made.mixture, columns, "replicates")
    low, high = (bound.means for bound in made.interval(level))
    ax = axes(ax)
    is_new = not ax.has_data()
    ellipses(mixture, ax, sigmas=(1.0,))
    for k in range(mixture.n_components):
        dots = made.means[:, k]
        ax.scatter(dots[:, i], dots[:, j], s=8, color=colour(k), marker=marker(k), alpha=0.35, lw=0)
        x, y = mixture.means[k]
        ax.plot([low[k, i], high[k, i]], [y, y], color=INK, lw=1.2, zorder=3)
        ax.plot([x, x], [low[k, j], high[k, j]], color=INK, lw=1.2, zorder=3)
    if is_new:
        ax.autoscale()
    names = column_names(None, made.mixture.n_features, made.mixture)
    ax.set(xlabel=names[i], ylabel=names[j])
    handles = [
        Line2D([], [], ls="", marker=marker(k), ms=5, color=colour(k), label=f"component {k}")
        for k in range(min(mixture.n_components, MOST_NAMED))
    ]
    handles.append(Line2D([], [], color=INK, lw=1.2, label=f"{100 * level:g}% interval"))
    beside(ax, handles, "means of replicates\nring: 1 deviation")
    return ax


def _window(mixture: Mixture, ax: Axes, reach: float = 3.3) -> tuple[NDArray, NDArray]:
    """Limits of what is drawn already, else those that hold components to so many deviations."""
    if ax.has_data():
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        return np.array([left, bottom]), np.array([right, top])
    deviations = np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
    alive = mixture.weights > 0
    edge = reach * deviations[alive]
    return (mixture.means[alive] - edge).min(axis=0), (mixture.means[alive] + edge).max(axis=0)


def _set_window(ax: Axes, low: NDArray, high: NDArray) -> None:
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
