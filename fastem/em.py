"""The EM loop: one screen, for every covariance family and every place where rows live.

    rows --summarise(density)--> Moments --maximise--> parameters --factor--> density --> again

A. P. Dempster, N. M. Laird and D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastem.acceleration import Plain, QuasiNewton
from fastem.convergence import Change, ExpectedGain
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import Density
from fastem.kernels.jit import fork_waits
from fastem.moments import Moments
from fastem.rows import Rows

__all__ = ["Change", "ExpectedGain", "Rule", "Run", "run"]


class Rule(Protocol):
    """When to stop."""

    def update(self, level: float, point: Parameters, image: Parameters, density: Density) -> bool:
        """Whether EM has converged; asked after every accepted pass.

        Parameters
        ----------
        level : float
            What EM maximises, at `point`, in nats a row: mean log-likelihood and log prior.
        point, image : Parameters
            Where EM stands, and where a plain step would take it.
        density : Density
            Of `point`.
        """


@dataclass(frozen=True, eq=False)
class Run:
    """Where the loop ended.

    Parameters
    ----------
    parameters : Parameters
    moments : Moments
        Of all rows at those parameters.
    trace : tuple of float
        Mean log-likelihood of the rows at each accepted point, the last one at `parameters`; with a
        prior, the log posterior in nats a row, but for a constant.
    n_iter : int
        Steps taken, rejected ones too.
    outcome : {"converged", "exhausted", "stopped"}
    """

    parameters: Parameters
    moments: Moments
    trace: tuple[float, ...]
    n_iter: int
    outcome: str


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
        Called with n_iter, level and parameters after each accepted pass; True stops.
    """
    stepper = (QuasiNewton if accelerate else Plain)(family, bounds, start)
    point = image = start
    leapt = False
    trace: list[float] = []
    n_iter = 0
    while True:
        density = family.factor(point)
        moments = rows.summarise(density)
        level = moments.log_likelihood / moments.n_rows + family.log_prior(point)
        if leapt and not level >= trace[-1] - rows.precision * (1 + abs(level)):
            stepper.reject()
            point, leapt = image, False
            n_iter += 1
            continue
        with fork_waits(moments.second.size):
            image = family.maximise(moments, bounds, point)
        trace.append(level)
        if on_pass is not None and on_pass(n_iter, level, point) is True:
            outcome = "stopped"
        elif rule.update(level, point, image, density):
            outcome = "converged"
        elif n_iter >= max_iter:
            outcome = "exhausted"
        else:
            leap = stepper.step(density, moments, image) if n_iter < max_iter - 1 else None
            point, leapt = (image, False) if leap is None else (leap, True)
            n_iter += 1
            continue
        return Run(point, moments, tuple(trace), n_iter, outcome)
