"""Rows, and the moments of others that were seen before: an E step that is made once and kept.

What is seen enters every pass with the components that its rows had then. The level is that of the
rows at hand, and for the others a lower bound of theirs: exact where they were summarised, and what
an M step raises (R. M. Neal and G. E. Hinton, Learning in Graphical Models (1998) 355).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastem.density import Density
from fastem.moments import Moments
from fastem.rows.source import Rows, Weigh
from fastem.units import Units


@dataclass(frozen=True, eq=False)
class RowsWithSeen(Rows):
    """Rows and the moments of others.

    Parameters
    ----------
    rows : Rows
    seen : Moments
        In the units of the rows, counted as these are.
    offset : float
        Their log-likelihood less what the density by which they were summarised expects of them.
    """

    rows: Rows
    seen: Moments
    offset: float

    @classmethod
    def of(cls, rows: Rows, seen: Moments, density: Density) -> RowsWithSeen:
        """From the density by which they were summarised, in the units of the rows."""
        expected = density.expected(seen.moved(density.means))
        return cls(rows, seen, seen.log_likelihood - expected)

    @property
    def units(self) -> Units:  # type: ignore[override]
        """Of the rows."""
        return self.rows.units

    @property
    def dtype(self) -> np.dtype:
        """Of the rows."""
        return self.rows.dtype

    def summarise(self, density: Density) -> Moments:
        """One pass over the rows at hand, and the moments of the others about the same means."""
        found = self.rows.summarise(density)
        level = self.offset + density.expected(self.seen.moved(density.means))
        return found + replace(self.seen.moved(found.about), log_likelihood=level)

    def reweighted(self, weigh: Weigh) -> RowsWithSeen:
        """The rows at hand with other weights."""
        return replace(self, rows=self.rows.reweighted(weigh))
