"""The command line.

parser.py                       words --> a command and its arguments
fit.py, predict.py, demo.py     the commands: what they take, and what they do
arguments.py                    what several take; files --> Stream
labels.py, pictures.py, report.py     output
outputs.py                      files appear all together, or none of them
terminal.py                     what is said to whoever is there to read it
errors.py                       what a user is told in one line

Whatever is wrong with the input is an InputError: one line on standard error, exit status 2.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from fastem.cli.errors import InputError
from fastem.cli.parser import parser
from fastem.cli.terminal import complain, flushed, hold_descriptors

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Its words; those that the process was started with if None.

    Returns
    -------
    status : int
        0; 3 if the best fit did not converge or collapsed, its outputs written; 2 if something
        given cannot be used; 130 after Ctrl-C; 141 if nobody reads the output; after SIGTERM and
        SIGHUP 128 and their number, the files tidied up.
    """
    hook = sys.unraisablehook
    hold_descriptors()
    try:
        return _status(argv)
    finally:
        sys.unraisablehook = hook  # what was interrupted in its making is gone by now


def _status(argv: Sequence[str] | None) -> int:
    from fastem import __version__

    try:
        with _terminable(), flushed():
            arguments = parser(__version__).parse_args(argv)
            return arguments.run(arguments) or 0
    except InputError as error:
        complain(str(error))
        return 2
    except MemoryError as error:
        complain(f"out of memory{f' ({error})' if str(error) else ''}; give fewer rows")
        return 2
    except KeyboardInterrupt:
        complain("interrupted")
        return 128 + signal.SIGINT
    except _Ended as ended:
        return 128 + ended.number
    except BrokenPipeError:
        return 141
    except OSError as error:
        complain(
            f"standard output cannot be written: {error.strerror or error}; what files were asked "
            f"for are written"
        )
        return 2


class _Ended(BaseException):
    """A signal that ends the process has come."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _terminable() -> Iterator[None]:
    """Let signals that end the process unwind the stack, so that no half-written file is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        # What is interrupted in its making, as LLVM's objects may be, complains as it goes.
        sys.unraisablehook = lambda unraisable: None
        raise KeyboardInterrupt if number == signal.SIGINT else _Ended(number)

    names = [name for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    # A signal that is ignored, as nohup has it, stays ignored.
    usual = signal.SIG_DFL, signal.default_int_handler
    ours = [number for number, handler in before.items() if handler in usual]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
