"""What one field of a text file says: a number, nothing, or something else."""

from __future__ import annotations

#: Fields that stand for a value that is not there, in any case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", ".", "-"})


def is_missing(field: str) -> bool:
    """Whether the field stands for a value that is not there."""
    return field.strip().lower() in MISSING


def is_decimal_comma(field: str) -> bool:
    """Whether the field looks like 3,6."""
    whole, comma, rest = field.strip().partition(",")
    return bool(comma) and whole.lstrip("+-").isdecimal() and rest[:1].isdecimal()


def number(field: str, *, decimal_comma: bool = False) -> float | None:
    """The number that the field holds, or None."""
    text = field.strip()
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        # float() takes 1_000 for a number; in a file it is a label.
        return None if "_" in text else float(text)
    except ValueError:
        return None
