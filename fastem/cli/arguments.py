"""Arguments that several commands take, and how a command is added."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from fastem.rows.streaming.budget import DEFAULT_MEMORY

FILE = (
    "CSV (comma, semicolon, tab or blanks; header or not), .npy, .npz or .parquet, a folder of "
    "them or a quoted pattern with *; several follow one another; - is standard input"
)
COLUMNS = "names, positions counted from 0 and ranges with both ends: 0:3, or height,weight"


def command(
    words: argparse._SubParsersAction,
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], None],
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


def add_input(command: argparse.ArgumentParser) -> None:
    """The files to read, and what reading may take."""
    command.add_argument("file", metavar="FILE", nargs="+", help=FILE)
    command.add_argument(
        "--memory",
        metavar="SIZE",
        default=DEFAULT_MEMORY,
        help=f"what reading may take, with K, M or G; files of more than a quarter of it, Parquet, "
        f"folders and several files are read piece by piece; default {DEFAULT_MEMORY}",
    )
