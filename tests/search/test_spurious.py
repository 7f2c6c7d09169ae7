"""Which ends of a run are findings, and which are made up by a few rows."""

import numpy as np
import pytest

import fastem
from fastem import em
from fastem.covariance import FAMILIES, Bounds
from fastem.rows import MemoryRows
from fastem.search.objective import Objective
from fastem.search.spurious import DOUBTFUL, SOUND, judged
from fastem.search.starts import Start
from fastem.units import Units


@pytest.mark.parametrize(
    ("family", "width", "soundness"),
    [
        ("full", 1e-4, DOUBTFUL),
        ("full", 0.1, SOUND),
        ("diag", 1e-4, DOUBTFUL),
        ("diag", 0.1, SOUND),
        ("spherical", 1e-4, SOUND),  # as long as it is long along one axis
        ("tied", 1e-4, SOUND),  # which has no width of its own
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_a_component_on_few_rows_in_a_line_is_doubtful(family, width, soundness, scale):
    """Ten rows are more than so few as are never had, and 1e-4 is far above every floor."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    X[:10] = np.column_stack([20 + np.linspace(0.0, 1.0, 10), width * rng.normal(size=10)])
    if family == "full":
        X[:10] = X[:10] @ [[0.6, 0.8], [-0.8, 0.6]]
    X *= scale
    rows = MemoryRows(X, None, Units.standard(X))
    own = FAMILIES[family].at(rows.units)
    on = Objective(rows, own, Bounds(np.zeros(2), 1e-10), 1e-6, 50)
    labels = np.r_[np.zeros(10), np.ones(390)].astype(np.int32)
    scaled = np.ascontiguousarray((X - rows.units.centre) * rows.units.scale)
    start = Start.grouped(scaled, np.ones(400), labels, 2, pooled=False)
    rule = em.Rule.expected_gain(on.tol, rows.precision)
    run = on.runs.run(start.parameters(own, on.bounds), rule, 50)
    found, poor = judged(run, on, 400)
    assert found == soundness
    assert poor.tolist() == [soundness == DOUBTFUL, False]


def test_where_all_share_their_covariance_a_row_alone_is_sound():
    """Oracle: a start at the row. Its weight, 1 / 196, times 196 is less than 1 by rounding."""
    X = np.random.default_rng(0).normal(size=(2, 196, 3))[1]
    X[7], X[8:10] = [30, -20, 10], [5, 4, 4]
    means = [np.delete(X, 7, axis=0).mean(axis=0), X[7]]
    best = fastem.fit(X, 2, covariance_type="tied", means_init=means)
    assert best.mixture.weights[1] == pytest.approx(1 / 196)
    found = fastem.fit(X, 2, covariance_type="tied", random_state=0)
    assert found.log_likelihood == pytest.approx(best.log_likelihood)
