"""Examples in docstrings do what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import fastem

TOP = Path(fastem.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(TOP.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in TOP.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


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
