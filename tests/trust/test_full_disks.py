"""Disks and memory that hold no more: command and functions say what it is and what to do.

A limit of the size of files stands for a full disk: the system refuses to write beyond 8 KiB.
"""

import json
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.processes

LIMIT = """
import contextlib, io, json, os, resource, sys
import numpy as np
import fastem
from fastem import cli

rng = np.random.default_rng(0)
X = rng.normal(size=(6000, 3))
means = rng.normal(size=(300, 8))
large = fastem.Mixture(np.full(300, 1 / 300), means, np.ones((300, 8)), "diag")
small = fastem.fit(X[:300], 2, n_init=1, max_iter=2).mixture
sys.dont_write_bytecode = True  # what is imported from here on would be kept cut short
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
"""
PYTHON = """
calls = {
    "m.npz": lambda: large.save("m.npz"),
    "l.npy": lambda: small.predict_to("l.npy", X),
    "l.csv": lambda: small.predict_to("l.csv", X),
    "l.parquet": lambda: small.predict_to("l.parquet", X, probabilities=True),
    "c.npz": lambda: fastem.fit(X, 40, n_init=1, max_iter=2, checkpoint="c.npz"),
}
told = {}
for name, call in calls.items():
    try:
        call()
    except OSError as error:
        told[name] = [str(error), error.filename]
print(json.dumps([told, os.listdir()]))
"""
COMMAND = """
quick = "--n-init", "1", "--max-iter", "2", "--components"
told = {}
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = cli.main(["fit", *words[:1], *quick, *words[1:]])
    told[" ".join(words)] = [status, said.getvalue()]
print(json.dumps([told, os.listdir()]))
"""
COMMANDS = {
    "rows.npy 2 --labels l.csv": "--labels l.csv cannot be written: {}",
    "rows.npy 2 --plot p.png": "--plot p.png cannot be written: {}",
    "rows.npy 90 --model m.npz": "--model m.npz cannot be written: {}",
    "rows.npy 40 --checkpoint c.npz": "c.npz cannot be written: {}",
}
TOLD = "File too large; give a path on a disk that takes files as large"


def test_python(fresh, monkeypatch, tmp_path):
    pytest.importorskip("pyarrow")
    told, left = json.loads(fresh.run(LIMIT + PYTHON))
    assert list(told) == ["m.npz", "l.npy", "l.csv", "l.parquet", "c.npz"]
    for name, (text, path) in told.items():
        assert TOLD in text
        assert path == name
    assert left == ["script.py"]


def test_command(fresh, tmp_path):
    pytest.importorskip("matplotlib")
    X = np.random.default_rng(0).normal(size=(6000, 3))
    np.save(tmp_path / "rows.npy", X)
    words = json.dumps([words.split() for words in COMMANDS])
    code = (LIMIT + COMMAND).replace("sys.argv[1]", repr(words))
    told, left = json.loads(fresh.run(code))
    for words, expected in COMMANDS.items():
        status, said = told[words]
        assert status == 2
        assert expected.format(TOLD) in said
        assert said.count("\n") == 1
        assert said.count("give") <= 1
    assert sorted(left) == ["rows.npy", "script.py"]


SCARCE = """
import contextlib, io, re, resource
from pathlib import Path
import numpy as np
from fastem import cli

def run(name):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = cli.main(["fit", name, "--components", "2", "--n-init", "1", "--memory", "2G"])
    return status, said.getvalue()

X = np.random.default_rng(0).normal(size=(300, 2))
np.savez("few.npz", X=X)
np.savez("wide.npz", X=np.random.default_rng(0).normal(size=(50, 3000)))
run("few.npz")
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 10**8,) * 2)
print(*run("wide.npz"), end="")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the memory in use")
def test_scarce_memory(fresh):
    told = fresh.run(SCARCE)
    assert told.startswith("2 fastem: wide.npz asks for more memory than there is (")
    assert "; free some, give a smaller --memory than 2G" in told
    assert told.count("\n") == 1
