"""Classifiers: MclustDA beside R's mclust, and what labelled rows cost at every pass."""

import shutil
import subprocess
import time

import numpy as np
import pytest
from measure import Rounds, ratio
from peers import overlapping

import fastem
from fastem.covariance import FAMILIES, Parameters
from fastem.rows import LabelledRows, Memory
from fastem.units import Units

MCLUST = """
library(mclust)
data <- read.csv("rows.csv")
took <- system.time(fit <- MclustDA(data[, -1], data[, 1]))
cat(took[["elapsed"]], fit$loglik)
"""


def cancer():
    """Rows and diagnoses of the Wisconsin data, three columns."""
    data = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    names = list(data.feature_names)
    columns = [names.index(name) for name in ("mean texture", "worst area", "worst smoothness")]
    return data.data[:, columns], data.target


def bench_mclust_da(benchmark, report, rounds, tmp_path):
    """Fourteen families with 1 to 5 components for each of two classes."""
    X, y = cancer()
    found, seconds = [], []

    def train():
        began = time.perf_counter()
        found.append(fastem.classify(X, y, range(1, 6), n_init=1, random_state=0))
        seconds.append(time.perf_counter() - began)

    benchmark.group = "classification"
    benchmark.pedantic(train, warmup_rounds=1, rounds=rounds)
    row = {"fastem": f"{min(seconds):.2f} s", "log_likelihood": f"{found[-1].log_likelihood:.3f}"}
    rscript = shutil.which("Rscript")
    if rscript is not None:
        header = "class,a,b,c"
        table = np.column_stack([y, X])
        np.savetxt(tmp_path / "rows.csv", table, delimiter=",", header=header, comments="")
        done = subprocess.run([rscript, "-e", MCLUST], cwd=tmp_path, capture_output=True, text=True)
        if done.returncode == 0:
            took, level = map(float, done.stdout.split()[-2:])
            row |= {"mclust": ratio(took / min(seconds)), "its log_likelihood": f"{level:.3f}"}
    report("MclustDA of breast cancer, 569 x 3 (wanted: 20x R's mclust)", **row)


@pytest.mark.parametrize("share", [0.5, 1.0])
def bench_labelled_rows(benchmark, report, rounds, scale, share):
    """A pass where a share of the rows is labelled over one where none is."""
    X, start = overlapping(int(200_000 * scale), 8, 8)
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(len(X)) < share, rng.integers(8, size=len(X)), -1)
    units = Units.of(X)
    covariances = FAMILIES["full"].rescale(start.covariances, units.scale)
    parameters = Parameters(start.weights, units.enter(start.means), covariances)
    density = FAMILIES["full"].factor(parameters)
    source = Memory(X)
    possible = np.vstack([np.ones((1, 8), bool), np.eye(8, dtype=bool)])
    labelled = LabelledRows(X, None, units, source.limits(), possible, labels + 1)
    plain = source.at(units)
    contenders = Rounds(
        {
            "plain": lambda: plain.summarise(density),
            "labelled": lambda: labelled.summarise(density),
        }
    )
    benchmark.group = "classification"
    benchmark.pedantic(contenders.once, rounds=rounds)
    report(
        "a pass with labelled rows over one without (wanted: nothing for those rows)",
        rows=f"{len(X)} x 8, K = 8",
        labelled=f"{share:.0%}",
        ratio=ratio(contenders.best("labelled") / contenders.best("plain")),
    )
