"""Chunks stay where they are."""

import numpy as np
import pytest
from chunked import problem, table
from factored import factored

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
place = pytest.importorskip("fastem.rows.dask")
placement = pytest.importorskip("fastem.rows.dask.placement")


def test_chunks_are_worked_on_together_where_they_are(client, monkeypatch):
    """Oracle: what the scheduler says of who has what. A thread's chunks are one task, if small."""
    rows = da.zeros((1000, 3), chunks=(50, 3)).persist()
    distributed.wait(rows)
    for together, n_groups in (10**9, 2), (3 * 1200, None):
        monkeypatch.setattr(placement, "TOGETHER", together)
        for given in rows, rows + 1:  # made of what is held
            source = place.Dask.of(given)
            holders = [client.who_has(rows)[b.key] for b in rows.to_delayed().ravel()]
            found = source.chunks.groups(source.n_bytes)
            assert sorted(i for group in found for i in group.numbers) == list(range(20))
            assert all(group.worker in holders[i] for group in found for i in group.numbers)
            assert len(found) == n_groups or max(len(group.numbers) for group in found) == 3
    source = place.Dask.of(da.zeros((1000, 3), chunks=(50, 3)))
    assert source.chunks.groups(source.n_bytes) == [placement.Group([i]) for i in range(20)]


def test_chunks_of_a_persisted_frame_are_worked_on_where_they_are(client, frames):
    rows = frames.from_pandas(table(), npartitions=20)[["a", "b"]].persist()
    distributed.wait(rows)
    source = place.Dask.of(rows)
    found = source.chunks.groups(source.n_bytes)
    assert len(found) == 2
    assert {group.worker for group in found} == set(client.nthreads())


def test_only_densities_and_moments_travel(client):
    """Oracle: what the workers say they have sent."""
    X, mixture = problem(n=200_000)
    density, units = factored(mixture, "full", X)
    source = place.Dask.of(da.from_array(X, chunks=(10_000, 3)).persist())

    def sent():
        def total(dask_worker):
            return dask_worker.transfer_outgoing_bytes_total

        return sum(client.run(total).values())

    totals = [sent()]
    for _ in range(4):
        source.at(units).summarise(density)
        totals.append(sent())
    assert max(np.diff(totals)) < 10_000 < X.nbytes / 400
