"""Files of other formats: which library reads them, and how what it reads is passed."""

from __future__ import annotations

from typing import NamedTuple


class Foreign(NamedTuple):
    """A format that others read: how its files begin, and the call that reads a path."""

    magic: bytes
    what: str
    library: str
    call: str


#: How archives begin: of arrays, of a workbook, or others.
ZIP = b"PK\x03\x04"
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


def refuse(head: bytes, path: str) -> None:
    """Refuse a file that another library reads, by its first bytes."""
    begins = [one for one in FORMATS if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(one.magic)]
    within = [one for one in WITHIN if head.lstrip()[:1] in b"<{" and one.magic in head]
    for one in within + [one for one in begins if one.magic != b"CDF" or head[3:4] < b"\x09"]:
        call = one.call.format(repr(path))
        raise ValueError(
            f"{path} is {one.what}, which {one.library} reads: fastem.fit({call}, 2), "
            f"or save the table as CSV or Parquet"
        )
