"""Archives of NumPy's arrays, compressed or not."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastem.archive import Damaged, damage
from fastem.rows.files import File
from fastem.rows.formats.binary import Binary, Form, form_of
from fastem.rows.formats.foreign import ZIP, refuse
from fastem.rows.formats.table import CHUNK, Table

#: What to do about a damaged file.
AGAIN = "save it again"


def holds_one_text(file: File) -> bool:
    """Whether an archive has one member, which is no array."""
    with file.open() as opened, damage(file.name, AGAIN):
        names = zipfile.ZipFile(opened).namelist()
    return len(names) == 1 and not names[0].endswith((".npy", "/"))


def npz(file: File, member: str | None) -> Table:
    """An array in an .npz file: the member of that name, else that called X, else the only one."""
    with file.open() as opened:
        with damage(file.name, AGAIN):
            archive = zipfile.ZipFile(opened)
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        if "xl/workbook.xml" in archive.namelist():
            refuse(ZIP, file.name)
        if not names:
            held = ", ".join(archive.namelist()[:8]) or "nothing"
            raise ValueError(f"{file.name} is an archive of {held}, no arrays; unpack it")
        chosen = _member(member, names, file.name)
        found, name = archive.getinfo(f"{chosen}.npy"), f"{file.name}[{chosen}]"
        with damage(name, AGAIN):
            packed = archive.open(found)
        with packed:
            form = form_of(packed, name)
        if found.compress_type != zipfile.ZIP_STORED:
            return Packed(file, form, name, chosen)
        # The array follows a local header, whose length only that header tells.
        opened.seek(found.header_offset + 26)
        lengths = np.frombuffer(opened.read(4), "<u2")
    offset = found.header_offset + 30 + int(lengths.sum()) + form.offset
    return Binary(file, form._replace(offset=offset), name)


class Packed(Binary):
    """An array in a compressed member of an archive, which has to be read from its start."""

    slow = True

    def __init__(self, file: File, form: Form, name: str, member: str) -> None:
        super().__init__(file, form, name)
        self.member = member
        if form.fortran:
            raise ValueError(
                f"{name} is compressed and holds column after column; save it in C order, or with "
                f"numpy.savez, which does not compress"
            )

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """About a megabyte at a time."""
        form, size = self.form, max(1, CHUNK // self.form.row_bytes)
        with (
            self.file.open() as file,
            damage(self.name, AGAIN),
            zipfile.ZipFile(file) as archive,
            archive.open(f"{self.member}.npy") as packed,
        ):
            packed.read(form.offset)
            for start in range(0, form.n_rows, size):
                n = min(size, form.n_rows - start)
                held = packed.read(n * form.row_bytes)
                if len(held) < n * form.row_bytes:
                    raise Damaged(f"it ends before its {form.n_rows} rows")
                yield np.frombuffer(held, form.dtype).reshape(n, form.width)[:, columns]


def _member(member: str | None, names: list[str], path: str) -> str:
    if member is not None and member in names:
        return member
    if member is None and ("X" in names or len(names) == 1):
        return "X" if "X" in names else names[0]
    listed = f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    asked = "" if member is None else f"no {member!r} among "
    raise ValueError(
        f"{path} holds {asked}{len(names)} arrays, {listed}; say which in member, or save the rows "
        f"alone or as X"
    )
