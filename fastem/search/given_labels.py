"""Components known in part: what users say of them, and where EM begins then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import em
from fastem.covariance import Bounds, Family, Parameters
from fastem.data import Data
from fastem.kernels.k_means import nearest
from fastem.mixture import change_units
from fastem.results import Restart
from fastem.rows import LabelledRows, Memory, MemoryRows
from fastem.rows.source import Drawn
from fastem.search.filling import filled
from fastem.search.objective import Objective
from fastem.search.starts import noise_start
from fastem.search.starts.labelled import Start
from fastem.units import Units

#: Steps of EM after which the best of several starts is told.
STEPS = 20
#: Rounds in which rows go to the nearest of the components that they may be of.
ROUNDS = 50


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Which components each row may come from.

    Parameters
    ----------
    possible : (n_sets, n_components) bool
    set_of : (n,) intp
        The set of each row that counts.
    """

    possible: NDArray[np.bool_]
    set_of: NDArray[np.intp]

    @classmethod
    def given(cls, data: Data, n_components: int) -> GivenLabels | None:
        """As `of`; None where nothing is given."""
        return None if data.labels is None else cls.of(data.labels, data, n_components)

    @classmethod
    def of(cls, labels: ArrayLike, data: Data, n_components: int) -> GivenLabels:
        """Check what a user gave.

        Raises
        ------
        TypeError, ValueError
            If labels are not one for each row, of 0 to n_components - 1 or -1, or a mask with a
            component for each row; or the rows are not in memory.
        """
        if not isinstance(data.source, Memory):
            raise ValueError(
                "labels name rows, but those are not in memory; give an array of rows, or a path "
                "and the name of its column of labels"
            )
        n = data.n_samples if data.counted is None else len(data.counted)
        array = np.asarray(labels)
        if array.dtype == bool:
            array = _checked_mask(array, n, n_components)
        else:
            array = _checked_numbers(array, n, n_components)
        array = array if data.counted is None else array[data.counted]
        if array.ndim == 2:
            possible, set_of = np.unique(array, axis=0, return_inverse=True)
            return cls(possible, set_of.ravel())
        possible = np.vstack([np.ones((1, n_components), bool), np.eye(n_components, dtype=bool)])
        return cls(possible, array.astype(np.intp) + 1)

    def rows(self, data: Data, family: Family) -> LabelledRows:
        """Rows of the data, of those components, in units that suit the family."""
        rows = data.rows(family)
        assert isinstance(rows, MemoryRows)
        how = rows.units, data.source.limits(), self.possible, self.set_of
        return LabelledRows(rows.X, rows.sample_weight, *how)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which components each row may be of, (n, n_components)."""
        return self.possible[self.set_of]


def _checked_mask(array: NDArray, n: int, n_components: int) -> NDArray[np.bool_]:
    if array.shape != (n, n_components):
        raise ValueError(
            f"labels has shape {array.shape}; give a mark for each row and component, shape "
            f"{n, n_components}, or one number a row"
        )
    if not array.any(axis=1).all():
        i = int(array.any(axis=1).argmin())
        raise ValueError(f"labels leaves row {i} no component; mark all where none is known")
    return array


def _checked_numbers(array: NDArray, n: int, n_components: int) -> NDArray:
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"labels has dtype {array.dtype}; give whole numbers, -1 where none is known, or True "
            f"and False for each component"
        )
    if array.shape != (n,):
        raise ValueError(f"labels has shape {array.shape}; give one a row, shape ({n},)")
    bad = (array < -1) | (array >= n_components)
    if bad.any():
        i = int(bad.argmax())
        raise ValueError(
            f"labels holds {array[i]} at row {i}; give 0 to {n_components - 1}, one less than "
            f"n_components, or -1 where none is known"
        )
    return array


def begin_with_labels(
    labels: GivenLabels,
    objective: Objective,
    family: Family,
    data: Data,
    generators: list[np.random.Generator],
) -> tuple[Parameters, tuple[Restart, ...]]:
    """The best of some starts in which labelled rows are where they belong.

    One start is enough where every component has rows of its own. Other components begin at random
    rows, each far from what there is.
    """
    rows, units, weight = _standard(data, objective.family.per_column)
    mask = labels.mask
    settled = np.where(mask.sum(axis=1) == 1, mask.argmax(axis=1), -1)
    counts = np.bincount(settled[settled >= 0], minlength=mask.shape[1])
    generators = generators if (counts == 0).any() else generators[:1]
    starts, ends = [], []
    to, bounds = objective.rows.units, objective.bounds
    bounds = Bounds(bounds.ridge * (units.scale / to.scale) ** 2, bounds.floor)
    noise = 0.0 if family.noise is None else noise_start.LEAST_SHARE
    for rng in generators:
        centres = _centres(rows, weight, mask, settled, counts, rng)
        found, centres = _assigned(rows, weight, mask, centres)
        start = Start(rows, weight, found, centres, noise=noise)
        parameters = start.parameters(family.at(units), bounds)
        starts.append(change_units(parameters, family, units, to))
    if len(starts) == 1:
        return starts[0], ()
    for tried in starts:
        ends.append(
            em.run(
                objective.rows,
                objective.family,
                tried,
                bounds=objective.bounds,
                rule=objective.rule(),
                max_iter=min(STEPS, objective.max_iter),
                accelerate=objective.accelerate,
            )
        )
    levels = [objective.level(end) for end in ends]
    best = int(np.argmax(levels))
    restarts = tuple(
        Restart(i, levels[i], end.n_iter, "chosen" if i == best else "finished", end.trace)
        for i, end in enumerate(ends)
    )
    return ends[best].parameters, restarts


def _standard(data: Data, per_column: bool) -> tuple[NDArray, Units, NDArray]:
    """All rows in standard units, what they lack filled, and their weights."""
    drawn: Drawn = data.tractable.take(np.arange(data.n_samples))
    X = filled(drawn[0], *data.location)
    units = Units.standard(X, per_column=per_column)
    rows = np.ascontiguousarray((X - units.centre) * units.scale)
    weight = np.ones(len(rows)) if drawn[1] is None else drawn[1]
    return rows, units, weight


def _centres(
    rows: NDArray,
    weight: NDArray,
    mask: NDArray[np.bool_],
    settled: NDArray[np.intp],
    counts: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Means of settled rows, and for components without any rows that lie far from all others.

    Those are looked for among the rows that may be of fewest other components.
    """
    n_possible = mask.sum(axis=1)
    centres = np.zeros((len(counts), rows.shape[1]))
    for k in np.flatnonzero(counts):
        own = settled == k
        centres[k] = np.average(rows[own], axis=0, weights=weight[own])
    known = centres[counts > 0]
    for k in np.flatnonzero(counts == 0):
        fewest = n_possible[mask[:, k]].min() if mask[:, k].any() else len(counts)
        share = weight * ((settled < 0) & (n_possible == fewest))
        if len(known):
            squares = ((rows[:, None] - known) ** 2).sum(axis=2).min(axis=1)
            share = share * squares
        if not share.sum() > 0:
            share = weight
        centres[k] = rows[rng.choice(len(rows), p=share / share.sum())]
        known = np.vstack([known, centres[k]])
    return centres


def _assigned(
    rows: NDArray, weight: NDArray, mask: NDArray[np.bool_], centres: NDArray
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """k-means in which rows go to the nearest centre of those that they may go to."""
    found = np.full(len(rows), -1, np.int32)
    free = mask.all(axis=1)
    for _ in range(ROUNDS):
        before = found
        found = nearest(rows, weight, np.array(centres[None]))[0].copy()
        squares = ((rows[~free, None] - centres) ** 2).sum(axis=2)
        found[~free] = np.where(mask[~free], squares, np.inf).argmin(axis=1)
        if (found == before).all():
            break
        for k in range(len(centres)):
            own = found == k
            if own.any():
                centres[k] = np.average(rows[own], axis=0, weights=weight[own])
    return found, centres
