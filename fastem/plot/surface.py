"""The density of two columns: as contours, an image or a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fastem import validation
from fastem.mixture import Mixture
from fastem.plot.outlines import contours
from fastem.plot.style import axes, column_names, figure, two_columns

Kind = Literal["contour", "image", "surface"]
#: Points along each side of the grid.
GRID = 121
#: How far the picture reaches from the means, in standard deviations.
REACH = 3.3


def density(
    mixture: Mixture,
    ax: Axes | None = None,
    *,
    columns: Sequence[int | str] | None = None,
    kind: Kind = "contour",
) -> Axes:
    """The mixture's density over two columns, in rows a unit of area.

    Parameters
    ----------
    mixture : Mixture
        Of two columns, unless two are chosen.
    ax : matplotlib Axes, optional
        For a surface, of projection "3d".
    columns : two ints or names such as "column 0", optional
    kind : {"contour", "image", "surface"}, default "contour"
        Lines that enclose 25, 50, 75 and 95 % of the rows; shades, with a bar that tells them; or a
        surface in space.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If mixture is no Mixture, there are not two columns to draw, kind is unknown, or ax is no
        Axes of the projection that is needed.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0, 0], [5, 5]], [[1, 1], [1, 2]], "diag")
    >>> density(mixture, kind="image").get_xlabel()
    'column 0'
    """
    validation.choice(kind, "kind", get_args(Kind))
    part, (i, j) = two_columns(mixture, columns, "density")
    names = column_names(None, mixture.n_features, mixture)
    if kind == "surface" and ax is None:
        ax = figure(size=(6.0, 5.0), subplot_kw={"projection": "3d"})[0, 0]
    ax = axes(ax)
    if kind == "contour":
        contours(part, ax, components=False)
        ax.set_title("lines enclose 25, 50, 75, 95 % of the rows", fontsize=10)
    else:
        _shades(part, ax, kind)
    ax.set(xlabel=names[i], ylabel=names[j])
    return ax


def _shades(mixture: Mixture, ax: Any, kind: str) -> None:
    """The density on a grid that holds every component."""
    reach = REACH * np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
    alive = mixture.weights > 0
    low = (mixture.means[alive] - reach[alive]).min(axis=0)
    high = (mixture.means[alive] + reach[alive]).max(axis=0)
    x, y = np.meshgrid(*(np.linspace(low[d], high[d], GRID) for d in range(2)))
    height = np.exp(mixture.log_prob(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    if kind == "image":
        shades = ax.pcolormesh(x, y, height, cmap="Blues", shading="gouraud", rasterized=True)
        ax.figure.colorbar(shades, ax=ax, label="density")
        return
    if not hasattr(ax, "plot_surface"):
        raise ValueError('ax draws in a plane; a surface needs Axes of projection "3d"')
    ax.plot_surface(
        x, y, height, cmap="Blues", linewidth=0, antialiased=False, rstride=1, cstride=1
    )
    for axis in ax.xaxis, ax.yaxis, ax.zaxis:
        axis.set_major_locator(MaxNLocator(5))
    ax.set_zlabel("density", labelpad=12)
