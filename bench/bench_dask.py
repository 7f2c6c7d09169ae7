"""A pass over rows on a Dask cluster: beside one in memory, beside the cost model, beside Spark.

The cost model: C chunks of n / C rows, on W workers of T threads each, take

    ceil(C / (W T)) (n / C) K c   the kernel: c seconds a row and component on one thread
    + C t                         client and scheduler, which handle one chunk after the other
    + l                           latency of a graph, however small
    + traffic / (W B)             a density to each worker, one sum of moments from each of G tasks,
                                  over W links of B bytes a second

A task is all that a thread has to do, or 256 MB of it.
"""

import math
import time

import numpy as np
import pytest
from measure import Rounds, ratio

import fastem
from fastem.rows import Memory

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
place = pytest.importorskip("fastem.rows.dask")
TOGETHER = pytest.importorskip("fastem.rows.dask.placement").TOGETHER

#: Bytes a second of a link between machines: 10 Gbit/s.
BANDWIDTH = 1.25e9


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def traffic(n, D, K, workers, threads):
    """Bytes that a pass moves: a density to each worker, from each task a sum of moments.

    Such a sum has three limbs of 8 bytes and 4 bytes for their place, for each number.
    """
    tasks = max(workers * threads, 8 * n * D / TOGETHER)
    return K * (1 + D + D * D) * (8 * workers + 28 * tasks)


def predicted(n, D, K, workers, threads, chunks, cost):
    """Seconds of a pass."""
    in_turn = math.ceil(chunks / (workers * threads))
    kernel = in_turn * (n / chunks) * K * cost["row"]
    moving = traffic(n, D, K, workers, threads) / (workers * BANDWIDTH)
    return kernel + chunks * cost["chunk"] + cost["latency"] + moving


def mixture_of(D, K):
    rng = np.random.default_rng(0)
    return fastem.Mixture(
        np.full(K, 1 / K), rng.normal(size=(K, D)), np.broadcast_to(2 * np.eye(D), (K, D, D))
    )


def normal_rows(n, D, chunks):
    rows = da.random.default_rng(0).standard_normal((n, D), chunks=(-(-n // chunks), D)).persist()
    distributed.wait(rows)
    return rows


def best(rounds, **contenders):
    """Seconds of the fastest run of each."""
    race = Rounds(contenders)
    for _ in range(rounds):
        race.once()
    return {name: race.best(name) for name in contenders}


def least(run, clock, rounds):
    """The least that a clock moves during a call: of CPU time, which other programs do not take."""
    run()
    moved = []
    for _ in range(rounds):
        began = clock()
        run()
        moved.append(clock() - began)
    return min(moved)


def costs(D, K, rounds):
    """What the terms of the model cost here: the kernel on one thread, a chunk, a graph.

    Client and scheduler are of this process.
    """
    density, units = mixture_of(D, K)._factored
    n = int(2e7 / (K * D))
    X = np.random.default_rng(0).normal(size=(n, D))
    one, one_units = mixture_of(1, 1)._factored
    few, many = (place.Dask.of(normal_rows(C, 1, C)).at(one_units) for C in (32, 288))
    kernel = least(
        lambda: density.summarise(X, None, units, parallel=False), time.thread_time, rounds
    )
    passes = [least(lambda p=p: p.summarise(one), time.process_time, rounds) for p in (few, many)]
    per_chunk = (passes[1] - passes[0]) / (288 - 32)
    latency = least(lambda: few.summarise(one), time.perf_counter, rounds) - 32 * per_chunk
    return {"row": kernel / (n * K), "chunk": per_chunk, "latency": max(latency, 0.0)}


@pytest.mark.parametrize("chunks", [8, 32])
def bench_overhead(client, report, scale, rounds, chunks):
    """10,000,000 x 8, K = 16: a pass on two worker processes and one in memory on two threads."""
    n, D, K = int(10_000_000 * scale), 8, 16
    density, units = mixture_of(D, K)._factored
    rows = normal_rows(n, D, chunks)
    in_memory, on_workers = Memory(rows.compute()).at(units), place.Dask.of(rows).at(units)
    seconds = best(
        rounds,
        memory=lambda: in_memory.summarise(density),
        workers=lambda: on_workers.summarise(density),
    )
    here = least(lambda: in_memory.summarise(density), time.process_time, rounds)
    there = least(
        lambda: on_workers.summarise(density),
        lambda: busy_seconds(client) + time.process_time(),
        rounds,
    )
    report(
        "A pass over rows on two Dask workers, over one in memory on two threads (wanted: < 1.3x)",
        n=n,
        D=D,
        K=K,
        chunks=chunks,
        in_memory_s=f"{seconds['memory']:.3f}",
        on_workers=ratio(seconds["workers"] / seconds["memory"]),
        cpu_time=ratio(there / here),
        Mrows_per_s=f"{n / seconds['workers'] / 1e6:.1f}",
    )


@pytest.mark.parametrize(
    ("n", "D", "K", "chunks"),
    [(4_000_000, 8, 16, 4), (4_000_000, 8, 16, 64), (8_000_000, 2, 4, 4), (800_000, 16, 100, 4)],
)
def bench_cost_model(client, report, scale, rounds, n, D, K, chunks):
    """The model, with costs measured here, beside passes on two workers."""
    n = int(n * scale)
    cost = costs(D, K, rounds)
    density, units = mixture_of(D, K)._factored
    on_workers = place.Dask.of(normal_rows(n, D, chunks)).at(units)
    before = sent(client)
    measured = best(rounds, workers=lambda: on_workers.summarise(density))["workers"]
    moved = (sent(client) - before) / (2 * rounds)
    busy = least(lambda: on_workers.summarise(density), lambda: busy_seconds(client), rounds)
    wanted = predicted(n, D, K, 2, 1, chunks, cost)
    report(
        "A pass on two workers, predicted and measured",
        n=n,
        D=D,
        K=K,
        chunks=chunks,
        ns_per_row_and_component=f"{cost['row'] * 1e9:.2f}",
        ms_per_chunk=f"{cost['chunk'] * 1e3:.2f}",
        latency_ms=f"{cost['latency'] * 1e3:.0f}",
        predicted_s=f"{wanted:.3f}",
        measured_s=f"{measured:.3f}",
        predicted_kernel_cpu_s=f"{n * K * cost['row']:.3f}",
        measured_workers_cpu_s=f"{busy:.3f}",
        predicted_MB=f"{traffic(n, D, K, 2, 1) / 1e6:.2f}",
        MB_moved=f"{moved / 1e6:.2f}",
    )


def bench_large(client, report, rounds):
    """What the model says of 10^9 x 16, K = 100 on workers of 8 threads, with costs from here."""
    n, D, K, threads = 10**9, 16, 100, 8
    cost = costs(D, K, rounds)
    for workers in 1, 16, 256:
        chunks = max(1024, workers * threads)
        report(
            "10^9 x 16, K = 100, workers of 8 threads, rows persisted: what the model predicts",
            workers=workers,
            chunks=chunks,
            GB_a_worker=f"{8e-9 * n * D / workers:.1f}",
            seconds_a_pass=f"{predicted(n, D, K, workers, threads, chunks, cost):.1f}",
            kernel_s=f"{n * K * cost['row'] / (workers * threads):.1f}",
            scheduler_s=f"{chunks * cost['chunk']:.1f}",
            MB_moved=f"{traffic(n, D, K, workers, threads) / 1e6:.0f}",
        )


def sent(client):
    def total(dask_worker):
        return dask_worker.transfer_outgoing_bytes_total

    return sum(client.run(total).values())


def busy_seconds(client):
    return sum(client.run(time.process_time).values())


def bench_spark(report, scale, rounds, tmp_path):
    """One iteration of Spark MLlib's GaussianMixture on local[2], the same rows in memory."""
    sql = pytest.importorskip("pyspark.sql")
    ml = pytest.importorskip("pyspark.ml")
    n, D, K, iterations = int(1_000_000 * scale), 8, 16, 4
    X = np.random.default_rng(0).normal(size=(n, D))
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", fmt="%.9g")
    spark = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )
    try:
        spark.sparkContext.setLogLevel("ERROR")
        frame = spark.read.csv(str(tmp_path / "rows.csv"), schema=_schema(D))
        vectors = ml.feature.VectorAssembler(inputCols=frame.columns, outputCol="features")
        frame = vectors.transform(frame).select("features").repartition(4).cache()
        assert frame.count() == n

        def fit(n_iter):
            ml.clustering.GaussianMixture(k=K, maxIter=n_iter, tol=0.0, seed=0).fit(frame)

        density, units = mixture_of(D, K)._factored
        rows = Memory(X).at(units)
        seconds = best(
            rounds,
            short=lambda: fit(1),
            long=lambda: fit(1 + iterations),
            fastem=lambda: rows.summarise(density),
        )
    finally:
        spark.stop()
    iteration = (seconds["long"] - seconds["short"]) / iterations
    report(
        "One iteration of Spark MLlib's GaussianMixture on local[2], over fastem's in memory",
        n=n,
        D=D,
        K=K,
        fastem_s=f"{seconds['fastem']:.3f}",
        spark=ratio(iteration / seconds["fastem"]),
    )


def _schema(D):
    return ", ".join(f"x{d} double" for d in range(D))
