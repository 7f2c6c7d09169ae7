"""Delimited text as rows of numbers: CSV and its kin.

bytes --decoded--> lines --Layout (delimiter, header, columns)--> Delimited --> blocks of numbers
"""

from fastem.rows.tables.text.delimited import Delimited, Gap
from fastem.rows.tables.text.encoding import decoded
from fastem.rows.tables.text.errors import TextError, shown
from fastem.rows.tables.text.layout import Layout
from fastem.rows.tables.text.table import Text

__all__ = ["Delimited", "Gap", "Layout", "Text", "TextError", "decoded", "shown"]
