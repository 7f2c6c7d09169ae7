"""Runner: where a start of a race has come to, how runners rank, and how many run to the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fastem import em
from fastem.covariance import Parameters
from fastem.results import Restart
from fastem.search.spurious import COLLAPSED, SOUND

#: Starts that are run to convergence, where the rows are all there are and on a sample. Of few
#: components in few columns all are, where that is all rows: it costs little, and first steps tell
#: little.
FINALISTS, FINALISTS_OF_SAMPLE = 1, 3
FEW_COMPONENTS, FEW_COLUMNS = 3, 16


@dataclass(eq=False)
class Runner:
    """Where a start has come to. Levels of small parts of the rows say nothing beside others."""

    index: int
    parameters: Parameters
    n_iter: int = 0
    trace: tuple[float, ...] = ()
    level: float = -np.inf
    soundness: int = SOUND
    poor: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    converged: bool = False
    state: em.State | None = None

    @property
    def collapsed(self) -> bool:
        """Whether a component is no finding."""
        return self.soundness == COLLAPSED

    @property
    def rank(self) -> tuple[int, float]:
        """Sound ends before others, then the higher ones."""
        return self.soundness, self.level

    def note(self, run: em.Run, level: float) -> None:
        """Be where a run ended, at that level."""
        self.parameters, self.state = run.parameters, run.state
        self.trace, self.level, self.n_iter = run.trace, level, run.n_iter
        self.converged = run.outcome in ("converged", "hopeless")

    def record(self, outcome: str) -> Restart:
        """What became of the start."""
        outcome = "collapsed" if self.collapsed and outcome != "chosen" else outcome
        return Restart(self.index, self.level, self.n_iter, outcome, self.trace)


def repeated(record: Restart, index: int) -> Restart:
    """The record of a start, which may be the same as an earlier one's."""
    if index == record.index:
        return record
    outcome = "finished" if record.outcome == "chosen" else record.outcome
    return replace(record, index=index, outcome=outcome)


def chosen_of(restarts: tuple[Restart, ...]) -> Restart:
    """The record of the start that led to where a search ended."""
    return next(restart for restart in restarts if restart.outcome == "chosen")


def prolonged(restarts: tuple[Restart, ...], n_iter: int) -> tuple[Restart, ...]:
    """Records, of which the chosen one has so many steps more."""
    chosen = chosen_of(restarts)
    longer = replace(chosen, n_iter=chosen.n_iter + n_iter)
    return tuple(longer if each is chosen else each for each in restarts)


def level_to_beat(runners: list[Runner]) -> float:
    """The highest level of those that have converged to a sound end."""
    ended = (r.level for r in runners if r.converged and r.soundness == SOUND)
    return max(ended, default=-np.inf)


def n_finalists(runners: list[Runner], is_sample: bool) -> int:
    """How many of the runners go on until they converge."""
    if is_sample:
        return FINALISTS_OF_SAMPLE
    n_components, n_features = runners[0].parameters.means.shape
    few = n_components <= FEW_COMPONENTS and n_features <= FEW_COLUMNS
    return len(runners) if few else FINALISTS


def ranked(runners: list[Runner], grain: float) -> list[Runner]:
    """Best first; levels that differ by less than the grain are equal, and the earlier start leads.

    Starts often meet at one maximum, and rounding must not choose between them. What is not sound
    comes last: the likelihood of a singular component says nothing about the data.
    """
    top = max(r.level for r in runners)

    def rank(runner: Runner) -> tuple[int, float]:
        return runner.soundness, np.round((runner.level - top) / grain)

    return sorted(runners, key=rank, reverse=True)
