"""The story of EM in pictures and a table: `fastem demo --out DIR` (extra: plot).

chapters    EM pass by pass, the number of clusters, a start that EM cannot leave
examples    their data
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fastem.demo.chapters import overlapping_clusters, random_clusters, symmetric_start

__all__ = ["run"]

CHAPTERS: dict[str, Callable[..., list[str]]] = {
    "Two overlapping clusters": overlapping_clusters,
    "How many random clusters?": random_clusters,
    "A start that EM cannot leave": symmetric_start,
}


def run(out: str | Path, *, readme: bool = False, say: Callable[[str], object] = print) -> None:
    """Write the pictures of the story to a folder, and print its text.

    Parameters
    ----------
    out : str or path
        Made if it is not there.
    readme : bool, default False
        Only the README's pictures.
    say : callable
        Called with each line.

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
