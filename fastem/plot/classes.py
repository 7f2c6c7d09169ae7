"""Classes and clusters: regions of a classifier, uncertain rows, and clusters joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.classification import Classifier
from fastem.classification.classifier import joint
from fastem.classification.targets import codes_of
from fastem.mixture import Merging, Mixture
from fastem.mixture.merging import APART
from fastem.plot.clusters import points
from fastem.plot.style import (
    FAINT,
    INK,
    MIXTURE,
    MOST_NAMED,
    axes,
    beside,
    colour,
    column_indices,
    column_names,
    handles,
    marginal,
    marker,
    rows_drawn,
    two_columns,
)

#: Points of the grid along each axis on which classes are told.
GRID = 200
#: How far the picture reaches beyond the rows, by their range.
MARGIN = 0.05
#: Areas of the dots of a row that is certain, and of one that is not at all.
DOTS = 4.0, 90.0


def regions(
    classifier: Classifier,
    X: ArrayLike,
    y: ArrayLike | None = None,
    ax: Axes | None = None,
    columns: Sequence[int | str] | None = None,
) -> Axes:
    """Where in two columns which class is likeliest, by the classes' densities there.

    Parameters
    ----------
    classifier : Classifier
    X : (n_samples, n_features) array-like
        Rows that are drawn.
    y : (n_samples,) array-like, optional
        Their classes, which colour them; by default those that they are put in.
    ax : Axes, optional
    columns : sequence of int or str, optional
        Two; by default the first two.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If classifier is no Classifier, X or y is not what it was trained on, or another argument is
        not what it must be.

    Examples
    --------
    >>> import fastem
    >>> X = [[0.0, 0.0], [1.0, 0.5], [0.0, 1.0], [9.0, 9.0], [8.0, 9.5], [9.0, 8.0]]
    >>> found = fastem.classify(X, [0, 0, 0, 1, 1, 1], covariance_type="EII")
    >>> regions(found, X).get_xlabel()
    'column 0'
    """
    wanted = "what fastem.classify returned"
    validation.instance(classifier, "classifier", Classifier, wanted)
    first = classifier.mixtures[0]
    rows = first.rows_of(X)
    names = column_names(X, first.n_features, first)
    chosen = column_indices(columns, names) or [0, 1]
    if len(chosen) != 2 or first.n_features < 2:
        remedy = "choose them, columns=[0, 1]" if first.n_features > 1 else "density_1d draws one"
        raise ValueError(f"regions draws two columns of {first.n_features}; {remedy}")
    told = classifier.predict(rows) if y is None else y
    codes = codes_of(told, len(rows), classifier.classes)
    some = rows_drawn(rows)
    drawn = rows[some][:, chosen].astype(np.float64)
    parts = tuple(marginal(mixture, chosen) for mixture in classifier.mixtures)
    ax = axes(ax)
    x, height = (_grid(column) for column in drawn.T)
    across = np.stack(np.meshgrid(x, height), axis=-1).reshape(-1, 2)
    found = joint(parts, classifier.priors, across, "error").argmax(axis=1)
    inks = [colour(c) for c in range(len(classifier.classes))]
    ax.imshow(
        found.reshape(GRID, GRID),
        origin="lower",
        extent=(x[0], x[-1], height[0], height[-1]),
        aspect="auto",
        cmap=ListedColormap(inks),
        vmin=-0.5,
        vmax=len(inks) - 0.5,
        alpha=0.18,
        interpolation="nearest",
    )
    for c in range(len(inks)):
        # Seen where neighbours have one colour.
        inside = (found == c).reshape(GRID, GRID)
        if inside.any() and not inside.all():
            ax.contour(x, height, inside, levels=[0.5], colors=[FAINT], linewidths=0.6)
    points(drawn, codes[some], ax)
    ax.set(xlabel=names[chosen[0]], ylabel=names[chosen[1]])
    signs = [
        Line2D([], [], color=ink, marker=marker(c), ls="", label=str(classifier.classes[c]))
        for c, ink in enumerate(inks)
    ]
    beside(ax, signs, "class")
    return ax


def uncertainty(
    mixture: Mixture,
    X: ArrayLike,
    ax: Axes | None = None,
    columns: Sequence[int | str] | None = None,
) -> Axes:
    """Rows in two columns, the larger the less certain their component is.

    Parameters
    ----------
    mixture : Mixture
    X : (n_samples, n_features) array-like
    ax : Axes, optional
    columns : sequence of int or str, optional
        Two, where there are more.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, X is not what it was fitted to, or columns are not two.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0, 0], [3, 3]], [[1, 1], [1, 2]], "diag")
    >>> ax = uncertainty(mixture, mixture.sample(100, random_state=0)[0])
    >>> ax.get_title()
    'uncertainty, 1 - largest responsibility'
    """
    validation.instance(mixture, "mixture", Mixture, MIXTURE)
    rows = mixture.rows_of(X)
    names = column_names(X, mixture.n_features, mixture)
    _, chosen = two_columns(mixture, columns, "uncertainty")
    rows = rows[rows_drawn(rows)]
    doubt, labels = mixture.uncertainty(rows), mixture.predict(rows)
    order = np.argsort(doubt, kind="stable")
    ax = axes(ax)
    for k in np.unique(labels):
        mine = order[labels[order] == k]
        ax.scatter(
            rows[mine, chosen[0]],
            rows[mine, chosen[1]],
            s=DOTS[0] + (DOTS[1] - DOTS[0]) * doubt[mine],
            c=colour(int(k)) if k >= 0 else FAINT,
            marker=marker(int(k)) if k >= 0 else "o",
            alpha=0.6,
            linewidths=0,
            rasterized=True,
        )
    if mixture.n_components <= MOST_NAMED:
        beside(ax, handles(mixture), "component: weight\nlarger: less certain")
    ax.set(xlabel=names[chosen[0]], ylabel=names[chosen[1]])
    ax.set_title("uncertainty, 1 - largest responsibility", fontsize=10)
    return ax


def merging(merged: Merging, ax: Axes | None = None) -> Axes:
    """Entropy against the number of clusters, and the two lines that break where it was chosen.

    Parameters
    ----------
    merged : Merging
        What `Mixture.merge` returned.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If merged is no Merging, or ax is no Axes.

    Examples
    --------
    >>> mixture = Mixture([0.3, 0.3, 0.4], [[0.0], [1.0], [9.0]], np.ones((3, 1)), "diag")
    >>> ax = merging(mixture.merge(mixture.sample(300, random_state=0)[0]))
    >>> ax.get_xlabel()
    'clusters'
    """
    validation.instance(merged, "merged", Merging, "what Mixture.merge returned")
    ax, n = axes(ax), merged.n_clusters
    x, y = np.arange(1, len(merged.entropies) + 1), merged.entropies
    ax.plot(x, y, "o", color=colour(0), ms=5)
    overlap = y[-1] > APART
    if not overlap:
        ax.set_ylim(-0.05, 1.0)
    for part in slice(0, n), slice(n - 1, len(x)):
        if overlap and len(x[part]) > 1:
            slope, level = np.polyfit(x[part], y[part], 1)
            ax.plot(x[part], slope * x[part] + level, color=FAINT, lw=1.2, zorder=1)
    ax.plot([n], [y[n - 1]], "o", ms=12, mfc="none", color=INK)
    ax.set(xlabel="clusters", ylabel="entropy in nats", xticks=x)
    return ax


def _grid(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points that reach a little beyond a column."""
    low, high = column.min(), column.max()
    margin = MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, GRID)
