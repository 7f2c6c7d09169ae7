"""Frames read block by block at every pass, within a budget of memory.

stream.py     the rows, before and after a fit has chosen its units
scan.py       the first pass: rows are counted, checked, and kept in memory if they are few
passes.py     the budget, and one pass in blocks
"""
