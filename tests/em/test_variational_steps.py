"""Variational steps in compiled code, against those in Python, whose formulas are SciPy's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import fastem
from fastem import DirichletProcess, NormalWishart, em
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em.compiled import CompiledStep, step_for
from fastem.em.steps import Step
from fastem.rows import AscendingRows, MemoryRows
from fastem.units import Units

PRIORS = {
    "sticks": DirichletProcess(1e-3),
    "dirichlet": NormalWishart(0.2, mean_precision=3.0),
    "few": DirichletProcess(1e4, degrees_of_freedom=9.5),
}


def in_python(*arguments):
    return Step(*arguments[:-1])


def run(step, D, prior, n_iter, *, seed=0, ridge=0.0, K=5, rows_of=MemoryRows, floor=1e-10):
    rng = np.random.default_rng(seed)
    X = np.sort(rng.normal(5.0 * rng.integers(3, size=(300, 1)), 1.0, (300, D)), axis=0)
    units = Units(np.full(D, 0.5), np.full(D, 2.0))
    own = (X - 0.5) * 2.0
    family = prior.of(
        family_by_name("diag"), K, len(X), own.mean(axis=0), np.cov(own.T).reshape(D, D), units
    )
    means = rng.normal(4.0, 8.0, (K, D))
    start = Parameters(rng.dirichlet(np.ones(K)), means, np.full((K, D), 4.0))
    with pytest.MonkeyPatch.context() as patch:
        used = []

        def noted(*arguments):
            used.append(step(*arguments))
            return used[-1]

        patch.setattr("fastem.em.loop.step_for", noted)
        options = {"bounds": Bounds(np.full(D, ridge), floor), "rule": em.Rule()}
        rows = rows_of(X, None, units)
        found = em.run(rows, family, start, max_iter=n_iter, accelerate=False, **options)
    return found, type(used[0])


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("D", [1, 3])
@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_steps_are_those_of_python(D, prior, ridge):
    for n_iter in 0, 1, 2, 30:
        found, how = run(step_for, D, prior, n_iter, ridge=ridge)
        expected, _ = run(in_python, D, prior, n_iter, ridge=ridge)
        assert how is CompiledStep
        assert_allclose(found.trace, expected.trace, rtol=1e-11)
        for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
            assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_rows_that_ascend(prior):
    found, how = run(step_for, 1, prior, 30, rows_of=AscendingRows)
    expected, _ = run(in_python, 1, prior, 30)
    assert how is CompiledStep
    assert_allclose(found.trace, expected.trace, rtol=1e-11)


def test_dead_components_and_a_floor():
    """Components far from all rows, and variances that are held up."""
    named = {"K": 30, "floor": 3.0, "seed": 4}
    found, _ = run(step_for, 1, PRIORS["sticks"], 40, **named)
    expected, _ = run(in_python, 1, PRIORS["sticks"], 40, **named)
    assert (found.parameters.covariances >= 3.0).all()
    assert (found.parameters.weights < 1e-12).any()
    for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
        assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10)


def test_the_bound_never_falls():
    X = np.random.default_rng(0).normal([[0.0], [6.0]], size=(200, 2, 1)).reshape(-1, 1)
    for prior in PRIORS.values():
        for accelerate in False, True:
            named = {"covariance_type": "diag", "random_state": 0, "accelerate": accelerate}
            found = fastem.fit(X, 5, prior=prior, n_init=1, **named)
            assert (np.diff(found.trace) >= -1e-12).all()
