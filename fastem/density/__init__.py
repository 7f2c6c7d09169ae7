"""Densities: mixtures factored for the kernels, the seam between rows and compiled code.

    density    Ellipsoidal, a triangular factor per component or one shared; AxisAligned, a factor
               per component and column. Every covariance family uses one of the two
    accumulator      one pass over rows that come block by block
    slots      how a pass is divided
    bits       logarithms to the base 2

Parameters are in the units of the rows they will meet.
"""

from fastem.density.accumulator import Accumulator
from fastem.density.bits import HALF_BITS, LN2
from fastem.density.density import AxisAligned, Density, Ellipsoidal

__all__ = ["HALF_BITS", "LN2", "Accumulator", "AxisAligned", "Density", "Ellipsoidal"]
