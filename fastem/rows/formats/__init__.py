"""Formats: columns of numbers that are read from the first row to the last.

table.py    the contract
binary.py   numbers as they lie in a file, raw, .npy or as npz.py tells; a vector in memory
arrow.py    Parquet, Feather and ORC (extra: parquet)
text.py     CSV and its kin: bytes --encoding.py--> lines --layout.py--> fields --> numbers
foreign.py  formats that others read
"""
