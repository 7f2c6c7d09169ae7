"""A start in which both components are alike, which EM cannot part."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from fastem import plot
from fastem.demo import examples
from fastem.demo.showing import described, named, save
from fastem.fit import fit
from fastem.search.starts import SymmetricStartWarning

SEED = 0


def symmetric_start(out: Path, *, readme: bool) -> list[str]:
    """Two components that start alike stay alike; any other start parts them."""
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
            named(plot.points(X, fitted.mixture.predict(X), ax)).set_title(title)
            plot.ellipses(fitted.mixture, ax, sigmas=(1, 2))
        save(panels[0], out / "symmetric-start.png")
    return [
        f"means (10, 10) twice, covariances 10 I; {len(caught)} warning:",
        *(f"  {caught_one.message}" for caught_one in caught),
        *described(alike.mixture),
        "means (10, 10) and (-10, 0):",
        *described(apart.mixture),
        "the default starts:",
        *described(unasked.mixture),
    ]
