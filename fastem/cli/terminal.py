"""What is printed beside a report."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from fastem.cli.errors import one_line


def note(notes: Iterable[str]) -> None:
    """What a user should know, on standard error."""
    for note in notes:
        print(f"fastem: note: {one_line(note)}", file=sys.stderr)


def say(text: str) -> None:
    """Print, with signs that the terminal lacks replaced."""
    if not text:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("±", "+-").replace("…", "~")
        text = text.encode(encoding, "replace").decode(encoding)
    print(text)
