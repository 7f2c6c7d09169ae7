"""`fastem fit`: arguments --> Outputs (checked) --> Stream --> select --> files, report."""

from __future__ import annotations

import argparse
import json
import shutil
from functools import partial
from typing import Any

from fastem.cli import labels, messages, report
from fastem.cli.arguments import add_input, add_labels, command, name_of, read
from fastem.cli.messages import InputError, as_input_error
from fastem.cli.outputs import STANDARD_OUTPUT, outputs
from fastem.covariance import FAMILIES, GROUPS, family_by_name
from fastem.rows import Stream
from fastem.search.starts import STARTS
from fastem.selection import CRITERIA, Selection, select

#: The exit status after a fit that did not converge, or collapsed.
UNSETTLED = 3
#: Tried where nothing is asked for.
MOST_COMPONENTS = 9
#: Options that ask for a file, and what will be in it.
OUTPUTS = {
    "--labels": "the component of each row",
    "--model": "the mixture, for fastem predict",
    "--plot": "a picture of the clusters",
    "--plot-selection": "a picture of the criterion",
}
EXAMPLES = """\
examples:
  fastem fit data.csv                              1 to 9 clusters are tried, BIC picks
  fastem fit data.csv --components 3 --labels labels.csv
  fastem fit data.csv --components 1:9 --covariance full,diag --plot clusters.png
  fastem fit iris.csv --columns sepal_length:petal_width --model iris.npz
  fastem fit data.csv --components 1:20 --json > fits.json

exit status: 0; 3 if the best fit did not converge or collapsed, its outputs written all the same;
2 if something given cannot be used
"""


def add(words: argparse._SubParsersAction) -> None:
    """Add the command."""
    fit = command(
        words, "fit", "find the clusters in a file, and how many there are", run, EXAMPLES
    )
    add_input(fit, "which to use")
    fit.add_argument(
        "--checkpoint",
        metavar="FILE.npz",
        help="keep the fit in this file while it runs: killed, the same command goes on from it",
    )
    fit.add_argument(
        "--checkpoint-wait",
        action="store_true",
        help="where another process has that file, wait until it is done",
    )
    fit.add_argument(
        "--progress", action="store_true", help="show progress where standard error is no terminal"
    )
    _add_mixture(fit)
    _add_search(fit)
    _add_output(fit)


def _add_mixture(fit: argparse.ArgumentParser) -> None:
    """What the mixture may be."""
    model = fit.add_argument_group("the mixture")
    model.add_argument(
        "--components",
        metavar="K",
        help="how many clusters: 3, or several to choose from, as in 1:9 (both ends) or 2,4,8; "
        "default 1:9",
    )
    family = model.add_argument(
        "--covariance",
        metavar="FAMILY",
        default="full",
        help=f"shape of the clusters, {', '.join(FAMILIES)}, or several to choose from, as in "
        f"full,diag, or by the words {', '.join(GROUPS)}; default full",
    )
    family.completer = lambda **_: [*FAMILIES, *GROUPS]  # type: ignore[attr-defined]
    model.add_argument(
        "--criterion", choices=CRITERIA, default="bic", help="what picks the best; default bic"
    )
    model.add_argument(
        "--noise",
        action="store_true",
        help="let rows belong to no cluster, spread evenly over the data; their label is -1",
    )


def _add_search(fit: argparse.ArgumentParser) -> None:
    """How it is looked for."""
    search = fit.add_argument_group("the search")
    search.add_argument(
        "--n-init", metavar="N", type=int, default=10, help="starts of each fit; default 10"
    )
    search.add_argument(
        "--init",
        choices=["mixed", *STARTS],
        metavar="KIND",
        default="mixed",
        help=f"how starts are made: mixed, {', '.join(STARTS)}; default mixed, of several kinds; "
        "hierarchical as mclust begins, the other starts by k-means++",
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


def _add_output(fit: argparse.ArgumentParser) -> None:
    """What is written."""
    output = fit.add_argument_group("output")
    add_labels(output, "")
    output.add_argument("--model", metavar="OUT.npz", help="write the mixture, for fastem predict")
    output.add_argument("--plot", metavar="OUT.png", help="draw the clusters (.png, .pdf, .svg)")
    output.add_argument(
        "--plot-selection", metavar="OUT.png", help="draw the criterion of every fit"
    )
    output.add_argument("--json", action="store_true", help="print everything as JSON, no text")


def run(arguments: argparse.Namespace) -> int:
    """Fit a file; write and print what was asked for."""
    counts = None if arguments.components is None else counts_of(arguments.components)
    families: list[Any] = [name.strip() for name in arguments.covariance.split(",")]
    with as_input_error():
        for name in families:
            if name not in GROUPS:
                family_by_name(name)
    targets = {name: getattr(arguments, name[2:].replace("-", "_")) for name in OUTPUTS}
    report.check_pictures({name: targets[name] for name in report.PICTURES})
    aside = arguments.labels == STANDARD_OUTPUT
    if arguments.model == STANDARD_OUTPUT or (aside and arguments.json):
        raise InputError("- is standard output, for one text; give --model and the others files")
    with outputs({**targets, "--checkpoint": arguments.checkpoint}, *arguments.file) as write:
        rows = read(arguments)
        choice = _select(rows, counts, families, arguments)
        mixture = choice.best.mixture
        sizes = write("--labels", lambda path: labels.write(rows, mixture, path, arguments))
        if sizes is None:
            sizes = labels.write(rows, mixture, None, arguments)
        write("--model", mixture.save)
        for name in report.PICTURES:
            write(name, partial(report.draw, name, choice, rows))
    name = name_of(arguments.file)
    status = 0 if choice.best.status.code == "converged" else UNSETTLED
    if arguments.json:
        messages.say(json.dumps(report.document(name, rows, choice, sizes), allow_nan=False))
        return status
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    messages.say(report.text(name, rows, choice, sizes, width), aside=aside)
    written = {name: path for name, path in targets.items() if path not in (None, STANDARD_OUTPUT)}
    wrote = "\n".join(f"Wrote {path}: {OUTPUTS[name]}." for name, path in written.items())
    messages.say(wrote, aside=aside)
    return status


def counts_of(text: str) -> list[int]:
    """The numbers of components in a text such as 3, 1:9 or 2,4,8."""
    counts: list[int] = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            low = int(first)
            high = int(last) if colon else low
        except ValueError:
            raise InputError(
                f"--components {text} is no number; give one such as 3, or a range such as 1:9"
            ) from None
        if low < 1:
            raise InputError(f"--components {text} asks for {low}; there must be at least 1")
        if high < low:
            raise InputError(f"--components {part} runs backwards; write {high}:{low}")
        counts += range(low, high + 1)
    return counts


def _select(
    rows: Stream, counts: list[int] | None, families: list[Any], arguments: argparse.Namespace
) -> Selection:
    if counts is None:
        counts = list(range(1, min(MOST_COMPONENTS, rows.n_samples) + 1))
    most = max(counts)
    if most > rows.n_samples:
        n_rows = f"{rows.n_samples} row{'s' * (rows.n_samples > 1)}"
        raise InputError(
            f"--components asks for {most} but {name_of(arguments.file)} has only {n_rows}; ask "
            f"for at most as many"
        )
    same = "criterion", "n_init", "init", "tol", "max_iter", "reg_covar", "noise", "prior"
    with as_input_error():
        return select(
            rows,
            counts,
            covariance_type=families,
            random_state=arguments.seed,
            checkpoint=arguments.checkpoint,
            checkpoint_wait=arguments.checkpoint_wait,
            progress=arguments.progress or messages.is_watched(),
            **{name: getattr(arguments, name) for name in same},
        )
