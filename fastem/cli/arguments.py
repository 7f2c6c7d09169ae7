"""What the command line may hold."""

from __future__ import annotations

import argparse
from typing import NoReturn

from fastem.cli import commands
from fastem.cli.errors import InputError
from fastem.covariance import FAMILIES, GROUPS
from fastem.rows.streaming.budget import DEFAULT_MEMORY
from fastem.selection import CRITERIA
from fastem.starts import STARTS

FILE = (
    "CSV (comma, semicolon, tab or blanks; header or not), .npy, .npz or .parquet, a folder of "
    "them or a quoted pattern with *; several follow one another; - is standard input"
)
COLUMNS = "names, positions counted from 0 and ranges with both ends: 0:3, or height,weight"

FIT_EXAMPLES = """\
examples:
  fastem fit data.csv                              1 to 9 clusters are tried, BIC picks
  fastem fit data.csv --components 3 --labels labels.csv
  fastem fit data.csv --components 1:9 --covariance full,diag --plot clusters.png
  fastem fit iris.csv --columns sepal_length:petal_width --model iris.npz
  fastem fit data.csv --components 1:20 --json > fits.json
"""
PREDICT_EXAMPLES = """\
examples:
  fastem predict iris.npz new.csv > labels.csv
  fastem predict iris.npz new.csv --probabilities --labels labels.csv
"""
EXAMPLES = """\
examples:
  fastem fit data.csv --components 1:9 --labels labels.csv --model model.npz
  fastem predict model.npz new.csv

fastem fit --help and fastem predict --help tell all.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def parser(version: str) -> argparse.ArgumentParser:
    """The parser of the whole command line."""
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
    _add_fit(words)
    _add_predict(words)
    _add_demo(words)
    return top


def _no_command(arguments: argparse.Namespace) -> NoReturn:
    raise InputError("no command is given; say fastem fit FILE, or see fastem --help")


def _command(
    words: argparse._SubParsersAction, name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    return words.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_memory(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--memory",
        metavar="SIZE",
        default=DEFAULT_MEMORY,
        help=f"what reading may take, with K, M or G; files of more than a quarter of it, Parquet, "
        f"folders and several files are read piece by piece; default {DEFAULT_MEMORY}",
    )


def _add_fit(words: argparse._SubParsersAction) -> None:
    fit = _command(
        words, "fit", "find the clusters in a file, and how many there are", FIT_EXAMPLES
    )
    fit.set_defaults(run=commands.fit)
    fit.add_argument("file", metavar="FILE", nargs="+", help=FILE)
    _add_memory(fit)
    fit.add_argument(
        "--checkpoint",
        metavar="FILE.npz",
        help="keep the fit in this file while it runs: killed, the same command goes on from it",
    )
    fit.add_argument(
        "--progress", action="store_true", help="show progress where standard error is no terminal"
    )
    model = fit.add_argument_group("the mixture")
    model.add_argument(
        "--components",
        metavar="K",
        help="how many clusters: 3, or several to choose from, as in 1:9 (both ends) or 2,4,8; "
        "default 1:9",
    )
    model.add_argument(
        "--covariance",
        metavar="FAMILY",
        default="full",
        help=f"shape of the clusters, {', '.join(FAMILIES)}, or several to choose from, as in "
        f"full,diag, or by the words {', '.join(GROUPS)}; default full",
    )
    model.add_argument(
        "--criterion", choices=CRITERIA, default="bic", help="what picks the best; default bic"
    )
    model.add_argument(
        "--noise",
        action="store_true",
        help="let rows belong to no cluster, spread evenly over the data; their label is -1",
    )
    model.add_argument("--columns", metavar="COLUMNS", help=f"which to use; {COLUMNS}")
    model.add_argument(
        "--drop-missing", action="store_true", help="leave out rows with missing values"
    )
    search = fit.add_argument_group("the search")
    search.add_argument(
        "--n-init", metavar="N", type=int, default=10, help="starts of each fit; default 10"
    )
    search.add_argument(
        "--init",
        choices=STARTS,
        default="k-means++",
        help="default k-means++; hierarchical as mclust begins, the other starts by k-means++",
    )
    search.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="of the random starts; default 0, so that the same command finds the same clusters",
    )
    search.add_argument(
        "--tol",
        metavar="NATS",
        type=float,
        default=1e-6,
        help="stop when no larger gain in log-likelihood a row is to be expected; default 1e-6",
    )
    search.add_argument("--max-iter", metavar="N", type=int, default=1000, help="default 1000")
    search.add_argument(
        "--reg-covar",
        metavar="VARIANCE",
        type=float,
        help="added to every variance; default 0, with a floor that keeps clusters from collapsing",
    )
    search.add_argument(
        "--prior",
        action="store_true",
        help="regularise by the prior of Fraley and Raftery (2007): no cluster can collapse",
    )
    output = fit.add_argument_group("output")
    output.add_argument(
        "--labels", metavar="OUT.csv", help="write each row's component (or .npy, .parquet)"
    )
    output.add_argument("--model", metavar="OUT.npz", help="write the mixture, for fastem predict")
    output.add_argument("--plot", metavar="OUT.png", help="draw the clusters (.png, .pdf, .svg)")
    output.add_argument(
        "--plot-selection", metavar="OUT.png", help="draw the criterion of every fit"
    )
    output.add_argument("--json", action="store_true", help="print everything as JSON, no text")


def _add_predict(words: argparse._SubParsersAction) -> None:
    predict = _command(
        words, "predict", "label rows with a mixture that was fitted before", PREDICT_EXAMPLES
    )
    predict.set_defaults(run=commands.predict)
    predict.add_argument("model", metavar="MODEL", help="a file that fastem fit --model wrote")
    predict.add_argument("file", metavar="FILE", nargs="+", help=FILE)
    _add_memory(predict)
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


def _add_demo(words: argparse._SubParsersAction) -> None:
    demo = words.add_parser(
        "demo",
        help="draw the story of EM",
        description="Write pictures that tell the story of EM to a folder, and print its figures.",
        allow_abbrev=False,
    )
    demo.set_defaults(run=commands.demo)
    demo.add_argument("--out", metavar="DIR", required=True, help="folder, made if need be")
    demo.add_argument("--readme", action="store_true", help="only the README's pictures")
