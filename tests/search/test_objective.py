"""What runs over some rows are compared by."""

import numpy as np
import pytest

import fastem
from fastem.covariance import family_by_name
from fastem.data import Data
from fastem.mixture import to_units
from fastem.options import Options
from fastem.search.objective import Objective

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3)) + 3.0 * RNG.integers(0, 2, size=(400, 1))


def objective_and_run(prior, name="full"):
    options = Options(prior=prior)
    data = Data.of(X, None)
    family = data.extended(family_by_name(name), 2, noise=options.box, prior=prior)
    on = Objective.of(data.rows(family), family, options)
    start = fastem.fit(X, 2, covariance_type=name, random_state=0, max_iter=2).mixture
    begun = to_units((start.weights, start.means, start.covariances), on.family, on.rows.units)
    return on, on.runs.run(begun, on.rule(), 100)


@pytest.mark.parametrize("name", ["full", "diag", "VVE"])
def test_under_a_prior_the_level_is_the_likelihood(name):
    on, run = objective_and_run(True, name)
    weights, means, covariances = run.parameters
    units = on.rows.units
    mixture = fastem.Mixture(
        weights, units.leave(means), on.family.rescale(covariances, 1 / units.scale), name
    )
    assert on.level(run) == pytest.approx(mixture.log_prob(X).mean(), rel=1e-9)
    assert on.level(run) != pytest.approx(run.trace[-1], rel=1e-3)


def test_without_a_prior_or_of_one_covariance_it_is_what_em_maximises():
    for prior, name in ((False, "full"), (True, "tied")):
        on, run = objective_and_run(prior, name)
        assert on.level(run) == run.trace[-1]


def test_a_posterior_gives_up_no_run_for_a_likelihood():
    for prior in (False, True):
        on, _ = objective_and_run(prior)
        assert on.rule(to_beat=-3.0).level == (-np.inf if prior else -3.0)
