"""Variational EM from each start by scikit-learn's rule, and the best of the runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fastem import em
from fastem.covariance import Bounds, Parameters, Variational
from fastem.estimator.runs import Verbose, kept
from fastem.moments import Moments
from fastem.results import Restart
from fastem.rows import Rows


@dataclass(frozen=True, eq=False)
class Outcome:
    """A run, and what scikit-learn calls its results.

    Parameters
    ----------
    run : em.Run
    lower_bounds : list of float
        Bound after each iteration, of all rows, but for constants.
    converged : bool
        Whether it settled within max_iter.
    """

    run: em.Run
    lower_bounds: list[np.float64]
    converged: bool = False

    @property
    def lower_bound(self) -> np.float64:
        """The last one; -inf without iterations."""
        return self.lower_bounds[-1] if self.lower_bounds else np.float64(-np.inf)


class Noted(Variational):
    """A family that notes the bound after each M step, by which scikit-learn stops."""

    def __init__(self, family: Variational) -> None:
        super().__init__(family.family, family.prior, family.n_rows, family.units)
        self.beliefs = None  # compiled steps would note nothing
        self.lower_bounds: list[np.float64] = []

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """The posterior."""
        found = super().maximise(moments, bounds, start)
        assert start is not None
        bound = self.reduced_bound(self.factor(start), moments, found)
        self.lower_bounds.append(np.float64(bound))
        return found


def best_run(
    rows: Rows,
    family: Variational,
    starts: Iterable[Parameters],
    *,
    bounds: Bounds,
    tol: float,
    max_iter: int,
    bound: float,
    verbose: Verbose,
) -> tuple[Outcome, tuple[Restart, ...]]:
    """Run each start, in the units of the rows, to its end; the first of the best is kept.

    `bound` is the lower bound that a warm start left off at, else -inf.
    """
    outcomes = []
    for index, start in enumerate(starts):
        verbose.begin(index, bound)
        outcome = _run(rows, family, start, bounds, tol, max_iter, bound, verbose)
        verbose.end(outcome)
        outcomes.append(outcome)
    return kept(outcomes)


def _run(
    rows: Rows,
    family: Variational,
    start: Parameters,
    bounds: Bounds,
    tol: float,
    max_iter: int,
    bound: float,
    verbose: Verbose,
) -> Outcome:
    """One start. The pass after an iteration finds whether it was the last."""
    noted = Noted(family)
    converged = False

    def on_pass(told: em.Pass) -> bool:
        nonlocal converged
        if verbose.level:
            verbose.iteration(told._replace(level=float(noted.lower_bounds[-1])))
        *before, last = [bound, *noted.lower_bounds[: told.n_iter]][-2:]
        converged = bool(before) and bool(abs(last - before[0]) < tol)
        return converged

    run = em.run(
        rows,
        noted,
        start,
        bounds=bounds,
        rule=em.Rule(),
        max_iter=max_iter,
        accelerate=False,
        on_pass=on_pass,
    )
    return Outcome(run, noted.lower_bounds[: run.n_iter], converged)
