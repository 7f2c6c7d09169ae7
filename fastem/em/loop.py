"""The EM loop: one screen, for every covariance family and every place where rows live.

    rows --summarise(density)--> Moments --maximise--> parameters --factor--> density --> again

A. P. Dempster, N. M. Laird and D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastem.covariance import Bounds, Family, Parameters
from fastem.density import Density
from fastem.em.acceleration import Plain, QuasiNewton
from fastem.em.climb import climb
from fastem.em.standing import Forgetful, Keeper, Standing, Stateful
from fastem.moments import Moments
from fastem.rows import Rows


class Rule(Stateful, Protocol):
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
    keeper: Keeper | None = None,
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
    keeper : Keeper, optional
        The run goes on where it says, to the bits that it would have come to uninterrupted.
    """
    stepper = (QuasiNewton if accelerate else Plain)(family, bounds, start)
    keeper = Forgetful() if keeper is None else keeper
    at = keeper.resume(stepper, rule)
    if at is None:
        at = Standing(start, start)
        keeper.keep(at, stepper, rule)
    if on_pass is None and isinstance(keeper, Forgetful):  # nobody looks in between
        climbed = climb(rows, family, at, bounds, rule, stepper, max_iter)
        if climbed is not None:
            outcome, moments = climbed
            return Run(at.point, moments, tuple(at.trace), at.n_iter, outcome)
    precision = rows.precision
    while True:
        density = family.factor(at.point)
        moments = rows.summarise(density)
        keeper.weigh(moments.n_rows)
        level = moments.log_likelihood / moments.n_rows + family.log_prior(at.point)
        if at.leapt and not level >= at.trace[-1] - precision * (1 + abs(level)):
            stepper.reject()
            at.step(None)
            continue
        at.image = family.maximise(moments, bounds, at.point)
        at.trace.append(level)
        if on_pass is not None and on_pass(at.n_iter, level, at.point) is True:
            outcome = "stopped"
        elif rule.update(level, at.point, at.image, density):
            outcome = "converged"
        elif at.n_iter >= max_iter:
            outcome = "exhausted"
        else:
            last = at.n_iter == max_iter - 1
            at.step(None if last else stepper.step(density, moments, at.image))
            keeper.keep(at, stepper, rule)
            continue
        return Run(at.point, moments, tuple(at.trace), at.n_iter, outcome)
