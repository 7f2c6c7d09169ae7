"""Same seed and data, same bits: over threads, runs and processes.

With the cache or without is the work of test_cache.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

# By its path: the tests are no package.
_spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


def digest(found):
    return hashlib.sha256(
        json.dumps({k: golden.to_hex(v) for k, v in found.items()}).encode()
    ).hexdigest()


@pytest.fixture(scope="module")
def here():
    return golden.fits()


# Large enough for threads, in every kind of pass; and the fits on record.
CODE = f"""
import hashlib, json, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import golden
"""
THREADS = """
import numba, numpy as np, fastem
X = np.tile(golden.rows(), (4, 1)) + 1e-3 * np.arange(24000)[:, None]

def large():
    made = [
        fastem.fit(X.astype(t), 8, covariance_type=kind,
                   means_init=X[:8], random_state=0, max_iter=6, tol=0)
        for kind in ("full", "diag") for t in (np.float64, np.float32)
    ]
    made.append(fastem.fit(X, 8, random_state=0, n_init=2, max_iter=30))
    return [golden.to_hex(golden.arrays(fitted)) for fitted in made]

digests = {}
for n in (1, 2, 3, 8, 8):
    numba.set_num_threads(n)
    digests.setdefault(hashlib.sha256(json.dumps(large()).encode()).hexdigest(), []).append(n)
assert len(digests) == 1, digests
print(*digests)
"""
RECORD = """
record = {name: golden.to_hex(found) for name, found in golden.fits().items()}
print(hashlib.sha256(json.dumps(record).encode()).hexdigest())
"""


def test_runs_in_one_process(here):
    assert digest(golden.fits()) == digest(here)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_processes_of_several_numbers_of_threads(fresh, here, threads):
    assert fresh.run(CODE + RECORD, NUMBA_NUM_THREADS=threads).strip() == digest(here)


def test_one_two_three_and_eight_threads(fresh):
    """The same in a process of each threading layer that loads is the work of test_concurrency."""
    fresh.run(CODE + THREADS, NUMBA_NUM_THREADS="8")


def test_answers_on_record(here):
    """Exact where the CPU and the libraries are those of the record; close elsewhere."""
    record = json.loads(golden.FILE.read_text())
    assert record["fits"].keys() == here.keys()
    exact = record["machine"] == golden.machine()
    for name, found in here.items():
        for key, array in found.items():
            expected = np.array([float.fromhex(x) for x in record["fits"][name][key]])
            if exact:
                again = "if this is meant, run: python tests/trust/golden.py"
                assert golden.to_hex(found)[key] == record["fits"][name][key], (name, key, again)
            elif key == "trace":  # rounding can add or save a last step
                np.testing.assert_allclose(array[-1], expected[-1], rtol=1e-5)
            else:
                tolerance = 2e-3 if name == "float32" else 2e-4
                np.testing.assert_allclose(array.ravel(), expected, rtol=tolerance, atol=tolerance)
