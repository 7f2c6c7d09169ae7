"""Tables read block by block at every pass, within a budget of memory.

streamed.py   rows that nobody has looked at yet
survey.py     the first pass: rows are counted, checked, and kept in memory if they are few
surveyed.py   those that are too many, in the units of a fit or not
stream.py     one pass in blocks
ahead.py      the next block is read while threads work on the present ones
budget.py     how the budget is written
"""
