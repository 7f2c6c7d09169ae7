"""Shown: a result that prints its summary, is HTML in a notebook, and becomes a data frame."""

from __future__ import annotations

from typing import Any

from fastem.summary.page import Summary


class Shown:
    """What results have in common that have a `summary` and `table_columns`."""

    def summary(self) -> Summary:
        """What people are shown."""
        raise NotImplementedError

    def table_columns(self) -> dict[str, list[Any]]:
        """The table as lists by column."""
        raise NotImplementedError

    def to_frame(self, *args: Any) -> Any:
        """The table as a pandas.DataFrame: `table_columns` with its index.

        Parameters
        ----------
        *args
            As `table_columns` takes them.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        TypeError, ValueError
            As `table_columns`.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas; install it with: pip install pandas, or use table_columns()"
            ) from error

        return pandas.DataFrame(self.table_columns(*args))

    def __repr__(self) -> str:
        """The summary, in 80 columns."""
        return self.summary().text()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.summary()._repr_html_()
