"""What is observed of rows that lack columns: a pass beside a complete one, fits beside peers."""

import csv
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from measure import Rounds, ratio
from peers import overlapping

import fastem
from fastem.covariance import FAMILIES, Parameters
from fastem.rows import Incomplete, Memory
from fastem.units import Units

MISSING = 0.1
SHAPES = {"15 patterns": (50_000, 4, 8), "as many as rows": (20_000, 32, 8)}
MGMM = """
library(MGMM)
X <- as.matrix(read.csv("rows.csv", header = FALSE))
took <- system.time(fit <- FitGMM(X, k = {K}, maxit = {n_iter}, eps = 0, report = FALSE))
cat(took[["elapsed"]], fit@Objective)
"""


def rows(n, D, K):
    X, start = overlapping(n, D, K, separation=3.0)
    rng = np.random.default_rng(0)
    gaps = np.where(rng.random(X.shape) < MISSING, np.nan, X)
    whole = ~np.isnan(gaps).all(axis=1)
    return X[whole], gaps[whole], start


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("shape", SHAPES)
def bench_passes(benchmark, report, rounds, scale, shape, covariance_type):
    """A pass over rows with gaps beside one over the same rows without."""
    n, D, K = SHAPES[shape]
    X, gaps, start = rows(int(n * scale), D, K)
    family, units = FAMILIES[covariance_type], Units.of(X)
    covariances = start.covariances
    if covariance_type == "diag":
        covariances = np.ascontiguousarray(np.diagonal(covariances, axis1=1, axis2=2))
    scaled = family.rescale(covariances, units.scale)
    density = family.factor(Parameters(start.weights, units.enter(start.means), scaled))
    complete, incomplete = Memory(X).at(units), Incomplete(gaps).at(units)
    contenders = Rounds(
        {
            "complete": lambda: complete.summarise(density),
            "incomplete": lambda: incomplete.summarise(density),
        }
    )
    benchmark.group = "missing values"
    benchmark.pedantic(contenders.once, rounds=rounds)
    report(
        "a pass with 10% missing over a complete one (wanted: 2x, and 8x with as many patterns)",
        rows=f"{len(X)} x {D}, K = {K}",
        patterns=len(np.unique(np.isnan(gaps), axis=0)),
        covariance=covariance_type,
        ratio=ratio(contenders.best("incomplete") / contenders.best("complete")),
        noise=f"{contenders.noise('complete'):.0%}",
    )


def bench_beside_tgmm(benchmark, report, rounds, scale):
    """Plain EM from one start; tgmm works in torch, on one thread and on two: the faster counts."""
    torch = pytest.importorskip("torch")
    tgmm = pytest.importorskip("tgmm")
    _, gaps, start = rows(int(50_000 * scale), 4, 8)
    n_iter, tensor, level = 25, torch.tensor(gaps), {}
    given = {f"init_{name}": torch.tensor(value) for name, value in start._asdict().items()}

    def ours():
        level["fastem"] = _fastem(gaps, start, n_iter)

    def theirs(n_threads):
        torch.set_num_threads(n_threads)
        # Its tolerance must be above 0.
        options = {"max_iter": n_iter, "tol": 1e-300, "reg_covar": 0.0, "missing": "em"}
        model = tgmm.GaussianMixture(n_components=8, n_features=4, device="cpu", **options, **given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that many patterns are slow
            level["tgmm"] = float(model.fit(tensor).lower_bound_)

    peers = {1: lambda: theirs(1), 2: lambda: theirs(2)}
    contenders = Rounds({"fastem": ours, **peers})
    benchmark.group = "missing values"
    benchmark.pedantic(contenders.once, rounds=rounds)
    report(
        "a fit of 25 iterations with 10% missing beside tgmm (wanted: 100x)",
        rows=f"{len(gaps)} x 4, K = 8",
        tgmm=ratio(min(map(contenders.best, peers)) / contenders.best("fastem")),
        levels=" ".join(f"{name} {value:.6f}" for name, value in level.items()),
    )


def bench_beside_mgmm(benchmark, report, tmp_path, scale):
    """R's MGMM, which times itself, from a start of its own."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("needs R with MGMM")
    _, gaps, start = rows(int(5_000 * scale), 4, 8)
    with open(tmp_path / "rows.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [["NA" if value != value else value for value in row] for row in gaps.tolist()]
        )
    n_iter = 5
    code = MGMM.format(K=8, n_iter=n_iter)
    done = subprocess.run([rscript, "-e", code], cwd=tmp_path, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs R with MGMM: {done.stderr.splitlines()[-1:]}")
    contenders = Rounds({"fastem": lambda: _fastem(gaps, start, n_iter)})
    benchmark.group = "missing values"
    benchmark.pedantic(contenders.once, rounds=3)
    report(
        "five iterations with 10% missing beside R's MGMM",
        rows=f"{len(gaps)} x 4, K = 8",
        MGMM=ratio(float(done.stdout.split()[0]) / contenders.best("fastem")),
    )


def _fastem(X, start, n_iter):
    fitted = fastem.fit(
        X,
        len(start.weights),
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        missing="mar",
        max_iter=n_iter,
        tol=0,
        accelerate=False,
    )
    return fitted.trace[-1]
