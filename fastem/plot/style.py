"""What all pictures share: colours, new figures, names of columns, rows enough to draw."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fastem import validation
from fastem.mixture import Mixture
from fastem.validation.column_choice import called, positions, printable

#: M. Okabe and K. Ito's colours, which people with any colour vision tell apart, the strongest
#: first.
COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C7A00"
#: Where colours repeat, the marker and the dashes of lines change.
MARKERS = "o^sDvPX"
DASHES = "-", "--", ":", "-."
INK = "#222222"
#: Rows of noise.
NOISE = "#999999"
#: What messages say is wanted where a mixture is.
MIXTURE = "a fastem.Mixture, such as fit.mixture"
FAINT = "#9A9A9A"
#: A legend names so many components; more would hide the picture.
MOST_NAMED = 10

#: A name in a grid is folded at so many characters.
FOLDED = 16
#: More rows than this are drawn as a random sample of so many.
ROWS_DRAWN = 5000

RC: Any = {
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
}


def colour(component: int) -> str:
    """The colour of a component, the same in every picture.

    Parameters
    ----------
    component : int
        From 0; after seven the colours repeat.

    Returns
    -------
    str
        Of `COLOURS`, M. Okabe and K. Ito's: "#rrggbb".

    Raises
    ------
    TypeError, ValueError
        If component is not a whole number from 0.

    Examples
    --------
    >>> colour(0), colour(7) == colour(0)
    ('#0072B2', True)
    """
    return COLOURS[validation.integer(component, "component", least=0) % len(COLOURS)]


def marker(component: int) -> str:
    """The marker of a component's rows."""
    return MARKERS[component // len(COLOURS) % len(MARKERS)]


def dashes(component: int) -> str:
    """The line style of a component's outlines."""
    return DASHES[component // len(COLOURS) % len(DASHES)]


def percent(share: float) -> str:
    """A share in percent, with a digit more where it is less than one."""
    return f"{share:.0%}" if share >= 0.01 or share == 0 else f"{share:.1%}"


def folded(name: str) -> str:
    """A name on lines short enough for a panel of a grid."""
    return textwrap.fill(name, FOLDED, break_long_words=False)


def handles(mixture: Mixture) -> list[Line2D]:
    """What stands for each component in a legend, with its weight."""
    shown = [
        (marker(k), colour(k), f"{k}: {percent(mixture.weights[k])}")
        for k in range(mixture.n_components)
    ]
    if mixture.noise is not None:
        shown.append((".", NOISE, f"noise: {percent(mixture.noise.weight)}"))
    return [
        Line2D([], [], ls="", marker=sign, color=ink, markersize=6, label=label)
        for sign, ink, label in shown
    ]


def beside(ax: Axes, handles: Sequence[Line2D], title: str = "") -> None:
    """A legend to the right of the picture, where it hides nothing."""
    ax.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=9,
        frameon=False,
        title=title,
        title_fontsize=9,
    )


def figure(
    n_rows: int = 1, n_columns: int = 1, *, size: tuple[float, float] = (6.0, 4.5), **options: Any
) -> NDArray:
    """New Axes to draw on, of a figure that belongs to no window.

    Parameters
    ----------
    n_rows, n_columns : int, default 1
    size : (width, height), default (6, 4.5)
        Of the figure, in inches; 100 dots to each.
    **options
        As matplotlib's `Figure.subplots` takes them, such as sharex="col".

    Returns
    -------
    (n_rows, n_columns) ndarray of Axes

    Raises
    ------
    TypeError, ValueError
        If n_rows or n_columns is not a whole number from 1, size is not two numbers above 0, or
        matplotlib does not know an option.

    Examples
    --------
    >>> left, right = figure(1, 2, size=(9, 4))[0]
    >>> left.figure is right.figure
    True
    """
    n_rows = validation.integer(n_rows, "n_rows")
    n_columns = validation.integer(n_columns, "n_columns")
    sides = validation.parameter(size, "size", (2,))
    if not (sides > 0).all():
        raise ValueError(f"size is {size}; give a width and a height above 0, in inches")
    with matplotlib.rc_context(RC):
        drawn = Figure(figsize=(sides[0], sides[1]), dpi=100, layout="constrained")
        return drawn.subplots(n_rows, n_columns, squeeze=False, **options)


def axes(ax: Axes | None, *, size: tuple[float, float] = (6.0, 4.5)) -> Axes:
    """The Axes given, or those of a new figure."""
    if ax is None:
        return figure(size=size)[0, 0]
    return validation.instance(ax, "ax", Axes, "matplotlib Axes, or None for new ones")


def column_names(X: object, n_features: int, mixture: Mixture | None = None) -> list[str]:
    """The names that a mixture or a data frame gives the columns, else their numbers from 0."""
    names = getattr(X, "columns", None)
    if mixture is not None and mixture.feature_names is not None:
        names = mixture.feature_names
    known = None
    if names is not None and len(names) == n_features:
        known = [str(name) for name in names]
    return [_as_drawn(name) for name in called(known, n_features)]


def _as_drawn(name: str) -> str:
    """A name whose dollars are none of a formula's."""
    return printable(name).replace("$", r"\$")


def column_indices(columns: Sequence[int | str] | None, names: Sequence[str]) -> list[int] | None:
    """Columns asked for by number or by name, as numbers."""
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        columns = [_as_drawn(one) if isinstance(one, str) else one for one in columns]
    return None if columns is None else positions(columns, names, len(names), "the mixture")


def rows_drawn(X: NDArray) -> NDArray[np.intp]:
    """Indices of the rows to draw: all, or the same random ones at every call."""
    if len(X) <= ROWS_DRAWN:
        return np.arange(len(X))
    return np.sort(np.random.default_rng(0).choice(len(X), ROWS_DRAWN, replace=False))


def marginal(mixture: Mixture, columns: Sequence[int]) -> Mixture:
    """The mixture of some columns alone, which is Gaussian again.

    Noise is drawn as even over the columns' ranges, though the shadow of a turned box is not.
    """
    if list(columns) == list(range(mixture.n_features)):
        return mixture
    index = np.asarray(columns)
    covariances = mixture.full_covariances[:, index[:, None], index]
    noise = None if mixture.noise is None else mixture.noise.span(index)
    return Mixture(mixture.weights, mixture.means[:, index], covariances, noise=noise)


def two_columns(
    mixture: Mixture, columns: Sequence[int | str] | None, name: str
) -> tuple[Mixture, list[int]]:
    """The mixture of the two columns to draw, and which they are."""
    validation.instance(mixture, "mixture", Mixture, MIXTURE)
    names = column_names(None, mixture.n_features, mixture)
    indices = column_indices(columns, names) or list(range(mixture.n_features))
    if len(indices) != 2:
        raise ValueError(
            f"{name} draws two columns, not {len(indices)}; choose them, such as columns=[0, 1]"
            if len(indices) > 2
            else f"{name} draws two columns, not 1; density_1d draws a single one"
        )
    return marginal(mixture, indices), indices
