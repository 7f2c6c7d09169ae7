"""`fastem predict`: arguments --> Outputs (checked) --> Mixture, Table --> labels."""

from __future__ import annotations

import argparse
import sys

from fastem.cli import labels, models, streams, terminal
from fastem.cli.arguments import COLUMNS, add_input, command
from fastem.cli.errors import InputError
from fastem.cli.outputs import Outputs

EXAMPLES = """\
examples:
  fastem predict iris.npz new.csv > labels.csv
  fastem predict iris.npz new.csv --probabilities --labels labels.csv
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    predict = command(
        words, "predict", "label rows with a mixture that was fitted before", run, EXAMPLES
    )
    predict.add_argument("model", metavar="MODEL", help="a file that fastem fit --model wrote")
    add_input(predict)
    predict.add_argument(
        "--columns",
        metavar="COLUMNS",
        help=f"which to use, in the order of the fit; by default those of its names; {COLUMNS}",
    )
    predict.add_argument(
        "--drop-missing", action="store_true", help="label rows with missing values NA"
    )
    predict.add_argument(
        "--probabilities", action="store_true", help="add the probability of every component"
    )
    predict.add_argument(
        "--labels",
        metavar="OUT.csv",
        help="write to this file (or .npy, .parquet), not to standard output",
    )


def run(arguments: argparse.Namespace) -> None:
    """Label a file; to standard output unless told otherwise."""
    with Outputs({"--labels": arguments.labels}, arguments.model, *arguments.file) as outputs:
        mixture, names = models.load(arguments.model)
        table = streams.read(
            arguments.file,
            arguments.columns,
            fitted=names,
            drop_missing=arguments.drop_missing,
            memory=arguments.memory,
        )
        terminal.note(table)
        n = table.n_features
        if n != mixture.n_features:
            raise InputError(
                f"{streams.name_of(arguments.file)} has {n} columns of data but "
                f"{arguments.model} was fitted to {mixture.n_features}; say which with --columns"
            )
        labels.check(arguments.labels, table)
        labelled = labels.Labels(table, mixture, arguments.probabilities)
        if arguments.labels is None:
            sys.stdout.writelines(labelled.text())
        outputs.write("--labels", lambda path: labelled.write(arguments.labels, path))
