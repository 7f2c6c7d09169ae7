"""What `fastem fit`, `fastem predict` and `fastem demo` do."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fastem.cli import report, streams
from fastem.cli.errors import InputError, one_line, told
from fastem.cli.outputs import Outputs
from fastem.cli.tables import Table
from fastem.covariance import GROUPS, family
from fastem.mixture import Mixture
from fastem.rows.labels import FORMATS
from fastem.rows.labels import names as label_names
from fastem.selection import Selection, select

#: Tried where nothing is asked for.
MOST_COMPONENTS = 9
#: Where a model file keeps the names of the columns it was fitted to.
NAMES = "columns.npy"
PICTURES = ".png", ".pdf", ".svg", ".jpg"
#: Rows written together.
BLOCK = 65536


def fit(arguments: argparse.Namespace) -> None:
    """Fit a file; write and print what was asked for."""
    counts = None if arguments.components is None else _counts(arguments.components)
    families = [name.strip() for name in arguments.covariance.split(",")]
    with told():
        for name in families:
            if name not in GROUPS:
                family(name)
    _check_pictures(arguments)
    wanted = {
        "--labels": arguments.labels,
        "--model": arguments.model,
        "--plot": arguments.plot,
        "--plot-selection": arguments.plot_selection,
    }
    with Outputs(wanted, *arguments.file) as outputs:
        table = streams.read(
            arguments.file,
            arguments.columns,
            drop_missing=arguments.drop_missing,
            memory=arguments.memory,
        )
        _note(table)
        choice = _select(table, counts, families, arguments)
        mixture = choice.best.mixture
        labelled = _labelled(table, mixture)
        sizes = np.zeros(1 + mixture.n_components, int)
        for labels, _ in labelled():
            sizes += np.bincount(labels + 1, minlength=len(sizes))
        outputs.write("--labels", _label_writer(arguments.labels, table, labelled))
        outputs.write("--model", lambda path: _save(mixture, table, path))
        _draw(outputs, choice, table)
        outputs.publish()
    name = streams.name_of(arguments.file)
    if arguments.json:
        print(json.dumps(report.document(name, table, choice, sizes), allow_nan=False))
        return
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    _print(report.text(name, table, choice, sizes, width))
    _print(_written(wanted))


def predict(arguments: argparse.Namespace) -> None:
    """Label a file; to standard output unless told otherwise."""
    with Outputs({"--labels": arguments.labels}, arguments.model, *arguments.file) as outputs:
        mixture, names = _load(arguments.model)
        table = streams.read(
            arguments.file,
            arguments.columns,
            fitted=names,
            drop_missing=arguments.drop_missing,
            memory=arguments.memory,
        )
        _note(table)
        n = table.n_features
        if n != mixture.n_features:
            raise InputError(
                f"{streams.name_of(arguments.file)} has {n} columns of data but "
                f"{arguments.model} was fitted to {mixture.n_features}; say which with --columns"
            )
        labelled = _labelled(table, mixture, arguments.probabilities)
        probable = mixture if arguments.probabilities else None
        if "--labels" not in outputs:
            sys.stdout.writelines(_lines(table, labelled(), probable))
            return
        outputs.write("--labels", _label_writer(arguments.labels, table, labelled, probable))
        outputs.publish()


def demo(arguments: argparse.Namespace) -> None:
    """Draw the story of EM; its module is slow to import, so only here."""
    with told():
        from fastem import demo as story
    with told(arguments.out):
        story.run(arguments.out, readme=arguments.readme)


def _counts(text: str) -> list[int]:
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
    table: Table, counts: list[int] | None, families: list[str], arguments: argparse.Namespace
) -> Selection:
    if counts is None:
        counts = list(range(1, min(MOST_COMPONENTS, table.n_samples) + 1))
    most = max(counts)
    if most > table.n_samples:
        raise InputError(
            f"--components asks for {most} but {streams.name_of(arguments.file)} has only "
            f"{table.n_samples} rows; ask for at most as many"
        )
    with told():
        return select(
            table.X,
            counts,
            covariance_type=families,
            criterion=arguments.criterion,
            random_state=arguments.seed,
            n_init=arguments.n_init,
            init=arguments.init,
            tol=arguments.tol,
            max_iter=arguments.max_iter,
            reg_covar=arguments.reg_covar,
            noise=arguments.noise,
            prior=arguments.prior,
            checkpoint=arguments.checkpoint,
            progress=arguments.progress or (sys.stderr.isatty() and find_spec("tqdm") is not None),
        )


def _check_pictures(arguments: argparse.Namespace) -> None:
    """Whether pictures can be drawn, before there is anything to draw."""
    asked = {"--plot": arguments.plot, "--plot-selection": arguments.plot_selection}
    for option, path in asked.items():
        if path is None:
            continue
        if Path(path).suffix.lower() not in PICTURES:
            raise InputError(f"{option} {path} is no picture; end it in {', '.join(PICTURES)}")
        with told():
            from fastem import plot  # noqa: F401


def _draw(outputs: Outputs, choice: Selection, table: Table) -> None:
    if "--plot" not in outputs and "--plot-selection" not in outputs:
        return
    from fastem import plot

    def save(axes: Any, path: Path) -> None:
        np.ravel(axes)[0].figure.savefig(path)

    outputs.write("--plot", lambda path: save(plot.clusters(choice.best.mixture, table), path))
    outputs.write("--plot-selection", lambda path: save(plot.selection(choice), path))


#: Labels and, where asked for, probabilities of rows that follow one another.
Labelled = Iterable[tuple[NDArray, NDArray | None]]


def _labelled(
    table: Table, mixture: Mixture, probabilities: bool = False
) -> Callable[[], Labelled]:
    """What labels all rows, block by block, as often as it is called."""
    kernels = ["predict", "responsibilities"] if probabilities else ["predict"]

    def blocks() -> Iterator[tuple[NDArray, NDArray | None]]:
        with told(), closing(mixture.each(kernels, table.X)) as results:
            for labels, *resp in results:
                yield labels, resp[0] if resp else None

    if isinstance(table.X, np.ndarray):
        at_once = list(blocks())
        return lambda: at_once
    return blocks


def _lines(table: Table, labelled: Labelled, probable: Mixture | None = None) -> Iterator[str]:
    """CSV with a header and a line for every row of the file; rows left out are NA."""
    n_components = None if probable is None else probable.n_components
    names = label_names(n_components, probable is not None and probable.noise is not None)
    yield ",".join(names) + "\n"
    absent = ",".join(["NA"] * len(names)) + "\n"
    rows = (line for labels, resp in labelled for line in _rows(labels, resp))
    if table.kept is None:
        yield from rows
        return
    for is_kept in table.kept:
        yield next(rows) if is_kept else absent


def _rows(labels: NDArray, resp: NDArray | None) -> Iterator[str]:
    for start in range(0, len(labels), BLOCK):
        block = slice(start, start + BLOCK)
        if resp is None:
            yield from (f"{label}\n" for label in labels[block].tolist())
            continue
        for label, row in zip(labels[block].tolist(), resp[block].tolist(), strict=True):
            yield f"{label},{','.join(map(repr, row))}\n"


def _label_writer(
    target: str | None,
    table: Table,
    labelled: Callable[[], Labelled],
    probable: Mixture | None = None,
) -> Callable[[Path], None]:
    """What writes labels in the format of the target's suffix; CSV where it says nothing else."""
    suffix = Path(target or "").suffix.lower()

    def as_text(path: Path) -> None:
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.writelines(_lines(table, labelled(), probable))

    def as_numbers(path: Path) -> None:
        n_components = None if probable is None else probable.n_components
        noisy = probable is not None and probable.noise is not None
        with closing(FORMATS[suffix](path, n_components, noisy)) as file:
            for labels, resp in labelled():
                file.write(labels, resp)

    if suffix not in FORMATS or suffix == ".csv":
        return as_text
    if table.kept is not None:
        raise InputError(
            f"--labels {target} has no place for rows left out for missing values; end it in .csv"
        )
    return as_numbers


def _save(mixture: Mixture, table: Table, path: Path) -> None:
    """The mixture, and the names of its columns, by which `predict` finds them again."""
    mixture.save(path)
    if table.named:
        with zipfile.ZipFile(path, "a") as file, file.open(NAMES, "w") as entry:
            np.lib.format.write_array(entry, np.array(table.columns), allow_pickle=False)


def _load(path: str) -> tuple[Mixture, list[str] | None]:
    try:
        mixture = Mixture.load(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error
    with np.load(path, allow_pickle=False) as fields:
        names = fields["columns"].tolist() if "columns" in fields.files else None
    return mixture, names


def _note(table: Table) -> None:
    for note in table.notes:
        print(f"fastem: note: {one_line(note)}", file=sys.stderr)


def _written(wanted: dict[str, str | None]) -> str:
    what = {
        "--labels": "the component of each row",
        "--model": "the mixture, for fastem predict",
        "--plot": "a picture of the clusters",
        "--plot-selection": "a picture of the criterion",
    }
    paths = [(path, what[option]) for option, path in wanted.items() if path is not None]
    return "\n".join(f"Wrote {path}: {text}." for path, text in paths)


def _print(text: str, stream: TextIO | None = None) -> None:
    """Print, with signs that the terminal lacks replaced."""
    if not text:
        return
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("±", "+-").replace("…", "~")
        text = text.encode(encoding, "replace").decode(encoding)
    print(text, file=stream)
