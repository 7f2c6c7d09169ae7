import os
import threading

import pytest
from processes import LAST_RESORT

from fastem.lazy import lazy


class Slow:
    def __init__(self):
        self.computed = 0
        self.asked, self.go = threading.Event(), threading.Event()

    @lazy
    def value(self):
        """What takes long."""
        self.computed += 1
        self.asked.set()
        assert self.go.wait(LAST_RESORT)
        return 42

    @lazy
    def other(self):
        return self.value + 1


def test_computed_once_and_kept():
    slow = Slow()
    slow.go.set()
    assert (slow.value, slow.value, slow.other) == (42, 42, 43)
    assert slow.computed == 1
    assert Slow.value.__doc__ == "What takes long."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_child_need_not_wait_for_a_thread_it_does_not_have():
    slow = Slow()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.asked.wait(LAST_RESORT)
    child = os.fork()
    if child == 0:
        fresh = Slow()
        fresh.go.set()
        computing = threading.Thread(target=lambda: fresh.value, daemon=True)
        computing.start()
        computing.join(LAST_RESORT)
        os._exit(0 if fresh.computed == 1 and "value" in fresh.__dict__ else 1)
    slow.go.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
