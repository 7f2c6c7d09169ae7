"""Examples in docstrings do what they say."""

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import fastem

MODULES = [
    module.name
    for module in pkgutil.walk_packages(fastem.__path__, "fastem.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(name), extraglobs={"np": np})
    assert found.failed == 0


def test_the_public_callables_have_examples():
    """All that a user calls by name; what they are handed explains its fields instead."""
    values = ["Mixture", "Noise", "Recorder", "GaussianMixture"]
    for name in ["fit", "select", "bootstrap", "lrt", *values]:
        assert ">>>" in getattr(fastem, name).__doc__, name
