"""Noise before any fit: a first guess at which rows are noise.

Source: S. Byers and A. E. Raftery, J. Am. Stat. Assoc. 93 (1998) 577.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.rows import Memory
from fastem.rows.source import Drawn
from fastem.search.hierarchy import Forest
from fastem.search.samples import Sample, Samples
from fastem.search.starts import standard_rows

#: Which nearest neighbour's distance tells noise from clusters.
NEIGHBOUR = 12
#: Rows whose neighbours are looked for, at most; and in many columns, where that takes time.
MOST_ROWS, FEWEST_ROWS, MOST_NUMBERS = 4096, 1024, 2**17
#: Share of the noise in starts, at least and at most.
LEAST_SHARE, MOST_SHARE = 0.01, 0.9
STEPS = 200
TOLERANCE = 1e-6


def clear(samples: Samples, sample: Sample, marks: bool | ArrayLike) -> tuple[Sample, float]:
    """Rows of a sample that are clear of noise, and the share of the noise.

    Parameters
    ----------
    samples : Samples
    sample : Sample
        One of these.
    marks : True or (n,) array-like of bool
        Which of all rows are noise. True leaves that to their distances.
    """
    if isinstance(marks, bool | np.bool_):
        most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_NUMBERS // sample.n_features))
        step = -(-len(sample.X) // most)
        part = _rows_of(sample, slice(None, None, step))
        rows, weight = standard_rows(part)
        marked = far_from_neighbours(rows, weight)
    else:
        part, marked = sample, of_sample(marks, samples, sample.n_samples)
        weight = np.ones(len(marked)) if part.sample_weight is None else part.sample_weight
    share = float(np.clip(weight[marked].sum() / weight.sum(), LEAST_SHARE, MOST_SHARE))
    rest = _rows_of(part, ~marked)

    def draw(n: int) -> Drawn:
        return Memory(rest.X, rest.sample_weight).draw(n, np.random.default_rng(samples.seed))

    return replace(rest, forest=Forest(draw)), share


def of_sample(marks: ArrayLike, samples: Samples, size: int) -> NDArray[np.bool_]:
    """Which rows of the sample of that size are marked as noise among all that the user gave.

    Raises
    ------
    TypeError, ValueError
        If marks are not one for each row, True or False, or the rows are not in memory.
    """
    data = samples.data
    if not isinstance(data.source, Memory):
        raise ValueError("noise marks rows, but those are not in memory; give noise=True")
    n = data.n_samples if data.counted is None else len(data.counted)
    array = np.asarray(marks)
    if array.dtype != bool:
        raise TypeError(f"noise has dtype {array.dtype}; give True or False for each row")
    if array.shape != (n,):
        raise ValueError(f"noise has shape {array.shape}; give one mark a row, shape ({n},)")
    array = array if data.counted is None else array[data.counted]
    numbers = Memory(np.arange(len(array), dtype=float)[:, None])
    drawn, _ = numbers.draw(size, np.random.default_rng(samples.seed))
    return array[drawn[:, 0].astype(int)]


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
