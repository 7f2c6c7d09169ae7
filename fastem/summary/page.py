"""Summary: sentences and tables that are text, and HTML in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

#: Where nothing else is said, lines are no longer than this.
WIDTH = 80


@dataclass(frozen=True)
class Table:
    """Columns of text, each led by its head.

    Parameters
    ----------
    columns : sequence of sequences of str
        All of one length. Where they are too many for a line, the first leads every part.
    marked : int, optional
        The row, counted from 0 below the heads, that is set in bold in HTML.
    left : bool, default False
        Whether the first column stands at the left; all others stand at the right.
    """

    columns: Sequence[Sequence[str]]
    marked: int | None = None
    left: bool = False

    def text(self, width: int) -> str:
        """Lines of at most `width` characters, as long as two columns find room in them."""
        widths = [max(map(len, column)) for column in self.columns]
        parts = [
            "\n".join(self._line(i, part, widths) for i in range(len(self.columns[0])))
            for part in _parts(widths, width)
        ]
        return "\n\n".join(parts)

    def html(self) -> str:
        """The table as HTML."""
        rows = []
        for i, cells in enumerate(zip(*self.columns, strict=True)):
            tag = "td" if i else "th"
            bold = ' style="font-weight: bold"' if i and i - 1 == self.marked else ""
            line = "".join(f"<{tag}>{escape(cell.strip())}</{tag}>" for cell in cells)
            rows.append(f"<tr{bold}>{line}</tr>")
        head, *body = rows
        return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"

    def _line(self, i: int, part: Sequence[int], widths: Sequence[int]) -> str:
        cells = [self.columns[j][i].rjust(widths[j]) for j in part]
        if self.left:
            cells[0] = self.columns[0][i].ljust(widths[0])
        return f"  {'   '.join(cells)}".rstrip()


@dataclass(frozen=True, repr=False)
class Summary:
    """Sentences and tables for people: `print` it, or let a notebook show it.

    Parameters
    ----------
    *blocks : str or Table
        With a blank line between them; those that are empty are left out.

    Examples
    --------
    >>> import fastem
    >>> print(fastem.fit([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0).summary())
    2 components (clusters), full covariance:
    <BLANKLINE>
      component   rows   weight      column 0
              0      2   0.5000   0.50 ± 0.50
              1      2   0.5000   9.50 ± 0.50
    <BLANKLINE>
      rows: as many as the weight stands for; columns: mean ± standard deviation
    <BLANKLINE>
    Log-likelihood -5.68 with 5 parameters; AIC 21.35, BIC 18.28, ICL 18.28 (lower
    is better).
    <BLANKLINE>
    Status: converged after 1 pass over all rows from the best of 10 starts.
    """

    blocks: tuple[str | Table, ...]

    def __init__(self, *blocks: str | Table) -> None:
        object.__setattr__(self, "blocks", tuple(block for block in blocks if block))

    def text(self, width: int = WIDTH) -> str:
        """The text, in lines of at most `width` characters where words and numbers allow.

        Parameters
        ----------
        width : int, default 80

        Returns
        -------
        str
        """
        return "\n\n".join(_text(block, width) for block in self.blocks)

    def __str__(self) -> str:
        """The text in 80 columns."""
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return "".join(
            block.html() if isinstance(block, Table) else f"<p>{escape(block)}</p>"
            for block in self.blocks
        )


def _text(block: str | Table, width: int) -> str:
    if isinstance(block, Table):
        return block.text(width)
    indent = block[: len(block) - len(block.lstrip())]
    # Options and paths stay whole.
    lines = wrap(
        block, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _parts(widths: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand side by side; the first leads every part."""
    parts: list[list[int]] = []
    used = width
    for j in range(1, len(widths)):
        used += 3 + widths[j]
        if used > width:
            parts.append([0])
            used = 5 + widths[0] + widths[j]
        parts[-1].append(j)
    return parts or [[0]]
