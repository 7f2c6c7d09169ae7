"""Running the command line in an empty folder."""

import pytest

from fastem import cli
from fastem.cli import fit


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command line in an empty folder: its status, output and errors.

    On a line so wide that no path to the checkout is long enough to fold a sentence.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "4000")

    def command(*words):
        status = cli.main([str(word) for word in words])
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def command(run):
    """Run what must succeed: its output."""

    def succeed(*words):
        status, out, err = run(*words)
        assert status == 0, err
        return out

    return succeed


@pytest.fixture
def refused(run, tmp_path):
    """Run what must fail: in one line on standard error, with status 2 and no new file."""

    def command(*words):
        before = sorted(tmp_path.iterdir())
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert err.startswith("fastem: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert sorted(tmp_path.iterdir()) == before
        return err

    return command


@pytest.fixture
def no_fit(monkeypatch):
    """Let no fit begin."""
    monkeypatch.setattr(fit, "select", lambda *_, **__: pytest.fail("a fit has begun"))
