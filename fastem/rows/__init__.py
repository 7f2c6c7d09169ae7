"""Places where rows live. Each decides which blocks meet a density, where and in what order.

source.py    the contract
memory.py    arrays
"""

from fastem.rows.memory import Memory, MemoryRows
from fastem.rows.source import Rows, Source

__all__ = ["Memory", "MemoryRows", "Rows", "Source"]
