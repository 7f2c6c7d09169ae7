"""Recorder: a callback that keeps the mixture of each pass, to be looked at or animated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np

from fastem import validation
from fastem.event import Event
from fastem.mixture import Mixture

#: Mixtures that differ by less, as a share of their spread, are one, handed on from run to run.
ROUNDING = 1e-9


class Pass(NamedTuple):
    """One pass over the rows, as the recorder kept it.

    Parameters
    ----------
    stage : {"race", "all rows"}
    start : int
        Which start was running, in a race; else -1.
    n_iter : int
        EM steps its run had taken.
    log_likelihood : float
        Mean log-likelihood of the rows passed over, nats a row.
    mixture : Mixture
    """

    stage: str
    start: int
    n_iter: int
    log_likelihood: float
    mixture: Mixture


class Recorder(Sequence[Pass]):
    """Keeps the mixture of each pass of a fit.

    Give it to `fastem.fit` as its callback. Afterwards it is a sequence of the passes that lead
    from a start to the answer: those of the start that won the race, then those over all rows.
    `passes` has the starts that were dropped too. Another fit begins another record.

    With `accelerate=True` the passes are those of extrapolated EM; fit with `accelerate=False` to
    see EM itself.

    Attributes
    ----------
    passes : list of Pass
        Every pass of the last fit, in the order they were run.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(5, 1, (500, 2))])
    >>> recorder = fastem.Recorder()
    >>> fitted = fastem.fit(X, 2, random_state=0, callback=recorder)
    >>> recorder[-1].mixture.sorted() == fitted.mixture
    True
    """

    def __init__(self) -> None:
        self.passes: list[Pass] = []
        self._path: list[Pass] | None = None

    def __call__(self, event: Event) -> None:
        """Keep one pass; never asks the fit to stop.

        Raises
        ------
        TypeError
            If event is no Event.
        """
        validation.instance(event, "event", Event, "the recorder to a fit as its callback")
        done = bool(self.passes) and self.passes[-1].stage == "all rows"
        if done and (event.stage == "race" or event.n_iter <= self.passes[-1].n_iter):
            self.passes = []
        self._path = None
        self.passes.append(
            Pass(event.stage, event.start, event.n_iter, event.log_likelihood, event.mixture)
        )

    @property
    def mixtures(self) -> list[Mixture]:
        """The mixtures on the way to the answer."""
        return [one.mixture for one in self]

    def __len__(self) -> int:
        """Passes on the way to the answer."""
        return len(self._way())

    def __iter__(self) -> Iterator[Pass]:
        """Passes on the way to the answer."""
        return iter(self._way())

    @overload
    def __getitem__(self, index: int) -> Pass: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pass]: ...
    def __getitem__(self, index: int | slice) -> Pass | list[Pass]:
        """Passes on the way to the answer."""
        return self._way()[index]

    def __repr__(self) -> str:
        """How much it holds."""
        return (
            f"Recorder of {len(self.passes)} passes, {len(self)} of them on the way to the answer"
        )

    def _way(self) -> list[Pass]:
        if self._path is None:
            self._path = _way_to_the_end(self.passes)
        return self._path


def _way_to_the_end(passes: list[Pass]) -> list[Pass]:
    """The last run, before it the run that ended where it began, and so on."""
    runs = _runs(passes)
    if not runs:
        return []
    way = runs.pop()
    while runs:
        # Other starts may have ended at the same maximum, but not to the last bits.
        resumed = way[0].n_iter > 0
        gaps = [
            _distance(run[-1].mixture, way[0].mixture)
            if not resumed or run[-1].n_iter == way[0].n_iter - 1
            else np.inf
            for run in runs
        ]
        before = int(np.argmin(gaps))
        if not gaps[before] <= (sys.float_info.max if resumed else ROUNDING):
            break
        # The hand-over is passed over twice unless it goes on by a step; the second time it is of
        # the rows that the way goes on with.
        way = runs[before][: None if resumed else -1] + way
        runs = runs[:before]
    return way


def _runs(passes: list[Pass]) -> list[list[Pass]]:
    """Passes grouped by run: within one, the steps are counted upwards."""
    runs: list[list[Pass]] = []
    last: dict[tuple[str, int | None], list[Pass]] = {}
    for one in passes:
        run = last.get(one[:2])
        if run is None or one.n_iter <= run[-1].n_iter:
            run = last[one[:2]] = []
            runs.append(run)
        run.append(one)
    return runs


def _distance(first: Mixture, second: Mixture) -> float:
    """Largest difference of parameters, as a share of their spread."""
    if first.means.shape != second.means.shape:
        return np.inf
    variances = np.diagonal(first.full_covariances, axis1=1, axis2=2).max(axis=0)
    moved = np.abs(first.means - second.means) / np.sqrt(variances)
    scale = np.sqrt(np.outer(variances, variances))
    grown = np.abs(first.full_covariances - second.full_covariances) / scale
    return float(max(moved.max(), grown.max(), np.abs(first.weights - second.weights).max()))
