"""Digests tell rows apart by every number, whatever blocks they come in.

Oracle: the definition, in Python's integers.
"""

import numpy as np
import pytest

import fastem
from fastem.data import Data
from fastem.rows.digest import BASE, SPREAD, Digest

X = np.random.default_rng(0).normal(size=(1000, 3))
WEIGHT = np.random.default_rng(1).exponential(size=1000)


def mixed(number):
    word = int(np.float64(number).view(np.uint64))
    for shift, multiplier in SPREAD:
        word ^= word >> shift
        word = word * multiplier % 2**64
    return word


def test_digests_are_what_they_are_said_to_be():
    columns = [mixed(j + 1.0) | 1 for j in range(3)]
    rows = weights = 0
    for row, weight in zip(X, WEIGHT, strict=True):
        digit = sum(mixed(x) * column for x, column in zip(row, columns, strict=True))
        rows, weights = rows * BASE + digit, weights * BASE + mixed(weight)
    assert Digest.of(X, WEIGHT) == Digest(1000, rows % 2**64, weights % 2**64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks_do_not_matter(dtype):
    rows = np.tile(X, (50, 1)).astype(dtype)
    whole = Digest.of(rows, None)
    assert whole == Digest.of(np.asfortranarray(rows), None)
    assert whole.weights == 0
    for cuts in ([1], [17, 18, 40_000], range(0, 50_000, 1024), [0, 0, 50_000]):
        assert sum((Digest.of(part, None) for part in np.split(rows, cuts)), Digest()) == whole


def test_every_number_counts_and_so_does_its_place():
    changed = []
    for i in range(0, 1000, 7):
        for j in range(3):
            other = X.copy()
            other[i, j] = -other[i, j]
            changed += [other, np.roll(X, i, axis=0)[:, ::-1]]
    for i in range(1, 1000, 13):
        other = X.copy()
        other[[0, i]] = other[[i, 0]]
        changed.append(other)
    found = {Digest.of(other, None).rows for other in changed}
    assert len(found) == len({other.tobytes() for other in changed})
    assert Digest.of(X, None).rows not in found
    signs = X * np.where(np.arange(1000) % 2, 1.0, -1.0)[:, None]  # an even number of top bits
    assert Digest.of(signs, None) != Digest.of(X, None)
    assert Digest.of(X, WEIGHT).weights != Digest.of(X, WEIGHT[::-1]).weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wherever_rows_live_they_have_one_digest(tmp_path, dtype, weighted):
    """Oracle: the rows in memory; the stream keeps none of them."""
    dask_array = pytest.importorskip("dask.array")
    rows = np.tile(X, (40, 1)).astype(dtype)
    weight = np.tile(WEIGHT, 40) if weighted else None
    if weighted:
        weight[::5] = 0.0
    np.save(tmp_path / "rows.npy", rows)
    file = fastem.rows.open(tmp_path / "rows.npy", sample_weight=weight, memory="1M")
    chunks = dask_array.from_array(rows, chunks=(7001, 3))
    places = Data.of(file, None), Data.of(chunks, weight)
    here = Data.of(rows, weight).source.digest()
    assert here.n_rows == (32_000 if weighted else 40_000)
    assert [place.source.digest() for place in places] == [here, here]
