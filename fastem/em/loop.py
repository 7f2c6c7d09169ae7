"""The EM loop: one screen, for every covariance family and every place where rows live.

    rows --summarise(density)--> Moments --maximise--> parameters --factor--> density --> again

A. P. Dempster, N. M. Laird and D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from fastem.blas_threads import one_thread
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import HALF_BITS
from fastem.em.compiled import step_for
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.workspace import Workspace
from fastem.kernels.em_control import EXPECTED_GAIN, OUTCOME, PLAIN, QUASI_NEWTON, STOPPED, Method
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.rows import Rows


@dataclass(frozen=True, eq=False)
class Run:
    """Where the loop ended.

    Parameters
    ----------
    parameters : Parameters
    summed : callable
        Gives the moments of all rows at those parameters.
    trace : tuple of float
        Mean log-likelihood of the rows at each accepted point, the last one at `parameters`; with a
        prior, the log posterior in nats a row, but for a constant.
    n_iter : int
        Steps taken, rejected ones too.
    outcome : {"converged", "hopeless", "dwindled", "exhausted", "stopped"}
        The first three by the rule, which says what they mean.
    state : State
        From which another run can go on.
    """

    parameters: Parameters
    summed: Callable[[], Moments]
    trace: tuple[float, ...]
    n_iter: int
    outcome: str
    state: State

    @lazy
    def moments(self) -> Moments:
        """Of all rows at those parameters: most runs of a search are never asked for them."""
        return self.summed()


class Pass(NamedTuple):
    """What the caller of a run is told after each accepted pass.

    Parameters
    ----------
    n_iter : int
        Steps taken.
    level : float
        What EM maximises, at the point of the pass, in nats a row.
    parameters : Parameters
        That point.
    expected_gain : float
        What may still be gained, in nats a row, by `Rule.expected_gain`.
    """

    n_iter: int
    level: float
    parameters: Parameters
    expected_gain: float


def run(
    rows: Rows,
    family: Family,
    start: Parameters | State,
    *,
    bounds: Bounds,
    rule: Rule,
    max_iter: int,
    accelerate: bool = True,
    on_pass: Callable[[Pass], object] | None = None,
    keep: Callable[[State], object] | None = None,
    workspace: Workspace | None = None,
) -> Run:
    """Run EM from a start until the rule, max_iter or the caller stops it.

    Parameters
    ----------
    rows : Rows
    family : Family
    start : Parameters or State
        In the units of the rows. From a state, which this run writes to, it goes on to the bits
        that an uninterrupted one would have come to.
    bounds : Bounds
    rule : Rule
    max_iter : int
        Steps, with those that a state has taken; one more pass evaluates the last of them.
    accelerate : bool
        Whether to extrapolate between plain steps.
    on_pass : callable, optional
        Called after each accepted pass; True stops.
    keep : callable, optional
        Called with the state before the first pass and after each accepted one but the last.
    workspace : Workspace, optional
        Of runs over the same rows that are over.
    """
    state = start if isinstance(start, State) else State.begin(family, start, rule, accelerate)
    method = method_of(rows, bounds, rule, max_iter, accelerate)
    with one_thread(len(rows.units.scale)):
        step = step_for(rows, family, bounds, rule, method, state, workspace)
        n = step.most if on_pass is None and keep is None else 1
        while state.outcome == "running":
            if keep is not None:
                keep(state)
            state = state.with_room(n)
            step(state, n)
            if on_pass is not None:
                accepted = Pass(
                    state.n_iter,
                    float(state.levels[-1]),
                    state.parameters(family),
                    state.expected_gain,
                )
                if on_pass(accepted) is True:
                    state.counters[OUTCOME] = STOPPED
        return Run(
            state.parameters(family),
            step.summed(state),
            tuple(state.levels.tolist()),
            state.n_iter,
            state.outcome,
            state,
        )


def method_of(rows: Rows, bounds: Bounds, rule: Rule, max_iter: int, accelerate: bool) -> Method:
    """How a run over those rows goes on."""
    stepper = QUASI_NEWTON if accelerate else PLAIN
    # A ridge is no part of the likelihood, and a rule that never stops is not to stop by rounding.
    monotone = rule.kind == EXPECTED_GAIN and not bounds.ridge.any()
    return Method(stepper, max_iter, rows.precision, bounds.floor, HALF_BITS, monotone)
