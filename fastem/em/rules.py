"""When EM has converged: rules that a run asks after every accepted pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastem.kernels import em_control


class Rule(NamedTuple):
    """A rule, in numbers that compiled code takes; made by `expected_gain` or `change`.

    Parameters
    ----------
    kind : int
        `em_control.NEVER`, `EXPECTED_GAIN` or `CHANGE`.
    least : float
        The gain, or change, in mean log-likelihood below which a run ends, in nats a row.
    level : float
        The level that a run must come up to, or that an earlier run left off at.
    least_weight : float
        A run ends where a component's weight is less.
    """

    kind: int = em_control.NEVER
    least: float = 0.0
    level: float = -np.inf
    least_weight: float = 0.0

    @classmethod
    def expected_gain(
        cls,
        tol: float,
        precision: float,
        to_beat: float = -np.inf,
        least_weight: float = 0.0,
    ) -> Rule:
        """Stop when the gain in mean log-likelihood still to be expected is below tol.

        `kernels.convergence` says how that is known.

        Parameters
        ----------
        tol : float
            In nats a row; with 0 it never stops.
        precision : float
            A relative rounding error; a gain below it cannot be had.
        to_beat : float
            Stop as well where no end at this level is to be expected.
        least_weight : float
            Stop as well where a component's weight falls below this.
        """
        kind = em_control.EXPECTED_GAIN if tol > 0 else em_control.NEVER
        least = float(max(tol, precision)) if tol > 0 else 0.0
        return cls(kind, least, float(to_beat), float(least_weight))

    @classmethod
    def change(cls, tol: float, level: float = -np.inf) -> Rule:
        """Stop a step after the mean log-likelihood changed by less than tol: scikit-learn's rule.

        An iteration there is a pass and the M step that follows it, so the step after the small
        change is taken before it stops. A small change says little about what is left to gain: slow
        convergence looks the same.

        Parameters
        ----------
        tol : float
            Nats a row.
        level : float
            Where an earlier run left off.
        """
        return cls(em_control.CHANGE, float(tol), float(level))
