"""The course that starts are run over: rows in memory, what is fitted to them, and how far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastem import em
from fastem.covariance import Bounds, Family, Parameters, collapsed
from fastem.rows import MemoryRows


@dataclass(frozen=True, eq=False)
class Course:
    """What every run of a search has in common.

    Parameters
    ----------
    rows : MemoryRows
    family : Family
        For rows in their units, in which `bounds` and all parameters are.
    bounds : Bounds
    tol : float
        A run ends when the gain still to be expected is below this, in nats a row.
    max_iter : int
        Steps of one start, at most.
    accelerate : bool
    shortfall : float
        What the maximum over these rows is off, in nats a row, where they are a sample of more:
        levels that differ by less do not tell maxima apart.
    """

    rows: MemoryRows
    family: Family
    bounds: Bounds
    tol: float
    max_iter: int
    accelerate: bool = True
    shortfall: float = 0.0

    def run(
        self,
        start: Parameters,
        steps: int | None = None,
        *,
        to_beat: float = -np.inf,
        on_pass: Callable[[int, float, Parameters], object] | None = None,
    ) -> em.Run:
        """EM from a start, so many steps (`max_iter`) unless it converges or cannot win any more.

        Parameters
        ----------
        to_beat : float
            A level: a run that will not come up to it ends.
        """
        return em.run(
            self.rows,
            self.family,
            start,
            bounds=self.bounds,
            rule=em.ExpectedGain(self.tol, self.rows.precision, to_beat),
            max_iter=self.max_iter if steps is None else steps,
            accelerate=self.accelerate,
            on_pass=on_pass,
        )

    def collapses(self, run: em.Run) -> bool:
        """Whether a component of where the run ended is singular."""
        return bool(collapsed(run.parameters, self.family, self.bounds).any())
