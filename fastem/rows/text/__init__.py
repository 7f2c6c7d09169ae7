"""Delimited text as rows of numbers: CSV and its kin.

bytes --decoded--> lines --Layout (delimiter, header, columns)--> Delimited --> blocks of numbers
"""

from fastem.rows.text.delimited import Delimited, Gap
from fastem.rows.text.encoding import decoded
from fastem.rows.text.errors import TextError, shown
from fastem.rows.text.layout import Layout
from fastem.rows.text.table import Text

__all__ = ["Delimited", "Gap", "Layout", "Text", "TextError", "decoded", "shown"]
