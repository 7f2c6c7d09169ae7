"""Delimited text as rows of numbers: CSV and its kin.

bytes --plain--> lines --Layout (delimiter, header, columns)--> Text --> blocks of numbers
"""

from fastem.rows.formats.text.table import Text

__all__ = ["Text"]
