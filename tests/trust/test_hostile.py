"""Hostile data that can be fitted: a valid mixture comes out, and as likely as it must be.

Each row of the table goes through `fit`, `select` and GaussianMixture, for every family it suits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pytest

import fastem

ALL = oracle.COVARIANCE_TYPES
#: Families closed under a change of scale of single columns.
PER_COLUMN = "full", "tied", "diag"


def by_labels(X, labels):
    """Mean log-likelihood of equally round Gaussians about the labelled groups: in every family."""
    X = np.asarray(X, float)
    K = labels.max() + 1
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    variance = np.full(K, ((X - means[labels]) ** 2).mean())
    weights = np.bincount(labels) / len(X)
    return oracle.log_likelihood(X, weights, means, variance, "spherical") / len(X)


@dataclass(frozen=True)
class Hostile:
    """Rows, and what must come of them.

    Parameters
    ----------
    rows : array, or a function of a folder that makes them
    K : int
    reference : float
        Mean log-likelihood that the mixture must reach, in nats a row.
    like : array, optional
        Rows that must give the very same mixture.
    kinds : families
    weight : sample weights
    estimator : options of GaussianMixture; scikit-learn's regularisation has units
    """

    rows: Any
    K: int
    reference: float
    like: Any = None
    kinds: tuple[str, ...] = ALL
    weight: Any = None
    estimator: dict = field(default_factory=dict)

    def made(self, folder):
        return self.rows(folder) if isinstance(self.rows, Callable) else self.rows


RNG = np.random.default_rng(5)
N = 120
LABELS = np.repeat([0, 1], N // 2)
X = RNG.normal(size=(N, 2)) + 8.0 * LABELS[:, None]
FAIR = by_labels(X, LABELS) - 1e-9
WHOLE = np.rint(4 * X)
WHOLE_FAIR = by_labels(WHOLE, LABELS) - 1e-9
BITS = (X > 4) ^ (RNG.random(X.shape) < 0.1)
#: One round Gaussian over all rows, where there is nothing to separate.
ONE = np.zeros(N, int)
WIDE = RNG.normal(size=(12, 15)) + 9.0 * np.repeat([0, 1], 6)[:, None]
WEIGHT = RNG.uniform(0.5, 2.0, N)
TIGHT = {"reg_covar": 0.0}


def scaled(scale):
    return Hostile(X * scale, 2, FAIR - np.log(np.broadcast_to(scale, 2)).sum(), estimator=TIGHT)


def moved(offset, rounding=0.0):
    return Hostile(WHOLE + offset, 2, WHOLE_FAIR - rounding)


def mapped(folder, mode):
    np.save(folder / "rows.npy", WHOLE)
    return np.load(folder / "rows.npy", mmap_mode=mode)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def same(rows, like=WHOLE, reference=WHOLE_FAIR):
    """Another form of WHOLE: in memory it is no other, whatever the family."""
    return Hostile(rows, 2, reference, like=like, kinds=("full",))


class Protocol:
    """Not an array, but it says how to become one."""

    def __array__(self, dtype=None, copy=None):
        return np.array(WHOLE, dtype=dtype)


def duplicated(counts):
    repeated = np.repeat(X, counts, axis=0)
    return Hostile(repeated, 2, by_labels(repeated, np.repeat(LABELS, counts)) - 1e-9)


def weighted(weight, reference=FAIR - 0.2, **more):
    return Hostile(X, 2, reference, weight=weight, **more)


HOSTILE = {
    # Shapes
    "1 component": Hostile(X, 1, by_labels(X, ONE) - 1e-9),
    "2 rows": Hostile(X[[0, -1]], 1, by_labels(X[[0, -1]], ONE[:2]) - 1e-9),
    "n = K": Hostile(X[:4], 4, by_labels(X[:4], ONE[:4])),
    "n = K + 1": Hostile(X[58:63], 4, by_labels(X[58:63], ONE[:5])),
    "D = 1": Hostile(X[:, :1], 2, by_labels(X[:, :1], LABELS) - 1e-9),
    "D = 1, K = 5": Hostile(X[:, :1], 5, by_labels(X[:, :1], LABELS) - 0.05),
    "D = 1, n = K": Hostile(X[:3, :1], 3, by_labels(X[:3, :1], ONE[:3])),
    "D > n": Hostile(WIDE, 2, by_labels(WIDE, np.repeat([0, 1], 6)) - 1e-6),
    "D > n, K = n": Hostile(WIDE, 12, by_labels(WIDE, np.repeat([0, 1], 6))),
    "many columns": Hostile(np.tile(X, 20), 2, by_labels(np.tile(X, 20), LABELS) - 1e-6),
    "K = 30": Hostile(X, 30, FAIR),
    # Singular directions
    "constant column": Hostile(
        np.c_[X, np.full(N, 7.0)], 2, by_labels(np.c_[X, np.zeros(N)], LABELS) - 1e-9
    ),
    # Of a constant, only its size can say what a small variance is: 1e-10 of 1e9 squared.
    "constant column far out": Hostile(
        np.c_[X, np.full(N, 1e9 + 0.5)], 2, FAIR - 11, kinds=PER_COLUMN
    ),
    "zero column": Hostile(
        np.c_[np.zeros(N), X], 2, by_labels(np.c_[np.zeros(N), X], LABELS) - 1e-9
    ),
    "all columns constant but one": Hostile(
        np.c_[X[:, 0], np.ones((N, 3))],
        2,
        by_labels(np.c_[X[:, 0], np.ones((N, 3))], LABELS) - 1e-9,
    ),
    "duplicated column": Hostile(np.c_[X, X[:, 0]], 2, by_labels(np.c_[X, X[:, 0]], LABELS) - 1e-6),
    "collinear columns": Hostile(
        np.c_[X, X @ [2.0, -3.0]], 2, by_labels(np.c_[X, X @ [2.0, -3.0]], LABELS) - 1e-6
    ),
    "nearly collinear columns": Hostile(
        np.c_[X, X[:, 0] + 1e-9 * RNG.normal(size=N)],
        2,
        by_labels(np.c_[X, X[:, 0]], LABELS) - 1e-6,
    ),
    "one-hot columns": Hostile(np.eye(4)[RNG.integers(0, 4, N)], 3, 0.0),
    "all rows identical": Hostile(np.full((50, 3), 2.5), 3, 10.0),
    "all rows identical far out": Hostile(
        np.full((50, 3), 1e8 + 0.5), 3, -60.0, estimator=TIGHT | {"reg_covar": 1.0}
    ),
    "all zeros": Hostile(np.zeros((50, 3)), 2, 10.0),
    "all rows identical, K = n": Hostile(np.ones((5, 2)), 5, 5.0),
    # Duplicates
    "two distinct rows": Hostile(np.repeat([[0.0, 0.0], [1.0, 3.0]], 50, axis=0), 2, 5.0),
    "fewer distinct rows than K": Hostile(
        np.repeat(X[:3], 20, axis=0), 5, by_labels(X[:3], ONE[:3])
    ),
    "every row 50 times": duplicated(np.full(N, 50)),
    "one row 5000 times": duplicated(np.r_[5000, np.ones(N - 1, int)]),
    "zero-inflated": Hostile(
        np.where(RNG.random((N, 2)) < 0.9, 0.0, X),
        2,
        -10.0,
    ),
    "grid of integers": Hostile(
        np.indices((10, 12)).reshape(2, -1).T,
        3,
        by_labels(np.indices((10, 12)).reshape(2, -1).T, ONE) - 1e-9,
    ),
    "sorted": Hostile(np.sort(X, axis=0), 2, by_labels(np.sort(X, axis=0), LABELS) - 1e-9),
    # Offsets and scales
    "offset 1e8": moved(1e8),
    "offset -1e8": moved(-1e8),
    "offset 1e12": moved(1e12, 1e-3),
    "offset 1e8 in one column": moved(np.array([1e8, 0.0])),
    "offset 1e14": moved(1e14, 0.3),
    "scale 1e-150": scaled(1e-150),
    "scale 1e150": scaled(1e150),
    "scale 1e-20": scaled(1e-20),
    "scale 1e20": scaled(1e20),
    "columns 1e12 apart": Hostile(X * [1e-6, 1e6], 2, FAIR, kinds=PER_COLUMN, estimator=TIGHT),
    "columns 1e60 apart": Hostile(X * [1e-30, 1e30], 2, FAIR, kinds=PER_COLUMN, estimator=TIGHT),
    "one outlier at 1e30": Hostile(np.r_[X, [[1e30, 0.0]]], 3, FAIR - 200),
    "one outlier at 1e30 in all columns": Hostile(np.r_[X, [[1e30, -1e30]]], 3, FAIR - 200),
    "one outlier at 1e6": Hostile(np.r_[X, [[1e6, 0.0]]], 3, FAIR - 30),
    "heavy tails": Hostile(
        X / RNG.random((N, 1)) ** 3, 3, by_labels(X / RNG.random((N, 1)) ** 3, ONE) - 20
    ),
    "some subnormal entries": Hostile(
        np.where(X < -1, 5e-324, X), 2, by_labels(np.where(X < -1, 0.0, X), LABELS) - 1e-9
    ),
    "negative zeros": Hostile(
        np.where(X < -1, -0.0, X), 2, by_labels(np.where(X < -1, 0.0, X), LABELS) - 1e-9
    ),
    # Weights
    "weights": weighted(WEIGHT),
    "half the weights 0": weighted(np.tile([0.0, 1.0], N // 2)),
    "tiny weights": weighted(WEIGHT * 1e-300),
    "subnormal weights": weighted(np.full(N, 5e-324)),
    "huge weights": weighted(WEIGHT * 1e300),
    "weights 1e16 apart": weighted(np.where(LABELS == 0, 1.0, 1e-16), -3.2),
    "one weight of nearly all": weighted(np.r_[1e12, np.ones(N - 1)], -3.0),
    "whole weights": weighted(RNG.integers(1, 5, N)),
    "weights of True and False": weighted(RNG.random(N) < 0.7),
    "weights as a list": weighted(WEIGHT.tolist()),
    "weights as a series": weighted(pd.Series(WEIGHT)),
    # Forms of the same rows
    **{f"as {t.__name__}": same(WHOLE.astype(t)) for t in (np.int8, np.int16, np.int32, np.int64)},
    **{
        f"as {t.__name__}": same((WHOLE + 20).astype(t), WHOLE + 20)
        for t in (np.uint8, np.uint16, np.uint32, np.uint64)
    },
    "as bool": same(BITS, BITS.astype(float), by_labels(BITS, LABELS) - 1e-9),
    "as float16": same(WHOLE.astype(np.float16)),
    "as float32": Hostile(WHOLE.astype(np.float32), 2, WHOLE_FAIR - 1e-5),
    "as longdouble": same(WHOLE.astype(np.longdouble)),
    "as objects": same(WHOLE.astype(object)),
    "as objects of several types": same(
        np.array([[int(a), np.float32(b)] for a, b in WHOLE], object)
    ),
    "Fortran": same(np.asfortranarray(WHOLE)),
    "Fortran float32": Hostile(np.asfortranarray(WHOLE.astype("f4")), 2, WHOLE_FAIR - 1e-5),
    "strided": same(np.repeat(np.repeat(WHOLE, 3, axis=0), 2, axis=1)[::3, ::2]),
    "negative strides": same(np.ascontiguousarray(WHOLE[::-1, ::-1])[::-1, ::-1]),
    "broadcast": Hostile(
        np.broadcast_to(WHOLE[:, :1], (N, 2)), 2, by_labels(WHOLE[:, [0, 0]], LABELS) - 1e-6
    ),
    "transposed": same(np.ascontiguousarray(WHOLE.T).T),
    "byte-swapped": same(WHOLE.astype(">f8")),
    "byte-swapped integers": same(WHOLE.astype(">i2")),
    "byte-swapped float32": Hostile(WHOLE.astype(">f4"), 2, WHOLE_FAIR - 1e-5),
    "read-only": same(read_only(WHOLE)),
    "unaligned": same(unaligned(WHOLE)),
    "memory-mapped for reading": same(lambda folder: mapped(folder, "r")),
    "memory-mapped for writing": same(lambda folder: mapped(folder, "r+")),
    "memory-mapped copy on write": same(lambda folder: mapped(folder, "c")),
    "matrix": same(WHOLE.view(type("Sub", (np.ndarray,), {}))),
    "mask that hides nothing": same(np.ma.masked_array(WHOLE)),
    "list of lists": same(WHOLE.tolist()),
    "list of arrays": same(list(WHOLE)),
    "tuple of tuples": same(tuple(map(tuple, WHOLE.tolist()))),
    "pandas": same(pd.DataFrame(WHOLE, columns=["a", "b"])),
    "pandas of several types": same(
        pd.DataFrame({"a": WHOLE[:, 0].astype("i4"), "b": WHOLE[:, 1]})
    ),
    "pandas nullable": same(pd.DataFrame(WHOLE).astype("Float64")),
    "pandas, odd index": same(pd.DataFrame(WHOLE, index=np.arange(N)[::-1] * 3)),
    "polars": same(pl.DataFrame(WHOLE, schema=["a", "b"])),
    "array protocol": same(Protocol()),
}


# Every door ---------------------------------------------------------------------------------------


def check(mixture, trace, singular, rows=None):
    """A valid mixture, and a likelihood that never fell."""
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (mixture.weights >= 0).all()
    assert np.isfinite(mixture.means).all()
    deviations = np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
    correlations = mixture.full_covariances / deviations[:, :, None] / deviations[:, None, :]
    assert np.linalg.eigvalsh(correlations).min() > 0
    assert np.isfinite(trace).all()
    # A covariance on its bound has a condition of 1e10, and loses as many digits.
    slack = 1e-6 if singular else 1e-13
    assert (np.diff(trace) >= -slack * (1 + np.abs(trace).max())).all(), np.diff(trace).min()


ROWS = [(name, kind) for name, row in HOSTILE.items() for kind in row.kinds]


@pytest.mark.parametrize(("name", "kind"), ROWS)
def test_fit(name, kind, tmp_path):
    row = HOSTILE[name]
    rows = row.made(tmp_path)
    options = {"covariance_type": kind, "random_state": 0, "n_init": 4}
    fitted = fastem.fit(rows, row.K, sample_weight=row.weight, **options)
    singular = fitted.status.code == "collapsed"
    assert fitted.status.code in ("converged", "collapsed"), fitted.status
    check(fitted.mixture, fitted.trace, singular or np.asarray(rows).dtype.itemsize == 4)
    assert fitted.trace[-1] >= row.reference
    if row.like is not None:
        assert fastem.fit(row.like, row.K, **options).mixture == fitted.mixture


@pytest.mark.parametrize("name", HOSTILE)
def test_fit_from_a_hierarchy(name, tmp_path):
    row = HOSTILE[name]
    rows = row.made(tmp_path)
    for n_init in (1, 3):
        options = {"covariance_type": row.kinds[0], "init": "hierarchical", "n_init": n_init}
        fitted = fastem.fit(rows, row.K, sample_weight=row.weight, random_state=0, **options)
        check(fitted.mixture, fitted.trace, True)
        assert fitted.trace[-1] >= row.reference, n_init


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if HOSTILE[n].K >= 30 else n for n in HOSTILE],
)
def test_select(name, tmp_path):
    row = HOSTILE[name]
    rows = row.made(tmp_path)
    counts = sorted({max(1, row.K - 1), row.K})
    options = {"covariance_type": row.kinds, "random_state": 0, "n_init": 2}
    choice = fastem.select(rows, counts, sample_weight=row.weight, **options)
    assert len(choice.table) == len(counts) * len(row.kinds)
    check(choice.best.mixture, choice.best.trace, True)
    columns = choice.table_columns()
    assert np.isfinite([columns[c] for c in ("log_likelihood", "aic", "bic", "icl")]).all()
    full = next(r for r in choice.table if r[:2] == (row.K, row.kinds[0]))
    assert full.log_likelihood / choice.best.n_samples >= row.reference


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("name", "kind"), ROWS)
def test_estimator(name, kind, tmp_path):
    row = HOSTILE[name]
    options = {"reg_covar": 1e-6, "tol": 1e-7, "max_iter": 500} | row.estimator
    model = fastem.GaussianMixture(row.K, covariance_type=kind, random_state=0, n_init=3, **options)
    rows = row.made(tmp_path)
    model.fit(rows, sample_weight=row.weight)
    check(model.mixture_, model.fit_.trace, True)
    assert model.fit_.trace[-1] >= row.reference - 1e-4
