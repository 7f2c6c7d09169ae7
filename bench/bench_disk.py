"""Rows on disk: memory and time of a fit and of labels, and a pass beside one over an array."""

import time
import warnings

import numpy as np
import pytest
from measure import Rounds, extra_memory, ratio

import fastem
from fastem.rows import Memory
from fastem.rows import open as open_rows

D, K = 4, 10
#: Rows made together.
PART = 1_000_000

FIT = """
import time, json, fastem
path, labels, few, memory, K = arguments
for rows in few, path:  # the first compiles, and meets what else is imported late
    rows = fastem.rows.open(rows, memory=memory)
    done = {}
    peak("fit", lambda: done.update(fit=fastem.fit(rows, K, random_state=0)))
    began = time.perf_counter()
    peak("predict_to", lambda: done["fit"].mixture.predict_to(labels, rows))
    found["predict seconds"] = time.perf_counter() - began
    found["fit seconds"] = done["fit"].seconds
    found["passes"] = len(done["fit"].trace)
"""


def truth():
    """Clusters that overlap somewhat."""
    rng = np.random.default_rng(0)
    means = rng.normal(0, 4, (K, D))
    spread = rng.uniform(0.5, 1.5, (K, D))
    return fastem.Mixture(rng.dirichlet(np.full(K, 20.0)), means, spread**2, "diag")


@pytest.fixture(scope="module")
def file(tmp_path_factory, scale):
    """100,000,000 x 4 numbers of float32, made part by part."""
    n = int(100_000_000 * scale)
    path = tmp_path_factory.mktemp("disk") / "rows.npy"
    mapped = np.lib.format.open_memmap(path, "w+", np.float32, (n, D))
    mixture = truth()
    for part, start in enumerate(range(0, n, PART)):
        mapped[start : start + PART] = mixture.sample(min(PART, n - start), part)[0]
    del mapped
    yield path
    path.unlink()


@pytest.mark.parametrize("memory", ["256M"])
def bench_memory(report, file, memory):
    """A fit by default options and labels for all rows, in a process of its own."""
    X = np.load(file, mmap_mode="r")
    few = file.with_name("few.npy")
    np.save(few, X[: len(X) // 50])
    found = extra_memory(FIT, str(file), str(file.with_name("labels.npy")), str(few), memory, K)
    if not found:
        pytest.skip("resident memory is read from /proc, which only Linux has")
    n = len(X)
    report(
        "Rows on disk: peak extra memory and rows a second (wanted: less than the budget)",
        n=n,
        file_MiB=f"{X.nbytes / 2**20:.0f}",
        budget=memory,
        fit_MiB=f"{found['fit']:.0f}",
        predict_to_MiB=f"{found['predict_to']:.0f}",
        passes=found["passes"],
        fit_rows_a_second=f"{n * found['passes'] / found['fit seconds']:.2e}",
        labels_a_second=f"{n / found['predict seconds']:.2e}",
    )


@pytest.mark.parametrize("K", [4, 10, 50])
def bench_pass(report, file, rounds, K):
    """A pass over at most 25,000,000 rows that are in the page cache, and over the same array."""
    X = np.array(np.load(file, mmap_mode="r")[:25_000_000])
    path = file.with_name("part.npy")
    np.save(path, X)
    rng = np.random.default_rng(0)
    covariances = np.repeat(np.eye(D)[None], K, axis=0)
    mixture = fastem.Mixture(np.full(K, 1 / K), rng.normal(0, 4, (K, D)), covariances)
    density, units = mixture._factored_for(X.dtype)
    memory = Memory(X).at(units)
    disk = open_rows(path).at(units)
    both = Rounds(
        {"memory": lambda: memory.summarise(density), "disk": lambda: disk.summarise(density)}
    )
    for _ in range(rounds):
        both.once()
    assert memory.summarise(density).log_likelihood == disk.summarise(density).log_likelihood
    report(
        "A pass over a file in the page cache, its time over that of a pass over the array "
        "(wanted: 1.3x)",
        n=len(X),
        K=K,
        ratio=ratio(both.best("disk") / both.best("memory")),
        rows_a_second=f"{len(X) / both.best('disk'):.2e}",
        noise=f"{both.noise('memory'):.0%}",
    )
    path.unlink()


def bench_iteration(report, file):
    """EM steps from the same start on at most 2,000,000 rows: scikit-learn holds them in memory."""
    mixture = pytest.importorskip("sklearn.mixture")
    X = np.array(np.load(file, mmap_mode="r")[:2_000_000])
    path = file.with_name("part.npy")
    np.save(path, X)
    means = truth().means
    options = {"means_init": means, "max_iter": 4, "tol": 0}
    source = open_rows(path, memory="64M")
    seconds = {}
    for name, run in {
        "disk": lambda: fastem.fit(source, K, accelerate=False, **options),
        "memory": lambda: fastem.fit(X, K, accelerate=False, **options),
        "sklearn": lambda: mixture.GaussianMixture(K, **options).fit(X),
    }.items():
        if name != "sklearn":
            run()  # compiles
        began = time.perf_counter()
        with warnings.catch_warnings(action="ignore"):  # that max_iter is not enough
            run()
        seconds[name] = time.perf_counter() - began
    report(
        "Rows a second and EM step, from the same start",
        n=len(X),
        K=K,
        **{name: f"{5 * len(X) / taken:.2e}" for name, taken in seconds.items()},
        sklearn_over_disk=ratio(seconds["sklearn"] / seconds["disk"]),
    )
    path.unlink()


@pytest.mark.parametrize("form", ["%.6f", None])
def bench_text(report, tmp_path, rounds, scale, form):
    """CSV of 1,000,000 x 8 numbers, of six decimals or all: the first reading, and a pass then."""
    pandas = pytest.importorskip("pandas")
    n = int(1_000_000 * scale)
    X = np.random.default_rng(0).normal(size=(n, 8)) * 10.0 ** np.arange(-2, 6)
    text, array = tmp_path / "rows.csv", tmp_path / "rows.npy"
    pandas.DataFrame(X).to_csv(text, index=False, float_format=form)
    np.save(array, np.loadtxt(text, delimiter=",", skiprows=1))
    sources = {"csv": open_rows(text, memory="64M"), "npy": open_rows(array, memory="64M")}
    both = Rounds(
        {
            "pandas": lambda: pandas.read_csv(text, engine="c"),
            "first": lambda: open_rows(text).limits(),
            **{name: source.digest for name, source in sources.items()},
        }
    )
    for _ in range(rounds):
        both.once()
    assert sources["csv"].digest() == sources["npy"].digest()
    report(
        "CSV in the page cache: the first reading over pandas' C parser (wanted: 1.0x), and "
        "a pass after it over one of the same numbers in .npy (wanted: 1.1x)",
        n=n,
        MB=f"{text.stat().st_size / 1e6:.0f}",
        form=form or "repr",
        reading=ratio(both.best("first") / both.best("pandas")),
        rows_a_second=f"{n / both.best('first'):.2e}",
        a_pass=ratio(both.best("csv") / both.best("npy")),
        noise=f"{both.noise('pandas'):.0%}",
    )
