"""Where the estimator begins: scikit-learn's starts, by their names there, and fastem's own.

    kmeans             k-means to its end, every row with its nearest centre
    k-means++          greedy k-means++ seeds, each a component of that one row
    random             random responsibilities
    random_from_data   random rows, each a component of that one row

From the same random numbers these are scikit-learn's starts to rounding; k-means and its seeds are
compiled. D. Arthur and S. Vassilvitskii, SODA 2007; S. P. Lloyd, IEEE Trans. Inf. Theory 28 (1982)
129.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.data import Data
from fastem.kernels.k_means import step
from fastem.kernels.seeding import plus_plus, tiled
from fastem.lazy import lazy
from fastem.mixture import change_units
from fastem.moments import Moments
from fastem.search.filling import filled
from fastem.search.samples import Samples
from fastem.search.starts import STARTS, Start
from fastem.units import Units, location_and_spread

#: Most that the floor of covariances may be, as a share of the data's variance: rounding.
ROUNDING_FLOOR = 1e-14
#: Where a variance that rounds to 0 is kept without reg_covar, as rounding keeps scikit-learn's.
SINGLE_ROW_FLOOR = 10 * float(np.finfo(np.float64).eps)
#: k-means ends when its centres move by less than this share of the mean variance, or after steps.
K_MEANS_TOL, K_MEANS_STEPS = 1e-4, 300
#: Random responsibilities are drawn for this many rows at a time.
BLOCK = 8192


def bounds_of(reg_covar: float, units: Units, family: Family, *, starting: bool = False) -> Bounds:
    """scikit-learn's `reg_covar` in those units.

    The floor lies below it and changes nothing but rounding. Without `reg_covar` a matrix that is
    singular, or a start without any spread, is an error there and here.
    """
    ridge = reg_covar * units.scale**2
    if reg_covar > 0:
        return Bounds(ridge, min(ROUNDING_FLOOR, 0.5 * float(ridge.min())))
    return Bounds(ridge, SINGLE_ROW_FLOOR if family.diagonal and not starting else 0.0)


@dataclass(frozen=True, eq=False)
class Frame:
    """All rows near the origin and on one scale: what the starts measure distances in.

    Parameters
    ----------
    rows : (n_samples, n_features)
    weight : (n_samples,)
    units : Units
    """

    rows: NDArray[np.float64]
    weight: NDArray[np.float64]
    units: Units

    @classmethod
    def of(cls, data: Data) -> Frame:
        """All rows of the data, which are in memory."""
        X, weight = data.source.draw(data.n_samples, np.random.default_rng())
        if not data.source.complete:
            X = filled(X, *data.location)
        centre, spread = location_and_spread(X)
        units = Units.from_spread(centre, np.full_like(spread, spread.max()))
        rows = np.ascontiguousarray((X - centre) * units.scale)
        return cls(rows, np.ones(len(X)) if weight is None else weight, units)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.weight)

    @lazy
    def tiles(self) -> NDArray[np.float64]:
        """The rows as k-means looks at them."""
        return tiled(self.rows)

    def draw(self, n: int, rng: np.random.RandomState) -> NDArray[np.int_]:
        """Indices of n rows, without replacement."""
        equal = (self.weight == self.weight[0]).all()
        share = None if equal else self.weight / self.weight.sum()
        return rng.choice(self.n_samples, size=n, replace=False, p=share)


Begin = Callable[[Frame, int, Family, Bounds, np.random.RandomState], Parameters]


def k_means_start(
    frame: Frame, n_components: int, family: Family, bounds: Bounds, rng: np.random.RandomState
) -> Parameters:
    """The clusters of k-means."""
    labels, centres = k_means(frame, n_components, rng)
    start = Start(frame.rows, frame.weight, labels, centres, pooled=False)
    return start.parameters(family, bounds)


def plus_plus_start(
    frame: Frame, n_components: int, family: Family, bounds: Bounds, rng: np.random.RandomState
) -> Parameters:
    """The seeds of k-means."""
    return _one_row_each(frame, _plus_plus(frame, n_components, rng)[0], family, bounds)


def rows_start(
    frame: Frame, n_components: int, family: Family, bounds: Bounds, rng: np.random.RandomState
) -> Parameters:
    """Random rows."""
    chosen = frame.draw(n_components, rng)
    return _one_row_each(frame, frame.rows[chosen], family, bounds)


def responsibilities_start(
    frame: Frame, n_components: int, family: Family, bounds: Bounds, rng: np.random.RandomState
) -> Parameters:
    """Every row shared among the components at random."""
    centre = np.average(frame.rows, axis=0, weights=frame.weight)
    K, D = n_components, len(centre)
    counts, first = np.zeros(K), np.zeros((K, D))
    second = np.zeros((K, D) if family.diagonal else (K, D, D))
    for begin in range(0, frame.n_samples, BLOCK):
        some = slice(begin, begin + BLOCK)
        rows = frame.rows[some] - centre
        resp = rng.uniform(size=(len(rows), K))
        resp *= (frame.weight[some] / resp.sum(axis=1))[:, None]
        counts += resp.sum(axis=0)
        first += resp.T @ rows
        if family.diagonal:
            second += resp.T @ (rows * rows)
        else:
            second += (resp.T[:, None, :] * rows.T) @ rows
    about = np.tile(centre, (K, 1))
    moments = Moments(about, frame.weight.sum(), 0.0, 0.0, counts, first, second)
    return family.maximise(moments, bounds)


#: scikit-learn's starts.
CLASSIC_STARTS: dict[str, Begin] = {
    "kmeans": k_means_start,
    "k-means++": plus_plus_start,
    "random": responsibilities_start,
    "random_from_data": rows_start,
}
#: Every start of the estimator: a name of two meanings means what it does in scikit-learn.
NAMES = {*CLASSIC_STARTS, *STARTS}


def begin(
    name: str,
    data: Data,
    n_components: int,
    family: Family,
    reg_covar: float,
    rng: np.random.RandomState,
) -> Iterator[Parameters]:
    """Starts of that name for ever, in the units of the data's rows for that family."""
    units = data.rows(family).units
    if name in CLASSIC_STARTS:
        frame = Frame.of(data)
        bounds = bounds_of(reg_covar, frame.units, family, starting=True)
        while True:
            start = CLASSIC_STARTS[name](frame, n_components, family, bounds, rng)
            yield change_units(start, family, frame.units, units)
    seed = int(rng.randint(2**31 - 1))
    sample = Samples(data, np.random.SeedSequence(seed)).of(family, n_components)
    bounds = bounds_of(reg_covar, sample.units, family, starting=True)
    while True:
        labelled = STARTS[name](sample, n_components, [np.random.default_rng(seed)])[0]
        yield change_units(labelled.parameters(family, bounds), family, sample.units, units)
        seed = int(rng.randint(2**31 - 1))


def k_means(
    frame: Frame, n_components: int, rng: np.random.RandomState
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Labels (n_samples,) and centres (n_components, n_features) of k-means, to its end."""
    rows, weight, tiles = frame.rows, frame.weight, frame.tiles
    centres = _plus_plus(frame, n_components, rng)
    middle = np.average(rows, axis=0, weights=weight)
    variance = np.average((rows - middle) ** 2, axis=0, weights=weight).mean()
    labels = np.full((1, frame.n_samples), -1, np.int32)
    only = np.zeros(1, np.intp)
    for _ in range(K_MEANS_STEPS):
        moved, n_changed = step(rows, tiles, weight, centres, labels, only)
        shift = ((moved - centres) ** 2).sum()
        centres = moved
        if not n_changed.any():
            return labels[0], centres[0]
        if shift <= K_MEANS_TOL * variance:
            break
    step(rows, tiles, weight, centres, labels, only)
    return labels[0], centres[0]


def _plus_plus(frame: Frame, n_components: int, rng: np.random.RandomState) -> NDArray:
    """Greedy k-means++ seeds, (1, n_components, n_features)."""
    n_trials = 2 + int(np.log(n_components))
    uniforms = np.zeros((1, n_components, n_trials))
    uniforms[0, 0, 0] = rng.random_sample()
    uniforms[0, 1:] = rng.uniform(size=(n_components - 1, n_trials))
    return plus_plus(frame.rows, frame.tiles, frame.weight, uniforms)


def _one_row_each(frame: Frame, rows: NDArray, family: Family, bounds: Bounds) -> Parameters:
    """Components of one row each, (n_components, n_features), of no covariance but the ridge.

    As in scikit-learn, whose lower bounds begin with them, weights are 1 / n_samples each, and a
    shared covariance matrix holds the second moments about 0 of all rows.
    """
    K = len(rows)
    labels = np.arange(K, dtype=np.int32)
    start = Start(rows, np.ones(K), labels, rows, pooled=False)
    _, means, covariances = start.parameters(family, bounds)
    if family.shared and not family.diagonal:
        origin = -frame.units.centre * frame.units.scale
        about_zero, chosen = frame.rows - origin, rows - origin
        second = (about_zero.T * frame.weight) @ about_zero - chosen.T @ chosen
        covariances = second / K + np.diag(bounds.ridge)
    return Parameters(np.full(K, 1.0 / frame.weight.sum()), means, covariances)
