"""Racing restarts: many cheap starts on a sample, the poor ones dropped early, the best one kept.

Successive halving (K. Jamieson and A. Talwalkar, AISTATS 2016): each round runs the survivors twice
as long as the last one and keeps the better half; the last two run to convergence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from fastem import em
from fastem.covariance import Parameters, unsound
from fastem.results import Restart
from fastem.rows import MemoryRows
from fastem.search.duplicate_starts import firsts
from fastem.search.moves import improve
from fastem.search.objective import Objective
from fastem.search.spurious import borne_out

OnPass = Callable[[int, int, float, Parameters], object]

#: Steps of the first round.
FIRST_ROUND = 16
#: Starts that are run to convergence.
FINALISTS = 2
#: Steps within which a split-and-merge move must pay.
MOVE_STEPS = 60


def race(
    objective: Objective,
    starts: list[Parameters],
    further: Iterable[Objective] = (),
    *,
    held: Callable[[int], MemoryRows] | None = None,
    finalists: Collection[int] = (),
    on_pass: OnPass | None = None,
) -> tuple[Parameters, tuple[Restart, ...]]:
    """Run the starts against each other, and improve on the winner by moves.

    Where there are larger samples, those whose levels do not tell them apart go on over the first
    of these, and the winner of that over all others.

    Parameters
    ----------
    objective : Objective
    starts : list of Parameters
        In the units of its rows.
    further : iterable of Objective
        Larger and larger samples, in the same units.
    held : callable, optional
        Gives so many other rows, which are to bear out the winner's components.
    finalists : collection of int
        Starts that are not dropped, whatever their level.
    on_pass : callable, optional
        Called with index, n_iter, level and parameters after each pass; True ends the race.

    Returns
    -------
    winner : Parameters
        In the units of the rows.
    restarts : tuple of Restart
        One for each start, in their order.
    """
    first_of = firsts(starts, objective)
    runners = [_Runner(i, start) for i, start in enumerate(starts) if first_of[i] == i]
    contest = _Race(objective, runners, {first_of[i] for i in finalists}, on_pass)
    records = {r.index: r for r in contest.run(further, held)}
    return contest.winner.parameters, tuple(
        _repeated(records[first], i) for i, first in enumerate(first_of)
    )


@dataclass(eq=False)
class _Runner:
    index: int
    parameters: Parameters
    trace: tuple[float, ...] = ()
    n_iter: int = 0
    level: float = -np.inf
    collapsed: bool = False
    converged: bool = False

    def record(self, outcome: str) -> Restart:
        outcome = "collapsed" if self.collapsed and outcome != "chosen" else outcome
        return Restart(self.index, self.level, self.n_iter, outcome, self.trace)


class _Race:
    def __init__(
        self,
        objective: Objective,
        runners: list[_Runner],
        finalists: Collection[int],
        on_pass: OnPass | None,
    ) -> None:
        self._objective, self._finalists, self._on_pass = objective, finalists, on_pass
        self._alive = runners
        self._stopped = False

    @property
    def winner(self) -> _Runner:
        return self._alive[0]

    def run(
        self, further: Iterable[Objective], held: Callable[[int], MemoryRows] | None
    ) -> list[Restart]:
        """Round after round to the end, and further; the records of all runners."""
        done: list[Restart] = []
        budget = FIRST_ROUND
        while not self._round(budget):
            done += [runner.record("dropped") for runner in self._drop()]
            budget *= 2
        if held is not None and self.winner.collapsed and not self._stopped:
            self._prove(held)
        if self.winner.converged and not self.winner.collapsed:
            self._improve()
        for objective in further:
            if self._stopped or self.winner.collapsed:
                break
            self._go_on(objective)
        if held is not None and not self._stopped:
            self._prove(held)
        done += [runner.record("finished") for runner in self._alive[1:]]
        return [*done, self.winner.record("chosen")]

    def _round(self, budget: int) -> bool:
        """Everybody alive some steps further, the best then first; whether that was the last."""
        last = len(self._alive) <= FINALISTS + len(self._finalists)
        for runner in self._alive:
            if not self._ended(runner):
                left = self._objective.max_iter - runner.n_iter
                steps = left if last else min(budget, left)
                self._advance(runner, steps, _level_to_beat(self._alive))
        self._alive = _ranked(self._alive, self._grain)
        return last or all(map(self._ended, self._alive))

    def _drop(self) -> list[_Runner]:
        """Part with the worse half, as far as it may be dropped."""
        others = [r for r in self._alive if r.index not in self._finalists]
        dropped = others[max(FINALISTS, -(-len(others) // 2)) :]
        self._alive = [r for r in self._alive if r not in dropped]
        return dropped

    def _improve(self) -> None:
        """Try split-and-merge moves on the winner; each is one more run of its own."""
        winner, steps = self.winner, min(self._objective.max_iter, MOVE_STEPS)

        def again(start: Parameters, to_beat: float) -> tuple[Parameters, float]:
            tried = _Runner(winner.index, start)
            if not self._stopped:
                self._advance(tried, steps, to_beat)
            winner.n_iter += tried.n_iter
            return tried.parameters, -np.inf if tried.collapsed else tried.level

        winner.parameters, winner.level = improve(
            self._objective, winner.parameters, winner.level, again
        )

    def _go_on(self, objective: Objective) -> None:
        """Run the winner, and who may yet beat it, to convergence on more rows."""
        told = self._objective.shortfall
        contenders = [
            runner
            for runner in self._alive
            if runner is self.winner or self._grain < self.winner.level - runner.level < told
        ]
        self._objective = objective
        tried = [_Runner(runner.index, runner.parameters) for runner in contenders]
        for each in tried:
            if not self._stopped:
                self._advance(each, objective.max_iter, _level_to_beat(tried))
        first = _ranked(tried, self._grain)[0]
        for runner, each in zip(contenders, tried, strict=True):
            runner.n_iter += each.n_iter
            runner.parameters, runner.collapsed = each.parameters, each.collapsed
            if each is first:
                self._alive.remove(runner)
                self._alive.insert(0, runner)

    def _prove(self, held: Callable[[int], MemoryRows]) -> None:
        """Part with components of the winner that other rows do not bear out."""
        winner, tries = self.winner, list[_Runner]()

        def again(start: Parameters) -> Parameters | None:
            tried = _Runner(winner.index, start)
            if not self._stopped:
                self._advance(tried, self._objective.max_iter, -np.inf)
            winner.n_iter += tried.n_iter
            tries.append(tried)
            return None if tried.collapsed or self._stopped else tried.parameters

        found = borne_out(self._objective, winner.parameters, held, again)
        for tried in tries:
            if tried.parameters is found:
                winner.parameters = found
                if winner.collapsed:  # whose level was that of a few rows
                    winner.level, winner.converged = tried.level, tried.converged
                    winner.collapsed = False

    def _advance(self, runner: _Runner, steps: int, to_beat: float) -> None:
        """Run one start some steps further."""
        earlier, tell = runner.n_iter, self._on_pass

        def watch(told: em.Pass) -> object:
            n_iter = earlier + told.n_iter
            return tell is not None and tell(runner.index, n_iter, told.level, told.parameters)

        on = self._objective
        run = em.run(
            on.rows,
            on.family,
            runner.parameters,
            bounds=on.bounds,
            rule=em.Rule.expected_gain(on.tol, on.rows.precision, to_beat),
            max_iter=max(steps, 1),
            accelerate=on.accelerate,
            on_pass=None if tell is None else watch,
        )
        runner.parameters = run.parameters
        runner.trace += run.trace
        runner.n_iter += run.n_iter
        runner.level = run.trace[-1]
        runner.converged = run.outcome in ("converged", "hopeless")
        wrong = unsound(run.parameters, run.moments, on.family, on.bounds, on.rows.n_samples)
        runner.collapsed = wrong.found
        self._stopped = run.outcome == "stopped"

    def _ended(self, runner: _Runner) -> bool:
        return self._stopped or runner.converged or runner.n_iter >= self._objective.max_iter

    @property
    def _grain(self) -> float:
        return max(self._objective.tol, 8 * self._objective.rows.precision)


def _repeated(record: Restart, index: int) -> Restart:
    """The record of a start, which may be the same as an earlier one's."""
    if index == record.index:
        return record
    outcome = "finished" if record.outcome == "chosen" else record.outcome
    return replace(record, index=index, outcome=outcome)


def _level_to_beat(runners: list[_Runner]) -> float:
    ended = (r.level for r in runners if r.converged and not r.collapsed)
    return max(ended, default=-np.inf)


def _ranked(runners: list[_Runner], grain: float) -> list[_Runner]:
    """Best first; levels that differ by less than the grain are equal, and the earlier start leads.

    Starts often meet at one maximum, and rounding must not choose between them. Collapsed runs come
    last: the likelihood of a singular component says nothing about the data.
    """
    top = max(r.level for r in runners)

    def rank(runner: _Runner) -> tuple[bool, float]:
        return not runner.collapsed, np.round((runner.level - top) / grain)

    return sorted(runners, key=rank, reverse=True)
