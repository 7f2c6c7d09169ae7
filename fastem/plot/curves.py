"""Curves: a criterion against the number of components, the likelihood against passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, SymmetricalLogLocator

from fastem import validation
from fastem.plot.style import COLOURS, FAINT, INK, MARKERS, MOST_NAMED, axes, colour
from fastem.results import Fit, Restart
from fastem.selection import CRITERIA, Row, Selection
from fastem.words import Criterion

#: A legend of more lines stands outside.
MOST_WITHIN = 4
#: Differences of likelihoods, in nats a row, that rounding makes.
ROUNDING = 1e-12
#: What a trace tells apart, of its largest difference.
FINEST = 1e-6
LINE_STYLES = {"aic": "--", "bic": "-", "icl": ":"}


def selection(
    choice: Selection,
    ax: Axes | None = None,
    criteria: Criterion | Sequence[Criterion] | None = None,
) -> Axes:
    """Criterion against the number of components, a line a covariance family; the lowest is ringed.

    Lines of many families differ in colour, dashes and marker. Each start is a faint dot, at the
    first criterion of the likelihood at which its race left it: an open one if it was dropped
    before it had converged. Fits with collapsed components are crossed out: they are not chosen
    while there are others.

    Parameters
    ----------
    choice : Selection
    ax : Axes, optional
    criteria : {"aic", "bic", "icl"} or several of them, optional
        By default the one chosen by. Of several, each is ringed at its own lowest.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If choice is no Selection, a criterion is unknown, or ax is no Axes.

    Examples
    --------
    >>> import fastem
    >>> choice = fastem.select([[0.0], [1.0], [9.0], [10.0]], [1, 2], random_state=0)
    >>> selection(choice).get_ylabel()
    'BIC (lower is better)'
    """
    validation.instance(choice, "choice", Selection, "what fastem.select returned")
    asked = choice.criterion if criteria is None else criteria
    several = [asked] if isinstance(asked, str) else validation.listed(asked, "criteria")
    names: list[Any] = [validation.choice(name, "criteria", CRITERIA) for name in several]
    ax = axes(ax)
    families = list(dict.fromkeys(row.covariance_type for row in choice.table))
    for name in names:
        for i, family in enumerate(families):
            ink = colour(i if len(families) > 1 else names.index(name))
            turn = i // len(COLOURS) if len(families) > 1 else 0
            _line(choice, name, family, ink, turn, ax, several=(len(families), len(names)))
    _starts(choice, names[0], families, ax)
    _ring(choice, names, ax)
    _window(choice, names, ax)
    ax.set_xlabel("components")
    lower = "criterion (lower is better)"
    ax.set_ylabel(f"{names[0].upper()} (lower is better)" if len(names) == 1 else lower)
    _legend(choice, ax, families, names)
    return ax


def _legend(choice: Selection, ax: Axes, families: Sequence[str], names: Sequence[str]) -> None:
    """Lines, if they have names, and what of signs there is in the picture.

    Of many curves families and criteria are named apart, by colour and marker and by dashes.
    """
    lines: list[Any] = ax.get_legend_handles_labels()[0]
    handles = lines if len(lines) > 1 else []
    if len(names) > 1 and len(lines) > MOST_NAMED:
        handles = [
            Line2D([], [], color=line.get_color(), marker=line.get_marker(), ms=4.5, label=family)
            for line, family in zip(lines, families, strict=False)
        ]
        handles += [
            Line2D([], [], color=FAINT, ls=LINE_STYLES[name], label=name.upper()) for name in names
        ]
    outcomes = {restart.outcome for row in choice.table for restart in choice.restarts_of(row)}
    collapsed = any(row.status == "collapsed" for row in choice.table)
    signs: list[tuple[str, dict[str, Any], str, bool]] = [
        ("o", {"mec": FAINT, "mfc": FAINT, "ms": 5}, "start", bool(outcomes - {"dropped"})),
        ("o", {"mec": FAINT, "mfc": "none", "ms": 5}, "start, dropped", "dropped" in outcomes),
        ("x", {"color": INK, "ms": 8}, "collapsed", collapsed),
    ]
    for sign, look, label, is_drawn in signs:
        if is_drawn:
            handles.append(Line2D([], [], ls="", marker=sign, label=label, **look))
    place: dict = {"loc": "upper right"}
    if len(handles) > MOST_WITHIN:
        place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    ax.legend(handles=handles, fontsize=9, frameon=False, handlelength=2.6, **place)


def _line(
    choice: Selection,
    name: str,
    family: str,
    ink: str,
    turn: int,
    ax: Axes,
    *,
    several: tuple[int, int],
) -> None:
    """One family's curve of one criterion; `turn` counts how often colours have been used up."""
    rows = [row for row in choice.table if row.covariance_type == family]
    rows.sort(key=lambda row: row.n_components)
    n_families, n_criteria = several
    label = " ".join([name.upper()] * (n_criteria > 1) + [family] * (n_families > 1))
    k = [row.n_components for row in rows]
    level = [getattr(row, name) for row in rows]
    dashes = "--" if turn % 2 and n_criteria == 1 else LINE_STYLES[name]
    sign = MARKERS[turn % len(MARKERS)]
    ax.plot(k, level, color=ink, marker=sign, ms=4.5, lw=1.6, ls=dashes, label=label)
    low = [i for i, row in enumerate(rows) if row.status == "collapsed"]
    if low:
        ax.plot([k[i] for i in low], [level[i] for i in low], "x", color=INK, ms=9, zorder=4)


def _starts(choice: Selection, name: str, families: Sequence[str], ax: Axes) -> None:
    """A dot for each start of each fit: open if it was dropped."""
    for i, family in enumerate(families):
        rows = [row for row in choice.table if row.covariance_type == family]
        for dropped, face in (False, colour(i)), (True, "none"):
            dots = [
                (row.n_components, _criterion_of(restart, row, choice, name))
                for row in rows
                for restart in choice.restarts_of(row)
                if (restart.outcome == "dropped") == dropped and np.isfinite(restart.log_likelihood)
            ]
            if dots:
                x, y = np.transpose(dots)
                ax.scatter(x, y, s=22, fc=face, ec=colour(i), lw=1.0, alpha=0.55, zorder=1.5)


def _ring(choice: Selection, names: Sequence[Criterion], ax: Axes) -> None:
    """A ring about each criterion's lowest; one text where criteria agree."""
    picked: dict[Row, list[str]] = {}
    for name in names:
        picked.setdefault(choice.best_by(name), []).append(name)
    for i, (row, agreed) in enumerate(picked.items()):
        # Texts of neighbours stand on either side.
        side = "bottom" if i % 2 else "top"
        levels = [getattr(row, name) for name in agreed]
        ax.plot([row.n_components] * len(levels), levels, "o", ms=13, mfc="none", mec=INK, zorder=5)
        verb = "picks" if len(agreed) == 1 else "pick"
        several = len({other.covariance_type for other in choice.table}) > 1
        family = f", {row.covariance_type}" if several else ""
        ax.annotate(
            f"{' and '.join(name.upper() for name in agreed)} {verb} {row.n_components}{family}",
            (row.n_components, max(levels) if i % 2 else min(levels)),
            xytext=(0, 14 if i % 2 else -14),
            textcoords="offset points",
            ha="center",
            va=side,
            fontsize=9,
        )


def _criterion_of(restart: Restart, row: Row, choice: Selection, name: str) -> float:
    """The criterion of the row, moved by what the start lacks in likelihood.

    The race was on a sample: its likelihood a row stands for that of all rows.
    """
    reached = next(r for r in choice.restarts_of(row) if r.outcome == "chosen").log_likelihood
    lacking = reached - restart.log_likelihood
    return float(getattr(row, name) + 2.0 * choice.best.n_samples * lacking)


def _window(choice: Selection, names: Sequence[str], ax: Axes) -> None:
    """Limits that hold the curves, with room for the text; poor starts may lie above."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    levels = np.array([[getattr(row, name) for name in names] for row in choice.table])
    low, high = levels.min(), levels.max()
    span = max(high - low, 1e-9 * abs(low), 1e-300)
    ax.set_ylim(low - 0.16 * span, high + 0.12 * span)


def trace(fit: Fit, ax: Axes | None = None) -> Axes:
    """How far below its end each pass was: starts faint, the chosen one and all rows strong.

    The axis is logarithmic, and linear about 0, where the run over all rows ends. Starts that raced
    on a sample of the rows are moved up or down together, so that the chosen one meets the run over
    all rows that takes over from it; one that then stands above it was likelier on the sample.

    Parameters
    ----------
    fit : Fit
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If fit is no Fit, or ax no Axes.

    Examples
    --------
    >>> import fastem
    >>> trace(fastem.fit([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0)).get_ylabel()
    'nats a row below the end'
    """
    validation.instance(fit, "fit", Fit, "what fastem.fit returned")
    ax = axes(ax)
    raced = [restart for restart in fit.restarts if len(restart.trace)]
    chosen = next((restart for restart in raced if restart.outcome == "chosen"), None)
    # The hand-over counts once.
    before = len(chosen.trace) - 1 if chosen else 0
    top = fit.trace[-1] - (fit.trace[0] - chosen.log_likelihood if chosen else 0.0)
    for restart in raced:
        lacking = top - np.asarray(restart.trace)
        (line,) = ax.plot(np.arange(len(lacking)), lacking, color=FAINT, lw=0.9)
        if restart is chosen:
            line.set(color=colour(0), linewidth=1.8, zorder=3)
        if restart.outcome == "dropped":
            ax.plot(len(lacking) - 1, lacking[-1], "x", color=FAINT, ms=5)
    passes = before + np.arange(len(fit.trace))
    lacking = fit.trace[-1] - fit.trace
    if chosen and chosen.log_likelihood > chosen.trace[-1] + ROUNDING:
        gap = [top - chosen.trace[-1], lacking[0]]
        ax.plot([before] * 2, gap, color=colour(0), lw=1.4, ls=":", label="components moved")
    ax.plot(passes, lacking, color=colour(1), lw=1.8, marker="o", ms=3.5, zorder=4)
    _window_of_trace(ax)
    _legend_of_trace(fit, raced, before, ax)
    ax.set(xlabel="pass", ylabel="nats a row below the end")
    return ax


def _legend_of_trace(fit: Fit, raced: Sequence[Restart], before: int, ax: Axes) -> None:
    """Names for what is drawn."""
    others = [restart.outcome for restart in raced if restart.outcome != "chosen"]
    if others:
        dropped = others.count("dropped")
        crossed = f", {dropped} dropped (\N{MULTIPLICATION SIGN})" if dropped else ""
        text = f"{len(others)} other start{'s'[: len(others) != 1]}{crossed}"
        ax.plot([], [], color=FAINT, lw=0.9, label=text)
    if before:
        ax.plot([], [], color=colour(0), lw=1.8, label="the start chosen")
    end = ", to convergence" if fit.converged else ""
    ax.plot([], [], color=colour(1), lw=1.8, marker="o", ms=3.5, label=f"all rows{end}")
    place: dict = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    ax.legend(fontsize=9, frameon=False, **place)


def _window_of_trace(ax: Axes) -> None:
    """Decades that hold all passes, the end on top."""
    lacking = np.concatenate([line.get_ydata() for line in ax.lines]).astype(np.float64)
    lacking = lacking[np.isfinite(lacking)]
    sizes = np.abs(lacking[np.abs(lacking) > ROUNDING])
    least, most = (sizes.min(), sizes.max()) if sizes.size else (ROUNDING, ROUNDING)
    finest = 10.0 ** np.floor(np.log10(max(least, most * FINEST)))
    ax.set_yscale("symlog", linthresh=finest)
    above = min(lacking.min(), 0.0)
    ax.set_ylim(2.0 * most, 2.0 * above - 0.3 * finest)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10.0, linthresh=finest))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
