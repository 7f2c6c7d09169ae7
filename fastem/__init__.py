"""Gaussian mixtures by Expectation-Maximisation, compiled, on the CPU.

    rows --summarise(density)--> Moments (+) --maximise--> Mixture --factor--> density --> again until converged
     |                              |             |                                |
     memory                         one monoid,   one room per                     two compiled kernels:
                                    any order     covariance family                ellipsoidal, axis-aligned

One EM loop serves every place the rows can live and every covariance family. A pass over the rows
returns `Moments`; everything that decides anything happens on those small arrays.
"""

from importlib.metadata import PackageNotFoundError, version

from fastem.fit import fit
from fastem.initialisation import SymmetricStartWarning
from fastem.mixture import Mixture
from fastem.moments import Moments
from fastem.results import Event, Fit, Restart, Status
from fastem.selection import Selection, select

try:
    __version__ = version("fastem")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0"

__all__ = [
    "Event",
    "Fit",
    "Mixture",
    "Moments",
    "Restart",
    "Selection",
    "Status",
    "SymmetricStartWarning",
    "fit",
    "select",
]
