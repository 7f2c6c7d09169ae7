"""Arguments of public functions, whatever they are: an answer, or an error in words of ours.

As many examples as FASTEM_FUZZ says; see test_files.py.
"""

import functools
import inspect
import os
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastem

EXAMPLES = int(os.environ.get("FASTEM_FUZZ", 60))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2)) + 6.0 * np.repeat([0, 1], 10)[:, None]
MIXTURE = fastem.Mixture([0.5, 0.5], [[0.0, 0.0], [6.0, 6.0]], np.ones((2, 2)), "diag")
NOISE = fastem.Noise(0.1, [0, 0], [4, 5])
QUICK = {"n_init": 1, "max_iter": 3, "random_state": 0, "covariance_type": "diag"}


@functools.cache
def fitted():
    return fastem.fit(X, 2, covariance_type="diag", n_init=1, random_state=0)


#: What has no sense anywhere, or only here and there. Whole numbers are few: some say how long.
VALUES = [
    *(None, True, False, -1, 0, 1, 2, 3, 0.5, -0.5, 1e-300, 1e300, np.nan, np.inf, -np.inf, 1j),
    *("", "x", "full", "a\0b", b"x", (), [], [[]], {}, set(), object(), id, bool, ...),
    *([0, 1], [0.5, 0.5], [1, 1], ["a", "b"], [None], [[1.0], [2.0, 3.0]], range(2), "0:1"),
    *(np.zeros(2), np.ones((2, 2)), np.zeros((0, 2)), np.eye(2), np.full((2, 2), np.nan), X),
    *(np.zeros((2, 2, 2)), np.array("x"), np.array([None, 1]), np.ma.masked_all(2), np.float32(1)),
    *(np.datetime64("2020"), np.zeros(3, "M8[s]"), np.zeros(2, [("a", "f8")]), np.int8(2)),
    *(pd.Series([1.0, 2.0]), pd.DataFrame({"a": [1.0, np.nan]}), np.random.default_rng(0)),
    *(MIXTURE, NOISE, fitted, "absent.npy", ".", "é" * 300),
]
CALLS = {
    "fit": (fastem.fit, {"X": X, "n_components": 2, **QUICK}),
    "select": (fastem.select, {"X": X, "n_components": [1, 2], **QUICK}),
    "lrt": (fastem.lrt, {"X": X, "k_max": 2, "n_replicates": 2, **QUICK}),
    "bootstrap": (fastem.bootstrap, {"fit": fitted, "X": X, "n_replicates": 2, "max_iter": 3}),
    "Mixture": (
        fastem.Mixture,
        {name: getattr(MIXTURE, name) for name in ("weights", "means", "covariances")},
    ),
    "Noise": (fastem.Noise, {"weight": 0.1, "low": [0, 0], "high": [4, 5]}),
    "rows.open": (fastem.rows.open, {"path": "rows.npy"}),
    "sample": (MIXTURE.sample, {"n_samples": 3}),
    "marginal": (MIXTURE.marginal, {"columns": 0}),
    "condition": (MIXTURE.condition, {"columns": 0, "values": 1.0}),
    "predict": (MIXTURE.predict, {"X": X}),
    "predict_mean": (MIXTURE.predict_mean, {"columns": 0, "X": X[:, :1]}),
    "log_prob": (MIXTURE.log_prob, {"X": X}),
    "responsibilities": (MIXTURE.responsibilities, {"X": X}),
    "summarise": (MIXTURE.summarise, {"X": X}),
    "save": (MIXTURE.save, {"path": "m.npz"}),
    "load": (fastem.Mixture.load, {"path": "m.npz"}),
    "predict_to": (MIXTURE.predict_to, {"path": "l.csv", "X": X}),
    "noise.sample": (NOISE.sample, {"n": 3, "rng": np.random.default_rng(0)}),
    "noise.span": (NOISE.span, {"columns": [0]}),
    "with_weight": (NOISE.with_weight, {"weight": 0.2}),
}


@fuzzed
@given(st.sampled_from(sorted(CALLS)), st.data())
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::fastem.SymmetricStartWarning")
def test_arguments(tmp_path_factory, monkeypatch, name, data):
    monkeypatch.chdir(tmp_path_factory.getbasetemp())
    function, usual = CALLS[name]
    known = [name for name in inspect.signature(function).parameters if name != "progress"]
    changed = data.draw(
        st.dictionaries(st.sampled_from(known), st.sampled_from(VALUES), min_size=1, max_size=2)
    )
    given = usual | changed
    try:
        function(**{k: fitted() if value is fitted else value for k, value in given.items()})
    except (TypeError, ValueError, OSError, ImportError) as error:
        said = str(error)
    else:
        return
    # In words of ours: a remedy follows, and nothing of what goes on within.
    assert "; " in said or "missing" in said, said
    assert not re.search(r"no attribute|unsupported operand|not subscriptable|not iterable", said)
