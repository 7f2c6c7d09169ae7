"""The format of a file, told by its first bytes, or which library reads it where none here does."""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import DTypeLike

from fastem import validation
from fastem.rows.files import File
from fastem.rows.formats.arrow import MAGIC, Arrow
from fastem.rows.formats.binary import names_within, npy, npz, raw
from fastem.rows.formats.encoding import ZIP
from fastem.rows.formats.table import Table
from fastem.rows.formats.text import Text

#: How .npy files begin.
NPY = b"\x93NUMPY"
#: Bytes that the format is judged by.
HEAD = 1024


def table_of(
    file: File,
    longest: int,
    na_values: frozenset[str] = frozenset(),
    *,
    member: str | None = None,
    dtype: DTypeLike | None = None,
    n_columns: int | None = None,
    skip_rows: int = 0,
) -> Table:
    """A file, by what the user says of it or by its first bytes.

    A row of text may have so many bytes as `longest` says; all else is as of `fastem.rows.open`.
    """
    if (dtype is None) != (n_columns is None):
        raise ValueError("a raw binary file needs both dtype and n_columns; give the other too")
    if dtype is not None:
        return raw(file, dtype, validation.integer(n_columns, "n_columns"))
    head = file.head(HEAD)
    if head.startswith(ZIP):
        names = names_within(file)
        if "xl/workbook.xml" in names:
            _refuse(head, file.name)
        if member is not None or len(names) != 1 or names[0].endswith((".npy", "/")):
            return npz(file, member)
    elif member is not None:
        raise ValueError(f"member is {member!r} but {file.name} is no .npz file; leave it out")
    elif head.startswith(NPY):
        return npy(file)
    elif form := next((MAGIC[magic] for magic in MAGIC if head.startswith(magic)), None):
        return Arrow(file, form)
    else:
        _refuse(head, file.name)
    skip = validation.integer(skip_rows, "skip_rows", least=0)
    return Text(file, longest, skip, na_values)


class Foreign(NamedTuple):
    """A format that others read: how its files begin, and the call that reads a path."""

    magic: bytes
    what: str
    library: str
    call: str


ASTROPY = "astropy", "astropy.table.Table.read({}).to_pandas()"
EXCEL = "an Excel workbook", "pandas", "pandas.read_excel({})"
IMAGE = "Pillow", "numpy.asarray(PIL.Image.open({}).convert('RGB')).reshape(-1, 3)"
GEO = "geopandas", "geopandas.read_file({})"
FLOW = "a file of flow cytometry (FCS)", "fcsparser", "fcsparser.parse({})[1]"
ARROW = "pyarrow", "pyarrow.ipc.open_stream({}).read_pandas()"
FORMATS = [
    Foreign(ZIP, *EXCEL),
    Foreign(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", *EXCEL),
    Foreign(b"\x89HDF\r\n\x1a\n", "an HDF5 file", "h5py", "h5py.File({})['name of the rows'][:]"),
    Foreign(b"SIMPLE  =", "a FITS file", *ASTROPY),
    Foreign(b"FCS2.", *FLOW),
    Foreign(b"FCS3.", *FLOW),
    Foreign(b"\x89PNG", "an image", *IMAGE),
    Foreign(b"\xff\xd8\xff", "an image", *IMAGE),
    Foreign(b"GIF8", "an image", *IMAGE),
    Foreign(b"II*\0", "an image", *IMAGE),
    Foreign(b"MM\0*", "an image", *IMAGE),
    Foreign(b"SQLite format 3\0", "an SQLite database or GeoPackage", *GEO),
    Foreign(b"\0\0'\n", "a shapefile", *GEO),
    Foreign(b"CDF", "a NetCDF file", "xarray", "xarray.open_dataset({}).to_dataframe()"),
    Foreign(b"MATLAB 5.0", "a MATLAB file", "SciPy", "scipy.io.loadmat({})['name of the matrix']"),
    Foreign(b"<stata_dta>", "a Stata file", "pandas", "pandas.read_stata({})"),
    Foreign(b"$FL2", "an SPSS file", "pandas", "pandas.read_spss({})"),
    Foreign(b"FEA1", "a Feather file of version 1", "pandas", "pandas.read_feather({})"),
    Foreign(b"\xff\xff\xff\xff", "a stream of Arrow's", *ARROW),
    Foreign(b"\x80\x04", "a pickle", "pandas, if you trust it,", "pandas.read_pickle({})"),
    Foreign(b"\x80\x05", "a pickle", "pandas, if you trust it,", "pandas.read_pickle({})"),
    Foreign(b"{", "a JSON file", "pandas", "pandas.read_json({})"),
]  # fmt: skip
#: What stands somewhere in the first bytes of these.
WITHIN = [
    Foreign(b"<VOTABLE", "a VOTable", *ASTROPY),
    Foreign(b'"FeatureCollection"', "a GeoJSON file", *GEO),
    Foreign(b"<html", "a web page", "pandas", "pandas.read_html({})[0]"),
]


def _refuse(head: bytes, path: str) -> None:
    """Refuse a file that another library reads, by its first bytes."""
    begins = [one for one in FORMATS if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(one.magic)]
    within = [one for one in WITHIN if head.lstrip()[:1] in b"<{" and one.magic in head]
    for one in within + [one for one in begins if one.magic != b"CDF" or head[3:4] < b"\x09"]:
        call = one.call.format(repr(path))
        raise ValueError(
            f"{path} is {one.what}, which {one.library} reads: fastem.fit({call}, 2), "
            f"or save the table as CSV or Parquet"
        )
