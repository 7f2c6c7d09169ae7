"""Noise before any fit: the box it lies in, and a first guess at which rows are noise.

Sources: J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803, for the uniform density on the
data's hypervolume; S. Byers and A. E. Raftery, J. Am. Stat. Assoc. 93 (1998) 577, for the guess.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.covariance import FAMILIES
from fastem.data import Data, Sample
from fastem.hierarchy import MAX_ROWS, Dendrogram
from fastem.noise import Noise
from fastem.rows import Memory
from fastem.search.starts import standard_rows

#: Which nearest neighbour's distance tells noise from clusters.
NEIGHBOUR = 12
#: Rows whose neighbours are looked for, at most; and in many columns, where that takes time.
MOST_ROWS, FEWEST_ROWS, MOST_NUMBERS = 4096, 1024, 2**17
#: Share of the noise in starts, at least and at most.
LEAST_SHARE, MOST_SHARE = 0.01, 0.9
#: Principal axes along which the box is thinner than this, by its greatest width, are rounding.
THIN = 1e-9
STEPS = 200
TOLERANCE = 1e-6


def box(data: Data) -> Noise:
    """The smaller of the least boxes along the columns and along the principal axes.

    The principal axes are those of the covariance in the user's units.

    Raises
    ------
    ValueError
        If a column is constant: the data have no volume then.
    """
    return data.once("box", lambda: _box(data))


def _box(data: Data) -> Noise:
    kind = FAMILIES["full"]
    scale = data.rows(kind).units.scale
    low, high = data.source.limits()
    if not (low < high).all():
        j = int(np.argmin(low < high))
        raise ValueError(
            f"noise is spread over the volume of the data, but X column {j} is {low[j]:g} in every "
            f"row; drop that column"
        )
    plain = Noise(0.0, low, high)
    _, _, covariance = data.centre(kind)
    relative = scale.min() / scale  # the columns' spreads, against the greatest of them
    axes = np.linalg.eigh(covariance * relative[:, None] * relative)[1]
    reached = data.source.limits_along(axes)
    widths = reached[1] - reached[0]
    if not widths.min() > THIN * widths.max():
        return plain
    turned = Noise(0.0, *reached, axes)
    return turned if turned.log_volume < plain.log_volume else plain


def clear(
    data: Data,
    sample: Sample,
    marks: bool | ArrayLike,
    n_components: int,
    seed: np.random.SeedSequence,
) -> tuple[Sample, float]:
    """What starts are made of: rows of the sample that are no noise, and the share of the noise.

    Parameters
    ----------
    data : Data
    sample : Sample
        Drawn with `seed`.
    marks : True or (n,) array-like of bool
        Which of all rows are noise. True leaves that to their distances.
    n_components : int
    seed : SeedSequence
    """

    def make() -> tuple[Sample, float]:
        if isinstance(marks, bool | np.bool_):
            most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_NUMBERS // data.n_features))
            step = -(-len(sample.X) // most)
            part = _rows_of(sample, slice(None, None, step))
            rows, weight = standard_rows(part)
            marked = far_from_neighbours(rows, weight)
        else:
            part, marked = sample, data.marked(marks, "noise", n_components, seed)
            weight = np.ones(len(marked)) if part.sample_weight is None else part.sample_weight
        share = float(np.clip(weight[marked].sum() / weight.sum(), LEAST_SHARE, MOST_SHARE))
        if (~marked).sum() < max(2 * n_components, data.n_features + 1):
            return sample, share
        rest = _rows_of(part, ~marked)

        def grow() -> Dendrogram:
            drawn = Memory(rest.X, rest.sample_weight).draw(MAX_ROWS, np.random.default_rng(seed))
            return data.once(("dendrogram", id(sample)), lambda: Dendrogram.of(*drawn))

        return replace(rest, dendrogram=grow), share

    return data.once(("clear", id(sample), n_components), make)


def _rows_of(sample: Sample, rows: slice | NDArray[np.bool_]) -> Sample:
    weight = sample.sample_weight
    X = np.ascontiguousarray(sample.X[rows])
    return replace(sample, X=X, sample_weight=None if weight is None else weight[rows])


def far_from_neighbours(points: NDArray, weight: NDArray) -> NDArray[np.bool_]:
    """Which points are sparser than the others, by the distance d to their k-th neighbour.

    Where points are scattered evenly, so many in a unit of volume, d^D is gamma distributed with
    shape k and that rate, but for a constant. EM fits two rates, of clusters and of noise.

    Parameters
    ----------
    points : (n, n_features)
    weight : (n,)
    """
    from scipy.spatial import cKDTree  # slow to import

    n, n_features = points.shape
    k = min(NEIGHBOUR, n - 1)
    if k < 1:
        return np.zeros(n, bool)
    distance = cKDTree(points).query(points, k + 1)[0][:, k]
    typical = np.median(distance[distance > 0]) if (distance > 0).any() else 1.0
    with np.errstate(divide="ignore"):
        size = np.exp(np.clip(n_features * np.log(distance / typical), -300.0, 300.0))
    sparse = (distance > typical).astype(float)
    for _ in range(STEPS):
        before = sparse
        of_noise, of_clusters = weight * sparse, weight * (1 - sparse)
        if not (of_noise.sum() > 0 and of_clusters.sum() > 0):
            break
        rates = [k * w.sum() / max((w * size).sum(), 1e-300) for w in (of_noise, of_clusters)]
        log_odds = np.log(of_noise.sum() / of_clusters.sum()) + k * np.log(rates[0] / rates[1])
        log_odds = log_odds - (rates[0] - rates[1]) * size
        sparse = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
        if np.abs(sparse - before).max() < TOLERANCE:
            break
    return sparse > 0.5
