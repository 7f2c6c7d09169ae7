"""What EM maximises over some rows, and how far."""

from __future__ import annotations

from dataclasses import dataclass

from fastem.covariance import Bounds, Family
from fastem.rows import MemoryRows


@dataclass(frozen=True, eq=False)
class Objective:
    """The likelihood of rows in memory within bounds; of a family with a prior the posterior.

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
