"""The chapters of the story: each draws its pictures and returns its lines of text."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

from fastem import plot
from fastem.agreement import adjusted_rand_index
from fastem.demo import examples
from fastem.fit import fit
from fastem.mixture import Mixture
from fastem.recorder import Recorder
from fastem.search.starts import SymmetricStartWarning
from fastem.selection import Selection, select

SEED = 0
FRAME_PATTERN = "em-{iteration:02d}-clusters-{k:02d}.png"
STARTS_OF_K_MEANS = 10
PASSES_SHOWN = 0, 2, 8
#: Random clusters, and starts for them.
CLUSTERS_SEED, STARTS_SEED = 0, 37
#: Nats by which a start stays below what another found: it has stuck at a lesser maximum.
MISSED = 10.0
#: Criteria differ by whole units, 2 n times this tol: close enough, and reached much sooner.
OPTIONS: dict[str, Any] = {
    "criterion": "aic",
    "random_state": STARTS_SEED,
    "init": "random-subsets",
    "tol": 1e-5,
    "max_iter": 200,
}


def overlapping_clusters(out: Path, *, readme: bool) -> list[str]:
    """EM pass by pass on a cluster within another one, compared with k-means."""
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

    titled: dict[str, NDArray] = {
        "Truth: one cluster within another": truth,
        f"k-means: adjusted Rand index {k_means_index:.2f}": by_k_means,
        f"EM: adjusted Rand index {em_index:.2f}": by_em,
    }
    _save(_side_by_side(X, titled, mixture), out / "em-beside-k-means.png")
    _save(_strip(recorder, order, X), out / "em-passes.png")
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


def _side_by_side(X: NDArray[np.float64], titled: dict[str, NDArray], mixture: Mixture) -> Any:
    """The same rows by several labels, and the mixture over the last."""
    panels = plot.figure(1, len(titled), size=(11.0, 3.7), sharex=True, sharey=True)[0]
    for (title, labels), ax in zip(titled.items(), panels, strict=True):
        _named(plot.points(X, labels, ax)).set_title(title)
    plot.ellipses(mixture, panels[-1], sigmas=(1, 2))
    return panels[0]


def _strip(recorder: Recorder, order: NDArray, X: NDArray[np.float64]) -> Any:
    """The start, some passes, and the end, side by side."""
    shown = [*PASSES_SHOWN, len(recorder) - 1]
    panels = plot.figure(1, len(shown), size=(11.0, 3.2), sharex=True, sharey=True)[0]
    for i, ax in zip(shown, panels, strict=True):
        mixture = _reordered(recorder[i].mixture, order)
        _named(plot.points(X, mixture.predict(X), ax))
        plot.contours(mixture, ax)
        level = f"{recorder[i].log_likelihood:.3f}".replace("-", "\N{MINUS SIGN}")
        ax.set_title(f"{'Start' if i == 0 else f'Pass {i}'}: {level} nats a row", fontsize=10.5)
    return panels[0]


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


def random_clusters(out: Path, *, readme: bool) -> list[str]:
    """How many clusters: AIC and BIC from one start, and from the best of five."""
    example = examples.random_clusters(CLUSTERS_SEED)
    one = select(example.X, range(1, 7), n_init=1, **OPTIONS)
    five = select(example.X, range(1, 11), n_init=5, **OPTIONS)
    _save(_beside_each_other(one, five), out / "how-many-clusters.png")
    if not readme:
        k = five.best_by("bic").n_components
        chosen = fit(example.X, k, init="random-subsets", random_state=STARTS_SEED)
        ax = _named(chosen.plot(example.X))
        ax.set_title(f"{example.n_clusters} random clusters; BIC picks {k}")
        _save(ax, out / "random-clusters.png")
        ax = plot.trace(chosen)
        ax.set_title(f"{len(chosen.restarts)} starts race, and one goes on over all rows")
        _save(ax, out / "restarts.png")
    return [
        f"{example.n_clusters} clusters in truth; lower is better, * the lowest",
        f"{'':6}{'one start':>24}{'best of five':>26}",
        f"{'k':>6}{'AIC':>12}{'BIC':>12}{'AIC':>14}{'BIC':>12}",
        *_criteria_table(one, five),
    ]


def _beside_each_other(one: Selection, five: Selection) -> Any:
    """The criteria of both, to one scale."""
    panels = plot.figure(1, 2, size=(10.0, 4.0), sharey=True)[0]
    stuck = ", ".join(str(k) for k in _stuck(one, five))
    titles = (
        "One start" + (f": stuck at {stuck}" if stuck else ""),
        "The best of five",
    )
    for ax, choice, title in zip(panels, (one, five), titles, strict=True):
        choice.plot(ax, ["aic", "bic"])
        ax.set_title(title)
        ax.label_outer()
    _zoom(panels[0], five)
    return panels[0]


def _stuck(one: Selection, five: Selection) -> list[int]:
    """Numbers of components at which one start stopped well below the best of five."""
    found = {row.n_components: row.log_likelihood for row in five.table}
    return [
        row.n_components
        for row in one.table
        if row.log_likelihood < found[row.n_components] - MISSED
    ]


def _zoom(ax: Any, choice: Selection) -> None:
    """Leave out one component, whose criteria would flatten all others."""
    levels = [level for row in choice.table if row.n_components > 1 for level in (row.aic, row.bic)]
    span = max(levels) - min(levels)
    ax.set_ylim(min(levels) - 0.2 * span, max(levels) + 0.2 * span)


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


def symmetric_start(out: Path, *, readme: bool) -> list[str]:
    """Two components that start alike stay alike; any other start separates them."""
    X, _ = examples.two_round_clusters()
    covariances = [10 * np.eye(2)] * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SymmetricStartWarning)
        alike = fit(X, 2, means_init=[[10, 10], [10, 10]], covariances_init=covariances)
    unlike = fit(X, 2, means_init=[[10, 10], [-10, 0]], covariances_init=covariances)
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
        *_described(unlike.mixture),
        "the default starts:",
        *_described(unasked.mixture),
    ]


def _named(ax: Any) -> Any:
    """Axes with the names of the examples' columns."""
    ax.set(xlabel="x", ylabel="y")
    ax.label_outer()
    return ax


def _save(ax: Any, path: Path) -> None:
    """The picture that the axes are of, as a file."""
    ax.figure.savefig(path, dpi=100)


def _described(mixture: Mixture) -> list[str]:
    """A line for each component: weight, mean and covariance."""
    lines = []
    for k in range(mixture.n_components):
        (x, y), ((xx, xy), (_, yy)) = mixture.means[k], mixture.full_covariances[k]
        lines.append(
            f"  {k}: weight {mixture.weights[k]:.2f}, mean ({x:.2f}, {y:.2f}), "
            f"covariance [[{xx:.2f}, {xy:.2f}], [{xy:.2f}, {yy:.2f}]]"
        )
    return lines
