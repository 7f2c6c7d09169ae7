"""`fastem predict`, `impute` and `update`: a model that was fitted, and rows for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastem import rows as places
from fastem.cli import labels, messages
from fastem.cli.arguments import add_input, add_labels, command, name_of, read
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.mixture import Mixture
from fastem.rows.labels import FORMATS
from fastem.stream import Stream

PREDICT = """\
examples:
  fastem predict iris.npz new.csv > labels.csv
  fastem predict iris.npz new.csv --probabilities --labels labels.csv
"""
IMPUTE = """\
examples:
  fastem fit data.csv --missing mar --model model.npz
  fastem impute model.npz data.csv --out filled.csv
"""
UPDATE = """\
examples:
  fastem update model.npz monday.csv --seen 10000 --half-life 50000
  fastem update model.npz tuesday.csv
"""
FITTED = "a file that fastem fit --model wrote"


def add(words: argparse._SubParsersAction) -> None:
    """Add the commands."""
    summary = "label rows with a mixture that was fitted before"
    predict = _added(words, "predict", summary, _predict, PREDICT)
    predict.add_argument(
        "--probabilities", action="store_true", help="add the probability of every component"
    )
    add_labels(predict, ", not to standard output")
    summary = "fill what rows lack with what a mixture expects there"
    impute = _added(words, "impute", summary, _impute, IMPUTE)
    impute.add_argument(
        "--out",
        metavar="OUT.csv",
        required=True,
        help="write the rows, filled, to this file (.csv, .npy or .parquet)",
    )
    summary = "teach new rows, as one batch, to a mixture that was fitted"
    model = "a file of fastem fit --model or of update"
    update = _added(words, "update", summary, _update, UPDATE, model)
    update.add_argument(
        "--seen", metavar="N", type=float, help="rows behind a model that was never updated"
    )
    update.add_argument(
        "--decay", type=float, help="above 0.5, to 1: how fast old rows lose weight; default 0.6"
    )
    update.add_argument(
        "--half-life", metavar="N", type=float, help="rows after which one counts half, for drift"
    )
    update.add_argument(
        "--out", metavar="OUT.npz", help="where the model goes; by default back to MODEL"
    )


def _added(
    words: argparse._SubParsersAction,
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], None],
    examples: str,
    model: str = FITTED,
) -> argparse.ArgumentParser:
    added = command(words, name, summary, run, examples)
    added.add_argument("model", metavar="MODEL", help=model)
    add_input(added, "which to use, in the order of the fit; by default those of its names")
    return added


def _predict(arguments: argparse.Namespace) -> None:
    """Label a file; to standard output unless told otherwise."""
    target = arguments.labels or STANDARD_OUTPUT
    with outputs({"--labels": target}, arguments.model, *arguments.file) as write:
        mixture = _mixture(arguments)
        rows = _read(arguments, mixture)
        write("--labels", lambda path: labels.write(rows, mixture, path, arguments))


def _impute(arguments: argparse.Namespace) -> None:
    """Fill the rows of files."""
    arguments.missing = "mar"
    suffix = Path(arguments.out).suffix.lower()
    if arguments.out == STANDARD_OUTPUT or suffix not in FORMATS:
        raise InputError(f"--out {arguments.out} is no such file; end it in {', '.join(FORMATS)}")
    with outputs({"--out": arguments.out}, arguments.model, *arguments.file) as write:
        mixture = _mixture(arguments)
        rows = _read(arguments, mixture)
        with as_input_error():
            n_rows = write("--out", lambda path: mixture.impute_to(path, rows))
    messages.say(f"Wrote {arguments.out}: {n_rows} rows, filled.")


def _update(arguments: argparse.Namespace) -> None:
    """Update a model, and say how the rows agree with it."""
    target = arguments.out or arguments.model
    with as_input_error():
        stream = _stream(arguments)
    with outputs({"--out": target}, *arguments.file) as write:
        if target == STANDARD_OUTPUT:
            raise InputError("a model is no text; give --out a file")
        rows = _read(arguments, stream.mixture)
        with as_input_error():
            told = stream.update(rows)
        write("--out", stream.save)
    drift = "" if np.isnan(told.drift) else f", drift {told.drift:.1f} standard deviations"
    print(f"{told.n_rows:.0f} rows, {told.level:.6f} a row before learning{drift}")
    for k in np.flatnonzero(told.died):
        print(f"component {k} has lost its rows")


def _mixture(arguments: argparse.Namespace) -> Mixture:
    with as_input_error():
        return Mixture.load(arguments.model)


def _read(arguments: argparse.Namespace, mixture: Mixture) -> places.Stream:
    """The rows of the files, in the columns that the mixture was fitted to."""
    rows = read(arguments, fitted=mixture.feature_names)
    if rows.n_features != mixture.n_features:
        raise InputError(
            f"{name_of(arguments.file)} has {rows.n_features} columns of data but "
            f"{arguments.model} was fitted to {mixture.n_features}; say which with --columns"
        )
    return rows


def _stream(arguments: argparse.Namespace) -> Stream:
    """The stream in the file, or one that begins with its mixture."""
    options = {"decay": arguments.decay, "half_life": arguments.half_life}
    chosen = {name: value for name, value in options.items() if value is not None}
    if arguments.seen is not None:
        return Stream(Mixture.load(arguments.model), seen=arguments.seen, **chosen)
    try:
        stream = Stream.load(arguments.model)
    except ValueError as error:
        if "without moments" not in str(error):
            raise
        raise InputError(
            f"{arguments.model} has a mixture without moments; say with --seen how many rows stand "
            f"behind it"
        ) from None
    if chosen:
        raise InputError(
            f"{arguments.model} has its own decay or half-life; leave --decay and --half-life out, "
            f"or give --seen to begin anew"
        )
    return stream
