"""Places where rows live. Each decides which blocks meet a density, where and in what order."""

from fastem.rows.memory import MemoryRows

__all__ = ["MemoryRows"]
