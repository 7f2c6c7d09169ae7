"""Stream: online EM against passes of EM, and against streams that change."""

import gc
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import fastem
from fastem import Mixture, Stream, em
from fastem.covariance import Bounds, Parameters
from fastem.mixture import from_units, to_units
from fastem.rows import Memory

FAMILIES = "full", "tied", "diag", "spherical", "VEV"


def rows(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    means = np.array([[0.0, 0.0], [6.0, 1.0], [-5.0, 4.0]])[labels]
    return means + rng.normal(size=(n, 2)) * np.array([1.0, 0.5, 2.0])[labels][:, None]


def begun(family="full", n=300):
    return fastem.fit(rows(n, 9), 3, covariance_type=family, random_state=0, max_iter=2).mixture


def em_pass(mixture, X):
    """By the EM loop, in the units of the mixture."""
    family, units = mixture.family, mixture._factored[1]
    run = em.run(
        Memory(X).at(units),
        family,
        to_units(Parameters(mixture.weights, mixture.means, mixture.covariances), family, units),
        bounds=Bounds(np.zeros(X.shape[1]), 1e-10),
        rule=em.Rule(),
        max_iter=1,
        accelerate=False,
    )
    return Mixture(*from_units(run.parameters, family, units), mixture.covariance_type)


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical"])
def test_one_batch_of_all_rows_is_one_pass_of_em_to_the_bit(family):
    mixture, X = begun(family), rows()
    stream = Stream(mixture, seen=0, decay=1)
    told = stream.update(X)
    assert stream.mixture == em_pass(mixture, X)
    start = {
        "weights_init": mixture.weights,
        "means_init": mixture.means,
        "covariances_init": mixture.covariances,
    }
    fitted = fastem.fit(X, 3, covariance_type=family, max_iter=1, accelerate=False, **start)
    np.testing.assert_allclose(stream.mixture.means, fitted.mixture.means, rtol=1e-13)
    assert told.gain == 1.0
    assert told.level == pytest.approx(mixture.log_prob(X).mean(), rel=1e-12)


def test_with_decay_1_rows_count_the_same_in_whatever_batches_they_come():
    X = rows()
    stream = Stream(begun(), seen=0, decay=1)
    for block in np.array_split(X, 7):
        stream.update(block)
    assert stream.n_seen == stream.moments.n_rows == len(X)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("options", [{}, {"half_life": 500.0}, {"decay": 1.0}])
def test_a_saved_stream_goes_on_to_the_same_bits(family, options, tmp_path):
    blocks = np.array_split(rows(), 8)
    stream = Stream(begun(family), **options)
    for block in blocks[:4]:
        stream.update(block)
    stream.save(tmp_path / "stream.npz")
    again = Stream.load(tmp_path / "stream.npz")
    for block in blocks[4:]:
        first, second = stream.update(block), again.update(block)
        assert first.level == second.level
        assert first.drift == second.drift
    assert again.mixture == stream.mixture
    assert again.n_seen == stream.n_seen
    assert Mixture.load(tmp_path / "stream.npz").n_components == 3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pickled_stream_goes_on_to_the_same_bits(family):
    stream = Stream(begun(family), half_life=500)
    stream.update(rows(200, 1))
    again = pickle.loads(pickle.dumps(stream))
    assert stream.update(rows(200, 2)).level == again.update(rows(200, 2)).level
    assert again.mixture == stream.mixture


def test_rows_that_lack_columns():
    """Oracle: a step of the fit of what is observed; rows that are dropped do not count."""
    mixture, X = begun(), rows()
    X[::5, 0] = np.nan
    stream, shorter, dropped = (Stream(mixture, seen=0, decay=1) for _ in range(3))
    told = stream.update(X, missing="mar")
    fitted = fastem.fit(X, start=mixture, missing="mar", max_iter=1, accelerate=False, tol=0)
    np.testing.assert_allclose(stream.mixture.means, fitted.mixture.means, rtol=1e-10)
    np.testing.assert_allclose(stream.mixture.covariances, fitted.mixture.covariances, rtol=1e-9)
    assert told.level == pytest.approx(mixture.log_prob(X, missing="mar").mean(), rel=1e-12)
    shorter.update(X[~np.isnan(X[:, 0])])
    dropped.update(X, missing="drop")
    assert shorter.mixture == dropped.mixture


def test_blocks_from_disk_are_the_same_blocks(tmp_path):
    memory, disk = Stream(begun()), Stream(begun())
    for i, block in enumerate(np.array_split(rows(), 5)):
        np.save(tmp_path / f"{i}.npy", block)
        memory.update(block)
        disk.update(tmp_path / f"{i}.npy")
    assert disk.mixture == memory.mixture


def test_memory_does_not_grow():
    """Moments are kept of the rows, and no row."""
    stream, block = Stream(begun("diag")), rows(50)
    # Whatever is called from the package counts, and nothing that other threads do meanwhile.
    package, sizes = str(Path(fastem.__file__).parent / "*"), []
    called = [tracemalloc.Filter(True, package, all_frames=True)]
    tracemalloc.start(16)
    try:
        for n_blocks in 20, 200, 200:
            for _ in range(n_blocks):
                stream.update(block)
            gc.collect()
            held = tracemalloc.take_snapshot().filter_traces(called)
            sizes.append(sum(trace.size for trace in held.traces))
    finally:
        tracemalloc.stop()
    assert max(sizes) - sizes[0] < 16_384  # 200 blocks of so many rows are 160,000 bytes


def test_one_epoch_comes_to_three_plain_passes():
    rng = np.random.default_rng(0)
    means = rng.normal(0, 2, (5, 3))
    X = means[rng.integers(5, size=40_000)] + rng.normal(size=(40_000, 3))
    start = Mixture(np.full(5, 0.2), X[:5], np.stack([4 * np.eye(3)] * 5))
    stream, passes = Stream(start), start
    for block in np.array_split(X, 200):
        stream.update(block)
    for _ in range(3):
        passes = em_pass(passes, X)
    assert stream.mixture.log_prob(X).mean() >= passes.log_prob(X).mean()


def test_a_drift_is_followed_with_a_half_life_and_not_without():
    rng = np.random.default_rng(0)
    start = Mixture([0.5, 0.5], [[0.0], [20.0]], [[1.0], [1.0]], "diag")
    forgetting = Stream(start, seen=1e5, half_life=20_000)
    lasting = Stream(start, seen=1e5, decay=1)
    n_blocks = 200
    for i in range(n_blocks):
        shift = 5.0 * i / n_blocks
        block = rng.normal(np.repeat([0.0, 20.0], 2500) + shift)[:, None]
        forgetting.update(block)
        lasting.update(block)
    assert np.abs(forgetting.mixture.means.ravel() - [5, 25]).max() < 0.5
    assert np.abs(lasting.mixture.means.ravel() - [5, 25]).max() > 2


def test_drift_is_told():
    stream = Stream(fastem.fit(rows(5000), 3, random_state=0))
    quiet = [stream.update(rows(1000, seed)).drift for seed in range(1, 6)]
    assert np.abs(quiet).max() < 5
    assert stream.update(rows(1000, 7) + 3.0).drift > 50


def test_components_that_die_are_told():
    start = Mixture([0.5, 0.5], [[0.0], [1000.0]], [[1.0], [1.0]], "diag")
    stream = Stream(start, seen=0, decay=1)
    told = stream.update(np.random.default_rng(0).normal(size=(100, 1)))
    assert told.died.tolist() == [False, True]
    assert told.weights[1] == 0


def test_weights_are_rows():
    X, weight = rows(300), np.arange(300) % 3
    weighted, repeated = Stream(begun()), Stream(begun())
    weighted.update(X, weight)
    repeated.update(X.repeat(weight, axis=0))
    np.testing.assert_allclose(weighted.mixture.means, repeated.mixture.means, rtol=1e-12)


def test_seen_moments_are_the_rows_together():
    old, new, mixture = rows(500, 1), rows(700, 2), begun()
    stream = Stream(mixture, seen=mixture.summarise(old), decay=1)
    stream.update(new)
    both = em_pass(mixture, np.concatenate([old, new]))
    np.testing.assert_allclose(stream.mixture.means, both.means, rtol=1e-12)


def test_rows_of_float32_far_from_the_origin():
    stream = Stream(Mixture([1.0], [[1e6]], [[1.0]], "diag"), seen=0, decay=1)
    X = np.random.default_rng(0).normal(1e6, 1, (1000, 1)).astype(np.float32)
    stream.update(X)
    assert stream.mixture.means[0, 0] == pytest.approx(X.astype(float).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 0.5}, "decay is 0.5; give a number above 1/2"),
        ({"decay": 1.5}, "decay is 1.5"),
        ({"half_life": 0}, "half_life is 0; give a number of rows above 0"),
        ({"seen": -1}, "seen is -1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Stream(begun(), **options)


def test_bad_batches_change_nothing(tmp_path):
    stream = Stream(begun(), seen=100)
    before = stream.mixture
    for batch, message in [
        (np.empty((0, 2)), r"batch is empty, shape \(0, 2\); give at least one row"),
        (np.zeros((3, 3)), "batch has 3 columns but the mixture has 2; give the columns"),
        ([[np.nan, 1.0]], r"batch has 1 entry .* row 0, column 0 .*; fill or drop such rows"),
        (np.zeros(2), "batch has 1 dimension"),
    ]:
        with pytest.raises(ValueError, match=message):
            stream.update(batch)
    with pytest.raises(ValueError, match="sample_weight is zero for every row"):
        stream.update([[0.0, 1.0]], [0.0])
    assert stream.mixture == before
    with pytest.raises(TypeError, match="mixture is of type int"):
        Stream(3)
    begun().save(tmp_path / "mixture.npz")
    with pytest.raises(ValueError, match="a mixture without moments"):
        Stream.load(tmp_path / "mixture.npz")
    with pytest.raises(ValueError, match="no moments yet"):
        Stream(begun()).save(tmp_path / "stream.npz")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("options", [{}, {"half_life": 500.0}, {"seen": 0, "decay": 1}])
@pytest.mark.parametrize("D", [1, 2])
def test_batches_join_as_moments_are_moved_scaled_and_added_to_the_bit(family, options, D):
    X = rows()[:, :D].copy()
    start = {"covariance_type": family, "random_state": 0, "max_iter": 2}
    fit = fastem.fit(X[:300], 3, **start)
    stream, oracle = (Stream(fit, **options) for _ in range(2))
    bounds = Bounds(np.zeros(D), 1e-10)
    past, n_seen = oracle.moments, oracle.n_seen
    for block in np.array_split(X, 6):
        told = stream.update(block)
        density = oracle._family.factor(oracle._parameters)
        batch = Memory(block).at(oracle._units).summarise(density)
        odds = em.online.odds(len(block), n_seen, oracle._decay, oracle._half_life)
        if past is not None:
            share = odds * batch.n_rows / past.n_rows
            batch = past.moved(batch.about).scaled(share) + batch
        past, n_seen = batch, n_seen + len(block)
        oracle._parameters = oracle._family.maximise(past, bounds, oracle._parameters)
        for mine, theirs in zip(stream._parameters, oracle._parameters, strict=True):
            assert mine.tobytes() == theirs.tobytes()
        assert stream.moments.second.tobytes() == past.second.tobytes()
        assert stream.moments.log_likelihood == past.log_likelihood
        assert told.weights.tobytes() == oracle._parameters.weights.tobytes()


def test_covariances_that_are_raised_to_the_floor_are_those_of_the_family():
    """Oracle: the same batches in an order that compiled updates do not take."""
    rng = np.random.default_rng(0)
    line = rng.normal(size=(600, 1)) @ [[1.0, 2.0]]
    start = Mixture([0.5, 0.5], [[-1.0, -2.0], [1.0, 2.0]], np.stack([np.eye(2)] * 2))
    compiled, plain = (Stream(start, seen=1e-9, decay=1) for _ in range(2))
    for block in np.array_split(line, 3):
        compiled.update(block)
        plain.update(block, np.ones(len(block)))
    assert compiled.mixture == plain.mixture
    assert np.linalg.eigvalsh(compiled.mixture.covariances).min() > 0


def test_the_drift_is_in_standard_deviations_of_a_level():
    """Oracle: by its formula, which is exact where components are apart."""
    weights, variances = np.array([0.25, 0.75]), np.array([[1.0], [100.0]])
    mixture = Mixture(weights, [[0.0], [1e4]], variances, "diag")
    rng = np.random.default_rng(0)
    labels = (rng.random(2000) < 0.75).astype(int)
    X = 1e4 * labels[:, None] + rng.normal(size=(2000, 1)) * np.sqrt(variances[labels])
    told = Stream(mixture, seen=1e12, decay=1).update(X)
    levels = np.log(weights) - 0.5 * np.log(2 * np.pi * variances.ravel())
    spread = np.sqrt(0.5 + weights @ (levels - weights @ levels) ** 2)
    expected = (told.expected - told.level) / spread * np.sqrt(len(X))
    assert told.drift == pytest.approx(expected, rel=1e-6)
