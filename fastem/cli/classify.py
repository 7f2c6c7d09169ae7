"""`fastem classify`: arguments --> Outputs (checked) --> rows, classes --> classify --> report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.classification import Classifier, classify
from fastem.cli import messages
from fastem.cli.arguments import add_input, command, listed, read
from fastem.cli.fit import counts_of
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.rows import Stream
from fastem.rows.labels import to_csv
from fastem.rows.open import held, told

EXAMPLES = """\
examples:
  fastem classify iris.csv --label-column species
  fastem classify iris.csv --label-column species --components 1:5 --model classifier.npz
  fastem classify iris.csv --label-column species --labels classes.csv

Rows whose label is empty are of unknown class: they count in training, and are told in --labels.
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    added = command(
        words, "classify", "learn to tell classes from rows whose class is known", run, EXAMPLES
    )
    add_input(added, "which to use, by default all numbers but the labels")
    added.add_argument(
        "--label-column", metavar="COLUMN", required=True, help="the column of the classes"
    )
    added.add_argument(
        "--components",
        metavar="K",
        default="1",
        help="of each class: 2, or several to choose from, as in 1:5; default 1",
    )
    added.add_argument(
        "--covariance",
        metavar="FAMILY",
        default="mclust",
        help="as of fastem fit; default mclust, all fourteen",
    )
    added.add_argument(
        "--cv", metavar="N", type=int, default=5, help="folds that tell the error; default 5"
    )
    added.add_argument(
        "--seed", metavar="N", type=int, default=0, help="of the random starts; default 0"
    )
    added.add_argument(
        "--labels", metavar="OUT.csv", help="write each row's class and probabilities; - is output"
    )
    added.add_argument(
        "--model", metavar="OUT.npz", help="write the classifier, for fastem.Classifier.load"
    )


def run(arguments: argparse.Namespace) -> None:
    """Learn from a file; write and print what was asked for."""
    targets = {"--labels": arguments.labels, "--model": arguments.model}
    with outputs(targets, *arguments.file) as write:
        rows = read(arguments, but=[arguments.label_column])
        X, y = _taken(rows, arguments.label_column)
        kept = ~np.isnan(X).any(axis=1) if arguments.missing == "drop" else np.ones(len(X), bool)
        families: list[Any] = listed(arguments.covariance) or []
        with as_input_error():
            found = classify(
                X[kept],
                y[kept],
                counts_of(arguments.components),
                covariance_type=families or "mclust",
                cv=arguments.cv,
                random_state=arguments.seed,
                missing="mar" if arguments.missing == "mar" else "error",
            )
        named = (replace(mixture, feature_names=rows.names) for mixture in found.mixtures)
        write("--model", replace(found, mixtures=tuple(named)).save)
        write("--labels", lambda path: _write(path, found, X[kept]))
    aside = arguments.labels == STANDARD_OUTPUT
    messages.say(found.summary().text(), aside=aside)


def _taken(rows: Stream, label: str) -> tuple[NDArray, NDArray]:
    """All rows of the files, NaN for what is missing, and their classes."""
    with as_input_error():
        classes, X = told(rows, label), held(rows)
    if len(classes) != len(X):
        raise InputError(f"--label-column {label} has {len(classes)} values for {len(X)} rows")
    return X, np.array(classes, dtype=object)


def _write(path: Any, found: Classifier, X: NDArray) -> None:
    """Classes and probabilities of rows, as CSV."""
    names = [f"probability_{name}" for name in found.classes.tolist()]
    probabilities = found.predict_proba(X, missing="mar")
    with to_csv(path, ["class", *names], ()) as write:
        write(found.classes[probabilities.argmax(axis=1)], probabilities, ())
