"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | os.PathLike) -> Generator[Path, None, None]:
    """Where to write what is to be at `path`: beside it, and renamed if all goes well.

    A link stays a link: what it points to is replaced. An older file's mode is kept.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    # The ending stays: writers go by it.
    part = target.with_name(f".{target.stem[:64]}.{secrets.token_hex(4)}.part{target.suffix}")
    try:
        yield part
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
