"""Densities: mixtures factored for the kernels, the seam between rows and compiled code.

    density      Ellipsoidal, with a triangular factor for each component or one for all, and
                 AxisAligned, with a factor for each component and column
    accumulator  one pass over rows that come block by block
    partition    how a pass is divided into slots
    incomplete   rows that lack columns, or may be of some components only
    chunks       the order in which kernels take those

Parameters are in the units of the rows they will meet. Logarithms are to base 2 in kernels, and
natural in what methods return.
"""

from fastem.density.accumulator import Accumulator
from fastem.density.density import AxisAligned, Density, Ellipsoidal
from fastem.kernels.elementary import HALF_BITS, LN2

__all__ = ["HALF_BITS", "LN2", "Accumulator", "AxisAligned", "Density", "Ellipsoidal"]
