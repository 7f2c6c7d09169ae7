"""Expectation-Maximisation: the loop, and what it is run with.

loop          one step after another, until the run has ended
runs          several runs over the same rows
side_by_side  some of those at once, on threads
steps         a step in Python, for all families and rows
compiled      steps in compiled code, many in one call where rows are few
workspace     what those need over some rows, whichever run they belong to
state         where a run stands between two passes
rules         when it stops
online        one update of a stream: what a batch adds to what is known
updates       the same in one call of compiled code, for small batches

When it has converged, and where it goes from a point, is in `fastem.kernels`: `em_control`,
`em_passes`, `convergence` and `quasi_newton`.
"""

from fastem.em.loop import Pass, Run, run
from fastem.em.rules import Rule
from fastem.em.runs import Runs
from fastem.em.state import State

__all__ = ["Pass", "Rule", "Run", "Runs", "State", "run"]
