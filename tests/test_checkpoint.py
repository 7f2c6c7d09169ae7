"""Checkpoints; the oracle of a fit that goes on is the same fit uninterrupted, to the bit."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import processes
import pytest

import fastem
from fastem.kernels import em_control
from fastem.search import over_all

#: A fit that kills its process at some moment while EM runs over all rows.
KILLED = """
import os, random, signal, sys, threading
import numpy as np, fastem

place, rows, checkpoint = sys.argv[1:]
means = np.arange(12.0).reshape(4, 3)
X = {"memory": np.load, "disk": str, "streamed": lambda path: fastem.rows.open(path, memory="1M")}
X = X[place](rows)

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def tell(event):
    if event.n_iter == 0:
        threading.Timer(random.uniform(0, 0.1), kill).start()

while True:
    fastem.fit(X, 4, means_init=means, tol=0, max_iter=99, checkpoint=checkpoint, callback=tell)
"""


#: A start far from the end.
MEANS = np.arange(12.0).reshape(4, 3)


class Interruption(Exception):
    """As good as a kill, for what the file holds."""


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    shear = np.array([[1, 0.5, 0], [0, 1, 0.2], [0, 0, 1]])
    return rng.normal(size=(600, 3)) @ shear + rng.integers(0, 3, (600, 1))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.npz"


def fit_until(n, X, path, **options):
    """A fit that ends like a killed one once the n-th pass over all rows is made."""
    passes = 0

    def count(event):
        nonlocal passes
        passes += event.stage == "all rows"
        if passes == n:
            raise Interruption

    return fastem.fit(X, 4, **options, checkpoint=path, callback=count)


def assert_same(a, b):
    assert a.mixture == b.mixture
    np.testing.assert_array_equal(a.trace, b.trace)
    assert (a.n_iter, a.log_likelihood, a.classification_entropy) == (
        b.n_iter,
        b.log_likelihood,
        b.classification_entropy,
    )
    assert (a.restarts, a.status) == (b.restarts, b.status)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance_type": "diag"},
        {"covariance_type": "EVE"},
        {"covariance_type": "tied", "accelerate": False, "max_iter": 25},
        {"noise": True},
        {"prior": True},
        {"means_init": None, "n_init": 2, "max_iter": 20},
        {"checkpoint_every": 4},
        {"tol": 0, "max_iter": 30},
    ],
    ids=str,
)
def test_goes_on_to_the_same_bits(X, path, options):
    options = {"random_state": 0, "means_init": MEANS, **options}
    alone = {name: value for name, value in options.items() if name != "checkpoint_every"}
    whole = fastem.fit(X, 4, **alone)
    for n in 1, 3, 4:
        with pytest.raises(Interruption):
            fit_until(n, X, path, **options)
    assert_same(fastem.fit(X, 4, **options, checkpoint=path), whole)
    # The file stays, and its fit is done at once.
    passes = []
    options["callback"] = lambda event: passes.append(event.stage)
    assert_same(fastem.fit(X, 4, **options, checkpoint=path), whole)
    assert set(passes) == {"all rows"}
    assert len(passes) <= options.get("checkpoint_every", 1) + 1
    assert [file.name for file in path.parent.iterdir()] == ["fit.npz"]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_weights_and_precision(X, path, kind):
    X = X.astype(kind)
    weight = np.random.default_rng(1).uniform(0, 3, len(X))
    options = {"random_state": 0, "means_init": MEANS, "sample_weight": weight}
    with pytest.raises(Interruption):
        fit_until(4, X, path, **options)
    assert_same(fastem.fit(X, 4, **options, checkpoint=path), fastem.fit(X, 4, **options))
    options["sample_weight"] = np.sort(weight) * 1.1
    with pytest.raises(ValueError, match="sample_weight was of digest"):
        fastem.fit(X, 4, **options, checkpoint=path)


@pytest.mark.parametrize("place", ["memory", "disk", "streamed"])
def test_goes_on_after_a_kill(X, path, tmp_path, place):
    """Rows are an array, a file small enough to be kept, or one that is read at every pass."""
    file = tmp_path / ("rows.csv" if place == "disk" else "rows.npy")
    if place == "memory":
        rows = X
        np.save(file, X)
    elif place == "disk":
        rows = file
        np.savetxt(file, X, delimiter=",")
    else:
        np.save(file, np.tile(X, (20, 1)))
        assert file.stat().st_size > 2**20 / 4  # the share of the budget that is kept
        rows = fastem.rows.open(file, memory="1M")
    environment = {**os.environ, "PYTHONPATH": str(Path(fastem.__file__).parents[1])}
    words = [sys.executable, "-c", KILLED, place, str(file), str(path)]
    killed = processes.run(words, env=environment)
    assert killed.returncode == -signal.SIGKILL
    options = {"means_init": MEANS, "tol": 0, "max_iter": 99}
    assert_same(fastem.fit(rows, 4, **options, checkpoint=path), fastem.fit(rows, 4, **options))
    # What was being written when the kill came is written over, and not left.
    assert {f.name for f in tmp_path.iterdir()} == {file.name, path.name}


@pytest.fixture
def dwindling(monkeypatch):
    """Heavy tails and a tiny heap: over all rows two components of the sample's winner dwindle.

    The search over all rows would replace them, and leave none to the run that is looked at here.
    """
    monkeypatch.setattr(over_all, "MOST_COMPONENTS", 0)
    rng = np.random.default_rng(0)
    X = rng.standard_t(2.0, size=(20_000, 3))
    X[:10_000] += 4.0 * rng.integers(0, 3, (10_000, 1))
    X[:25] = 30.0 + 1e-3 * rng.normal(size=(25, 3))
    return X, {"n_components": 10, "random_state": 0, "n_init": 1, "init": "k-means++"}


def test_goes_on_after_a_replacement_to_the_same_bits(dwindling, path):
    X, options = dwindling
    whole, told = fastem.fit(X, **options), []

    def stop_late(event):
        if event.stage == "all rows":
            told.append(event)
            if event.n_iter >= 20:
                raise Interruption

    with pytest.raises(Interruption):
        fastem.fit(X, **options, checkpoint=path, callback=stop_late)
    with np.load(path) as file:
        assert file["counters"][em_control.N_REPLACED] == 2
        # The last pass before the interruption is not in the file, and those before it are.
        assert file["counters"][em_control.N_PASSES] == len(told) - 1
    assert_same(fastem.fit(X, **options, checkpoint=path), whole)


def test_what_ran_before_a_replacement_counts(dwindling):
    """Oracle: what the callback hears."""
    X, options = dwindling
    heard = []
    fitted = fastem.fit(X, **options, callback=heard.append)
    heard = [event for event in heard if event.stage == "all rows"]
    assert [event.log_likelihood for event in heard] == fitted.trace.tolist()
    assert np.diff([event.n_iter for event in heard]).min() >= 0
    assert heard[-1].n_iter == fitted.n_iter
    assert f"after {fitted.n_iter} passes" in fitted.status.text
    assert np.diff(fitted.trace).min() < 0  # where a component is replaced the level falls


def test_chance_without_a_seed(X, path):
    options = {"n_init": 2, "max_iter": 3, "checkpoint": path}
    first = fastem.fit(X, 4, **options)
    assert_same(fastem.fit(X, 4, **options), first)


def test_each_fit_of_a_selection_has_its_own(X, path):
    options = {"random_state": 0, "n_init": 1, "max_iter": 5, "covariance_type": ["full", "diag"]}
    whole = fastem.select(X, [1, 2], **options)
    passes = 0

    def count(event):
        nonlocal passes
        passes += event.stage == "all rows"
        if passes == 8:
            raise Interruption

    with pytest.raises(Interruption):
        fastem.select(X, [1, 2], **options, checkpoint=path, callback=count)
    again = fastem.select(X, [1, 2], **options, checkpoint=path)
    assert_same(again.best, whole.best)
    assert [row._replace(seconds=0) for row in again.table] == [
        row._replace(seconds=0) for row in whole.table
    ]
    names = ["fit.1-diag.npz", "fit.1-full.npz", "fit.2-diag.npz", "fit.2-full.npz"]
    assert sorted(file.name for file in path.parent.iterdir()) == names


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"n_components": 3, "means_init": MEANS[:3]}, "n_components was 4 and is 3"),
        ({"covariance_type": "diag"}, "covariance_type was full and is diag"),
        ({"tol": 1e-5}, "tol was 1e-06 and is 1e-05"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"means_init": MEANS + 1}, "means_init was an array of shape"),
        ({"rows": slice(1, None)}, "n_samples was 600 and is 599"),
        ({"rows": slice(None, None, -1)}, "X was of digest"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_another_fit_is_refused(X, path, change, told):
    options = {"n_components": 4, "random_state": 0, "means_init": MEANS, "max_iter": 4}
    options["checkpoint"] = path
    fastem.fit(X, **options)
    before = path.read_bytes()
    rows = X[change.pop("rows", slice(None))]
    with pytest.raises(ValueError, match=told) as refused:
        fastem.fit(rows, **{**options, **change})
    assert str(path) in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["memory", "disk", "streamed", "dask"])
def test_rows_that_differ_where_nobody_looks_are_refused(path, tmp_path, place):
    """One number, between the others of its column, in a row that units are not chosen from."""
    X = np.random.default_rng(0).normal(size=(40_000, 2))
    other = X.copy()
    other[1] = other[2]

    def placed(rows):
        if place == "memory":
            return rows
        if place == "dask":
            return pytest.importorskip("dask.array").from_array(rows, chunks=(9000, 2))
        np.save(tmp_path / "rows.npy", rows)
        return fastem.rows.open(tmp_path / "rows.npy", memory="1M" if place == "streamed" else "9M")

    options = {"means_init": [[-1.0, 0.0], [1.0, 0.0]], "max_iter": 2, "checkpoint": path}
    fastem.fit(placed(X), 2, **options)
    fastem.fit(placed(X), 2, **options)
    with pytest.raises(ValueError, match="X was of digest"):
        fastem.fit(placed(other), 2, **options)


def test_a_damaged_file_is_refused(X, path):
    options = {"means_init": MEANS, "max_iter": 9, "checkpoint": path}
    fastem.fit(X, 4, **options)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    cut = [whole[:n] for n in (0, 1, 100, len(whole) // 2, len(whole) - 1)]
    bits = []
    for _ in range(30):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        bits.append(bytes(damaged))
    told = []
    for content in [*cut, *bits, b"PK\x03\x04" + b"\0" * 100, b"\x93NUMPY" * 9, b"no checkpoint"]:
        path.write_bytes(content)
        try:
            fastem.fit(X, 4, **options)
        except ValueError as error:
            told.append(str(error))
    assert len(told) >= 5 + 20 + 3  # a bit may lie where zip files have no meaning
    assert all(f"{path} is " in text and "\n" not in text for text in told)


@pytest.mark.parametrize(
    "change",
    [
        {"point": np.zeros(9)},
        {"em_statistics": np.full(52, np.nan)},
        {"em_step": np.zeros(52, np.float32)},
        {"trace": np.array("text")},
        {"gain_sizes": None},
        {"gain_before": np.zeros((2, 1))},
        {"steps_pairs": np.zeros((2, 1, 9))},
        {"steps_seen": np.array([99, 0])},
        {"n_rows": None},
        {"counters": np.array([1, 99, 0, 0, 0])},
        {"counters": np.array([1, 2, 0, 9, 0])},
        {"shape": np.array([3, 4])},
        {"restarts": np.frombuffer(b"[[1]]", np.uint8)},
        {"arguments": np.frombuffer(b"{" * 10**5, np.uint8)},
        {"version": np.array(99)},
        {"format": np.array([object()])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_file_is_refused(X, path, change):
    options = {"means_init": MEANS, "max_iter": 9, "checkpoint": path}
    fastem.fit(X, 4, **options)
    with np.load(path) as file:
        fields = {name: file[name] for name in file.files}
    fields = {name: a for name, a in {**fields, **change}.items() if a is not None}
    np.savez(path, **fields)
    with pytest.raises(
        ValueError, match=r"is a checkpoint that is damaged or of another|is no checkpoint"
    ):
        fastem.fit(X, 4, **options)


def test_a_file_that_leads_nowhere_is_to_blame(X, path):
    options = {"means_init": MEANS, "max_iter": 9, "covariance_type": "diag", "checkpoint": path}
    fastem.fit(X, 4, **options)
    with np.load(path) as file:
        fields = dict(file)
    fields["point"] = -fields["point"]
    np.savez(path, **fields)
    with pytest.raises(ValueError, match=r"is a checkpoint that is damaged .* delete it"):
        fastem.fit(X, 4, **options)


def test_a_stopped_race_is_no_start(X, path):
    fastem.fit(X, 4, random_state=0, checkpoint=path, callback=lambda event: True)
    assert not path.exists()


def test_what_is_no_path_is_refused(X, tmp_path):
    with pytest.raises(TypeError, match="checkpoint is 3"):
        fastem.fit(X, 4, checkpoint=3)
    with pytest.raises(ValueError, match="checkpoint_every"):
        fastem.fit(X, 4, checkpoint_every=0)
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file in it"):
        fastem.select(X, [1, 2], checkpoint=tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fastem.fit(X, 4, checkpoint=tmp_path / "absent" / "fit.npz")


@pytest.mark.parametrize("name", ["X.npy", "X.npz", "x.csv", "mixture.npz", "empty", "cut.npz"])
def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path, name):
    """Such as the rows themselves: it is not overwritten, nor does anybody advise to delete it."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "X.npz", X=X)
    np.savetxt(tmp_path / "x.csv", X, delimiter=",")
    fastem.Mixture([1.0], [[0.0]], [1.0], "spherical").save(tmp_path / "mixture.npz")
    (tmp_path / "empty").touch()
    (tmp_path / "cut.npz").write_bytes((tmp_path / "X.npz").read_bytes()[:-40])
    path = tmp_path / name
    before = path.read_bytes()
    rows = path if name in ("X.npy", "X.npz", "x.csv") else X
    with pytest.raises(ValueError, match=r"is no checkpoint, .* give another path") as caught:
        fastem.fit(rows, 2, checkpoint=path, random_state=0)
    assert "delete" not in str(caught.value)
    assert "pickle" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_fit_at_a_time(X, path):
    """The second one says who has the checkpoint; the first one does not notice."""
    options = {"means_init": MEANS, "max_iter": 9}
    told = []

    def again(event):
        for door in fastem.fit, fastem.select:
            with pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on .* since") as no:
                door(X, 4, checkpoint=path)
            told.append(str(no.value))

    fitted = fastem.fit(X, 4, **options, checkpoint=path, callback=again)
    assert_same(fitted, fastem.fit(X, 4, **options))
    assert set(told) == {told[0]}
    assert told[0].endswith("wait for it with checkpoint_wait=True, or give another path")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


STARTED_TWICE = """
import sys
import numpy as np, fastem

rows, checkpoint = sys.argv[1:]
means = np.arange(12.0).reshape(4, 3)
options = {"means_init": means, "max_iter": 99, "tol": 0}
print("ready", flush=True)
sys.stdin.readline()
fitted = fastem.fit(np.load(rows), 4, **options, checkpoint=checkpoint, checkpoint_wait=True)
print(fitted.log_likelihood.hex())
"""


@pytest.mark.processes
def test_a_job_that_is_started_three_times(X, path, tmp_path):
    """Oracle: the fit alone, in memory. Nobody dies, and nothing is left but the checkpoint."""
    np.save(tmp_path / "rows.npy", X)
    environment = {**os.environ, "PYTHONPATH": str(Path(fastem.__file__).parents[1])}
    words = [sys.executable, "-c", STARTED_TWICE, str(tmp_path / "rows.npy"), str(path)]
    started = [processes.start(words, stdin=-1, env=environment) for _ in range(3)]
    for process in started:
        processes.wait_for(process, "ready")
    for process in started:
        print(file=process.stdin, flush=True)
    done = [processes.finish(process) for process in started]
    expected = fastem.fit(X, 4, means_init=MEANS, max_iter=99, tol=0).log_likelihood.hex()
    assert [out.strip() for out, _ in done] == [expected] * 3, done
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fit.npz", "rows.npy"]
