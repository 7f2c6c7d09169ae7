"""How the benches measure: interleaved rounds, and memory in a process of its own.

Run as a script it is that process: ``python measure.py CODE`` prints, in MiB, what each thing that
CODE hands to `peak` takes.
"""

import contextlib
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import fastem

#: Seconds of rest before each run, in which the last program's threads stop spinning.
REST = 0.25


class Rounds:
    """Run contenders in turn, round after round, so that noise hits all of them alike.

    Parameters
    ----------
    contenders : dict of callables without arguments
    """

    def __init__(self, contenders):
        self.contenders = contenders
        self.seconds = {name: [] for name in contenders}

    def once(self):
        """One round; the order is reversed from one to the next."""
        names = list(self.contenders)
        forwards = len(self.seconds[names[0]]) % 2 == 0
        for name in names if forwards else reversed(names):
            time.sleep(REST)
            self.contenders[name]()  # not counted: it wakes this program's own threads
            began = time.perf_counter()
            self.contenders[name]()
            self.seconds[name].append(time.perf_counter() - began)

    def best(self, name):
        """The fastest run: noise only ever adds."""
        return min(self.seconds[name])

    def noise(self, name):
        """How far the median run lies above the fastest, as a share of it."""
        runs = sorted(self.seconds[name])
        return runs[len(runs) // 2] / runs[0] - 1


#: Prints in which vector registers a pass over rows multiplies and adds. Bookkeeping, one number
#: at a time, takes the narrow ones on any machine.
REGISTERS = """
import re
from collections import Counter
import numpy as np
import fastem
from fastem.kernels import passes

X = np.random.default_rng(0).normal(size=(100, 4))
fastem.Mixture([0.5, 0.5], X[:2], [np.eye(4)] * 2).summarise(X)
(compiled,) = passes.summarise.slot.overloads.values()
code = compiled.library.get_asm_str()
found = Counter(re.findall(r"(?:mul|add|add\\d+)pd\\s.*%([xyz]mm)", code))
print(found.most_common(1)[0][0] if found else "no vector")
"""


def machine():
    """The processor, and the vector registers in the machine code of a pass over rows."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    environment = {**os.environ, "FASTEM_CACHE": "0"}
    command = [sys.executable, "-c", REGISTERS]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return f"{model}, {os.cpu_count()} processors; kernels with {made.stdout.strip()} registers"


def ratio(value):
    """A ratio for a table: 0.92x, 4.3x, 87x."""
    return f"{value:.2f}x" if value < 1 else f"{value:.1f}x" if value < 20 else f"{value:.0f}x"


def extra_memory(code, *arguments):
    """What `code` reports through `peak` in a fresh process: name -> MiB, or nothing off Linux.

    Parameters
    ----------
    code : str
        Python. It finds `peak` and `arguments`.
    *arguments
        Anything that JSON can carry.
    """
    if not sys.platform.startswith("linux"):
        return {}
    here = Path(__file__)
    paths = [str(Path(fastem.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(here), code, json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the process that measures memory failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def peak(run):
    """MiB that resident memory rises during a call, at its highest; what malloc kept is let go."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        # The kernel forgets the process's earlier peak; where it will not, the figure is too high.
        Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    run()
    return _resident("VmHWM") - before


def _resident(name):
    # Not getrusage's ru_maxrss: a process inherits that from the one that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


if __name__ == "__main__":
    found = {}
    exec(
        sys.argv[1],
        {
            "arguments": json.loads(sys.argv[2]),
            "found": found,
            "peak": lambda name, run: found.update({name: peak(run)}),
        },
    )
    print(json.dumps(found))
