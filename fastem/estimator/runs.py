"""EM from each start by scikit-learn's rule, and the best of the runs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from fastem import em
from fastem.covariance import Bounds, Family, Parameters, singular
from fastem.results import Restart
from fastem.rows import Rows


@dataclass(frozen=True, eq=False)
class Outcome:
    """A run, and what scikit-learn calls its results.

    Parameters
    ----------
    run : em.Run
        Its trace has the level at the end too, which scikit-learn does not report.
    """

    run: em.Run

    @property
    def lower_bounds(self) -> list[np.float64]:
        """Mean log-likelihood before each M step, in NumPy's numbers as in scikit-learn."""
        return [np.float64(level) for level in self.run.trace[:-1]]

    @property
    def lower_bound(self) -> np.float64:
        """The last one; -inf without iterations."""
        return self.lower_bounds[-1] if self.run.n_iter else np.float64(-np.inf)

    @property
    def converged(self) -> bool:
        """Whether the lower bound settled within max_iter."""
        return self.run.outcome == "converged"


class Ended(Protocol):
    """What is said of a run when it has ended."""

    @property
    def run(self) -> em.Run:
        """The run."""

    @property
    def converged(self) -> bool:
        """Whether the lower bound settled."""

    @property
    def lower_bound(self) -> np.float64:
        """The last one."""


AnEnd = TypeVar("AnEnd", bound=Ended)


class Verbose:
    """Prints the course of the starts, as scikit-learn does.

    A line waits for the next pass: the last one evaluates the end and is no iteration.

    Parameters
    ----------
    level : int
        0 is silent, 1 prints iterations, 2 also changes and times.
    interval : int
        Iterations between two lines.
    """

    def __init__(self, level: int, interval: int) -> None:
        self.level, self.interval = int(level), interval
        self._began = self._printed = time.perf_counter()
        self._bound = math.nan
        self._waiting = ""

    def begin(self, start: int, bound: float) -> None:
        """A start begins; `bound` is where it comes from."""
        self._began = self._printed = time.perf_counter()
        self._bound = bound
        if self.level:
            print(f"Initialization {start}")

    def iteration(self, told: em.Pass) -> None:
        """An iteration has found this lower bound."""
        n_iter, bound = told.n_iter, told.level
        print(self._waiting, end="")
        self._waiting = ""
        change, self._bound = bound - self._bound, bound
        if (n_iter + 1) % self.interval:
            return
        line = f"  Iteration {n_iter + 1}"
        if self.level > 1:
            now = time.perf_counter()
            line += f"\t time lapse {now - self._printed:.5f}s\t ll change {change:.5f}"
            self._printed = now
        self._waiting = f"{line}\n"

    def end(self, outcome: Ended) -> None:
        """A start has ended."""
        self._waiting = ""
        line = f"Initialization {'converged' if outcome.converged else 'did not converge'}."
        if self.level > 1:
            lapse = time.perf_counter() - self._began
            line += f" time lapse {lapse:.5f}s\t lower bound {outcome.lower_bound:.5f}."
        if self.level:
            print(line)


def best_run(
    rows: Rows,
    family: Family,
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
        run = em.run(
            rows,
            family,
            start,
            bounds=bounds,
            rule=em.Rule.change(tol, bound),
            max_iter=max_iter,
            accelerate=False,
            on_pass=verbose.iteration if verbose.level else None,
        )
        lowest = bounds.floor == 0.0 and not bounds.ridge.any()
        if lowest and singular(run.parameters, family, bounds).any():
            raise np.linalg.LinAlgError("a covariance is singular, and nothing is added to it")
        outcome = Outcome(run)
        verbose.end(outcome)
        outcomes.append(outcome)
    return kept(outcomes)


def kept(outcomes: list[AnEnd]) -> tuple[AnEnd, tuple[Restart, ...]]:
    """The first of the highest lower bound, and what became of each start."""
    chosen = max(range(len(outcomes)), key=lambda index: outcomes[index].lower_bound)
    return outcomes[chosen], tuple(
        Restart(i, run.trace[-1], run.n_iter, "chosen" if i == chosen else "finished", run.trace)
        for i, run in enumerate(outcome.run for outcome in outcomes)
    )
