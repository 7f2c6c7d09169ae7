"""Archives of NumPy's arrays, compressed or not."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from fastem.rows.tables.binary import Binary, Form
from fastem.rows.tables.columns import Column
from fastem.rows.tables.npy import form_of
from fastem.rows.tables.plain import Plain
from fastem.rows.tables.table import Block


def npz(
    path: Path,
    member: str | None = None,
    columns: Sequence[Column] | None = None,
    weight: Column | None = None,
) -> Binary:
    """An array in an .npz file: the member of that name, else the one called X, else the only one.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged, or there is no such member or column.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged ({error}); save it again") from None
    with archive:
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        chosen = _member(member, names, path)
        found = archive.getinfo(f"{chosen}.npy")
        with archive.open(found) as packed:
            form = form_of(packed, f"{path}[{chosen}]")
        if found.compress_type != zipfile.ZIP_STORED:
            return Packed(path, chosen, form, columns, weight)
    with open(path, "rb") as file:
        # The array follows a local header, whose length only that header tells.
        file.seek(found.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
        offset = found.header_offset + 30 + int(lengths.sum()) + form.offset
    stored = Form(form.n_rows, form.width, form.dtype, form.fortran, offset)
    return Plain(path, stored, columns, weight, f"{path}[{chosen}]")


class Packed(Binary):
    """An array in a compressed member of an archive, which has to be read from its start."""

    def __init__(
        self,
        path: Path,
        member: str,
        form: Form,
        columns: Sequence[Column] | None,
        weight: Column | None,
    ) -> None:
        super().__init__(path, form, columns, weight, f"{path}[{member}]")
        self.member = member

    def check(self) -> None:
        """Refuse columns, which lie too far apart to be put together on the way."""
        if self.form.fortran and self.form.width > 1:
            raise ValueError(
                f"{self.name} is compressed and holds column after column; save it in C order, or "
                f"with numpy.savez, which does not compress"
            )

    def blocks(self) -> Generator[Block, None, None]:
        """About a megabyte at a time."""
        form = self.form
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.member}.npy") as file:
            file.read(form.offset)
            for _, n in self.pieces():
                held = file.read(n * form.row_bytes)
                if len(held) < n * form.row_bytes:
                    raise ValueError(f"{self.name} ends before its {form.n_rows} rows")
                yield self.chosen(np.frombuffer(held, form.dtype).reshape(n, form.width))


def _member(member: str | None, names: list[str], path: Path) -> str:
    if member is not None and member in names:
        return member
    if member is None and ("X" in names or len(names) == 1):
        return "X" if "X" in names else names[0]
    listed = f"{', '.join(names[:8]) or 'none'}{', ...' if len(names) > 8 else ''}"
    asked = "" if member is None else f"no {member!r} among "
    raise ValueError(
        f"{path} holds {asked}{len(names)} arrays, {listed}; say which in member, or save the rows "
        f"alone or as X"
    )
