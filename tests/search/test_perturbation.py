"""Where EM over half of the rows leads: oracle, EM over those rows alone."""

from dataclasses import replace

import numpy as np
import pytest

from fastem import em
from fastem.covariance import FAMILIES, Bounds, Parameters, singular
from fastem.rows import MemoryRows
from fastem.search.objective import Objective
from fastem.search.perturbation import STEPS, perturbed
from fastem.units import Units


def objective(X, weight=None):
    rows = MemoryRows(X, weight, Units.standard(X))
    return Objective(rows, FAMILIES["full"].at(rows.units), Bounds(np.zeros(2), 1e-10), 1e-8, 500)


def start():
    return Parameters(
        np.full(2, 0.5), np.array([[-0.5, 0.0], [0.5, 0.0]]), np.stack([np.eye(2)] * 2)
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_each_is_em_over_another_half(weighted):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(101, 2)), rng.uniform(1, 2, 101) if weighted else None
    on = objective(X, weight)
    found = list(perturbed(on, start(), 3, np.random.default_rng(5)))
    again = np.random.default_rng(5)
    assert len(found) == 3
    for parameters in found:
        half = np.sort(again.permutation(101)[:51])
        own = None if weight is None else weight[half]
        alone = replace(on, rows=MemoryRows(X[half], own, on.rows.units))
        plain = replace(alone, accelerate=False)
        run = plain.runs.run(start(), em.Rule(), STEPS)
        for mine, theirs in zip(parameters, run.parameters, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len({parameters.means.tobytes() for parameters in found}) == 3


def test_halves_on_which_a_component_is_singular_are_left_out():
    on = objective(np.random.default_rng(0).normal(size=(6, 2)))
    found = list(perturbed(on, start(), 20, np.random.default_rng(0)))
    assert len(found) < 20
    for parameters in found:
        assert (parameters.weights > 0).all()
        assert not singular(parameters, on.family, on.bounds).any()
