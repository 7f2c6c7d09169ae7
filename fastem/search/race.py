"""Racing restarts: many cheap starts on a sample, the poor ones dropped early, the best one kept.

Successive halving (K. Jamieson and A. Talwalkar, AISTATS 2016): each round runs the survivors twice
as long as the last one and keeps the better half; the last two run to convergence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from fastem import em
from fastem.covariance import Parameters
from fastem.results import Restart
from fastem.rows import MemoryRows
from fastem.search import contest, moves, swaps
from fastem.search.duplicate_starts import firsts
from fastem.search.objective import Objective
from fastem.search.runner import Runner, level_to_beat, n_finalists, ranked, repeated
from fastem.search.splitting import replaced
from fastem.search.spurious import SOUND, judged, validated

#: Steps of the first round, where the rows are all there are and on a sample.
FIRST_ROUND, FIRST_ROUND_OF_SAMPLE = 5, 6
#: Steps within which a split-and-merge move must pay.
MOVE_STEPS = 60
#: Of more components several are moved at once before single ones are swapped. Of 144 fits of 13 to
#: 20 components to real rows moves alone ended below scikit-learn's ten starts in 21, with swaps
#: after them none did.
MANY = 12
#: Starts have met where their levels differ by less than this, in nats of all rows.
MET = 0.1
#: How often an end that is not sound is mended, at most.
MENDINGS = 3


class Outcome(NamedTuple):
    """What a race comes to.

    Parameters
    ----------
    winner : Parameters
        In the units of the rows.
    restarts : tuple of Restart
        One for each start, in their order.
    near : list of End
        Other ends that may be better over all rows: the sample cannot tell.
    met : int
        Starts that led to where the winner is, beside it.
    objective : Objective, optional
        What they raced over.
    """

    winner: Parameters
    restarts: tuple[Restart, ...]
    near: list[contest.End]
    met: int = 0
    objective: Objective | None = None


def race(
    objective: Objective,
    starts: list[Parameters],
    further: Iterable[Objective] = (),
    *,
    holdout: Callable[[int], MemoryRows] | None = None,
    finalists: Collection[int] = (),
    more: Iterable[Parameters] = (),
    on_pass: contest.OnPass | None = None,
) -> Outcome:
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
    holdout : callable, optional
        Gives so many other rows, which are to bear out the winner's components.
    finalists : collection of int
        Starts that are not dropped, whatever their level.
    more : iterable of Parameters
        Starts that are tried where few components leave few moves.
    on_pass : callable, optional
        Called with index, n_iter, level and parameters after each pass; True ends the race.
    """
    first_of = firsts(starts, objective)
    runners = [Runner(i, start) for i, start in enumerate(starts) if first_of[i] == i]
    kept = {first_of[i] for i in finalists}
    running = _Race(objective, runners, len(starts), kept, more, on_pass)
    records = {r.index: r for r in running.run(further, holdout)}
    restarts = tuple(repeated(records[first], i) for i, first in enumerate(first_of))
    return Outcome(running.winner.parameters, restarts, running.near(), running.met, objective)


class _Race:
    def __init__(
        self,
        objective: Objective,
        runners: list[Runner],
        n_starts: int,
        finalists: Collection[int],
        more: Iterable[Parameters],
        on_pass: contest.OnPass | None,
    ) -> None:
        self._objective, self._finalists, self._on_pass = objective, finalists, on_pass
        self._alive, self._n_starts, self._more = runners, n_starts, more
        self._dropped = list[Runner]()
        self._others = list[contest.End]()
        self._level: float | None = None  # of the winner, over a larger sample
        self._stopped = False
        self.met = 0  # starts that led to where the winner is, beside it

    @property
    def winner(self) -> Runner:
        return self._alive[0]

    def run(
        self,
        further: Iterable[Objective],
        holdout: Callable[[int], MemoryRows] | None,
    ) -> list[Restart]:
        """Round after round to the end, and further; the records of all runners."""
        budget = FIRST_ROUND_OF_SAMPLE if self._objective.is_sample else FIRST_ROUND
        while not self._round(budget):
            self._drop()
            budget *= 2
        if holdout is not None and self.winner.collapsed:
            self._validate(holdout)
        if holdout is None and self.winner.soundness < SOUND:
            self._recall()
            self._mend()
        if self.winner.converged and not self.winner.collapsed:
            self._improve()
        rivals = filter(self._rivals, self._alive[1:])
        self._others = [contest.End(r.index, r.parameters, r.level) for r in rivals]
        for objective in further:
            if self._stopped or self.winner.collapsed:
                break
            self._go_on(objective)
        if holdout is not None:
            self._validate(holdout)
        done = [runner.record("dropped") for runner in self._dropped]
        done += [runner.record("finished") for runner in self._alive[1:]]
        return [*done, self.winner.record("chosen")]

    def near(self) -> list[contest.End]:
        """Ends that the rows of a sample cannot tell from the winner's."""
        winner = self.winner
        if self._stopped or winner.collapsed or not self._objective.is_sample:
            return []
        level = winner.level if self._level is None else self._level
        first = contest.End(winner.index, winner.parameters, level)
        return contest.near(self._objective, first, self._others)

    def _round(self, budget: int) -> bool:
        """Everybody alive some steps further, the best then first; whether that was the last."""
        last = len(self._alive) <= self._n_finalists + len(self._finalists)
        for runner in self._alive:
            if not self._ended(runner):
                left = self._objective.max_iter - runner.n_iter
                steps = left if last else min(budget, left)
                self._advance(runner, steps, level_to_beat(self._alive))
        self._alive = ranked(self._alive, self._grain)
        self.met = max(self.met, sum(map(self._meets, self._alive[1:])))
        return last or all(map(self._ended, self._alive))

    def _meets(self, runner: Runner) -> bool:
        """Whether a start has come to where the winner is, as far as levels tell."""
        winner, n_samples = self.winner, self._objective.rows.n_samples
        near = (winner.level - runner.level) * n_samples < MET
        return near and runner.soundness == winner.soundness

    def _rivals(self, runner: Runner) -> bool:
        """Whether a finalist ended elsewhere than the winner, as sound."""
        winner = self.winner
        return runner.soundness == winner.soundness and winner.level - runner.level > self._grain

    def _drop(self) -> None:
        """Part with the worse half, as far as it may be dropped."""
        others = [r for r in self._alive if r.index not in self._finalists]
        dropped = others[max(self._n_finalists, -(-len(others) // 2)) :]
        self._alive = [r for r in self._alive if r not in dropped]
        self._dropped += dropped

    def _recall(self) -> None:
        """Let those that were dropped go on, the best first, until one ends sound."""
        for runner in sorted(self._dropped, key=lambda runner: runner.rank, reverse=True):
            if self._stopped or self.winner.soundness == SOUND:
                break
            self._dropped.remove(runner)
            if not self._ended(runner):
                self._advance(runner, self._objective.max_iter - runner.n_iter, -np.inf)
            self._alive = ranked([*self._alive, runner], self._grain)

    def _mend(self) -> None:
        """Put unsound components elsewhere, of one end after the other, until all are sound."""
        on = self._objective
        for parameters, poor in [(runner.parameters, runner.poor) for runner in self._alive]:
            for _ in range(MENDINGS):
                (which,) = np.nonzero(poor)
                if self.winner.soundness == SOUND or not 0 < len(which) < len(parameters.weights):
                    break
                start = replaced(parameters, which, on.family, on.bounds)
                tried = self._tried(start, on.max_iter, -np.inf)
                parameters, poor = tried.parameters, tried.poor
                if tried.rank > self.winner.rank:
                    self._take(tried)

    def _improve(self) -> None:
        """Try what leads out of a local maximum; each try is one more run of its own."""
        n_components, is_sample = len(self.winner.parameters.weights), self._objective.is_sample
        many = n_components > MANY
        if many or is_sample:
            rivals = [runner for runner in self._alive[1:] if many and self._rivals(runner)]
            for runner in (self.winner, *rivals):
                self._move(runner)
            self._alive = ranked(self._alive, self._grain)
        if not is_sample and n_components <= swaps.MOST_COMPONENTS:
            self._swap()

    def _swap(self) -> None:
        """Swap components of the winner while that leads higher."""
        winner = self.winner

        def runs(*arguments: Any) -> Iterator[swaps.Trial]:
            return (swaps.Trial(t.parameters, t.rank) for t in self._tries(*arguments))

        at, on = swaps.Trial(winner.parameters, winner.rank), self._objective
        n_steps = sum(runner.n_iter for runner in (*self._alive, *self._dropped))
        effort = swaps.OVER_RACE._replace(n_starts=self._n_starts, n_met=self.met, n_steps=n_steps)
        found = swaps.improve(on, at, runs, effort, self._more)
        winner.parameters, (winner.soundness, winner.level) = found

    def _move(self, runner: Runner) -> None:
        """Split and merge components of a finalist while that leads higher."""
        soundness = runner.soundness

        def again(start: Parameters, to_beat: float) -> tuple[Parameters, float]:
            tried = self._tried(start, MOVE_STEPS, to_beat)
            return tried.parameters, tried.level if tried.soundness >= soundness else -np.inf

        found = moves.improve(self._objective, runner.parameters, runner.level, again)
        runner.parameters, runner.level = found

    def _go_on(self, objective: Objective) -> None:
        """Run the winner, or who beats it there, to convergence on more rows."""
        near = self.near()
        self._objective, self._others = objective, []
        first = self.winner.parameters
        if near:
            ends = [contest.End(self.winner.index, first, self.winner.level), *near]
            runs = contest.contest(objective, ends, objective.rows.n_samples, self._on_pass)
            self.winner.n_iter += sum(run.n_iter for _, run in runs)
            self._stopped = "stopped" in {run.outcome for _, run in runs}
            (best, _), *_ = runs
            self._alive.sort(key=lambda runner: runner.index != ends[best].start)
            first = runs[0][1].parameters
            self._others = [
                ends[i]._replace(parameters=run.parameters, level=objective.level(run))
                for i, run in runs[1:]
            ]
        tried = self._tried(first, objective.max_iter, -np.inf)
        winner = self.winner
        winner.parameters, winner.soundness = tried.parameters, tried.soundness
        winner.poor, self._level = tried.poor, tried.level

    def _validate(self, holdout: Callable[[int], MemoryRows]) -> None:
        """Part with components of the winner that other rows do not bear out."""
        if self._stopped:
            return
        tries = list[Runner]()

        def again(start: Parameters) -> Parameters | None:
            tries.append(self._tried(start, self._objective.max_iter, -np.inf))
            return None if tries[-1].collapsed or self._stopped else tries[-1].parameters

        found = validated(self._objective, self.winner.parameters, holdout, again)
        for tried in tries:
            if tried.parameters is found:
                if self.winner.collapsed:  # whose level was that of a few rows
                    self._take(tried)
                elif self._level is not None:
                    self._level = tried.level
                else:
                    self.winner.level = tried.level
                self.winner.parameters = found

    def _tried(self, start: Parameters, steps: int, to_beat: float) -> Runner:
        """Where a run from there ends, whose steps count as the winner's."""
        return next(self._tries([start], steps, to_beat), Runner(self.winner.index, start))

    def _tries(self, starts: Iterable[Parameters], steps: int, to_beat: float) -> Iterator[Runner]:
        """Where runs from some starts end, until one is stopped."""
        if self._stopped:
            return
        on, index = self._objective, self.winner.index
        steps, told = max(min(steps, on.max_iter), 1), contest.watcher(self._on_pass, index)
        for run in on.runs.each(starts, on.rule(to_beat), steps, told):
            tried = Runner(index, run.parameters)
            self._note(tried, run, to_beat)
            self.winner.n_iter += tried.n_iter
            yield tried
            if run.outcome == "stopped":
                return

    def _take(self, found: Runner) -> None:
        """Let the winner be there."""
        winner = self.winner
        winner.parameters, winner.level = found.parameters, found.level
        winner.soundness, winner.poor = found.soundness, found.poor
        winner.converged = found.converged

    def _advance(self, runner: Runner, steps: int, to_beat: float) -> None:
        """Run one start some steps further."""
        on = self._objective
        begun = runner.parameters if runner.state is None else runner.state.resumed()
        run = on.runs.run(
            begun,
            on.rule(to_beat),
            runner.n_iter + max(steps, 1),
            contest.watcher(self._on_pass, runner.index),
        )
        self._note(runner, run)

    def _note(self, runner: Runner, run: em.Run, least: float = -np.inf) -> None:
        """Let a runner be where a run ended; below a least level it loses, sound or not."""
        on = self._objective
        runner.note(run, on.level(run))
        if run.outcome != "hopeless" and runner.level >= least:
            runner.soundness, runner.poor = judged(run, on, on.rows.n_samples)
        self._stopped = run.outcome == "stopped"

    def _ended(self, runner: Runner) -> bool:
        return self._stopped or runner.converged or runner.n_iter >= self._objective.max_iter

    @property
    def _n_finalists(self) -> int:
        return n_finalists(self._alive, self._objective.is_sample)

    @property
    def _grain(self) -> float:
        return max(self._objective.tol, 8 * self._objective.rows.precision)
