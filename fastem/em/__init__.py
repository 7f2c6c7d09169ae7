"""Expectation-Maximisation: the loop, and what it is run with.

loop     one step after another, until the run has ended
steps    a step: in Python for all families and rows, or many of them in compiled code
state    where a run stands between two passes
rules    when it stops

When it has converged, and where it goes from a point, is in `fastem.kernels`: `em_control`,
`em_passes`, `convergence` and `quasi_newton`.
"""

from fastem.em.loop import Pass, Run, run
from fastem.em.rules import Rule
from fastem.em.state import State

__all__ = ["Pass", "Rule", "Run", "State", "run"]
