"""Checks of a fit in one column: quantiles against quantiles, and cumulative shares of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from fastem import validation
from fastem.mixture import Mixture
from fastem.plot.style import (
    FAINT,
    INK,
    MIXTURE,
    axes,
    colour,
    column_indices,
    column_names,
    marginal,
    rows_drawn,
)

#: Halvings that find a quantile: as many as a float64 has bits.
HALVINGS = 64
#: How far the search for quantiles reaches from the means, in standard deviations.
REACH = 40.0
#: Of 1.36 / sqrt(n): the empirical shares of 95 % of samples stay so near (Kolmogorov).
BAND = 1.36
#: Points of the curves.
POINTS = 400


def qq(
    mixture: Mixture,
    X: ArrayLike,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
) -> Axes:
    """Quantiles of the rows in one column against those of the mixture.

    On the line the mixture has the rows' distribution. The band holds all points in 95 % of samples
    from it (Kolmogorov), more if it was fitted to the same rows.

    Parameters
    ----------
    mixture : Mixture
        Of one column, unless one is chosen.
    X : (n_samples, n_features) array-like
    ax : Axes, optional
    columns : one int or name such as "column 0", optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, X is not what it was fitted to, there is not one column to draw,
        or ax is no Axes.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0], [5]], [[1], [2]], "diag")
    >>> qq(mixture, mixture.sample(200, random_state=0)[0]).get_title()
    'quantiles of column 0'
    """
    part, values, name = _column(mixture, X, columns, "qq")
    ax = axes(ax)
    values = np.sort(values)
    shares = (np.arange(len(values)) + 0.5) / len(values)
    curve = np.linspace(shares[0], shares[-1], POINTS)
    across, margin = quantiles(part, curve), BAND / np.sqrt(len(values))
    # Of a share below 0 or above 1 the band has no end: there it leaves the picture.
    low, high = (quantiles(part, np.clip(curve + side * margin, 0.0, 1.0)) for side in (-1, 1))
    ax.fill_between(across, low, high, color=FAINT, alpha=0.25, lw=0, label="95 % of samples")
    ax.plot(across[[0, -1]], across[[0, -1]], color=INK, lw=1.0, label="the mixture")
    some = rows_drawn(values)
    ax.plot(quantiles(part, shares[some]), values[some], ".", color=colour(0), ms=4, label="rows")
    ends = np.array([min(values[0], across[0]), max(values[-1], across[-1])])
    edge = 0.04 * (ends[1] - ends[0]) or 1.0
    ax.set(xlabel="quantile of the mixture", ylabel="quantile of the rows")
    ax.set_ylim(ends[0] - edge, ends[1] + edge)
    return _finished(ax, f"quantiles of {name}")


def cdf(
    mixture: Mixture,
    X: ArrayLike,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
) -> Axes:
    """The share of rows up to each value of one column, and the mixture's.

    The band about the mixture's holds the rows' in 95 % of samples from it (Kolmogorov), more if it
    was fitted to the same rows.

    Parameters
    ----------
    mixture : Mixture
        Of one column, unless one is chosen.
    X : (n_samples, n_features) array-like
    ax : Axes, optional
    columns : one int or name such as "column 0", optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, X is not what it was fitted to, there is not one column to draw,
        or ax is no Axes.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0], [5]], [[1], [2]], "diag")
    >>> cdf(mixture, mixture.sample(200, random_state=0)[0]).get_ylabel()
    'share of rows'
    """
    part, values, name = _column(mixture, X, columns, "cdf")
    ax = axes(ax)
    low, high = values.min(), values.max()
    edge = 0.04 * (high - low) or 1.0
    x = np.linspace(low - edge, high + edge, POINTS)
    share, margin = cumulative(part, x), BAND / np.sqrt(len(values))
    band = np.clip(share - margin, 0.0, 1.0), np.clip(share + margin, 0.0, 1.0)
    ax.fill_between(x, *band, color=FAINT, alpha=0.25, lw=0, label="95 % of samples")
    ax.plot(x, share, color=INK, lw=1.2, label="the mixture")
    ax.ecdf(values, color=colour(0), lw=1.2, label="rows")
    ax.set(xlabel=name, ylabel="share of rows", xlim=(x[0], x[-1]))
    return _finished(ax, f"cumulative shares of {name}")


def cumulative(mixture: Mixture, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of values up to each x, (n,), under a mixture of one column."""
    deviations = np.sqrt(mixture.full_covariances[:, 0, 0])
    share = ndtr((x[:, None] - mixture.means[:, 0]) / deviations) @ mixture.weights
    if (noise := mixture.noise) is not None:
        low, high = noise.low[0], noise.high[0]
        share += noise.weight * np.clip((x - low) / (high - low), 0.0, 1.0)
    return share


def quantiles(mixture: Mixture, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values up to which a mixture of one column has such probabilities, by bisection."""
    alive = mixture.weights > 0
    reach = REACH * np.sqrt(mixture.full_covariances[alive, 0, 0])
    ends = [*(mixture.means[alive, 0] - reach), *(mixture.means[alive, 0] + reach)]
    if mixture.noise is not None:
        ends += [mixture.noise.low[0], mixture.noise.high[0]]
    low, high = (np.full(len(shares), end) for end in (min(ends), max(ends)))
    for _ in range(HALVINGS):
        middle = low + 0.5 * (high - low)
        below = cumulative(mixture, middle) < shares
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low + 0.5 * (high - low)


def _column(
    mixture: Mixture, X: ArrayLike, columns: Sequence[int | str] | None, picture: str
) -> tuple[Mixture, NDArray[np.float64], str]:
    """The mixture of the column to draw, its values and its name."""
    validation.instance(mixture, "mixture", Mixture, MIXTURE)
    rows = mixture.rows_of(X)
    names = column_names(X, mixture.n_features, mixture)
    chosen = column_indices(columns, names) or list(range(mixture.n_features))
    if len(chosen) != 1:
        raise ValueError(
            f"{picture} draws one column, not {len(chosen)}; choose it, such as columns=[0]"
        )
    values = rows[:, chosen[0]].astype(np.float64)
    return marginal(mixture, chosen), values, names[chosen[0]]


def _finished(ax: Axes, title: str) -> Axes:
    ax.set_title(title)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=9, frameon=False)
    return ax
