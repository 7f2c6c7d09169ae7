"""What is said of text that is no table of numbers."""

from __future__ import annotations


class TextError(ValueError):
    """A file of text cannot be read as rows of numbers.

    Parameters
    ----------
    what : str
        What is wrong, with file and line.
    remedy : str
    columns : tuple of int, optional
        Columns that hold numbers, where choosing those would do.
    """

    def __init__(self, what: str, remedy: str, columns: tuple[int, ...] | None = None) -> None:
        super().__init__(what, remedy, columns)
        self.what, self.remedy, self.columns = what, remedy, columns

    def __str__(self) -> str:
        """What is wrong and the remedy."""
        remedy = self.remedy
        if self.columns is not None:
            remedy += f" with columns={list(self.columns)}"
        return f"{self.what}; {remedy}"


def shown(value: str) -> str:
    """A value from a file, fit for one line."""
    return repr(value if len(value) <= 40 else value[:37] + "...")
