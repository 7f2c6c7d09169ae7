"""Expectation-Maximisation: the loop, and what it is run with.

loop            one pass after another, for every family and every place where rows live
acceleration    extrapolation of the EM map
convergence     when to stop
standing        where a run stands between two passes
checkpoint      the same in a file
conclusion      how a run ended, in words
"""

from fastem.em.convergence import Change, ExpectedGain
from fastem.em.loop import Rule, Run, run
from fastem.em.standing import Keeper, Standing, Stateful

__all__ = ["Change", "ExpectedGain", "Keeper", "Rule", "Run", "Standing", "Stateful", "run"]
