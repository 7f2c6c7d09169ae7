"""`fastem impute`: arguments --> Outputs (checked) --> Mixture, files --> rows, filled."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from fastem.cli import messages
from fastem.cli.arguments import add_input, command, name_of, read
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.mixture import Mixture
from fastem.rows.labels import FORMATS, rows_file

EXAMPLES = """\
examples:
  fastem fit data.csv --missing mar --model model.npz
  fastem impute model.npz data.csv --out filled.csv
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    impute = command(
        words, "impute", "fill what rows lack with what a mixture expects there", run, EXAMPLES
    )
    impute.add_argument("model", metavar="MODEL", help="a file that fastem fit --model wrote")
    add_input(impute, "which to use, in the order of the fit; by default those of its names")
    impute.add_argument(
        "--out",
        metavar="OUT.csv",
        required=True,
        help="write the rows, filled, to this file (.csv, .npy or .parquet)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Fill the rows of files."""
    arguments.missing = "mar"
    suffix = Path(arguments.out).suffix.lower()
    if arguments.out == STANDARD_OUTPUT or suffix not in FORMATS:
        raise InputError(f"--out {arguments.out} is no such file; end it in {', '.join(FORMATS)}")
    with outputs({"--out": arguments.out}, arguments.model, *arguments.file) as write:
        with as_input_error():
            mixture = Mixture.load(arguments.model)
        rows = read(arguments, fitted=mixture.feature_names)
        messages.note(rows.notes)
        if rows.n_features != mixture.n_features:
            raise InputError(
                f"{name_of(arguments.file)} has {rows.n_features} columns of data but "
                f"{arguments.model} was fitted to {mixture.n_features}; say which with --columns"
            )

        def fill(path: Path) -> int:
            n_rows, blocks = 0, mixture.each_filled(rows)
            with rows_file(path, mixture.column_names, suffix) as add, closing(blocks):
                for block in blocks:
                    add(block)
                    n_rows += len(block)
            return n_rows

        with as_input_error():
            n_rows = write("--out", fill)
    messages.say(f"Wrote {arguments.out}: {n_rows} rows, filled.")
