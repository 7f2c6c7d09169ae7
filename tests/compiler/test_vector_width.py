"""The width of vectors, told by the registers in machine code."""

import os
import re
import subprocess
import sys

import llvmlite.binding
import pytest

#: Prints how many wide registers are in a small kernel, and what it comes to.
SCRIPT = """
import re
import numpy as np
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop

@jit
def squared(x):
    return x * x

@slot_loop
def lengths(slot, X, out):
    total = 0.0
    for j in range(X.shape[1]):
        total += squared(X[slot, j])
    out[slot] = total

X, out = np.random.default_rng(0).normal(size=(3, 500)), np.empty(3)
lengths(1e4, 3, X, out)
(compiled,) = lengths.slot.overloads.values()
print(out.sum().hex())
print(len(re.findall("zmm", compiled.library.get_asm_str())))
"""


def run(width):
    environment = {**os.environ, "FASTEM_CACHE": "0", "FASTEM_VECTOR_WIDTH": width}
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    return made.returncode, made.stdout.split(), made.stderr


@pytest.mark.processes
def test_wide_vectors_are_in_the_machine_code_and_give_the_same():
    if not llvmlite.binding.get_host_cpu_features().get("avx512f"):
        pytest.skip("this processor has no vectors of 512 bits")
    (_, narrow, _), (_, wide, _) = run("256"), run("512")
    assert int(wide[1]) > 0
    assert float.fromhex(wide[0]) == pytest.approx(float.fromhex(narrow[0]), rel=1e-13)
    amd = llvmlite.binding.get_host_cpu_name().startswith("znver")
    assert amd or int(narrow[1]) == 0
    if not amd:  # the rule
        assert run("")[1] == wide


@pytest.mark.processes
def test_another_width_is_refused():
    status, _, errors = run("128")
    assert status == 1
    assert re.search("FASTEM_VECTOR_WIDTH is '128'; make it 256 or 512", errors)
