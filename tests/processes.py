"""Processes that tests start: they may take as long as a busy machine needs."""

import os
import signal
import subprocess
import threading

import pytest

#: Seconds that only a deadlock takes. No test waits for them: what makes progress, ends by itself.
LAST_RESORT = 900


def start(words, **options):
    """A process with pipes of text, at the head of all that it starts."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, start_new_session=True, **pipes | options)


def wait_for(process, said):
    """Until it says so, in its next line."""
    timer = threading.Timer(LAST_RESORT, _kill, [process])
    timer.start()
    line = process.stdout.readline()
    timer.cancel()
    assert line == f"{said}\n", (line, finish(process))


def finish(process, text=None):
    """Its output and errors, once it has read the text and ended."""
    try:
        return process.communicate(text, timeout=LAST_RESORT)
    except subprocess.TimeoutExpired:
        _kill(process)
        pytest.fail(f"deadlock: {process.communicate()}")
    except BaseException:
        _kill(process)
        raise


def run(words, text=None, **options):
    """What `subprocess.run` returns."""
    process = start(words, stdin=subprocess.PIPE if text else None, **options)
    out, err = finish(process, text)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _kill(process):
    """With all that it started."""
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
