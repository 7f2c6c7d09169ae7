"""Where a run of EM stands between two passes, and what keeps it for another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from numpy.typing import NDArray

from fastem.covariance import Parameters


class Stateful(Protocol):
    """What remembers earlier passes."""

    def state(self) -> dict[str, NDArray]:
        """All that it remembers."""

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead, where the next pass is made at `point`.

        Raises
        ------
        LookupError, ValueError
            If it is not what `state` gives.
        """


@dataclass(eq=False)
class Standing:
    """Where the loop stands before a pass.

    Parameters
    ----------
    point : Parameters
        Where the pass is made.
    image : Parameters
        Where a plain step from the last accepted point leads.
    leapt : bool
        Whether `point` is another.
    trace : list of float
        Levels of the accepted points so far.
    n_iter : int
        Steps taken.
    """

    point: Parameters
    image: Parameters
    leapt: bool = False
    trace: list[float] = field(default_factory=list)
    n_iter: int = 0

    def step(self, leap: Parameters | None) -> None:
        """On to where a leap leads, or else to where a plain step does."""
        self.point, self.leapt = (self.image, False) if leap is None else (leap, True)
        self.n_iter += 1


class Keeper(Protocol):
    """Keeps where a run stands, for another process to go on from there."""

    def resume(self, stepper: Stateful, rule: Stateful) -> Standing | None:
        """Where an earlier run stood, stepper and rule brought there too; None if there is none."""

    def weigh(self, n_rows: float) -> None:
        """Refuse rows whose weights have another sum than those of the earlier run."""

    def keep(self, at: Standing, stepper: Stateful, rule: Stateful) -> None:
        """Keep it; called before the first pass and after each accepted one."""


class Forgetful:
    """A keeper that keeps nothing."""

    def resume(self, stepper: Stateful, rule: Stateful) -> None:
        """There is no earlier run."""

    def weigh(self, n_rows: float) -> None:
        """Any rows will do."""

    def keep(self, at: Standing, stepper: Stateful, rule: Stateful) -> None:
        """Nothing is kept."""
