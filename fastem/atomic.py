"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | os.PathLike, *, alone: bool = False) -> Generator[Path, None, None]:
    """Where to write what is to be at `path`: beside it, and renamed if all goes well.

    A link stays a link: what it points to is replaced. An older file's mode is kept.

    Parameters
    ----------
    path : path
    alone : bool
        Nobody else writes there meanwhile: what a process left that was killed at it is written
        over, and not left for ever.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    part = beside(target, alone=alone)
    try:
        yield part
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def beside(target: Path, *, alone: bool = False) -> Path:
    """A hidden name beside a file, which nobody else has unless the writer is alone."""
    own = "" if alone else f".{secrets.token_hex(4)}"
    # The ending stays: writers go by it.
    return target.with_name(f".{target.stem[:64]}{own}.part{target.suffix}")
