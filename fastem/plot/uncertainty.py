"""How far the means of a mixture would move if the rows were drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from fastem import validation
from fastem.inference.replicates import Bootstrap
from fastem.plot.density import ellipses
from fastem.plot.style import INK, axes, colour, two_columns


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
    ellipses(mixture, ax, sigmas=(1.0,))
    for k in range(mixture.n_components):
        dots = made.means[:, k]
        ax.scatter(dots[:, i], dots[:, j], s=5, color=colour(k), alpha=0.35, lw=0, zorder=2)
        x, y = mixture.means[k]
        ax.plot([low[k, i], high[k, i]], [y, y], color=INK, lw=1.2, zorder=3)
        ax.plot([x, x], [low[k, j], high[k, j]], color=INK, lw=1.2, zorder=3)
    ax.set(xlabel=f"column {i}", ylabel=f"column {j}")
    return ax
