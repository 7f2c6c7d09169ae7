"""Streams: rows a second beside tgmm's and scikit-learn's online learners.

    pytest bench/bench_stream.py --scale 0.1

MiniBatchKMeans does less: it has centres and no covariances.
"""

import time

import numpy as np
import pytest
from measure import ratio

import fastem

BLOCK, D, K = 1_000, 4, 8


def rows_a_second(learn, blocks):
    """How many a learner takes, after one block that warms it up."""
    learn(blocks[0])
    began = time.perf_counter()
    for block in blocks[1:]:
        learn(block)
    return (len(blocks) - 1) * BLOCK / (time.perf_counter() - began)


def tgmm_learner(X):
    """A torch mixture's partial_fit (pip install tgmm)."""
    torch, tgmm = pytest.importorskip("torch"), pytest.importorskip("tgmm")
    model = tgmm.GaussianMixture(n_features=D, n_components=K, device="cpu")
    if not hasattr(model, "partial_fit"):
        pytest.skip("this tgmm has no partial_fit")
    return lambda block: model.partial_fit(torch.as_tensor(block))


def k_means_learner(X):
    """scikit-learn's MiniBatchKMeans."""
    cluster = pytest.importorskip("sklearn.cluster")
    return cluster.MiniBatchKMeans(K, random_state=0, n_init=1).partial_fit


@pytest.mark.parametrize("peer", [tgmm_learner, k_means_learner])
def bench_rows_a_second(peer, scale, report):
    n_blocks = max(20, int(1000 * scale))
    rng = np.random.default_rng(0)
    means = rng.normal(0, 4, (K, D))
    blocks = [rng.normal(means[rng.integers(K, size=BLOCK)]) for _ in range(n_blocks)]
    theirs = rows_a_second(peer(blocks[0]), blocks[: max(20, n_blocks // 10)])
    stream = fastem.Stream(fastem.fit(np.concatenate(blocks[:5]), K, random_state=0))
    ours = rows_a_second(stream.update, blocks)
    report(
        "Rows a second, in blocks of 1,000",
        peer=peer.__name__.removesuffix("_learner"),
        D=f"{D}",
        K=f"{K}",
        fastem=f"{ours:.3g}",
        other=f"{theirs:.3g}",
        ratio=ratio(ours / theirs),
    )
