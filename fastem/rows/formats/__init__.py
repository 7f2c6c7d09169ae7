"""Formats: columns of numbers that are read from the first row to the last.

table.py    the contract
binary.py   numbers as they lie in a file: npy.py, npz.py and raw.py tell where
arrow.py    Parquet, Feather and ORC (extra: parquet)
text/       CSV and its kin
array.py    a vector in memory
"""
