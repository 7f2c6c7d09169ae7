"""Variables of the environment with which Numba cannot be imported, told before it is."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def check() -> None:
    """Look at the variables; the command ends with a line that names the wrong one.

    Raises
    ------
    ImportError
        If there is one.
    """
    with suppress(ValueError):  # Numba warns of what is no number, and goes on without
        if int(os.environ.get("NUMBA_NUM_THREADS", 1)) < 1:
            value = os.environ["NUMBA_NUM_THREADS"]
            text = f"NUMBA_NUM_THREADS is {value} in the environment; give at least 1, or unset it"
            if not _is_command():
                raise ImportError(text)
            if sys.stderr is not None:
                with suppress(OSError):
                    print(f"fastem: {text}", file=sys.stderr, flush=True)
            raise SystemExit(2)


def _is_command() -> bool:
    """Whether this process is `fastem` or `python -m fastem`, whose package is imported first."""
    words = sys.orig_argv
    module = words[words.index("-m") + 1 :][:1] if "-m" in words else []
    return module == ["fastem"] or Path(sys.argv[0]).stem == "fastem"
