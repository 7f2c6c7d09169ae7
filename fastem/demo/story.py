"""All chapters, told one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fastem.demo.overlapping import overlapping_clusters
from fastem.demo.random_clusters import random_clusters
from fastem.demo.symmetric_start import symmetric_start

CHAPTERS: dict[str, Callable[..., list[str]]] = {
    "Two overlapping clusters": overlapping_clusters,
    "How many random clusters?": random_clusters,
    "A start that EM cannot leave": symmetric_start,
}


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
