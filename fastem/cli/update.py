"""`fastem update`: arguments --> Stream of the model --> a batch of rows --> the model again."""

from __future__ import annotations

import argparse

import numpy as np

from fastem.cli import messages
from fastem.cli.arguments import add_input, command, name_of, read
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.mixture import Mixture
from fastem.stream import Stream

EXAMPLES = """\
examples:
  fastem update model.npz monday.csv --seen 10000 --half-life 50000
  fastem update model.npz tuesday.csv
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    update = command(
        words, "update", "teach new rows, as one batch, to a mixture that was fitted", run, EXAMPLES
    )
    update.add_argument("model", metavar="MODEL", help="a file of fastem fit --model or of update")
    add_input(update, "which to use, in the order of the fit; by default those of its names")
    update.add_argument(
        "--seen",
        metavar="N",
        type=float,
        help="rows behind a model that was never updated",
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


def run(arguments: argparse.Namespace) -> None:
    """Update a model, and say how the rows agree with it."""
    target = arguments.out or arguments.model
    with as_input_error():
        stream = _stream(arguments)
    with outputs({"--out": target}, *arguments.file) as write:
        if target == STANDARD_OUTPUT:
            raise InputError("a model is no text; give --out a file")
        rows = read(arguments, fitted=stream.mixture.feature_names)
        messages.note(rows.notes)
        n_features = stream.mixture.n_features
        if rows.n_features != n_features:
            raise InputError(
                f"{name_of(arguments.file)} has {rows.n_features} columns of data but "
                f"{arguments.model} was fitted to {n_features}; say which with --columns"
            )
        with as_input_error():
            told = stream.update(rows)
        write("--out", stream.save)
    drift = "" if np.isnan(told.drift) else f", drift {told.drift:.1f} standard deviations"
    print(f"{told.n_rows:.0f} rows, {told.level:.6f} a row before learning{drift}")
    for k in np.flatnonzero(told.died):
        print(f"component {k} has lost its rows")


def _stream(arguments: argparse.Namespace) -> Stream:
    """The stream in the file, or one that begins with its mixture."""
    options = {"decay": arguments.decay, "half_life": arguments.half_life}
    chosen = {name: value for name, value in options.items() if value is not None}
    mixture = Mixture.load(arguments.model)
    if arguments.seen is not None:
        return Stream(mixture, seen=arguments.seen, **chosen)
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
