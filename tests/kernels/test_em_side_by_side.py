"""Calls of compiled passes side by side; em/test_runs has that they are to the bit those alone."""

import numpy as np
import oracle
import pytest

from fastem import em
from fastem.compiler import function_pointers
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em import side_by_side
from fastem.kernels import em_passes
from fastem.kernels.em_side_by_side import SideBySide
from fastem.rows import MemoryRows
from fastem.units import Units

K, D = 3, 2

pytestmark = pytest.mark.skipif(
    not function_pointers.AVAILABLE, reason="machine code cannot be called by its address"
)


def test_what_each_has_come_to_is_told(monkeypatch):
    """One component is on equal rows: that run takes an M step which has not been compiled yet."""
    rng = np.random.default_rng(0)
    start = Parameters(*oracle.random_mixture(rng, K, D, "full"))
    X = np.r_[oracle.sample(rng, 200, *start, "full")[0], np.full((20, D), 50.0)]
    low = start._replace(means=np.r_[start.means[:-1], [[50.0, 50.0]]])
    come_to, made = [], SideBySide.__call__

    def noted(self, work, calls):
        come_to.append(made(self, work, calls))
        return come_to[-1]

    monkeypatch.setattr(SideBySide, "__call__", noted)
    monkeypatch.setattr(side_by_side, "n_threads", lambda work: 2 if work > 5e4 else 1)
    rows = MemoryRows(X, None, Units(np.zeros(D), np.ones(D)))
    runs = em.Runs(rows, family_by_name("full"), Bounds(np.zeros(D), 1e-3), accelerate=False)
    spread = start._replace(covariances=100.0 * np.stack([np.eye(D)] * K))
    for level, found in runs.short([spread, low], 1):
        assert np.isfinite(level)
        assert (np.linalg.eigvalsh(found.covariances) >= 0.999e-3).all()
    ((wide, narrow),) = come_to
    assert wide == em_passes.DONE
    assert narrow == em_passes.MAXIMISE
