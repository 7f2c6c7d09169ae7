"""What all tests share: two workers for the whole suite, and the same generated examples each time.

Linear algebra has one thread: the matrices are small, and threads that wait for each other spin.

The whole suite leaves slow tests out; `-m "slow or not slow"`, as tox has it, takes them in. What
is asked for, a file, a folder or a test, runs whole and in this process, as do the benches; `-n`
says otherwise. FASTEM_EXPLORE lets Hypothesis think of other examples.
"""

import gc
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy and SciPy are imported

import pytest
from hypothesis import settings

# Compiling makes many objects, and looking through them takes a tenth of its time.
gc.set_threshold(50_000, 20, 50)

#: Tests of kernels that fits take only at times.
KERNELS = Path(__file__).parent / "kernels"

settings.register_profile("same", derandomize=True, deadline=None)  # the first example compiles
settings.load_profile("default" if os.environ.get("FASTEM_EXPLORE") else "same")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Before pytest-xdist reads these options; its workers read the command line anew."""
    option = config.option
    worker = "PYTEST_XDIST_WORKER" in os.environ
    whole = config.args_source is config.ArgsSource.TESTPATHS
    if whole and not option.markexpr:
        option.markexpr = "not slow"
    if whole and not worker and getattr(option, "numprocesses", 0) is None and not option.usepdb:
        option.numprocesses = 2
        # Half of the tests each, in their order; who is done takes from the other's end.
        option.dist = "worksteal"


def pytest_collection_modifyitems(items):
    """Kernels first: one worker compiles those of its own tests, the other what any fit takes."""
    items.sort(key=lambda item: KERNELS not in item.path.parents)
