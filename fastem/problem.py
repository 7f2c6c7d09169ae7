"""Problem: all that a fit is told, checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from fastem import validation
from fastem.checkpoint import Checkpoint
from fastem.covariance import Bounds, Family, WithNoise, WithPrior
from fastem.data import Data, Sample
from fastem.lazy import lazy
from fastem.results import Callback
from fastem.rows import MemoryRows, Rows
from fastem.search.starts import STARTS, Given, noise_start

#: Default floor of covariances' eigenvalues, as a share of the data's own variance.
DEFAULT_FLOOR = 1e-10
#: The same where the user gives `reg_covar`: only what rounding makes of a singular matrix.
ROUNDING_FLOOR = 1e-14
#: Options that an answer depends on.
DECISIVE = "n_init", "init", "reg_covar", "tol", "max_iter", "accelerate", "noise", "prior"


@dataclass(frozen=True, eq=False)
class Options:
    """The options of `fit` that `select` hands on, checked."""

    n_init: int = 10
    init: str = "k-means++"
    reg_covar: float | None = None
    tol: float = 1e-6
    max_iter: int = 1000
    accelerate: bool = True
    callback: Callback | None = None
    progress: bool = False
    noise: bool | ArrayLike = False
    prior: bool = False
    checkpoint: str | os.PathLike | None = None
    checkpoint_every: int = 1

    def __post_init__(self) -> None:
        """Check each by name."""
        validation.integer(self.n_init, "n_init")
        validation.choice(self.init, "init", STARTS)
        validation.integer(self.max_iter, "max_iter")
        validation.real(self.tol, "tol")
        if self.reg_covar is not None:
            validation.real(self.reg_covar, "reg_covar")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {self.callback!r}; give a function of one argument")
        if isinstance(self.noise, bool | np.bool_ | str) or self.noise is None:
            validation.boolean(self.noise, "noise")
        for name in "accelerate", "progress", "prior":
            validation.boolean(getattr(self, name), name)
        if self.checkpoint is not None:
            validation.path(self.checkpoint, "checkpoint")
        validation.integer(self.checkpoint_every, "checkpoint_every")

    @property
    def is_noisy(self) -> bool:
        """Whether there is noise beside the components."""
        return self.noise is not False and self.noise is not np.False_

    def kept(self, random_state: object, seed: np.random.SeedSequence) -> Checkpoint | None:
        """The file that a fit of that seed is kept in, if there is to be one."""
        if self.checkpoint is None:
            return None
        chance = "None" if random_state is None else str(seed.entropy)
        return Checkpoint(self.checkpoint, self.checkpoint_every, chance)

    def bounds(self, rows: Rows) -> Bounds:
        """What keeps covariances positive definite, in the units of those rows."""
        scale = rows.units.scale
        if self.reg_covar is None:
            return Bounds(np.zeros_like(scale), max(DEFAULT_FLOOR, rows.precision / 8))
        return Bounds(self.reg_covar * scale**2, ROUNDING_FLOOR)

    def family(self, kind: Family, n_components: int, data: Data) -> Family:
        """The family that EM maximises over: under a prior and beside noise, if asked for."""
        if self.prior:
            units = data.rows(kind).units
            kind = WithPrior.of(kind, n_components, *data.centre(kind), units)
        return WithNoise(kind, noise_start.box(data)) if self.is_noisy else kind


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be fitted to what, from where.

    Parameters
    ----------
    data : Data
    n_components : int
    kind : Family
        As the user named it.
    options : Options
    seed : SeedSequence
        Problems of the same data and seed share their sample.
    given : Given
    """

    data: Data
    n_components: int
    kind: Family
    options: Options
    seed: np.random.SeedSequence
    given: Given = field(default_factory=Given)

    @property
    def rows(self) -> Rows:
        """All rows, in units that suit the family."""
        return self.data.rows(self.kind)

    @lazy
    def family(self) -> Family:
        """What EM maximises over: the family, under a prior and beside noise if asked for."""
        return self.options.family(self.kind, self.n_components, self.data)

    @property
    def sample(self) -> Sample:
        """The rows that starts race on."""
        return self.data.sample(self.kind, self.n_components, self.stream(0))

    @property
    def larger_samples(self) -> Iterator[Sample]:
        """Samples of more and more rows, up to a share of all, in the units of `sample`."""
        return self.data.larger_samples(self.sample, self.stream(0))

    def held(self, n: int) -> MemoryRows:
        """At most n rows beside the samples, in their units."""
        return self.data.held(n, self.sample.units, self.stream(0, 0))

    def stream(self, *key: int) -> np.random.SeedSequence:
        """A source of chance of its own, the same one at every call (`spawn` counts its calls)."""
        return np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, *key))

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of weights, means and covariances."""
        shape = self.n_components, self.data.n_features
        return (self.n_components,), shape, self.kind.shape(*shape)

    @property
    def arguments(self) -> dict[str, object]:
        """What tells the problem from others, its seed apart, by the names that users know."""
        return {
            "n_samples": self.data.n_samples,
            "n_features": self.data.n_features,
            "dtype": self.data.source.dtype,
            "X": f"of digest {self.data.digest}",
            "n_components": self.n_components,
            "covariance_type": self.kind.name,
            "weights_init": self.given.weights,
            "means_init": self.given.means,
            "covariances_init": self.given.covariances,
            **{name: getattr(self.options, name) for name in DECISIVE},
        }


def seeds(random_state: int | np.random.Generator | None) -> np.random.SeedSequence:
    """The one source of chance of a fit."""
    chance = validation.random_state(random_state)
    if isinstance(chance, np.random.Generator):
        return np.random.SeedSequence(chance.integers(2**63, size=2).tolist())
    return np.random.SeedSequence(chance)
