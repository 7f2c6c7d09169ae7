"""Formats: columns of numbers that are read from the first row to the last.

table.py      the contract
recognise.py  the format of a file, by its first bytes; formats that others read
binary.py     numbers as they lie in a file: raw, .npy, .npz
arrow.py      Parquet, Feather and ORC (extra: parquet)
text.py       CSV and its kin: bytes --encoding.py--> lines --layout.py--> fields --> numbers
"""
