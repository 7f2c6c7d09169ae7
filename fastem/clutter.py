"""Noise before any fit: the box it lies in, and a first guess at which rows are noise.

Sources: J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803, for the uniform density on the
data's hypervolume; S. Byers and A. E. Raftery, J. Am. Stat. Assoc. 93 (1998) 577, for the guess.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import FAMILIES
from fastem.data import Data
from fastem.initialisation import standard_columns
from fastem.kernels.jit import fork_waits
from fastem.noise import Noise
from fastem.rows import MemoryRows

#: Which nearest neighbour's distance tells noise from clusters.
NEIGHBOUR = 12
#: Rows looked at, at most: neighbours in many columns take time.
LOOKED_AT = 4096
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


def guess(sample: MemoryRows) -> NDArray[np.bool_]:
    """Which rows of a sample, (n_samples,), lie too far from their neighbours for a cluster."""
    columns, weight = standard_columns(sample)
    step = -(-len(weight) // LOOKED_AT)
    looked_at = columns[:, ::step].T
    marked = np.zeros(len(weight), bool)
    marked[::step] = far_from_neighbours(looked_at, weight[::step])
    return marked


def cleared(sample: MemoryRows, marked: NDArray[np.bool_], least: int) -> tuple[MemoryRows, float]:
    """The sample without the rows marked, of which at least so many stay, and their share."""
    weight = np.ones(len(marked)) if sample.sample_weight is None else sample.sample_weight
    share = float(np.clip(weight[marked].sum() / weight.sum(), LEAST_SHARE, MOST_SHARE))
    if (~marked).sum() < least or not marked.any():
        return sample, share
    kept = None if sample.sample_weight is None else sample.sample_weight[~marked]
    return replace(sample, X=sample.X[~marked], sample_weight=kept), share


def far_from_neighbours(points: NDArray, weight: NDArray) -> NDArray[np.bool_]:
    """Which points are sparser than the others, by the distance d to their k-th neighbour.

    Where points are scattered evenly, so many in a unit of volume, d^D is gamma distributed with
    shape k and that rate, but for a constant. EM fits two rates, of clusters and of noise (Byers
    and Raftery 1998, equations 3 to 5).

    Parameters
    ----------
    points : (n, n_features)
    weight : (n,)
    """
    with fork_waits():
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
        rates = [k * w.sum() / max(w @ size, 1e-300) for w in (of_noise, of_clusters)]
        log_odds = np.log(of_noise.sum() / of_clusters.sum()) + k * np.log(rates[0] / rates[1])
        log_odds = log_odds - (rates[0] - rates[1]) * size
        sparse = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
        if np.abs(sparse - before).max() < TOLERANCE:
            break
    return sparse > 0.5
