"""Dendrograms: what a cut of one promises whatever the rows are."""

import tracemalloc
from pathlib import Path

import numpy as np
import oracle
import pytest

import fastem
from fastem.compiler.threads import n_threads
from fastem.covariance import family_by_name
from fastem.data import Data
from fastem.search import hierarchy
from fastem.search.hierarchy import CRITERIA, MAX_ROWS, Dendrogram, Forest, coordinates
from fastem.search.race import FIRST_ROUND
from fastem.search.samples import Samples
from fastem.search.starts import draw

DATA = Path(__file__).parents[1] / "data"
MEANS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
X, LABELS = oracle.sample(
    np.random.default_rng(0), 300, np.full(4, 0.25), MEANS, np.ones(4), "spherical"
)


def test_separated_clusters_are_found():
    assert oracle.adjusted_rand_index(Dendrogram.of(X, None).cut(4), LABELS) == 1.0


def test_cuts_are_nested_and_numbered_by_first_rows():
    tree = Dendrogram.of(X, None)
    finer = tree.cut(len(X))
    np.testing.assert_array_equal(finer, np.arange(len(X)))
    for k in range(12, 0, -1):
        labels = tree.cut(k)
        _, first = np.unique(labels, return_index=True)
        assert len(first) == k
        assert (np.diff(first) > 0).all()
        assert len(np.unique(np.stack([labels, finer]), axis=1).T) == len(np.unique(finer))
        finer = labels


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(1.0, 1e8), (1e-150, 0.0), (1e150, 0.0), (np.array([1e-100, 1e100]), 0.0)],
)
def test_units_do_not_matter(scale, offset):
    moved = np.rint(X * 2**10) / 2**10
    expected = Dendrogram.of(moved, None).cut(5)
    np.testing.assert_array_equal(Dendrogram.of(moved * scale + offset, None).cut(5), expected)


def test_a_weight_of_two_is_the_row_twice():
    weight = 1.0 + np.arange(len(X)) % 3
    repeated = np.repeat(X, weight.astype(int), axis=0)
    expected = Dendrogram.of(repeated, None).cut(6)
    weighted = Dendrogram.of(X, weight).cut(6)
    np.testing.assert_array_equal(np.repeat(weighted, weight.astype(int)), expected)


def test_coinciding_rows_are_parted_last():
    rows = np.repeat(X[:5], 4, axis=0)
    tree = Dendrogram.of(rows, None)
    assert tree.distinct.sum() == 5
    np.testing.assert_array_equal(tree.cut(5), np.repeat(np.arange(5), 4))
    assert len(np.unique(tree.cut(17))) == 17


@pytest.mark.parametrize("D", [1, 2, 40])
@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_few_rows_and_many_columns(n, D):
    rows = np.random.default_rng(n).normal(size=(n, D))
    labels = Dendrogram.of(rows, None).cut(min(n, 3))
    assert len(np.unique(labels)) == min(n, 3)


def test_coordinates_of_fewer_rows_than_columns_are_along_the_same_axes():
    """Oracle: NumPy's singular value decomposition of the weighted, standardised rows."""
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(12, 40)), rng.uniform(0.5, 2.0, 12)
    share = weight / weight.sum()
    rows = X - share @ X
    rows /= np.sqrt(share @ rows**2)
    left, values, _ = np.linalg.svd(np.sqrt(share)[:, None] * rows, full_matrices=False)
    kept = values > 1e-10
    expected = (left * values)[:, kept] / np.sqrt(share)[:, None]
    expected /= np.sqrt(values[kept] * values[kept].mean())
    found = coordinates(X, weight, turned=True)
    assert found.shape == expected.shape == (12, 11)
    np.testing.assert_allclose(np.abs(found[:, ::-1]), np.abs(expected), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ["spherical", "diag", "VEI"])
def test_no_matrix_of_all_columns_is_made_for_diagonal_families(name):
    """Genes: 3,000 columns of forty rows."""
    X = np.random.default_rng(0).normal(size=(40, 3000)) + 3.0 * (np.arange(40) % 2)[:, None]
    options = {"covariance_type": name, "n_init": 4, "random_state": 0}
    fastem.fit(X, 2, **options)  # compiles, which takes memory of its own
    tracemalloc.start()
    try:
        fit = fastem.fit(X, 2, **options)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < X.shape[1] ** 2 * 8
    assert sorted(np.bincount(fit.mixture.predict(X))) == [20, 20]


def test_constant_and_dependent_columns_change_nothing():
    expected = Dendrogram.of(X, None).cut(4)
    more = np.column_stack([X, np.full(len(X), 7.0), X @ [1.0, 1.0]])
    assert oracle.adjusted_rand_index(Dendrogram.of(more, None).cut(4), expected) == 1.0
    assert len(np.unique(Dendrogram.of(np.ones((6, 2)), None).cut(3))) == 3


def test_float32_and_read_only_rows_in_any_order():
    rows = np.rint(X * 2**10) / 2**10
    expected = Dendrogram.of(rows, None).cut(7)
    fortran = np.asfortranarray(rows)
    fortran.flags.writeable = False
    np.testing.assert_array_equal(Dendrogram.of(fortran, None).cut(7), expected)
    np.testing.assert_array_equal(Dendrogram.of(rows.astype(np.float32), None).cut(7), expected)


def from_groups(rows, labels, name):
    """EM from labelled rows: a fit of EII or EEE, without other starts or moves."""
    K, D = labels.max() + 1, rows.shape[1]
    weights = np.bincount(labels) / len(rows)
    means = np.array([rows[labels == k].mean(axis=0) for k in range(K)])
    pooled = (rows - means[labels]).T @ (rows - means[labels]) / len(rows)
    spread = {"EII": np.full((K, D), np.trace(pooled) / D), "EEE": pooled}[name]
    given = {"weights_init": weights, "means_init": means, "covariances_init": spread}
    return fastem.fit(rows, K, covariance_type=name, **given)


@pytest.mark.parametrize(("name", "largest"), [("EII", 9), ("EEE", 8)])
def test_groups_of_iris_are_those_that_mclust_begins_with(name, largest):
    """Oracle: mclust, whose figures are local maxima that only its own groups lead to."""
    iris = np.loadtxt(DATA / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))
    table = np.genfromtxt(DATA / "mclust_bic_iris.csv", delimiter=",", names=True)
    tree = Dendrogram.of(iris, None)
    for k in range(2, largest + 1):
        found = -from_groups(iris, tree.cut(k), name).bic()
        assert -0.01 < found - table[name][k - 1] < 0.12  # mclust stops EM earlier


# In a fit ----------------------------------------------------------------------------------------


def test_one_start_leaves_nothing_to_chance():
    one = fastem.fit(X, 4, init="hierarchical", n_init=1, random_state=1)
    two = fastem.fit(X, 4, init="hierarchical", n_init=1, random_state=2)
    assert one.mixture == two.mixture
    assert len(one.restarts) == 1


def test_the_other_starts_are_drawn_and_the_first_is_not_dropped():
    fitted = fastem.fit(X, 6, init="hierarchical", random_state=0)
    alone = fastem.fit(X, 6, init="hierarchical", n_init=1, random_state=0)
    assert len(fitted.restarts) == 10
    assert fitted.restarts[0].outcome in ("chosen", "finished")
    assert "dropped" in {r.outcome for r in fitted.restarts}
    shown = FIRST_ROUND  # after which a limit of steps may stop one of the two
    assert fitted.restarts[0].trace[:shown] == alone.restarts[0].trace[:shown]


def test_one_dendrogram_serves_a_whole_selection(monkeypatch):
    grown = []
    real = Dendrogram.of.__func__

    def of(cls, *rows):
        grown.append(len(rows[0]))
        return real(cls, *rows)

    monkeypatch.setattr(Dendrogram, "of", classmethod(of))
    families = ["VVV", "EII", "diag"]
    options = {"init": "hierarchical", "n_init": 2, "max_iter": 3, "random_state": 0}
    choice = fastem.select(X, range(1, 5), covariance_type=families, **options)
    assert grown == [len(X)]
    monkeypatch.undo()
    for row in choice.table:
        name = row.covariance_type
        alone = fastem.fit(X, row.n_components, covariance_type=name, **options)
        assert alone.log_likelihood <= row.log_likelihood  # or from a smaller model's end


def test_more_rows_are_drawn_from_by_the_seed():
    many = np.random.default_rng(0).normal(size=(MAX_ROWS + 500, 1))
    seeds = [np.random.SeedSequence(s) for s in (0, 0, 1)]
    drawn = [Samples(Data.of(many, None), seed).forest.tree().X for seed in seeds]
    assert drawn[0].shape == (MAX_ROWS, 1)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_more_components_than_it_looks_at_rows_are_refused():
    many = np.arange(MAX_ROWS + 10.0)[:, None]
    with pytest.raises(ValueError, match=r"n_components=2001; use init='k-means\+\+'"):
        fastem.fit(many, MAX_ROWS + 1, init="hierarchical", n_init=1, covariance_type="E")


@pytest.mark.parametrize("n_init", [1, 4])
def test_noise_is_left_out_of_the_dendrogram(n_init):
    """The first start is of the rows that are not marked, so it parts what `cut` parts of those."""
    marked = np.arange(len(X)) % 5 == 0
    scattered = np.where(marked[:, None], np.random.default_rng(1).uniform(-20, 30, X.shape), X)
    options = {"init": "hierarchical", "n_init": n_init, "random_state": 0}
    fitted = fastem.fit(scattered, 4, noise=marked, **options)
    assert (
        oracle.adjusted_rand_index(fitted.mixture.predict(scattered)[~marked], LABELS[~marked])
        > 0.9
    )


def test_threads_grow_the_dendrograms_that_one_would(monkeypatch):
    monkeypatch.setattr(hierarchy, "n_threads", lambda work: 2)
    criteria = list(CRITERIA)
    forest, alone = Forest(lambda most: (X[:most], None)), Forest(lambda most: (X[:most], None))
    forest.grow(criteria, 200)
    assert set(forest._grown) == {(by, 200) for by in criteria}
    for by in criteria:
        expected = alone.tree(by, 200)
        np.testing.assert_array_equal(forest.tree(by, 200).merges, expected.merges)
    grown = forest.tree("trace", 200)
    forest.grow(criteria, 200)
    assert forest.tree("trace", 200) is grown


def test_few_rows_are_left_to_one_thread():
    criteria, forest = list(CRITERIA), Forest(lambda most: (X[:most], None))
    forest.grow(criteria, 128)
    assert not forest._grown
    assert n_threads(hierarchy.PAIR_WORK * 128**2) == 1


def test_starts_of_many_components_grow_their_dendrograms_at_once(monkeypatch):
    asked = []
    monkeypatch.setattr(Forest, "grow", lambda self, by, most: asked.append((by, most)))
    samples = Samples(Data.of(X, None), np.random.SeedSequence(0))
    draw("mixed", samples.of(family_by_name("full"), 30), 30, [np.random.default_rng(0)] * 10)
    assert asked == [(["trace", "determinant", "diagonal"], 360)]
