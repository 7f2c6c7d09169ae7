"""The story of EM in pictures and a table: `fastem demo --out DIR` (extra: plot)."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

from fastem import examples
from fastem.agreement import adjusted_rand_index
from fastem.fit import fit
from fastem.initialisation import SymmetricStartWarning
from fastem.mixture import Mixture
from fastem.recorder import Recorder
from fastem.selection import Selection, select

SEED = 0
#: Random clusters, and starts for them, of which a single one is seen to go astray.
CLUSTERS_SEED, STARTS_SEED = 0, 2
FRAME_PATTERN = "em-{iteration:02d}-clusters-{k:02d}.png"
#: Criteria differ by whole units, 2 n times this tol: close enough, and reached much sooner.
SELECTION_OPTIONS: dict[str, Any] = {"init": "random-subsets", "tol": 1e-5, "max_iter": 200}
STARTS_OF_K_MEANS = 10
PASSES_SHOWN = 0, 2, 8


def overlapping_clusters(out: Path, *, readme: bool) -> list[str]:
    """EM pass by pass on a cluster that lies within another, and k-means beside it."""
    from fastem import plot

    X, truth = examples.overlapping(SEED)
    recorder = Recorder()
    fitted = fit(
        X,
        2,
        n_init=1,
        init="random-subsets",
        accelerate=False,
        random_state=SEED,
        callback=recorder,
    )
    order, _ = _matched(truth, fitted.mixture.predict(X))
    mixture = _reordered(fitted.mixture, order)
    by_em, by_k_means = mixture.predict(X), _matched(truth, k_means(X, 2, SEED))[1]
    em_index = adjusted_rand_index(truth, by_em)
    k_means_index = adjusted_rand_index(truth, by_k_means)

    panels = plot.figure(1, 3, size=(11.0, 3.7), sharex=True, sharey=True)[0]
    titles = (
        "Truth: one cluster within another",
        f"k-means: adjusted Rand index {k_means_index:.2f}",
        f"EM: adjusted Rand index {em_index:.2f}",
    )
    groups: list[NDArray] = [truth, by_k_means, by_em]
    for i, labels in enumerate(groups):
        _named(plot.points(X, labels, panels[i])).set_title(titles[i])
    plot.ellipses(mixture, panels[2], sigmas=(1, 2))
    _save(panels[0], out / "em-beside-k-means.png")
    _save(_strip(recorder, truth, X), out / "em-passes.png")
    if not readme:
        folder = out / "passes"
        folder.mkdir(exist_ok=True)
        plot.frames(recorder, X, folder / FRAME_PATTERN)
        plot.animate(recorder, X, out / "em.gif")
        if shutil.which("ffmpeg"):
            plot.animate(recorder, X, out / "em.mp4")
    return [
        f"{'':12}adjusted Rand index",
        f"{'EM':12}{em_index:19.2f}",
        f"{'k-means':12}{k_means_index:19.2f}",
        f"EM took {len(recorder) - 1} passes from the means and covariances of random subsets:",
        *_described(mixture),
    ]


def random_clusters(out: Path, *, readme: bool) -> list[str]:
    """How many clusters: AIC and BIC from one start, and from the best of five."""
    from fastem import plot

    example = examples.random_clusters(CLUSTERS_SEED)
    options = {"criterion": "aic", "random_state": STARTS_SEED, **SELECTION_OPTIONS}
    one = select(example.X, range(1, 7), n_init=1, **options)
    five = select(example.X, range(1, 11), n_init=5, **options)
    panels = plot.figure(1, 2, size=(10.0, 4.0), sharey=True)[0]
    stuck = ", ".join(str(k) for k in _stuck(one))
    titles = (
        "One start" + (f": stuck at {stuck}" if stuck else ""),
        "The best of five; faint dots: starts that were dropped",
    )
    for ax, choice, title in zip(panels, (one, five), titles, strict=True):
        choice.plot(ax, ["aic", "bic"])
        ax.set_title(title)
        ax.label_outer()
    _zoom(panels[0], five)
    _save(panels[0], out / "how-many-clusters.png")
    if not readme:
        k = five.best_by("bic").n_components
        chosen = fit(example.X, k, init="random-subsets", random_state=STARTS_SEED)
        ax = _named(chosen.plot(example.X))
        ax.set_title(f"{example.n_clusters} random clusters; BIC picks {k}")
        _save(ax, out / "random-clusters.png")
        ax = plot.trace(chosen)
        ax.set_title(f"{len(chosen.restarts)} starts race, and one goes on over all rows")
        _save(ax, out / "restarts.png")
    heading = f"{'':6}{'one start':>24}{'best of five':>26}"
    return [
        f"{example.n_clusters} clusters in truth; lower is better, * the lowest",
        heading,
        f"{'k':>6}{'AIC':>12}{'BIC':>12}{'AIC':>14}{'BIC':>12}",
        *_criteria_table(one, five),
    ]


def symmetric_start(out: Path, *, readme: bool) -> list[str]:
    """Two components that start alike stay alike; any other start parts them."""
    from fastem import plot

    X, _ = examples.two_round_clusters()
    covariances = [10 * np.eye(2)] * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SymmetricStartWarning)
        alike = fit(X, 2, means_init=[[10, 10], [10, 10]], covariances_init=covariances)
    apart = fit(X, 2, means_init=[[10, 10], [-10, 0]], covariances_init=covariances)
    unasked = fit(X, 2, random_state=SEED)
    if not readme:
        panels = plot.figure(1, 2, size=(9.0, 4.2), sharex=True, sharey=True)[0]
        titles = "Both components start alike, and stay alike", "The default starts"
        for ax, title, fitted in zip(panels, titles, (alike, unasked), strict=True):
            _named(plot.points(X, fitted.mixture.predict(X), ax)).set_title(title)
            plot.ellipses(fitted.mixture, ax, sigmas=(1, 2))
        _save(panels[0], out / "symmetric-start.png")
    return [
        f"means (10, 10) twice, covariances 10 I; {len(caught)} warning:",
        *(f"  {caught_one.message}" for caught_one in caught),
        *_described(alike.mixture),
        "means (10, 10) and (-10, 0):",
        *_described(apart.mixture),
        "the default starts:",
        *_described(unasked.mixture),
    ]


CHAPTERS: dict[str, Callable[..., list[str]]] = {
    "Two overlapping clusters": overlapping_clusters,
    "How many random clusters?": random_clusters,
    "A start that EM cannot leave": symmetric_start,
}


def k_means(X: NDArray[np.float64], n_clusters: int, seed: int) -> NDArray[np.int32]:
    """Labels of the best of some runs of SciPy's k-means from random rows."""
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(STARTS_OF_K_MEANS):
        start = X[rng.choice(len(X), n_clusters, replace=False)]
        centres, labels = kmeans2(X, start, iter=100, minit="matrix")
        runs.append((float(((X - centres[labels]) ** 2).sum()), labels))
    return min(runs, key=lambda run: run[0])[1]


def _matched(truth: NDArray, labels: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each true cluster the label that shares most rows with it, and the labels renamed so."""
    table = np.zeros((truth.max() + 1, truth.max() + 1))
    np.add.at(table, (truth, labels), 1)
    order = linear_sum_assignment(-table)[1]
    return order, np.argsort(order)[labels]


def _reordered(mixture: Mixture, order: NDArray) -> Mixture:
    return Mixture(mixture.weights[order], mixture.means[order], mixture.covariances[order])


def _strip(recorder: Recorder, truth: NDArray, X: NDArray[np.float64]) -> Any:
    """The start, some passes, and the end, side by side."""
    from fastem import plot

    shown = [*PASSES_SHOWN, len(recorder) - 1]
    order, _ = _matched(truth, recorder[-1].mixture.predict(X))
    panels = plot.figure(1, len(shown), size=(11.0, 3.2), sharex=True, sharey=True)[0]
    for i, ax in zip(shown, panels, strict=True):
        mixture = _reordered(recorder[i].mixture, order)
        _named(plot.points(X, mixture.predict(X), ax))
        plot.contours(mixture, ax)
        level = f"{recorder[i].log_likelihood:.3f}".replace("-", "\N{MINUS SIGN}")
        ax.set_title(f"{'Start' if i == 0 else f'Pass {i}'}: {level} nats a row", fontsize=10.5)
        ax.label_outer()
    return panels[0]


def _named(ax: Any) -> Any:
    """Axes with the names of the examples' columns."""
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.label_outer()
    return ax


def _stuck(choice: Selection) -> list[int]:
    """Numbers of components whose likelihood is below that of fewer: not its maximum."""
    rows = sorted(choice.table, key=lambda row: row.n_components)
    best = np.maximum.accumulate([row.log_likelihood for row in rows])
    return [
        row.n_components for row, most in zip(rows, best, strict=True) if row.log_likelihood < most
    ]


def _zoom(ax: Any, choice: Selection) -> None:
    """Leave out one component, whose criteria would flatten all others."""
    levels = [level for row in choice.table if row.n_components > 1 for level in (row.aic, row.bic)]
    span = max(levels) - min(levels)
    ax.set_ylim(min(levels) - 0.2 * span, max(levels) + 0.2 * span)


def _save(ax: Any, path: Path) -> None:
    ax.figure.savefig(path, dpi=100)


def _described(mixture: Mixture) -> list[str]:
    lines = []
    for k in range(mixture.n_components):
        (x, y), ((xx, xy), (_, yy)) = mixture.means[k], mixture.full_covariances[k]
        lines.append(
            f"  {k}: weight {mixture.weights[k]:.2f}, mean ({x:.2f}, {y:.2f}), "
            f"covariance [[{xx:.2f}, {xy:.2f}], [{xy:.2f}, {yy:.2f}]]"
        )
    return lines


def _criteria_table(one: Selection, five: Selection) -> list[str]:
    lines = []
    for k in sorted({row.n_components for row in five.table}):
        line = f"{k:>6}"
        for choice, gap in (one, 0), (five, 2):
            for name in "aic", "bic":
                row = next((row for row in choice.table if row.n_components == k), None)
                mark = "*" if row is not None and row is choice.best_by(name) else " "
                value = "" if row is None else f"{getattr(row, name):,.0f}{mark}"
                line += f"{value:>{12 + (gap if name == 'aic' else 0)}}"
        lines.append(line.rstrip())
    return lines


def run(out: str | Path, *, readme: bool = False, say: Callable[[str], object] = print) -> None:
    """Write the pictures to a folder and tell the story.

    Parameters
    ----------
    out : str or path
        Made if it is not there.
    readme : bool, default False
        Only the README's pictures.
    say : callable
        Told each line.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    OSError
        If the folder cannot be written to.
    """
    began = time.perf_counter()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for title, chapter in CHAPTERS.items():
        lines = chapter(out, readme=readme)
        say(f"\n{title}\n{'-' * len(title)}")
        for line in lines:
            say(line)
    n_files = sum(path.is_file() for path in out.rglob("*"))
    say(f"\n{n_files} files in {out}, after {time.perf_counter() - began:.1f} s")


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add `demo` to a command's subparsers; it sets `run`, which takes the parsed arguments."""
    parser = subparsers.add_parser(
        "demo",
        help="draw the story of EM",
        description="Write pictures that tell the story of EM to a folder, and print its figures.",
    )
    _add_arguments(parser)
    return parser


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", required=True, help="folder, made if need be")
    parser.add_argument("--readme", action="store_true", help="only the README's pictures")
    parser.set_defaults(run=lambda arguments: run(arguments.out, readme=arguments.readme))


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m fastem.demo --out DIR`."""
    parser = argparse.ArgumentParser(prog="fastem demo")
    _add_arguments(parser)
    parsed = parser.parse_args(arguments)
    try:
        parsed.run(parsed)
    except (ImportError, OSError) as error:
        print(f"fastem demo: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
