"""Contests between ends; oracle: each run to convergence by itself."""

import numpy as np

from fastem import em
from fastem.covariance import FAMILIES, Bounds, Parameters
from fastem.rows import MemoryRows
from fastem.search.contest import DOUBTS, FIRST_ROUND, MOST, End, contest, near
from fastem.search.objective import Objective
from fastem.units import Units

CENTRES = np.array([[0.0, 0.0], [2.2, 0.0], [1.1, 1.9], [3.3, 1.9], [4.4, 0.0]])


def objective(n, seed=0):
    rng = np.random.default_rng(seed)
    X = CENTRES[rng.integers(5, size=n)] + rng.normal(size=(n, 2))
    units = Units(np.zeros(2), np.ones(2))
    rows = MemoryRows(X, None, units)
    return Objective(rows, FAMILIES["full"], Bounds(np.zeros(2), 1e-10), 1e-7, 1000)


def ends(on, n, seed):
    """From random rows as means."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        means = on.rows.X[rng.choice(on.rows.n_samples, 5, replace=False)]
        parameters = Parameters(np.full(5, 0.2), means, np.tile(np.eye(2), (5, 1, 1)))
        made.append(End(i, parameters, -np.inf))
    return made


def level(on, start, steps=1000):
    rule = em.Rule.expected_gain(on.tol, on.rows.precision)
    run = em.run(on.rows, on.family, start, bounds=on.bounds, rule=rule, max_iter=steps)
    return run.trace[-1]


def test_two_go_on_until_something_can_tell_them_apart():
    """Whoever leads after the first round may lose; what wins is no lower than what leads then."""
    on, overtaken = objective(2000), 0
    for seed in range(12):
        pair = ends(on, 2, seed)
        first = np.argmax([level(on, end.parameters, FIRST_ROUND) for end in pair])
        ended = np.array([level(on, end.parameters) for end in pair])
        (place, best), *others = contest(on, pair, on.rows.n_samples)
        assert len(others) == 1
        assert ended[place] >= ended[first] - on.tol
        assert best.trace[-1] <= ended[place] + 1e-9
        overtaken += place != first
    assert overtaken


def test_each_pass_is_told_with_its_start_and_a_stop_ends_all():
    on, told = objective(500), []
    three = ends(on, 3, 1)
    runs = contest(on, three, 500, lambda *words: told.append(words))
    assert {words[0] for words in told} == {0, 1, 2}
    assert {i for i, _ in runs} == {0, 1, 2}
    assert {run.outcome for _, run in contest(on, three, 500, lambda *words: True)} == {"stopped"}


def test_near_are_those_that_the_rows_differences_leave_in_doubt():
    """Oracle: the standard error of the mean of differences, by NumPy."""
    on = objective(800)
    first, *others = sorted(
        (end._replace(level=level(on, end.parameters, 1)) for end in ends(on, 8, 2)),
        key=lambda end: -end.level,
    )
    found = near(on, first, others)
    assert len(found) <= MOST
    log_prob = {
        end.start: on.family.factor(end.parameters).log_prob(on.rows.X, on.rows.units)
        for end in (first, *others)
    }
    for end in found:
        gains = log_prob[first.start] - log_prob[end.start]
        doubt = gains.std() / np.sqrt(len(gains))
        assert first.level - end.level < DOUBTS * doubt
