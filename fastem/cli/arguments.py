"""Arguments that several commands take, how a command is added, and how its files are opened."""

from __future__ import annotations

import argparse
import csv
import errno
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastem.atomic import FULL
from fastem.cli.messages import InputError, as_input_error, note
from fastem.rows import Stream, opened
from fastem.rows.files import STANDARD_INPUT
from fastem.rows.passes import DEFAULT_MEMORY
from fastem.validation import MISSING

FILE = (
    "CSV and its kin (header or not, packed or not), .npy, .npz, Parquet, Feather or ORC, a folder "
    "of them or a quoted pattern with *; several follow one another; - is standard input"
)
COLUMNS = (
    "names, positions counted from 0 and ranges of either with both ends: height,weight or 0:3; "
    "names before positions, in quotes where they hold commas"
)


def command(
    words: argparse._SubParsersAction,
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int | None],
    examples: str | None = None,
) -> argparse.ArgumentParser:
    """The parser of a new command, which is run with its arguments."""
    added = words.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    added.set_defaults(run=run)
    return added


def add_input(command: argparse.ArgumentParser, columns: str) -> None:
    """The files to read, what of them, and what reading may take."""
    command.add_argument("file", metavar="FILE", nargs="+", help=FILE)
    reading = command.add_argument_group("reading")
    reading.add_argument("--columns", help=f"{columns}; {COLUMNS}")
    reading.add_argument("--member", metavar="NAME", help="which array of an .npz file")
    reading.add_argument(
        "--skip-rows",
        metavar="N",
        type=int,
        default=0,
        help="lines to pass over at the beginning of a text file",
    )
    reading.add_argument(
        "--missing",
        choices=MISSING,
        default="error",
        help="what becomes of rows with missing values; default error. Dropped, they are labelled "
        "-2; with mar they count by what they have, as is right where values are missing at random",
    )
    reading.add_argument(
        "--drop-missing",
        dest="missing",
        action="store_const",
        const="drop",
        help="the same as --missing drop",
    )
    reading.add_argument(
        "--na-values",
        metavar="VALUES",
        help="what stands for a missing value beside NA, nan, null, ? and the like, with commas "
        "between: --na-values=@,-200",
    )
    reading.add_argument(
        "--memory",
        metavar="SIZE",
        default=DEFAULT_MEMORY,
        help=f"what reading may take, with K, M or G; default {DEFAULT_MEMORY}",
    )


def read(arguments: argparse.Namespace, **meant: Any) -> Stream:
    """The rows of the files, looked at once, and noted what a user should know of the reading.

    Columns are those of `opened` where none are named.
    """
    if STANDARD_INPUT in arguments.file and len(arguments.file) > 1:
        raise InputError("- is standard input and stands alone; give it or files")
    if STANDARD_INPUT in arguments.file and sys.stdin is None:
        raise InputError("standard input is closed; give a file")
    same = "memory", "missing", "member", "skip_rows"
    with as_input_error():
        rows = opened(
            arguments.file,
            listed(arguments.columns),
            **meant,
            na_values=listed(arguments.na_values),
            **{name: getattr(arguments, name) for name in same},
        )
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # notes tell it too
            rows.limits()  # all rows are looked at now: what is wrong is told of the input
    note(rows.notes)
    return rows


@contextmanager
def readable(arguments: argparse.Namespace) -> Iterator[None]:
    """A context in which lack of memory or threads, and disks that fail, are told of the input."""
    try:
        yield
    except OSError as error:
        of_output = error.errno in (None, errno.EPIPE, errno.EBADF, *FULL)
        if of_output or error.filename is not None or not hasattr(arguments, "file"):
            raise
        raise InputError(
            f"{name_of(arguments.file)} cannot be read: {error.strerror}; try again, or give a "
            f"copy on another disk"
        ) from error
    except (MemoryError, RuntimeError) as error:
        # What Python says where a thread's stack does not fit.
        if isinstance(error, RuntimeError) and "can't start new thread" not in str(error):
            raise
        files = getattr(arguments, "file", [])
        what = name_of(files) if files else f"fastem {' '.join(sys.argv[1:2])}".strip()
        reason = f" ({error})" if str(error) else ""
        options = [f"a smaller --memory than {arguments.memory}"] if files else []
        if hasattr(arguments, "components"):
            options.append("fewer --components")
        remedy = "".join(f", give {option}" for option in options)
        raise InputError(
            f"{what} asks for more memory than there is{reason}; free some{remedy} or give fewer "
            f"rows"
        ) from error


def add_labels(command: argparse._ActionsContainer, otherwise: str) -> None:
    """Where labels go, and what goes with them."""
    command.add_argument(
        "--labels",
        metavar="OUT.csv",
        help=f"write each row's component to this file (or .npy, .parquet; - is standard output)"
        f"{otherwise}; -1 is noise, -2 a row that was left out",
    )
    command.add_argument(
        "--keep", metavar="COLUMNS", help="columns to write beside the labels, such as id,name"
    )


def listed(text: str | None) -> list[str] | None:
    """The parts of a text with commas between; those with commas of their own are in quotes."""
    if text is None:
        return None
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), [])]


def name_of(paths: Sequence[str]) -> str:
    """What messages call the input."""
    if list(paths) == [STANDARD_INPUT]:
        return "standard input"
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
