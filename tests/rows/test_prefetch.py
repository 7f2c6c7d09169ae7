"""Blocks worked on while others are read: in order, and with errors in their places."""

import threading
from contextlib import contextmanager

import pytest

from fastem.rows.prefetch import SPARE, prefetch


def blocks(n_workers, n=40, unreadable=None, unworkable=None):
    """Squares of the numbers up to n, read into buffers of one number."""
    threads = []

    @contextmanager
    def opened():
        numbers = iter(range(n))

        def fill(buffer):
            buffer[0] = next(numbers, None)
            if buffer[0] == unreadable is not None:
                raise OSError(f"block {unreadable} cannot be read")
            return buffer[0]

        threads.append(threading.current_thread())
        yield fill
        threads.append(threading.current_thread())

    def work(number):
        if number == unworkable is not None:
            raise ValueError(f"block {unworkable} cannot be worked on")
        return number**2

    yield from prefetch(opened, [[0] for _ in range(n_workers + SPARE)], work)
    assert threads[0] is threads[1] is not threading.current_thread()


@pytest.mark.parametrize("n_workers", [1, 2, 7])
def test_results_are_in_order(n_workers):
    assert list(blocks(n_workers)) == [i**2 for i in range(40)]
    assert list(blocks(n_workers, n=0)) == []


@pytest.mark.parametrize("n_workers", [1, 2, 7])
@pytest.mark.parametrize(
    ("wrong", "error", "first"),
    [
        ({"unreadable": 5}, "block 5 cannot be read", 5),
        ({"unreadable": 0}, "block 0 cannot be read", 0),
        ({"unworkable": 5}, "block 5 cannot be worked on", 5),
        ({"unreadable": 6, "unworkable": 5}, "block 5 cannot be worked on", 5),
        ({"unreadable": 5, "unworkable": 6}, "block 5 cannot be read", 5),
    ],
)
def test_what_comes_first_is_told_however_far_was_read_ahead(n_workers, wrong, error, first):
    before, found = threading.enumerate(), []
    with pytest.raises((OSError, ValueError), match=error):
        found.extend(blocks(n_workers, **wrong))
    assert found == [i**2 for i in range(first)]
    assert threading.enumerate() == before


def test_a_generator_that_is_closed_ends_its_threads():
    before = threading.enumerate()
    some = prefetch(lambda: contextmanager(lambda: iter([lambda _: 1]))(), [0] * (2 + SPARE), str)
    assert next(some) == "1"
    some.close()
    assert threading.enumerate() == before
