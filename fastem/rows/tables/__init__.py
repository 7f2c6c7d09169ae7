"""Tables: what is read from the first row to the last, as often as a fit passes.

table.py               the contract
columns.py             which columns
binary.py              arrays in files: npy.py, npz.py and raw.py tell where,
plain.py               and read them if they lie there as they are
parquet.py             Parquet (extra: parquet)
text/                  CSV and its kin
one_after_another.py   several files
weights.py             weights put beside rows, or taken away
"""
