"""The fits of a selection, and the numbers of components and families that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import tee
from typing import Any

import numpy as np

from fastem import validation
from fastem.covariance import FAMILIES, Family, families
from fastem.covariance.nesting import contains
from fastem.progress import Progress
from fastem.results import Fit
from fastem.search.beginning import Starts
from fastem.search.nested import larger_starts
from fastem.selection.table import Row
from fastem.solve import solve

#: Fits of smaller models that one which has collapsed is tried from.
RESCUES = 6


@dataclass
class Fits:
    """Fits of nested models: of two that nest in each other the larger one has the higher level."""

    starts: Starts
    several: bool
    _made: dict[tuple[int, str], Fit] = field(default_factory=dict)
    _before: list[tuple[int, str]] = field(default_factory=list)
    stopped: bool = False

    def add(self, k: int, family: Family, bar: Progress) -> None:
        """One more fit, no lower than those of models within it."""
        name = f"{k}-{family.name}" if self.several else ""
        found = solve(self.starts, k, family, bar, name=name)
        self.stopped = found.status.code == "stopped"
        if not self.stopped and not self.starts.options.prior:
            found = self._no_lower(found, family)
        self._made[k, family.name] = found

    def has(self, k: int, family: Family) -> bool:
        """Whether that fit is made."""
        return (k, family.name) in self._made

    def keep(self, row: Row, fit: Fit) -> None:
        """A fit that was made before."""
        self._made[row.n_components, row.covariance_type] = fit
        self._before.append((row.n_components, row.covariance_type))

    def in_order(self, counts: list[int], kinds: list[Family]) -> list[Fit]:
        """All fits: those made before, and others in the order that was asked for.

        Last is the one that the callback stopped.
        """
        keys = [*self._before, *((k, family.name) for k in counts for family in kinds)]
        keys = [key for key in dict.fromkeys(keys) if key in self._made]
        if self.stopped:
            last = next(reversed(self._made))
            keys = [key for key in keys if key != last] + [last]
        return [self._made[key] for key in keys]

    def _no_lower(self, found: Fit, family: Family) -> Fit:
        """A fit, or a better one from the end of a smaller model's that is higher."""
        k = found.mixture.n_components
        # Of these fits none has a checkpoint of its own: they are made anew from those that have.
        starts = replace(self.starts, options=replace(self.starts.options, checkpoint=None))
        within = sorted(self._within(k, family), key=_level, reverse=True)
        made = [_larger(starts, smaller, family, k) for smaller in within]
        if found.status.code == "collapsed":
            # What collapses from the highest of them does so from the others.
            for i, smaller in enumerate(within[:RESCUES]):
                tried, made[i] = tee(made[i])  # of which none is made twice
                found = _better(found, smaller, tried)
        if found.status.code != "collapsed":
            for smaller, larger in zip(within, made, strict=True):
                found = _better(found, smaller, larger)
        return found

    def _within(self, n_components: int, family: Family) -> list[Fit]:
        """Those of models within that one, but for collapsed ones."""
        return [
            fit
            for (n, name), fit in self._made.items()
            if n <= n_components
            and fit.status.code != "collapsed"
            and (FAMILIES[name] is family or contains(family, FAMILIES[name]))
        ]


def counts_of(value: int | Iterable[int], n_samples: int) -> list[int]:
    """The numbers of components, each once."""
    several = np.iterable(value) and not isinstance(value, str | bytes)
    values: list[Any] = list(value) if several else [value]  # type: ignore[arg-type]
    if not values:
        raise ValueError("n_components is empty; give at least one number of components")
    return list(dict.fromkeys(validation.components(v, n_samples) for v in values))


def kinds_of(covariance_type: Any, n_features: int) -> list[Family]:
    """The families of those names."""
    listed = np.iterable(covariance_type) and not isinstance(covariance_type, str)
    return families(list(covariance_type) if listed else [covariance_type], n_features)


def _larger(starts: Starts, smaller: Fit, family: Family, k: int) -> Iterator[Fit]:
    """Fits of k components from the end of a smaller model's, as they are asked for."""
    own = FAMILIES[smaller.mixture.covariance_type]
    for start in larger_starts(starts, smaller.mixture, own, family, k):
        yield solve(starts, k, family, Progress(False), start)


def _better(found: Fit, smaller: Fit, larger: Iterable[Fit]) -> Fit:
    """The better of a fit and those from the end of a smaller model's, if that is higher."""
    if _level(found) >= _level(smaller):
        return found
    for better in larger:
        if _level(better) > _level(found):
            seconds = found.seconds + better.seconds
            found = replace(better, restarts=found.restarts, seconds=seconds)
        # What collapses from the best halves is no better held up by twins.
        if found.status.code == "collapsed" or _level(found) >= _level(smaller):
            break
    return found


def _level(fit: Fit) -> tuple[bool, float]:
    return fit.status.code != "collapsed", fit.log_likelihood
