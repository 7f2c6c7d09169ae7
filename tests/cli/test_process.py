"""The command as a process: signals, pipes and terminals."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import processes
import pytest

import fastem
from fastem.cli import fit

pytestmark = pytest.mark.processes

FAITHFUL = str(Path(__file__).parents[1] / "data" / "faithful.csv")
#: The package under test is found from any folder.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(fastem.__file__).parents[1])}
WORDS = ["fit", FAITHFUL, "--components", "2", "--n-init", "2"]

#: The command, but with labels that are never finished.
WRITING = """
import sys, time
from fastem import cli
from fastem.cli import labels

def write(rows, mixture, path, *more):
    path.write_text("half")
    print("half", flush=True)
    while True:
        time.sleep(0.01)

labels.write = write
sys.exit(cli.main())
"""

#: The command, but with a picture that is never finished; labels and model are written before.
DRAWING = """
import sys, time
from matplotlib.figure import Figure
from fastem import cli

def savefig(figure, path):
    path.write_text("half")
    print("half", flush=True)
    while True:
        time.sleep(0.01)

Figure.savefig = savefig
sys.exit(cli.main())
"""

#: The command, which says when its fit has begun, and stays in it.
FITTING = """
import sys, time
from fastem import cli
from fastem.cli import fit

select = fit.select

def tell(event):
    print("half", flush=True)
    while True:
        time.sleep(0.01)

fit.select = lambda *a, **k: select(*a, **{**k, "callback": tell})
sys.exit(cli.main())
"""


def fastem_command(*words, env=ENVIRONMENT, **options):
    return processes.run([sys.executable, "-m", "fastem", *words], env=env, **options)


@pytest.fixture
def heard(number):
    """A signal is not ignored, as in a shell's background."""
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    yield
    signal.signal(number, before)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_leaves_nothing_changed_behind(run, monkeypatch, number, status):
    """What complains of exceptions that nobody can catch does so again when the command is over."""
    before = sys.unraisablehook, signal.getsignal(number)
    monkeypatch.setattr(fit, "select", lambda *_, **__: signal.raise_signal(number))
    found, out, err = run(*WORDS)
    assert (found, out) == (status, "")
    assert err == ("fastem: interrupted\n" if number == signal.SIGINT else "")
    assert (sys.unraisablehook, signal.getsignal(number)) == before


def test_module_and_version():
    run = fastem_command("--version")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"fastem {fastem.__version__}\n", "")


@pytest.mark.parametrize("words", [[], ["fit"], ["predict"]])
def test_help_has_examples(words):
    run = fastem_command(*words, "--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert "examples:\n  fastem " in run.stdout


def test_errors_have_status_2_and_no_traceback(tmp_path):
    run = fastem_command("fit", "absent.csv", "--labels", "labels.csv", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("driver", "number", "status"),
    [
        pytest.param(WRITING, signal.SIGTERM, 143, id="writing"),
        pytest.param(DRAWING, signal.SIGHUP, 129, id="drawing"),
        pytest.param(FITTING, signal.SIGINT, 130, id="fitting"),
        pytest.param(FITTING, signal.SIGTERM, 143, id="fitting, terminated"),
    ],
)
def test_signals_leave_nothing_half_written(tmp_path, driver, number, status):
    (tmp_path / "labels.csv").write_text("old")
    words = [*WORDS, "--labels", "labels.csv", "--model", "m.npz"]
    if driver is DRAWING:
        words += ["--plot", "clusters.png"]
    with processes.start(
        [sys.executable, "-c", driver, *words],
        cwd=tmp_path,
        env=ENVIRONMENT,
        # Under nohup a hangup is ignored, by the command as by the tests.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        processes.wait_for(process, "half")
        process.send_signal(number)
        _, err = processes.finish(process)
    assert process.returncode == status
    assert err == ("fastem: interrupted\n" if number == signal.SIGINT else "")
    assert os.listdir(tmp_path) == ["labels.csv"]
    assert (tmp_path / "labels.csv").read_text() == "old"


def test_a_reader_that_leaves_early_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "fastem", *WORDS],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_progress_is_for_terminals_and_never_on_standard_output():
    pytest.importorskip("tqdm")
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    with subprocess.Popen(
        [sys.executable, "-m", "fastem", *WORDS, "--json"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(main, 4096)
            except OSError:  # the other side has closed
                break
        assert json.loads(process.stdout.read())["sizes"]
    os.close(main)
    assert process.returncode == 0
    assert b"passes" in shown


def test_standard_input_and_a_terminal_without_the_sign():
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    text = Path(FAITHFUL).read_text()
    run = fastem_command("fit", "-", *WORDS[2:], text=text, env=environment)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("standard input: 272 rows")
    assert "4.29 +- 0.41" in run.stdout


def test_labels_through_a_pipe(tmp_path):
    model = str(tmp_path / "m.npz")
    assert fastem_command(*WORDS, "--model", model).returncode == 0
    command = f'cat "{FAITHFUL}" | "{sys.executable}" -m fastem predict "{model}" - | wc -l'
    run = subprocess.run(
        command, shell=True, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "273"


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [("SIGTERM", 143, ""), ("SIGHUP", 129, ""), ("SIGINT", 130, "fastem: interrupted\n")],
)
def test_what_a_signal_interrupts_in_its_making_does_not_complain(tmp_path, name, status, said):
    """Such as an object of LLVM amid a compilation."""
    driver = f"""
import os, signal, sys
from fastem import cli
from fastem.cli import fit

class Half:
    def __init__(self):
        os.kill(os.getpid(), signal.{name})
        self.whole = True

    def __del__(self):
        assert self.whole

fit.select = lambda *a, **k: Half()
sys.exit(cli.main())
"""
    run = processes.run(
        [sys.executable, "-c", driver, *WORDS],
        cwd=tmp_path,
        env=ENVIRONMENT,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )
    assert (run.returncode, run.stderr) == (status, said)
