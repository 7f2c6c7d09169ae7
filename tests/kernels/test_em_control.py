"""What happens between passes, against the rules said in plain Python."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastem import em
from fastem.covariance import Parameters, family_by_name
from fastem.em.state import State
from fastem.kernels import em_control as kernel
from fastem.kernels.em_control import N_ITER, N_PASSES, NEXT, OUTCOME, Control, Method, Scratch

K, D = 2, 1
FACTORS = np.ones((K, D))
LEVELS = [-9.0, -5.0, -4.5, -4.49]


def begun(rule=None, accelerate=False, next_=kernel.PASS, levels=()):
    """A state that has a point, an EM step and some passes behind it, and its family's numbers."""
    rule = em.Rule() if rule is None else rule
    start = Parameters(np.array([0.4, 0.6]), np.zeros((K, D)), np.ones((K, D)))
    state = State.begin(family_by_name("diag"), start, rule, accelerate).with_room(9)
    state.em_step[:] = state.point + 1.0
    state.before[:] = state.point - 1.0
    state.em_statistics[:] = state.point_statistics + 1.0
    state.trace[: len(levels)] = levels
    state.counters[[N_ITER, N_PASSES, NEXT]] = len(levels), len(levels), next_
    return state


def copied(state):
    return [part.copy() for part in (state.point, state.em_step, state.before, state.counters)]


def proceed(state, level, rule=None, stepper=kernel.PLAIN, max_iter=100, precision=1e-16):
    rule = em.Rule() if rule is None else rule
    method = Method(stepper, max_iter, precision, 0.0, 1.0, True)
    control = Control.of(rule.kind, stepper)
    scratch = Scratch.of(state, K, D, True)
    kernel.proceed(control, (K, D), False, FACTORS, level, rule, method, state, scratch)


def shifted(part, size):
    """A run whose statistics are its parameters, but for a ridge, and for one number."""
    state = begun(em.Rule.expected_gain(1e-6, 1e-16), accelerate=True)
    rng = np.random.default_rng(0)
    point, em_step, before = state.point, rng.normal(size=state.point.size), rng.normal(size=(2, 6))
    point[:] = rng.normal(size=point.size)
    ridge = np.array([0, 0, 0, 0, 0.1, 0.3])
    state.em_step[:], state.em_statistics[:] = em_step, em_step - ridge
    state.point_statistics[:] = point - ridge
    state.gain.before[:] = state.steps.before[:] = before
    state.steps.before[0] -= ridge
    parts = {"point": state.point_statistics, "EM step": state.em_statistics}
    parts |= {"before": state.steps.before[0], "step before": state.steps.before[1]}
    parts[part][-1] += size
    return state


@pytest.mark.parametrize("part", ["point", "EM step", "before", "step before"])
def test_statistics_move_as_parameters_do_where_a_ridge_is_all_between_them(part):
    assert kernel._same_steps(shifted(part, 0.0))
    assert not kernel._same_steps(shifted(part, 1e-12))


def test_statistics_of_other_size_move_otherwise():
    state = begun(em.Rule.expected_gain(1e-6, 1e-16), accelerate=False)
    assert not kernel._same_steps(state)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("next_", range(6))
def test_a_move_goes_to_the_em_step_or_to_the_extrapolated_point(next_, compiled):
    state = begun(next_=next_)
    point, em_step, _, _ = copied(state)
    (kernel.move if compiled else kernel.move.py_func)(state)
    steps = {kernel.STEP: kernel.FOLLOWED, kernel.PROJECTION: kernel.TRIAL}
    assert state.counters[NEXT] == steps.get(next_, next_)
    assert state.counters[N_ITER] == (next_ in steps)
    assert_array_equal(state.point, em_step if next_ == kernel.STEP else point)


@pytest.mark.parametrize("monotone", [True, False])
@pytest.mark.parametrize("fall", [-1.0, 0.0, 1e-12, 1e-8, 1.0])
@pytest.mark.parametrize("next_", range(6))
def test_points_that_lead_down_are_taken_back(next_, fall, monotone):
    """An extrapolated one at the least fall, an EM step beyond `FALL` and if asked to."""
    state = begun(accelerate=True, next_=next_, levels=LEVELS)
    _, em_step, before, _ = copied(state)
    level = LEVELS[-1] - fall
    relative = fall / (1 + abs(level))
    expected = (next_ == kernel.TRIAL and relative > 1e-14) or (
        next_ == kernel.FOLLOWED and monotone and relative > kernel.FALL
    )
    assert kernel.take_back(level, 1e-14, monotone, state) == expected
    if not expected:
        assert state.counters[NEXT] == next_
    elif next_ == kernel.TRIAL:
        assert state.counters[NEXT] == kernel.FOLLOWED
        assert_array_equal(state.point, em_step)
        assert_array_equal(state.point_statistics, state.em_statistics)
    else:
        assert state.counters[NEXT] == kernel.RETURN
        assert_array_equal(state.point, before)


def test_a_pass_is_noted_and_the_em_step_is_next():
    state = begun(levels=LEVELS)
    proceed(state, -4.0)
    assert_array_equal(state.levels, [*LEVELS, -4.0])
    assert_array_equal(state.before, state.point)
    assert state.counters[[NEXT, OUTCOME]].tolist() == [kernel.STEP, kernel.RUNNING]


def test_a_run_that_came_back_to_the_point_before_has_converged():
    state = begun(next_=kernel.RETURN, levels=LEVELS)
    proceed(state, LEVELS[-1])
    assert state.outcome == "converged"
    assert_array_equal(state.levels, LEVELS)


@pytest.mark.parametrize(("max_iter", "outcome"), [(4, "exhausted"), (5, "running")])
def test_steps_may_be_used_up(max_iter, outcome):
    state = begun(levels=LEVELS)
    proceed(state, -4.0, max_iter=max_iter)
    assert state.outcome == outcome


@pytest.mark.parametrize(("least", "outcome"), [(0.39, "running"), (0.41, "dwindled")])
def test_a_component_may_dwindle(least, outcome):
    state = begun(levels=LEVELS)
    proceed(state, -4.0, em.Rule(least_weight=least))
    assert state.outcome == outcome


@pytest.mark.parametrize("n", range(1, 5))
@pytest.mark.parametrize("tol", [0.0, 0.02, 0.6, 5.0])
@pytest.mark.parametrize("precision", [1e-16, 1e-2])
def test_scikit_learns_rule(n, tol, precision):
    """A step after the change was small; in single precision what rounds is no change."""
    state = begun(levels=LEVELS[:n])
    proceed(state, -4.48, em.Rule.change(tol, level=-10.0), precision=precision)
    changes = np.diff([-10.0, *LEVELS[:n]])
    least = max(tol, precision * abs(LEVELS[n - 1])) if precision > 1e-12 and tol else tol
    assert state.outcome == ("converged" if changes[-1] < least else "running")


def test_the_expected_gain_is_judged_and_a_step_extrapolated():
    """EM steps shrink by a constant: the next point lies beyond, and the run soon ends."""
    rule, rate = em.Rule.expected_gain(1e-6, 1e-16), 0.9
    state = begun(rule, accelerate=True)
    place, seen = 1.0, set()
    for _ in range(9):
        state.point[K] = place
        state.em_step[:], state.point_statistics[:] = state.point, state.point
        state.em_step[K] = rate * place
        state.em_statistics[:] = state.em_step
        proceed(state, -(place**2), rule, kernel.QUASI_NEWTON)
        seen.add(int(state.counters[NEXT]))
        if state.outcome != "running":
            break
        place = float(state.point_statistics[K])
    assert kernel.PROJECTION in seen
    assert state.outcome == "converged"
    assert abs(place) < 1e-2
