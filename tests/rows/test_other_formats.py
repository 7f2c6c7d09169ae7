"""Files that other libraries read: one line that says which, and how to pass what they read."""

import gzip
import io
import zipfile

import pytest

import fastem
from fastem import cli


def workbook():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return held.getvalue()


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (workbook(), "is an Excel workbook, which pandas reads: fastem.fit(pandas.read_excel({}),"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook"),
        (b"\x89HDF\r\n\x1a\n\0", "is an HDF5 file, which h5py reads: fastem.fit(h5py.File({})["),
        (b"SIMPLE  =                    T", "is a FITS file, which astropy reads: fastem.fit("),
        (b"FCS3.1    ", "is a file of flow cytometry (FCS), which fcsparser reads"),
        (b'<?xml version="1.0"?>\n<VOTABLE version="1.3">', "is a VOTable, which astropy reads"),
        (b"\x89PNG\r\n\x1a\n", "is an image, which Pillow reads"),
        (b"\xff\xd8\xff\xe0", "is an image"),
        (b"II*\0\x08", "is an image"),
        (b"SQLite format 3\0", "or GeoPackage, which geopandas reads"),
        (b"\0\0'\n\0\0", "is a shapefile, which geopandas reads"),
        (b'{"type": "FeatureCollection"', "is a GeoJSON file, which geopandas reads"),
        (b'[{"a": 1}]'[1:], "is a JSON file, which pandas reads"),
        (b"CDF\x01\0", "is a NetCDF file, which xarray reads"),
        (b"MATLAB 5.0 MAT-file", "is a MATLAB file, which SciPy reads"),
        (b"\n<!DOCTYPE html><html>", "is a web page, which pandas reads"),
    ],
)
def test_formats(tmp_path, capsys, head, told):
    path = tmp_path / "x.dat"
    path.write_bytes(head + b"\0" * 9)
    with pytest.raises(ValueError, match=r"fastem\.fit\(.*, 2\)"):
        fastem.rows.open(path)
    assert cli.main(["fit", str(path)]) == 2
    err = capsys.readouterr().err
    assert told.format(repr(str(path))) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["FCS,CDF\n1,2\n3,4.5\n", "CDF\n1\n2.5\n"])
def test_names_of_columns_that_look_like_them(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    assert fastem.rows.open(tmp_path / "x.csv").names[-1] == "CDF"


def test_an_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("x.csv", "a\n1\n")
        file.writestr("y.csv", "a\n1\n")
    with pytest.raises(ValueError, match=r"x.zip is an archive of x.csv, y.csv, no arrays; unpack"):
        fastem.rows.open(tmp_path / "x.zip")


def test_a_packed_file_of_something_else(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"\0" * 99, mtime=0))
    with pytest.raises(ValueError, match=r"x.gz is not text; give CSV"):
        fastem.rows.open(tmp_path / "x.gz")
