"""How results are drawn by `fastem.plot`, which stands above them and is slow to import."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

_load: Callable[[], ModuleType] | None = None


def drawn_by(load: Callable[[], ModuleType]) -> None:
    """Let a module draw; it is asked for at the first picture."""
    global _load
    _load = load


def draw(picture: str, *args: Any, **options: Any) -> Any:
    """What the function of that name draws."""
    assert _load is not None, "fastem says what draws when it is imported"
    return getattr(_load(), picture)(*args, **options)
