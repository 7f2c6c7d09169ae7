"""example prints what the tests' own files hold; and the version."""

import sys
from pathlib import Path

import pytest

import fastem

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("name", ["faithful", "iris", "diabetes"])
def test_examples_are_the_files(run, name):
    status, out, err = run("example", name)
    assert (status, err) == (0, "")
    assert out == (DATA / f"{name}.csv").read_text()


def test_no_extra_is_needed(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("fastem.demo", "fastem.plot"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(vars(fastem), "plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("example", "faithful")[0] == 0


def test_an_unknown_example_is_refused(refused):
    assert "faithful" in refused("example", "nonsense")


def test_the_version(run, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"fastem {fastem.__version__}\n"
