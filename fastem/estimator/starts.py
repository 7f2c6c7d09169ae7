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
from fastem.units import Units

#: Most that the floor of covariances may be, as a share of the data's variance: rounding.
ROUNDING_FLOOR = 1e-14
#: Where a variance that rounds to 0 is kept without reg_covar, as rounding keeps scikit-learn's.
SINGLE_ROW_FLOOR = 10 * float(np.finfo(np.float64).eps)
#: k-means ends when its centres move by less than this share of the mean variance, or after steps.
K_MEANS_TOL, K_MEANS_STEPS = 1e-4, 300
#: Rows that scikit-learn compares with centres at a time.
BLAS_ROWS = 256
#: Rows that are looked at for equal numbers.
LOOKED_AT = 1024
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
    """All rows near the origin and on one scale, what the starts measure distances in.

    Parameters
    ----------
    X : (n_samples, n_features)
        As they were given.
    rows : (n_samples, n_features)
    weight : (n_samples,)
    units : Units
    family : Family
        Of the parameters that are looked for, within bounds in these units.
    bounds : Bounds
    """

    X: NDArray
    rows: NDArray[np.float64]
    weight: NDArray[np.float64]
    units: Units
    family: Family
    bounds: Bounds

    @classmethod
    def of(cls, data: Data, family: Family, reg_covar: float) -> Frame:
        """All rows of the data, which are in memory."""
        X, weight = data.source.draw(data.n_samples, np.random.default_rng())
        if not data.source.complete:
            X = filled(X, *data.location)
        centre, spread = data.location
        units = Units.from_spread(centre, np.full_like(spread, spread.max()))
        rows = np.ascontiguousarray((X - centre) * units.scale)
        bounds = bounds_of(reg_covar, units, family, starting=True)
        weight = np.ones(len(X)) if weight is None else weight
        return cls(X, rows, weight, units, family.at(units), bounds)

    @lazy
    def tiles(self) -> NDArray[np.float64]:
        """The rows as k-means looks at them."""
        return tiled(self.rows)

    def k_means(self, n_components: int, rng: np.random.RandomState) -> Parameters:
        """The clusters of k-means, to its end."""
        rows, weight, tiles = self.rows, self.weight, self.tiles
        centres = self._seeds(n_components, rng)
        from_middle = rows - weight @ rows / weight.sum()
        squares = np.einsum("ij,ij->i", from_middle, from_middle)
        variance = weight @ squares / weight.sum() / rows.shape[1]
        labels = np.full((1, len(weight)), -1, np.int32)
        only = np.zeros(1, np.intp)
        settled = False
        for i in range(K_MEANS_STEPS):
            if i == 0 and _is_lattice(self.X):
                moved, n_changed = self._first_step(centres, labels[0])
            else:
                moved, n_changed = step(rows, tiles, weight, centres, labels, only)
            shift = ((moved - centres) ** 2).sum()
            centres = moved
            settled = not n_changed.any()
            if settled or shift <= K_MEANS_TOL * variance:
                break
        if not settled:
            step(rows, tiles, weight, centres, labels, only)
        start = Start(rows, weight, labels[0], centres[0], pooled=False)
        return start.parameters(self.family, self.bounds)

    def _first_step(
        self, seeds: NDArray[np.float64], labels: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
        """As `step`, where seeds are rows of a lattice: rounding decides midway between two.

        scikit-learn rounds |c|**2 - 2 x c, about the mean, as BLAS does.
        """
        from scipy.linalg import get_blas_funcs  # slow to import

        X, rows, mean, K = self.X, self.rows, self.X.mean(axis=0), seeds.shape[1]
        c = X[[_place_of(seed, rows) for seed in seeds[0]]] - mean
        squares = np.einsum("ij,ij->i", c, c)[:, None]
        gemm, which = get_blas_funcs("gemm", (X,)), np.arange(K)[:, None]
        mass, sums = np.zeros((K, 1)), np.zeros(seeds.shape[1:])
        for begin in range(0, len(X), BLAS_ROWS):
            some = slice(begin, begin + BLAS_ROWS)
            x = np.ascontiguousarray(X[some] - mean)
            beside = np.asfortranarray(np.repeat(squares, len(x), axis=1))
            distances = gemm(-2.0, c.T, x.T, 1.0, beside, trans_a=True, overwrite_c=True)
            labels[some] = distances.argmin(axis=0)
            shares = (labels[some] == which) * self.weight[some]
            mass += shares.sum(axis=1, keepdims=True)
            sums += shares @ rows[some]
        means = np.where(mass > 0, sums / np.where(mass > 0, mass, 1.0), seeds[0])
        return means[None], np.array([len(X)])

    def plus_plus(self, n_components: int, rng: np.random.RandomState) -> Parameters:
        """The seeds of k-means."""
        return self._one_row_each(self._seeds(n_components, rng)[0])

    def random_rows(self, n_components: int, rng: np.random.RandomState) -> Parameters:
        """Random rows, without replacement."""
        equal = (self.weight == self.weight[0]).all()
        share = None if equal else self.weight / self.weight.sum()
        chosen = rng.choice(len(self.weight), size=n_components, replace=False, p=share)
        return self._one_row_each(self.rows[chosen])

    def responsibilities(self, n_components: int, rng: np.random.RandomState) -> Parameters:
        """Every row shared among the components at random."""
        centre = np.average(self.rows, axis=0, weights=self.weight)
        K, D = n_components, len(centre)
        counts, first = np.zeros(K), np.zeros((K, D))
        second = np.zeros((K, D) if self.family.diagonal else (K, D, D))
        for begin in range(0, len(self.weight), BLOCK):
            some = slice(begin, begin + BLOCK)
            rows = self.rows[some] - centre
            resp = rng.uniform(size=(len(rows), K))
            resp *= (self.weight[some] / resp.sum(axis=1))[:, None]
            counts += resp.sum(axis=0)
            first += resp.T @ rows
            if self.family.diagonal:
                second += resp.T @ (rows * rows)
            else:
                second += (resp.T[:, None, :] * rows.T) @ rows
        about = np.tile(centre, (K, 1))
        moments = Moments(about, self.weight.sum(), 0.0, 0.0, counts, first, second)
        return self.family.maximise(moments, self.bounds)

    def _seeds(self, n_components: int, rng: np.random.RandomState) -> NDArray:
        """Greedy k-means++ seeds, (1, n_components, n_features)."""
        n_trials = 2 + int(np.log(n_components))
        uniforms = np.zeros((1, n_components, n_trials))
        uniforms[0, 0, 0] = rng.random_sample()
        uniforms[0, 1:] = rng.uniform(size=(n_components - 1, n_trials))
        return plus_plus(self.rows, self.tiles, self.weight, uniforms)

    def _one_row_each(self, rows: NDArray) -> Parameters:
        """Components of one row each, (n_components, n_features), of no covariance but the ridge.

        As in scikit-learn, whose lower bounds begin with them, weights are 1 / n_samples each, and
        a shared covariance matrix holds the second moments about 0 of all rows.
        """
        K, family, bounds = len(rows), self.family, self.bounds
        n_rows, D = self.weight.sum(), rows.shape[1]
        second = np.zeros((K, D) if family.diagonal else (K, D, D))
        if family.shared and not family.diagonal:
            origin = -self.units.centre * self.units.scale
            about_zero, chosen = self.rows - origin, rows - origin
            second += ((about_zero.T * self.weight) @ about_zero - chosen.T @ chosen) / K
        moments = Moments(rows, n_rows, 0.0, 0.0, np.ones(K), np.zeros_like(rows), second)
        return family.maximise(moments, bounds)._replace(weights=np.full(K, 1.0 / n_rows))


#: scikit-learn's starts.
CLASSIC_STARTS: dict[str, Callable[[Frame, int, np.random.RandomState], Parameters]] = {
    "kmeans": Frame.k_means,
    "k-means++": Frame.plus_plus,
    "random": Frame.responsibilities,
    "random_from_data": Frame.random_rows,
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
        frame = Frame.of(data, family, reg_covar)
        while True:
            start = CLASSIC_STARTS[name](frame, n_components, rng)
            yield change_units(start, family, frame.units, units)
    seed = int(rng.randint(2**31 - 1))
    sample = Samples(data, np.random.SeedSequence(seed)).of(family, n_components)
    bounds = bounds_of(reg_covar, sample.units, family, starting=True)
    while True:
        labelled = STARTS[name](sample, n_components, [np.random.default_rng(seed)])[0]
        own = labelled.parameters(family.at(sample.units), bounds)
        yield change_units(own, family, sample.units, units)
        seed = int(rng.randint(2**31 - 1))


def _is_lattice(X: NDArray) -> bool:
    """Whether every column holds equal numbers, as whole ones are: rows may lie midway."""
    some = X[:: max(1, len(X) // LOOKED_AT)]
    return all(len(np.unique(column)) < len(some) for column in some.T)


def _place_of(row: NDArray[np.float64], rows: NDArray[np.float64]) -> int:
    """The number of the first row that is equal to that one."""
    (like,) = np.nonzero(rows[:, 0] == row[0])
    return int(like[(rows[like] == row).all(axis=1).argmax()])
