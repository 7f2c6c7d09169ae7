"""`fastem predict`: arguments --> Outputs (checked) --> Mixture, Stream --> labels."""

from __future__ import annotations

import argparse

from fastem.cli import labels, messages
from fastem.cli.arguments import add_input, add_labels, command, listed, name_of, read
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.mixture import Mixture

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
    add_input(predict, "which to use, in the order of the fit; by default those of its names")
    predict.add_argument(
        "--probabilities", action="store_true", help="add the probability of every component"
    )
    add_labels(predict, ", not to standard output")


def run(arguments: argparse.Namespace) -> None:
    """Label a file; to standard output unless told otherwise."""
    target = arguments.labels or STANDARD_OUTPUT
    with outputs({"--labels": target}, arguments.model, *arguments.file) as write:
        with as_input_error():
            mixture = Mixture.load(arguments.model)
        rows = read(arguments, fitted=mixture.feature_names)
        messages.note(rows.notes)
        if rows.n_features != mixture.n_features:
            raise InputError(
                f"{name_of(arguments.file)} has {rows.n_features} columns of data but "
                f"{arguments.model} was fitted to {mixture.n_features}; say which with --columns"
            )
        write(
            "--labels",
            lambda path: labels.write(
                rows,
                mixture,
                path,
                target=target,
                probabilities=arguments.probabilities,
                keep=listed(arguments.keep) or (),
            ),
        )
