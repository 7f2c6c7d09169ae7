# PYTHON_ARGCOMPLETE_OK
"""The command line.

fit.py, with_model.py, classify.py     the commands
arguments.py            what several take; files --> Stream
labels.py, report.py     output
outputs.py              files appear all together, or none of them
messages.py             what a user is told

Whatever is wrong with the input is an InputError: one line on standard error, exit status 2.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from types import FrameType
from typing import NoReturn

from fastem.cli import classify, fit, messages, with_model
from fastem.cli.arguments import command, readable
from fastem.cli.messages import InputError, as_input_error, complain, flushed, hold_descriptors

__all__ = ["main"]

EXAMPLES = """\
examples:
  fastem example faithful > faithful.csv
  fastem fit data.csv --components 1:9 --labels labels.csv --model model.npz
  fastem predict model.npz new.csv
  fastem update model.npz new.csv --seen 10000

fastem fit --help and fastem predict --help tell all.
"""
EXAMPLE = """\
examples:
  fastem example faithful > faithful.csv
  fastem fit faithful.csv
"""


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
        with _terminable(), flushed():
            parser = _parser()
            _complete(parser)
            arguments = parser.parse_args(argv)
            with readable(arguments):
                return arguments.run(arguments) or 0
    except InputError as error:
        complain(str(error))
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
    finally:
        sys.unraisablehook = hook  # what was interrupted in its making is gone by now


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; what it parses has a `run` that takes it."""
    from fastem import __version__

    top = _Parser(
        "fastem",
        description="Cluster rows of numbers with Gaussian mixtures.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"fastem {__version__}")
    top.set_defaults(run=_no_command)
    words = top.add_subparsers(title="commands", metavar="COMMAND")
    for each in fit, with_model, classify:
        each.add(words)
    example = command(words, "example", "print rows to try fastem on, as CSV", _example, EXAMPLE)
    example.add_argument("name", choices=["faithful", "iris", "diabetes"], help="which rows")
    demo = command(words, "demo", "draw the story of EM, and print its figures", _demo)
    demo.add_argument("--out", metavar="DIR", required=True, help="folder, made if need be")
    demo.add_argument("--readme", action="store_true", help="only the README's pictures")
    return top


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks how words may go on, and end (extra: completion)."""
    if "_ARGCOMPLETE" in os.environ:
        try:
            import argcomplete
        except ImportError:
            raise InputError(
                "completion needs argcomplete; install it with: pip install 'fastem[completion]'"
            ) from None
        argcomplete.autocomplete(parser)


def _no_command(arguments: argparse.Namespace) -> NoReturn:
    raise InputError("no command is given; say fastem fit FILE, or see fastem --help")


def _example(arguments: argparse.Namespace) -> None:
    """Print a file that comes with fastem."""
    # By way of the folder: to import the demo needs matplotlib.
    file = resources.files("fastem").joinpath("demo", "data", f"{arguments.name}.csv")
    messages.say(file.read_text(encoding="utf-8").rstrip("\n"))


def _demo(arguments: argparse.Namespace) -> None:
    """Draw the story of EM; its module is slow to import, so only here."""
    with as_input_error():
        from fastem import demo as story
    with as_input_error(arguments.out):
        story.run(arguments.out, readme=arguments.readme)


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
