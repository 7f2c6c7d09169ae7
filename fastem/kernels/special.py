"""The logarithm of the gamma function, and its derivative, for compiled code.

digamma: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 6.3.5 and
6.3.18.
"""

import math

from fastem.compiler.options import jit_strict

#: From here on the asymptotic series has all digits.
LARGE = 10.0


@jit_strict
def digamma(x):
    """Derivative of log Gamma at x > 0, within 1e-15 or as much of its size."""
    steps = 0.0
    while x < LARGE:
        steps += 1.0 / x
        x += 1.0
    q = 1.0 / (x * x)
    series = 691.0 / 32760.0 - q / 12.0
    series = 1.0 / 132.0 - q * series
    series = 1.0 / 240.0 - q * series
    series = 1.0 / 252.0 - q * series
    series = 1.0 / 120.0 - q * series
    series = 1.0 / 12.0 - q * series
    return math.log(x) - 0.5 / x - q * series - steps


@jit_strict
def log_gamma(x):
    """Log Gamma at x > 0."""
    return math.lgamma(x)


@jit_strict
def log_beta(x, y):
    """Logarithm of the beta function."""
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)
