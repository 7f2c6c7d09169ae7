"""Streams: rows a second beside tgmm's and scikit-learn's online learners.

    pytest bench/bench_stream.py --scale 0.1

MiniBatchKMeans does less: it has centres and no covariances. The peers run on one thread and on
two, of which the faster counts: on blocks so small two are often slower.
"""

import time

import numpy as np
import pytest
from measure import extra_memory, ratio

import fastem

D, K = 4, 8
UPDATES = """
import numpy as np
import fastem

rng = np.random.default_rng(0)
(n_blocks,) = arguments
means = rng.normal(0, 4, (8, 4))
stream = fastem.Stream(fastem.Mixture(np.full(8, 1 / 8), means, np.ones((8, 4)), "diag"))

def learn(n):
    for _ in range(n):
        stream.update(rng.normal(means[rng.integers(8, size=1000)]))

learn(100)
peak("growth", lambda: learn(n_blocks))
"""


def rows_a_second(learn, blocks):
    """How many a learner takes, after one block that warms it up."""
    learn(blocks[0])
    began = time.perf_counter()
    for block in blocks[1:]:
        learn(block)
    return sum(map(len, blocks[1:])) / (time.perf_counter() - began)


def tgmm_learner(X, n_threads):
    """A torch mixture's partial_fit, after a fit (pip install tgmm)."""
    torch, tgmm = pytest.importorskip("torch"), pytest.importorskip("tgmm")
    model = tgmm.GaussianMixture(n_features=D, n_components=K, device="cpu", random_state=0)
    if not hasattr(model, "partial_fit"):
        pytest.skip("this tgmm has no partial_fit")
    model.fit(torch.as_tensor(X))

    def learn(block):
        torch.set_num_threads(n_threads)
        model.partial_fit(torch.as_tensor(block))

    return learn


def k_means_learner(X, n_threads):
    """scikit-learn's MiniBatchKMeans."""
    cluster, pools = pytest.importorskip("sklearn.cluster"), pytest.importorskip("threadpoolctl")
    model = cluster.MiniBatchKMeans(K, random_state=0, n_init=1)
    limit = pools.ThreadpoolController().limit

    def learn(block):
        with limit(limits=n_threads):
            model.partial_fit(block)

    return learn


@pytest.mark.parametrize("n_rows", [1_000, 50_000])
@pytest.mark.parametrize("peer", [tgmm_learner, k_means_learner])
def bench_rows_a_second(peer, n_rows, scale, rounds, report):
    n_blocks = max(5, int(200_000 * scale / n_rows))
    rng = np.random.default_rng(0)
    means = rng.normal(0, 4, (K, D))
    blocks = [rng.normal(means[rng.integers(K, size=n_rows)]) for _ in range(n_blocks)]
    first = np.concatenate(blocks[:5])[:5_000]
    stream = fastem.Stream(fastem.fit(first, K, random_state=0))
    learners = {1: peer(first, 1), 2: peer(first, 2)}
    ours, theirs = [], {1: [], 2: []}
    for _ in range(rounds):
        ours.append(rows_a_second(stream.update, blocks))
        for n_threads in learners:
            theirs[n_threads].append(rows_a_second(learners[n_threads], blocks))
    report(
        f"Rows a second, {D} columns, K = {K}",
        block=f"{n_rows}",
        peer=peer.__name__.removesuffix("_learner"),
        fastem=f"{max(ours):.3g}",
        other=f"{max(theirs[1]):.3g}",
        on_two_threads=f"{max(theirs[2]):.3g}",
        ratio=ratio(max(ours) / max(theirs[1] + theirs[2])),
        wanted="30x" if peer is tgmm_learner else "",
    )


def bench_memory(scale, report):
    """What 10,000,000 rows in blocks of 1,000 add to the memory of a process."""
    n_blocks = max(100, int(10_000 * scale))
    found = extra_memory(UPDATES, n_blocks)
    if not found:
        pytest.skip("peak memory is measured on Linux")
    report("Memory of a stream", rows=f"{1000 * n_blocks}", growth=f"{found['growth']:.1f} MiB")
