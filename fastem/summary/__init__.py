"""What results say to people: one place writes it for Python, notebooks and the command.

page         sentences and tables, as text of a given width and as HTML
mixture      the table of components
shown        results that have a summary and a table
"""

from fastem.summary.page import Summary, Table
from fastem.summary.shown import Shown

__all__ = ["Shown", "Summary", "Table"]
