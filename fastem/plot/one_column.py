"""One column: a histogram of the rows, and the density of the mixture over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture import Mixture
from fastem.plot.style import (
    COLOURS,
    INK,
    MIXTURE,
    MOST_NAMED,
    axes,
    beside,
    colour,
    column_names,
    handles,
    percent,
)

#: Of components' shares of a density, the next where colours repeat.
SHARES = "--", ":", "-."
#: Whole numbers over a range of no more have a bin each.
MOST_BINS = 60


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
    histogram(mixture, values[:, 0].astype(np.float64), ax)
    ax.set(xlabel=str(named), ylabel="density")
    lines = [Line2D([], [], color=INK, lw=1.6, label="mixture")]
    if mixture.n_components <= MOST_NAMED:
        lines += [
            Line2D([], [], label=f"{k}: {percent(mixture.weights[k])}", **_look_of_share(k))
            for k in range(mixture.n_components)
        ]
        # Noise, which has no line of its own.
        lines += handles(mixture)[mixture.n_components :]
    beside(ax, lines, "component: weight")
    return ax


def histogram(mixture: Mixture, values: NDArray[np.float64], ax: Axes) -> None:
    """The rows as bars, the mixture's density as a line, its components' shares dashed."""
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
        ax.plot(x, share, **_look_of_share(k))
    # Below the shares: where components are apart they coincide.
    ax.plot(x, np.exp(mixture.log_prob(x[:, None])), color=INK, lw=1.6, zorder=1.9)
    ax.set_xlim(low, high)


def _look_of_share(k: int) -> dict[str, Any]:
    """The line of a component's share of a density."""
    return {"color": colour(k), "lw": 1.6, "ls": SHARES[k // len(COLOURS) % len(SHARES)]}


def _bins(values: NDArray[np.float64]) -> Any:
    """Bins about whole numbers where all values are, else a number of bins."""
    low, high = values.min(), values.max()
    if 0 < high - low < MOST_BINS and (values == np.round(values)).all():
        return np.arange(low - 0.5, high + 1.0)
    return min(len(np.histogram_bin_edges(values, "sqrt")) - 1, MOST_BINS)
