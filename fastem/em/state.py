"""Where a run of EM stands between two passes: arrays, of which a file can be made as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Family, Parameters
from fastem.em.rules import Rule
from fastem.kernels import convergence, em_control, quasi_newton
from fastem.kernels.em_control import N_ITER, N_PASSES, N_REPLACED, NEXT, OUTCOME

#: What a run has come to, by its code.
OUTCOMES = {
    em_control.RUNNING: "running",
    convergence.CONVERGED: "converged",
    convergence.HOPELESS: "hopeless",
    em_control.DWINDLED: "dwindled",
    em_control.EXHAUSTED: "exhausted",
    em_control.STOPPED: "stopped",
}


class State(NamedTuple):
    """Where a run stands. Steps write to its arrays; vectors hold weights, means and covariances.

    Parameters
    ----------
    point, em_step, before : (Q,)
        The last accepted point, or where the next pass is made; where a plain step leads; and the
        last accepted point, wherever the next pass is made.
    point_statistics, em_statistics : (P,), or (0,) in a run without acceleration
        The same as statistics of rows, from which a point is extrapolated; once it is found, of it.
    steps : quasi_newton.Memory
        What extrapolations remember of earlier steps.
    gain : convergence.Memory
        What the rule remembers of earlier passes.
    counters : (5,) int
        Steps, accepted passes, replacements, what is next, the outcome: `em_control` names them.
    trace : (n,)
        Levels of the accepted passes, and room for more.
    shape : (2,) int
        K and D.
    n_rows : (1,)
        Rows, or the sum of their weights; 0 before the first pass.
    """

    point: NDArray[np.float64]
    em_step: NDArray[np.float64]
    before: NDArray[np.float64]
    point_statistics: NDArray[np.float64]
    em_statistics: NDArray[np.float64]
    steps: quasi_newton.Memory
    gain: convergence.Memory
    counters: NDArray[np.int64]
    trace: NDArray[np.float64]
    shape: NDArray[np.int64]
    n_rows: NDArray[np.float64]

    @classmethod
    def begin(cls, family: Family, start: Parameters, rule: Rule, accelerate: bool) -> State:
        """Before the first pass, which is made at a start."""
        point, statistics = vector(start), np.empty(0)
        if accelerate:
            statistics = _statistics(family, start)
        judged = rule.kind == em_control.EXPECTED_GAIN
        return cls(
            point,
            point.copy(),
            point.copy(),
            statistics,
            statistics.copy(),
            quasi_newton.Memory.empty(statistics.size),
            convergence.Memory.empty(point.size if judged else 0),
            np.zeros(5, np.int64),
            np.empty(0),
            np.array(start.means.shape),
            np.zeros(1),
        )

    def replaced(self, family: Family, start: Parameters, rule: Rule) -> State:
        """The same run, which goes on from other parameters: its trace and counts stay."""
        fresh = State.begin(family, start, rule, self.point_statistics.size > 0)
        fresh.counters[:] = self.counters
        fresh.counters[[NEXT, OUTCOME]] = em_control.PASS, em_control.RUNNING
        fresh.counters[N_REPLACED] += 1
        return fresh._replace(trace=self.trace, n_rows=self.n_rows)

    def restart(self, start: Parameters) -> None:
        """Go to before the first pass of a run without acceleration or judgement, at a start."""
        for parts in self.point, self.em_step, self.before:
            parts[:] = vector(start)
        self.counters[:] = 0

    def resumed(self) -> State:
        """The same run, to go on where `max_iter` ended it: by the EM step that it had found."""
        self.counters[[NEXT, OUTCOME]] = em_control.STEP, em_control.RUNNING
        self.point_statistics[:] = self.em_statistics
        return self

    def with_room(self, n: int) -> State:
        """The same state with room in its trace for n more passes."""
        n_passes = int(self.counters[N_PASSES])
        if len(self.trace) >= n_passes + n:
            return self
        trace = np.zeros(max(2 * len(self.trace), n_passes + n))
        trace[:n_passes] = self.trace[:n_passes]
        return self._replace(trace=trace)

    def parameters(self, family: Family, point: NDArray[np.float64] | None = None) -> Parameters:
        """Those of a point, the present one unless given; they stay when the state changes."""
        return views(self.point if point is None else point, self.shape, family)

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return int(self.counters[N_ITER])

    @property
    def n_passes(self) -> int:
        """Accepted passes."""
        return int(self.counters[N_PASSES])

    @property
    def n_replaced(self) -> int:
        """How often the run went on from other parameters."""
        return int(self.counters[N_REPLACED])

    @property
    def outcome(self) -> str:
        """What the run has come to: one of `OUTCOMES`."""
        return OUTCOMES[int(self.counters[OUTCOME])]

    @property
    def levels(self) -> NDArray[np.float64]:
        """Of the accepted passes."""
        return self.trace[: self.n_passes]

    @property
    def expected_gain(self) -> float:
        """The gain still to be expected, in nats a row."""
        known = self.gain
        if not known.n_seen[0]:
            return np.inf
        return convergence.expected_gain.py_func(known.sizes, known.rates, known.n_seen)


def vector(parameters: Parameters) -> NDArray[np.float64]:
    """Weights, means and covariances one after the other."""
    weights, means, covariances = parameters
    return np.concatenate((weights, means.ravel(), covariances.ravel()))


def views(point: NDArray[np.float64], shape: NDArray[np.int64], family: Family) -> Parameters:
    """The parts of a copy of a vector, not to be written."""
    K, D = shape.tolist()
    point, before = point.copy(), K + K * D
    point.setflags(write=False)
    covariances = point[before:].reshape(family.shape(K, D))
    return Parameters(point[:K], point[K:before].reshape(K, D), covariances)


def _statistics(family: Family, start: Parameters) -> NDArray[np.float64]:
    """Weights, means and scatters of rows that follow the parameters."""
    weights, means, covariances = start
    spread = family.spread(covariances, *means.shape)
    return np.concatenate((weights, means.ravel(), spread.ravel()))
