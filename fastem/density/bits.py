"""Logarithms to the base 2, in which the kernels work."""

from __future__ import annotations

import numpy as np

LN2 = float(np.log(2.0))
#: Factors carry this, so that squared lengths are bits: log2(exp(-d**2 / 2)) = -(HALF_BITS * d)**2.
HALF_BITS = float(np.sqrt(0.5 / LN2))
