"""Signals that come while machine code is put in its place."""

import signal
import threading

import pytest

from fastem.compiler.uninterrupted import uninterrupted


class Ended(BaseException):
    """What the handler of these tests raises."""


def end(number, frame):
    raise Ended(number)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request):
    before = signal.signal(request.param, end)
    yield request.param
    signal.signal(request.param, before)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_signal_waits_for_the_end_of_the_outermost_block(number, depth):
    done = []

    def work(depth):
        with uninterrupted():
            if depth > 1:
                work(depth - 1)
            else:
                signal.raise_signal(number)
            done.append(depth)

    with pytest.raises(Ended):
        work(depth)
    assert len(done) == depth
    assert signal.getsignal(number) is end


def test_nothing_is_left_behind_without_a_signal_or_after_an_error(number):
    with uninterrupted():
        pass
    with pytest.raises(ZeroDivisionError), uninterrupted():
        1 / 0  # noqa: B018
    assert signal.getsignal(number) is end
    with pytest.raises(Ended):
        signal.raise_signal(number)


def test_what_is_ignored_stays_ignored(number):
    signal.signal(number, signal.SIG_IGN)
    with uninterrupted():
        assert signal.getsignal(number) is signal.SIG_IGN
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN


def test_other_threads_have_no_handlers():
    done = []

    def work():
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
