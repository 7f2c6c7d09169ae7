"""Python's search for garbage, which pauses while a kernel is compiled."""

import gc

import numba
import pytest
from numba.core import event

from fastem.compiler.options import njit


@pytest.fixture
def seen():
    """Whether garbage was looked for whenever Numba began to compile a function."""

    class Look(event.Listener):
        def on_start(self, event):
            found.append(gc.isenabled())

        def on_end(self, event):
            pass

    found, listener = [], Look()
    event.register("numba:compile", listener)
    yield found
    event.unregister("numba:compile", listener)


def kernel(function):
    function.__module__ = "fastem.kernels.test"
    return njit()(function)


@kernel
def inner(x):
    return x + 1


def test_it_pauses_within_a_kernel_and_goes_on_after_it(seen):
    outer = kernel(lambda x: max(inner(x), 2 * x))
    assert outer(3) == 6
    assert seen
    assert not any(seen)
    assert gc.isenabled()


def test_it_goes_on_after_a_kernel_that_cannot_be_compiled(seen):
    def fails(x):
        return x.nowhere

    with pytest.raises(numba.TypingError):
        kernel(fails)(1)
    assert seen
    assert not any(seen)
    assert gc.isenabled()


def test_it_stays_off_where_the_user_has_turned_it_off(seen):
    gc.disable()
    try:
        kernel(lambda x: x - 1)(1)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_is_left_alone_in_the_users_own_functions(seen):
    numba.njit(lambda x: max(x, 1))(2)
    assert seen
    assert all(seen)
