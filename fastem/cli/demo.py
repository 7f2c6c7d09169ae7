"""`fastem demo`."""

from __future__ import annotations

import argparse

from fastem.cli.arguments import command
from fastem.cli.errors import as_input_error


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    demo = command(words, "demo", "draw the story of EM, and print its figures", run)
    demo.add_argument("--out", metavar="DIR", required=True, help="folder, made if need be")
    demo.add_argument("--readme", action="store_true", help="only the README's pictures")


def run(arguments: argparse.Namespace) -> None:
    """Draw the story of EM; its module is slow to import, so only here."""
    with as_input_error():
        from fastem import demo as story
    with as_input_error(arguments.out):
        story.run(arguments.out, readme=arguments.readme)
