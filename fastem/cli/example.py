"""`fastem example`: rows to try the other commands on."""

from __future__ import annotations

import argparse
from importlib import resources

from fastem.cli import messages
from fastem.cli.arguments import command

NAMES = "faithful", "iris", "diabetes"
EXAMPLES = """\
examples:
  fastem example faithful > faithful.csv
  fastem fit faithful.csv
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    example = command(words, "example", "print rows to try fastem on, as CSV", run, EXAMPLES)
    example.add_argument("name", choices=NAMES, help="which rows")


def run(arguments: argparse.Namespace) -> None:
    """Print a file that comes with fastem."""
    # By way of the folder: to import the demo needs matplotlib.
    file = resources.files("fastem").joinpath("demo", "data", f"{arguments.name}.csv")
    messages.say(file.read_text(encoding="utf-8").rstrip("\n"))
