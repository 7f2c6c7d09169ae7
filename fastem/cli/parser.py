"""The parser of the whole command line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from fastem.cli import classify, demo, fit, impute, predict
from fastem.cli.errors import InputError

EXAMPLES = """\
examples:
  fastem fit data.csv --components 1:9 --labels labels.csv --model model.npz
  fastem predict model.npz new.csv

fastem fit --help and fastem predict --help tell all.
"""


def parser(version: str) -> argparse.ArgumentParser:
    """The parser of the whole command line; what it parses has a `run` that takes it."""
    top = _Parser(
        "fastem",
        description="Cluster rows of numbers with Gaussian mixtures.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"fastem {version}")
    top.set_defaults(run=_no_command)
    words = top.add_subparsers(title="commands", metavar="COMMAND")
    for each in fit, predict, impute, classify, demo:
        each.add(words)
    return top


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _no_command(arguments: argparse.Namespace) -> NoReturn:
    raise InputError("no command is given; say fastem fit FILE, or see fastem --help")
