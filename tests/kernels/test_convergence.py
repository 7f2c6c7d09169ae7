"""The gain that EM may still expect, against closed forms; whole runs are in em/test_loop."""

import numpy as np
import pytest

from fastem.density import HALF_BITS
from fastem.kernels import convergence


def test_the_rule_foretells_the_gain_of_a_linear_map():
    """A mean creeps to its place at a rate c: the gain left is known in closed form."""
    c, distance = 0.99, 1.0
    memory, steps = convergence.Memory.empty(3), np.empty((3, 3))
    factors = np.full((1, 1), HALF_BITS)
    for n in range(100):
        point, em_step = np.array([[1.0, distance, 1.0], [1.0, c * distance, 1.0]])
        own = (1, 1), False, factors, HALF_BITS
        aims = 0.0, -np.inf
        convergence.judge(-distance, point, em_step, *own, *aims, memory, steps)
        if n >= 1:
            # The step is (1 - c) e in units of the deviation; the gain left (1 - c) e^2 / 2.
            largest = (1 - c) * distance**2 / 2 / c ** (2 * min(n, 2))
            expected = convergence.expected_gain(memory.sizes, memory.rates, memory.n_seen)
            assert expected == pytest.approx(largest, rel=1e-6)
        distance *= c


@pytest.mark.parametrize(("step", "found"), [(1e-12, "CONVERGED"), (1e-6, "GO_ON")])
def test_a_run_that_hardly_moves_has_ended_at_its_first_pass(step, found):
    memory, steps = convergence.Memory.empty(3), np.empty((4, 3))
    point = np.array([1.0, 2.0, 1.0])
    own = (1, 1), False, np.full((1, 1), HALF_BITS), HALF_BITS
    aims = 1e-8, -np.inf
    em_step = np.array([1.0, 2.0 + step, 1.0])
    judged = convergence.judge(0.0, point, em_step, *own, *aims, memory, steps)
    assert judged == getattr(convergence, found)
