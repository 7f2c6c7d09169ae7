"""Options: what a user asks of a fit, as plain values, checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fastem import validation
from fastem.covariance import ConjugatePrior, NormalWishart
from fastem.event import Callback
from fastem.lock import sole
from fastem.noise import Noise

#: Options that an answer depends on.
DECISIVE = "n_init", "init", "reg_covar", "tol", "max_iter", "accelerate", "noise", "prior"


@dataclass(frozen=True, eq=False)
class Options:
    """What `fastem.fit` explains; each is checked by name, `init` where starts are made."""

    n_init: int = 10
    init: str | Sequence[str] = "mixed"
    reg_covar: float | None = None
    tol: float = 1e-6
    max_iter: int = 1000
    accelerate: bool = True
    callback: Callback | None = None
    progress: bool = False
    noise: bool | Noise | ArrayLike = False
    prior: bool | ConjugatePrior | NormalWishart = False
    checkpoint: str | os.PathLike | None = None
    checkpoint_every: int = 1
    checkpoint_wait: bool = False
    labels: ArrayLike | str | int | None = None

    def __post_init__(self) -> None:
        """Check."""
        validation.integer(self.n_init, "n_init")
        validation.integer(self.max_iter, "max_iter")
        validation.real(self.tol, "tol")
        if self.reg_covar is not None:
            validation.real(self.reg_covar, "reg_covar")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {self.callback!r}; give a function of one argument")
        if isinstance(self.noise, bool | np.bool_ | str) or self.noise is None:
            validation.boolean(self.noise, "noise")
        for name in "accelerate", "progress", "checkpoint_wait":
            validation.boolean(getattr(self, name), name)
        if not isinstance(self.prior, ConjugatePrior | NormalWishart):
            validation.boolean(self.prior, "prior")
        if self.checkpoint is not None:
            path = validation.path(self.checkpoint, "checkpoint")
            folder = Path(path).parent
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"checkpoint is {path!r}, but there is no folder {folder}; make it, or give "
                    f"another path"
                )
            if os.path.isdir(path):
                raise IsADirectoryError(
                    f"checkpoint is {path!r}, which is a folder; give the name of a file in it"
                )
        validation.integer(self.checkpoint_every, "checkpoint_every")

    def sole(self) -> AbstractContextManager[None]:
        """A context in which no other process has the checkpoint, if there is to be one."""
        return sole(self.checkpoint, "checkpoint_wait=True", wait=self.checkpoint_wait)

    @property
    def needs_memory(self) -> bool:
        """Whether something is said of each row, which is looked up among rows in memory."""
        marks = not isinstance(self.noise, bool | np.bool_ | Noise)
        return marks or self.labels is not None

    def refuse_variational(self, reason: str) -> None:
        """Refuse a prior under which parameters have a distribution.

        Raises
        ------
        ValueError
            If there is one; the message ends with the reason.
        """
        if self.is_variational:
            raise ValueError(f"prior is {type(self.prior).__name__}(...); {reason}")

    @property
    def is_variational(self) -> bool:
        """Whether the parameters have a distribution."""
        return isinstance(self.prior, NormalWishart)

    @property
    def box(self) -> bool | Noise:
        """The box of the noise, or whether there is one that the rows tell."""
        return self.noise if isinstance(self.noise, Noise) else self.is_noisy

    @property
    def is_noisy(self) -> bool:
        """Whether there is noise beside the components."""
        return self.noise is not False and self.noise is not np.False_
