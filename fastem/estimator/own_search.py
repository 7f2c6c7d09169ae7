"""init_params="fastem": the estimator by the search and the tolerance of `fastem.fit`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastem.covariance import Family
from fastem.data import Data
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Fit
from fastem.search.beginning import Starts
from fastem.search.starts import UserStart
from fastem.solve import solve

#: The name of this way to begin.
NAME = "fastem"
#: What scikit-learn has by default, in whose place `fastem.fit` has its own.
DEFAULTS: dict[str, Any] = {"tol": 1e-3, "reg_covar": 1e-6, "max_iter": 100, "n_init": 1}


def own_search(
    parameters: dict[str, Any], data: Data, family: Family, user_start: UserStart
) -> Fit:
    """What `fastem.fit` comes to with an estimator's parameters.

    Parameters
    ----------
    parameters : dict
        Of the estimator. Those that are as scikit-learn has them by default are as `fastem.fit` has
        them by default.
    data : Data
    family : Family
    user_start : UserStart
    """
    chosen = {
        name: parameters[name] for name, usual in DEFAULTS.items() if parameters[name] != usual
    }
    seed = parameters["random_state"]
    if seed is not None and not isinstance(seed, int | np.integer):
        seed = int(seed.randint(2**31))  # a RandomState
    starts = Starts.of(data, Options(**chosen), seed)
    K, sort = parameters["n_components"], user_start.is_empty
    return solve(starts, K, family, Progress(False), user_start, sort=sort)
