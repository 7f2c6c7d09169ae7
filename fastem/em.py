"""The EM loop: one screen, for every covariance family and every place where rows live.

    rows --summarise(density)--> Moments --maximise--> parameters --factor--> density --> again

A. P. Dempster, N. M. Laird and D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fastem.acceleration import Anderson, Plain
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import Density
from fastem.moments import Moments

#: Leaps after a failed confirmation before plain EM is asked again.
PATIENCE = 4


class Rows(Protocol):
    """What the loop needs of a place where rows live."""

    @property
    def precision(self) -> float:
        """Relative rounding error of a pass."""

    def summarise(self, density: Density) -> Moments:
        """One pass over all rows."""


class Rule(Protocol):
    """When to stop: fed the mean log-likelihood after every accepted pass."""

    def update(self, level: float, *, leapt: bool) -> bool:
        """Whether EM has converged."""

    @property
    def wants_plain(self) -> bool:
        """Whether the next step must be plain EM for the rule to decide."""


@dataclass(frozen=True, eq=False)
class Run:
    """Where the loop ended.

    Parameters
    ----------
    parameters : Parameters
    moments : Moments
        Of all rows at those parameters.
    trace : tuple of float
        Mean log-likelihood of the rows at each accepted point, the last one at `parameters`.
    n_iter : int
        Steps taken, rejected ones too.
    outcome : {"converged", "exhausted", "stopped"}
    """

    parameters: Parameters
    moments: Moments
    trace: tuple[float, ...]
    n_iter: int
    outcome: str


@dataclass(eq=False)
class ExpectedGain:
    """Stop when the gain in mean log-likelihood still to be expected is below tol (nats a row).

    Two plain steps with gains a and b = c a leave b c / (1 - c) to gain if the ratio holds (Aitken;
    D. Boehning et al., Ann. Inst. Stat. Math. 46 (1994) 373). With tol = 0 it never stops.

    Parameters
    ----------
    tol : float
    precision : float
        Gains below 8 * precision * |level| are rounding: nothing is left to gain that shows.
    """

    tol: float
    precision: float
    _gains: list[float] = field(default_factory=list)
    _level: float | None = None
    _leaps: int = PATIENCE

    wants_plain: bool = False

    def update(self, level: float, *, leapt: bool) -> bool:
        """Whether EM has converged."""
        previous, self._level = self._level, level
        if previous is None or self.tol <= 0:
            return False
        gain = level - previous
        self._leaps += leapt
        self._gains = [] if leapt else [*self._gains[-1:], gain]
        if len(self._gains) == 2:
            if self._remaining(*self._gains, level) < self.tol:
                return True
            if self.wants_plain:
                self.wants_plain, self._leaps = False, 0
        if gain < self.tol and self._leaps >= PATIENCE:
            self.wants_plain = True
        return False

    def _remaining(self, before: float, gain: float, level: float) -> float:
        if gain <= 8 * self.precision * (1 + abs(level)):
            return 0.0
        ratio = gain / before if before > 0 else 1.0
        return gain * ratio / (1 - ratio) if ratio < 1 else float("inf")


def run(
    rows: Rows,
    family: Family,
    start: Parameters,
    *,
    bounds: Bounds,
    rule: Rule,
    max_iter: int,
    accelerate: bool = True,
    on_pass: Callable[[int, float, Parameters], object] | None = None,
) -> Run:
    """Run EM from a start until the rule, max_iter or the caller stops it.

    Parameters
    ----------
    rows : Rows
    family : Family
    start : Parameters
        In the units of the rows.
    bounds : Bounds
    rule : Rule
    max_iter : int
        Steps; one more pass evaluates the last of them.
    accelerate : bool
        Whether to extrapolate between plain steps.
    on_pass : callable, optional
        Called with n_iter, mean log-likelihood and parameters after each accepted pass; True stops.
    """
    stepper = (Anderson if accelerate else Plain)(family, bounds, start)
    point, leapt = start, False
    trace: list[float] = []
    n_iter = 0
    while True:
        moments = rows.summarise(family.factor(point))
        level = moments.log_likelihood / moments.n_rows
        slack = 8 * rows.precision * (1 + abs(level))
        if leapt and not level >= trace[-1] - slack and n_iter < max_iter:
            point, leapt = stepper.retreat(), False
            n_iter += 1
            continue
        trace.append(level)
        if on_pass is not None and on_pass(n_iter, level, point) is True:
            outcome = "stopped"
        elif rule.update(level, leapt=leapt):
            outcome = "converged"
        elif n_iter >= max_iter:
            outcome = "exhausted"
        else:
            last_chance = n_iter == max_iter - 1
            point, leapt = stepper.step(moments, leap=not (rule.wants_plain or last_chance))
            n_iter += 1
            continue
        return Run(point, moments, tuple(trace), n_iter, outcome)
