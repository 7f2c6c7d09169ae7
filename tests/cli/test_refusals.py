"""What cannot be done is refused in one line, and nothing is left behind."""

import errno
import os
import sys
from pathlib import Path

import pytest

import fastem
from fastem.cli import fit, labels
from fastem.lock import sole

DATA = Path(__file__).parents[1] / "data"
FAITHFUL = str(DATA / "faithful.csv")
QUICK = ["--n-init", "2", "--tol", "1e-3"]


def test_without_matplotlib_no_fit_begins(refused, no_fit, monkeypatch):
    monkeypatch.delattr(fastem, "plot")  # imports it, if nobody has
    for name in [name for name in sys.modules if name.startswith("fastem.plot")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'fastem[plot]'" in refused("fit", FAITHFUL, "--plot", "c.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent.csv",), "absent.csv cannot be read: No such file"),
        ((str(DATA),), "has no column"),
        ((FAITHFUL, "--columns", "wating"), "no column 'wating'; did you mean 'waiting'?"),
        ((str(DATA / "iris.csv"),), "line 2: column 'label' holds text, 'setosa'; take the"),
        ((FAITHFUL, "--components", "273"), "--components asks for 273 but"),
        ((FAITHFUL, "--components", "0"), "there must be at least 1"),
        ((FAITHFUL, "--components", "9:1"), "runs backwards; write 1:9"),
        ((FAITHFUL, "--components", "2.5"), "--components 2.5 is no number"),
        ((FAITHFUL, "--components", "2,"), "--components 2, is no number"),
        ((FAITHFUL, "--covariance", "round"), "--covariance is 'round'; use one of 'full'"),
        ((FAITHFUL, "--criterion", "best"), "argument --criterion: invalid choice: 'best'"),
        ((FAITHFUL, "--labels", "no/such/folder.csv"), "its directory does not exist"),
        ((FAITHFUL, "--labels", "."), "it is a directory"),
        ((FAITHFUL, "--labels", FAITHFUL), "as well; give another name"),
        ((FAITHFUL, "--labels", "a", "--model", "./a"), "is --labels as well"),
        ((FAITHFUL, "--plot", "c.bmpx"), "--plot c.bmpx is no picture; end it in .png"),
        ((FAITHFUL, "--plto", "c.png"), "unrecognized arguments: --plto c.png"),
        ((), "the following arguments are required: FILE; see fastem fit --help"),
    ],
    ids=lambda value: " ".join(map(os.path.basename, value)) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_fitted_is_refused_before_any_fit(refused, no_fit, words, message):
    assert message in refused("fit", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--n-init", "0"), "--n-init is 0; it must be at least 1"),
        (("--seed", "-1"), "--seed is -1"),
        (("--tol", "-1"), "--tol is -1"),
        (("--max-iter", "0"), "--max-iter is 0"),
        (("--reg-covar", "nan"), "--reg-covar is nan"),
        (("--n-init", "few"), "argument --n-init: invalid int value: 'few'"),
    ],
)
def test_options_are_named_as_they_were_given(refused, words, message):
    assert message in refused("fit", FAITHFUL, "--components", "2", *words)


def test_no_command_is_refused(refused):
    assert "no command is given; say fastem fit FILE" in refused()
    assert "invalid choice: 'fti'" in refused("fti")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent.npz", FAITHFUL), "absent.npz cannot be read: No such file"),
        ((FAITHFUL, FAITHFUL), "damaged or not a fastem mixture"),
        (
            (".", FAITHFUL),
            ". cannot be read: Is a directory; give the path of a file that can be r",
        ),
        (("m.npz", str(DATA / "s1.npz")), None),
        (
            ("m.npz", str(DATA / "wine.npz")),
            "wine.npz has 13 columns of data but m.npz was fitted to 2",
        ),
        (("m.npz", str(DATA / "iris.csv")), "no column 'eruptions', which the model was fitted to"),
        (("m.npz", FAITHFUL, "--labels", "m.npz"), "m.npz as well; give another name"),
    ],
)
def test_what_cannot_be_predicted(run, refused, words, message):
    run("fit", FAITHFUL, "--components", "2", "--model", "m.npz", *QUICK)
    if message is None:
        assert run("predict", *words)[0] == 0
    else:
        assert message in refused("predict", *words)


def test_a_failure_half_way_leaves_the_old_files(refused, monkeypatch):
    Path("labels.csv").write_text("old")

    def fail(rows, mixture, path, *more):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(labels, "write", fail)
    words = "--components", "1", "--model", "m.npz", "--labels", "labels.csv"
    err = refused("fit", FAITHFUL, *words, *QUICK)
    assert "labels.csv cannot be written: No space left on device" in err
    assert Path("labels.csv").read_text() == "old"


def test_write_protected_output_is_refused(refused, no_fit, monkeypatch):
    Path("labels.csv").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    err = refused("fit", FAITHFUL, "--labels", "labels.csv")
    assert "labels.csv cannot be written: it is write-protected" in err


def test_demo_into_a_file_is_refused(refused):
    pytest.importorskip("matplotlib")
    Path("taken").write_text("")
    assert "taken: File exists; give a path where" in refused("demo", "--out", "taken")


def test_a_checkpoint_that_another_process_has(refused, tmp_path):
    with sole(tmp_path / "c.npz", "", wait=False):
        told = refused("fit", FAITHFUL, "--components", "2", "--checkpoint", "c.npz")
    assert told.startswith(f"fastem: c.npz is in use by process {os.getpid()} on ")
    assert told.endswith("; wait for it with --checkpoint-wait, or give another path\n")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), ""),
        (MemoryError("Unable to allocate 8.00 EiB"), " (Unable to allocate 8.00 EiB)"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), " ([Errno 12] Cannot allocate memory)"),
        (RuntimeError("can't start new thread"), " (can't start new thread)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_lack_of_memory_names_the_file_and_what_to_lessen(refused, monkeypatch, error, reason):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(fit, "select", fail)
    told = refused("fit", FAITHFUL, "--memory", "64M")
    assert told.startswith(f"fastem: {FAITHFUL} asks for more memory than there is{reason}")
    assert "; free some, give a smaller --memory than 64M, give fewer --components or give" in told


def test_a_disk_that_fails_amid_a_file(refused, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fit, "select", fail)
    told = refused("fit", FAITHFUL)
    assert f"fastem: {FAITHFUL} cannot be read: Input/output error; try again, or give a" in told


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="of Linux")
def test_devices_and_other_files_without_rows(run, refused):
    assert "/proc/self/mem cannot be read: Input/output error; try" in refused(
        "fit", "/proc/self/mem"
    )
    run("fit", FAITHFUL, "--components", "1", "--model", "m.npz", *QUICK)
    for device in "/dev/zero", "/dev/full", "/dev/urandom":
        for words in ("fit", device), ("predict", "m.npz", device):
            assert f"{device} is a device, whose bytes are no rows; give a file" in refused(*words)
        assert f"{device} is damaged or not a fastem mix" in refused("predict", device, FAITHFUL)
    assert "/dev/null is empty; give a file with rows" in refused("fit", "/dev/null")


def test_other_errors_of_ours_are_not_hidden(run, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr(fit, "select", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        run("fit", FAITHFUL)
