"""Gaussian mixtures by Expectation-Maximisation, compiled, on the CPU.

    rows --summarise(density)--> Moments (+) --maximise--> Mixture --factor--> density --> again
     |                              |              |                              |
     memory, disk, Dask             one monoid,    one room per                   two kernels:
                                    any order      covariance family              ellipsoidal,
                                                                                  axis-aligned

One EM loop serves every place the rows can live and every covariance family, until it converges.
A pass over the rows returns `Moments`; what decides anything happens on those small arrays.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fastem import environment

environment.check()

# ruff: noqa: E402 - what follows imports Numba
from fastem.agreement import adjusted_rand_index
from fastem.classification import Candidate, Classifier, classify
from fastem.columns import fit_columns
from fastem.covariance import ConjugatePrior, DirichletProcess, NormalWishart
from fastem.drawing import drawn_by
from fastem.event import Event
from fastem.fit import fit
from fastem.inference.bootstrap import bootstrap
from fastem.inference.comparisons import LikelihoodRatioTest
from fastem.inference.likelihood_ratio import lrt
from fastem.inference.replicates import Bootstrap
from fastem.mixture import Merging, Mixture
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.recorder import Recorder
from fastem.results import Fit, Restart, Status
from fastem.search.starts import SymmetricStartWarning
from fastem.selection import Selection, select
from fastem.stream import Stream, Update

if TYPE_CHECKING:
    from fastem import plot as plot
    from fastem.estimator import BayesianGaussianMixture as BayesianGaussianMixture
    from fastem.estimator import GaussianMixture as GaussianMixture
    from fastem.estimator import MixtureClassifier as MixtureClassifier

try:
    __version__ = version("fastem")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0"

__all__ = [
    "Bootstrap",
    "Candidate",
    "Classifier",
    "ConjugatePrior",
    "DirichletProcess",
    "Event",
    "Fit",
    "LikelihoodRatioTest",
    "Merging",
    "Mixture",
    "Moments",
    "Noise",
    "NormalWishart",
    "Recorder",
    "Restart",
    "Selection",
    "Status",
    "Stream",
    "SymmetricStartWarning",
    "Update",
    "adjusted_rand_index",
    "bootstrap",
    "classify",
    "fit",
    "fit_columns",
    "lrt",
    "select",
]


LATE = {
    "BayesianGaussianMixture": "fastem.estimator",
    "GaussianMixture": "fastem.estimator",
    "MixtureClassifier": "fastem.estimator",
    "plot": "fastem.plot",
}

drawn_by(lambda: import_module(LATE["plot"]))


def __getattr__(name: str) -> Any:
    """What needs extras, which are slow to import, when it is first asked for."""
    if name not in LATE:
        raise AttributeError(f"module 'fastem' has no attribute {name!r}")

    module = import_module(LATE[name])
    return getattr(module, name, module)


def __dir__() -> list[str]:
    """The public names; `import *` leaves those out that need extras."""
    return sorted({*__all__, *LATE, "rows", "__version__"})
