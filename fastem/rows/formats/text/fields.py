"""What one field of a text file says: a number, nothing, or something else."""

from __future__ import annotations

import re

#: Fields that stand for a value that is not there, in any case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", ".", "-"})
#: Fields that are numbers by another name.
TRUTHS = {"true": 1.0, "false": 0.0}
_GROUPED = re.compile(r"[+-]?\d{1,3}(([,' \u00a0]\d{3})+(\.\d*)?|(\.\d{3})+(,\d*)?)")
_UNIT = re.compile(r"[$€£¥]?\s*[+-]?[\d.,]*\d\s*[%$€£¥]?")


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
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        # float() takes 1_000 for a number; in a file it is a label.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def dressed(field: str) -> str | None:
    """What stands in the way of the number in a field, if it holds one beside other signs."""
    text = field.strip()
    if _GROUPED.fullmatch(text):
        return "a number with separators of thousands"
    has_unit = not text[-1:].isdecimal() or text[:1] in "$€£¥"
    return "a number with a unit" if _UNIT.fullmatch(text) and has_unit else None
