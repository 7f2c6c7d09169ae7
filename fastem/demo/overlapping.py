"""Two clusters, one within the other: EM pass by pass, and k-means beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

from fastem import plot
from fastem.agreement import adjusted_rand_index
from fastem.demo import examples
from fastem.demo.showing import described, named, save
from fastem.fit import fit
from fastem.mixture import Mixture
from fastem.recorder import Recorder

SEED = 0
FRAME_PATTERN = "em-{iteration:02d}-clusters-{k:02d}.png"
STARTS_OF_K_MEANS = 10
PASSES_SHOWN = 0, 2, 8


def overlapping_clusters(out: Path, *, readme: bool) -> list[str]:
    """EM pass by pass on a cluster that lies within another, and k-means beside it."""
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
    save(_side_by_side(X, titled, mixture), out / "em-beside-k-means.png")
    save(_strip(recorder, order, X), out / "em-passes.png")
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
        *described(mixture),
    ]


def _side_by_side(X: NDArray[np.float64], titled: dict[str, NDArray], mixture: Mixture) -> Any:
    """The same rows by several labels, and the mixture over the last."""
    panels = plot.figure(1, len(titled), size=(11.0, 3.7), sharex=True, sharey=True)[0]
    for (title, labels), ax in zip(titled.items(), panels, strict=True):
        named(plot.points(X, labels, ax)).set_title(title)
    plot.ellipses(mixture, panels[-1], sigmas=(1, 2))
    return panels[0]


def _strip(recorder: Recorder, order: NDArray, X: NDArray[np.float64]) -> Any:
    """The start, some passes, and the end, side by side."""
    shown = [*PASSES_SHOWN, len(recorder) - 1]
    panels = plot.figure(1, len(shown), size=(11.0, 3.2), sharex=True, sharey=True)[0]
    for i, ax in zip(shown, panels, strict=True):
        mixture = _reordered(recorder[i].mixture, order)
        named(plot.points(X, mixture.predict(X), ax))
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
