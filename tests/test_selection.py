"""Selection: the table against the oracle, the best fit kept, and published figures."""

from pathlib import Path

import numpy as np
import oracle
import pytest

import fastem
from fastem.rows import Memory
from fastem.search.starts import STARTS
from fastem.selection import fits

TYPES = list(oracle.COVARIANCE_TYPES)
FAITHFUL = np.loadtxt(Path(__file__).parent / "data" / "faithful.csv", delimiter=",", skiprows=1)
MEANS = np.array([[0.0, 0.0], [7.0, 0.0], [0.0, 7.0]])
X, LABELS = oracle.sample(
    np.random.default_rng(0), 300, np.full(3, 1 / 3), MEANS, np.ones(3), "spherical"
)


def test_the_table_holds_every_fit_in_order():
    choice = fastem.select(X, range(1, 5), covariance_type=TYPES, n_init=2, random_state=0)
    assert [(r.n_components, r.covariance_type) for r in choice.table] == [
        (k, family) for k in range(1, 5) for family in TYPES
    ]
    for row in choice.table:
        p = oracle.n_parameters(row.covariance_type, row.n_components, 2)
        assert row.n_parameters == p
        assert row.aic == pytest.approx(oracle.aic(row.log_likelihood, p))
        assert row.bic == pytest.approx(oracle.bic(row.log_likelihood, p, 300))
        assert row.icl >= row.bic - 1e-9
        assert row.n_iter >= 0
        assert row.seconds > 0
        assert row.status in ("converged", "collapsed", "not converged")
    columns = choice.table_columns()
    assert columns["bic"] == [row.bic for row in choice.table]
    assert len(columns["n_components"]) == 16


@pytest.mark.parametrize("criterion", ["aic", "bic", "icl"])
def test_the_best_has_the_lowest_criterion_and_its_figures(criterion):
    choice = fastem.select(
        X, [1, 2, 3, 4], covariance_type=TYPES, criterion=criterion, n_init=3, random_state=0
    )
    sound = [row for row in choice.table if row.status != "collapsed"]
    lowest = min(getattr(row, criterion) for row in sound)
    assert getattr(choice.best, criterion)() == lowest
    assert getattr(choice.best_row, criterion) == lowest
    mixture = choice.best.mixture
    assert choice.best_row.n_components == mixture.n_components
    if criterion != "aic":  # which is known to overshoot
        assert mixture.n_components == 3
    parameters = *mixture._parameters, mixture.covariance_type
    resp = oracle.responsibilities(X, *parameters)
    level = oracle.log_likelihood(X, *parameters)
    assert choice.best.icl() == pytest.approx(oracle.icl(level, mixture.n_parameters, 300, resp))


def test_every_fit_is_made_once_and_the_best_is_that_very_object(monkeypatch):
    made = []
    real = fits.solve

    def solve(*args, **kwargs):
        made.append(real(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(fits, "solve", solve)
    choice = fastem.select(X, [1, 3, 2], covariance_type=["full", "diag"], random_state=0, n_init=2)
    assert len(made) == 6
    assert any(choice.best is fitted for fitted in made)


def test_the_sample_and_the_starts_are_made_once(monkeypatch):
    drawn, started = [], []
    real_draw, real_start = Memory.draw, STARTS["k-means++"]

    def draw(self, n, rng):
        drawn.append(n)
        return real_draw(self, n, rng)

    def start(rows, k, generators):
        started.append(k)
        return real_start(rows, k, generators)

    monkeypatch.setattr(Memory, "draw", draw)
    monkeypatch.setitem(STARTS, "k-means++", start)
    big = np.tile(X, (20, 1))
    fastem.select(
        big, [2, 3], covariance_type=["full", "tied", "diag"], n_init=2, max_iter=5, random_state=0
    )
    assert len(drawn) == 2  # and the rows of a dendrogram
    assert started == [2, 3]


def test_a_row_of_the_table_is_what_fit_gives_for_the_same_seed():
    choice = fastem.select(X, [2, 3], covariance_type=["full", "diag"], random_state=5)
    for row in choice.table:
        alone = fastem.fit(X, row.n_components, covariance_type=row.covariance_type, random_state=5)
        assert alone.log_likelihood == row.log_likelihood


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, [3]),
        (range(2, 4), [2, 3]),
        ((4, 2, 4), [4, 2]),
        (np.arange(1, 3), [1, 2]),
        ({2: 0}, [2]),
    ],
)
def test_numbers_of_components_come_as_any_iterable(given, expected):
    choice = fastem.select(X, given, n_init=1, max_iter=3, random_state=0)
    assert [row.n_components for row in choice.table] == expected


def test_a_generator_of_numbers_is_read_once():
    choice = fastem.select(X, (k for k in (1, 2)), n_init=1, random_state=0)
    assert len(choice.table) == 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"criterion": "BIC"}, ValueError, "criterion is 'BIC'; use one of 'aic', 'bic', 'icl'"),
        ({"covariance_type": []}, ValueError, "covariance_type is empty"),
        ({"covariance_type": ["full", "round"]}, ValueError, "covariance_type is 'round'"),
        ({"n_components": []}, ValueError, "n_components is empty"),
        ({"n_components": [1, 301]}, ValueError, "n_components is 301 but there are only 300 rows"),
        ({"n_components": [1, 2.5]}, TypeError, "n_components is 2.5"),
        ({"n_components": "12"}, TypeError, "n_components is '12'"),
        ({"n_int": 3, "tool": 1}, TypeError, "unexpected keyword argument 'n_int'"),
        ({"means_init": [[0, 0]]}, TypeError, "unexpected keyword argument 'means_init'"),
        ({"n_init": 0}, ValueError, "n_init is 0"),
    ],
)
def test_bad_arguments_are_refused_before_any_fit(change, error, message, monkeypatch):
    monkeypatch.setattr(fits, "solve", lambda *a: pytest.fail("a fit was begun"))
    with pytest.raises(error, match=message):
        fastem.select(**({"X": X, "n_components": [1, 2]} | change))


def test_the_callback_stops_the_whole_selection_and_keeps_what_there_is():
    events = []

    def stop(event):
        events.append(event)
        return event.mixture.n_components == 3

    choice = fastem.select(X, [1, 2, 3, 4], n_init=2, random_state=0, callback=stop)
    assert [row.status for row in choice.table[:2]] == ["converged", "converged"]
    assert [row.n_components for row in choice.table] == [1, 2, 3]
    assert choice.table[-1].status == "stopped"
    assert {e.mixture.n_components for e in events} == {1, 2, 3}
    assert sum(e.mixture.n_components == 3 for e in events) == 1
    assert any(choice.best.bic() == row.bic for row in choice.table)


def test_a_fit_that_collapses_is_tried_from_few_smaller_ones(monkeypatch):
    """Not from all of them: of many components and families that took longer than all fits did."""
    tried, solve = [], fits.solve

    def counted(starts, k, family, *args, **more):
        tried.append((k, family.name))
        return solve(starts, k, family, *args, **more)

    monkeypatch.setattr(fits, "solve", counted)
    X = np.random.default_rng(0).normal(size=(24, 3))
    choice = fastem.select(X, range(1, 9), covariance_type=["diag", "full"], random_state=0)
    collapsed = [row for row in choice.table if row.status == "collapsed"]
    assert collapsed
    for row in collapsed:
        times = tried.count((row.n_components, row.covariance_type))
        assert 1 < times <= 1 + fits.RESCUES


def test_no_fit_from_a_smaller_one_is_made_twice(monkeypatch):
    """One that collapsed is no better where another smaller one has led to a sound fit since."""
    asked, larger_starts = [], fits.larger_starts

    def noted(starts, mixture, own, family, n_components):
        asked.append((id(mixture), family.name, n_components))
        yield from larger_starts(starts, mixture, own, family, n_components)

    monkeypatch.setattr(fits, "larger_starts", noted)
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(size=(60, 5)), 3 * rng.standard_t(2, size=(30, 5))])
    choice = fastem.select(rows, range(1, 8), covariance_type="EVV", n_init=3, random_state=0)
    assert len(choice.table) == 7
    assert asked
    assert len(set(asked)) == len(asked)


def test_a_collapsed_fit_is_not_chosen_over_a_sound_one():
    rows = np.r_[X, np.full((300, 2), 30.0)]
    choice = fastem.select(rows, range(1, 4), random_state=0)
    collapsed = [row for row in choice.table if row.status == "collapsed"]
    assert collapsed
    assert min(row.bic for row in collapsed) < choice.best.bic()
    assert choice.best.status.code == "converged"
    assert "!" in repr(choice)


def test_weights_count_as_rows():
    weight = np.random.default_rng(0).integers(1, 4, 300)
    weighted = fastem.select(X, [1, 2], sample_weight=weight, random_state=0)
    repeated = fastem.select(np.repeat(X, weight, axis=0), [1, 2], random_state=0)
    for one, two in zip(weighted.table, repeated.table, strict=True):
        assert one.bic == pytest.approx(two.bic, rel=1e-6)


def test_repr_is_a_table_with_the_best_marked():
    choice = fastem.select(X, range(1, 5), covariance_type=["full", "tied"], random_state=0)
    text = repr(choice)
    assert "BIC of 8 fits (lower is better" in text
    assert text.count("*") == 2  # the legend and the mark
    assert f"{choice.best.bic():.2f} *" in text
    assert "full" in text
    assert "tied" in text


def test_old_faithful_is_as_published():
    """mclust 5, EEE with 3 components: BIC -2314.386 in its sign (Scrucca et al. 2016)."""
    choice = fastem.select(FAITHFUL, 3, covariance_type="tied", n_init=20, random_state=0)
    assert choice.best.bic() <= 2314.386 + 0.2
    assert choice.best.bic() > 2314.386 - 1.0


def test_two_clusters_of_old_faithful_are_as_published():
    """Means by any textbook: short eruptions after short waits, long ones after long waits."""
    mixture = fastem.fit(FAITHFUL, 2, random_state=0).mixture
    order = mixture.means[:, 0].argsort()
    expected = [[2.036, 54.479], [4.290, 79.968]]
    np.testing.assert_allclose(mixture.means[order], expected, atol=5e-3)
    np.testing.assert_allclose(mixture.weights[order], [0.3559, 0.6441], atol=5e-4)


def rows_of(choice):
    return {(r.n_components, r.covariance_type): r.log_likelihood for r in choice.table}


def test_an_update_is_what_select_finds_at_once(monkeypatch):
    options = {"n_init": 2, "random_state": 0}
    whole = fastem.select(X, [1, 2, 3], covariance_type=["spherical", "diag"], **options)
    choice = fastem.select(X, [1, 2], covariance_type="spherical", **options)
    made = []
    real = fits.solve

    def counted(starts, k, family, *args, **named):
        made.append((k, family.name))
        return real(starts, k, family, *args, **named)

    monkeypatch.setattr(fits, "solve", counted)
    more = choice.update(X, [2, 3]).update(X, covariance_type=["spherical", "diag"])
    keys = [(r.n_components, r.covariance_type) for r in more.table]
    assert keys[:3] == [(k, "spherical") for k in (1, 2, 3)]
    assert set(keys) == set(rows_of(whole))
    assert not {(1, "spherical"), (2, "spherical")} & set(made)
    for key, level in rows_of(whole).items():
        assert rows_of(more)[key] == pytest.approx(level, abs=1e-3)
    assert more.best.mixture.n_components == whole.best.mixture.n_components == 3
    assert more.restarts_of(more.best_row)
    assert choice.update(X).table == choice.table


def test_an_update_keeps_options_and_chance():
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 300)
    options = {"prior": True, "n_init": 2, "criterion": "icl"}
    choice = fastem.select(X, 2, sample_weight=weight, random_state=None, **options)
    more = choice.update(X, 3, sample_weight=weight)
    assert more.criterion == "icl"
    assert more.table[0] == choice.table[0]
    assert more.update(X, 3, sample_weight=weight).table == more.table


def test_an_update_of_other_rows_is_refused():
    choice = fastem.select(X, 2, n_init=1, random_state=0)
    with pytest.raises(ValueError, match="X has 299 rows in 2 columns but the selection is of 300"):
        choice.update(X[1:], 3)
    with pytest.raises(ValueError, match="under the best fit, which had"):
        choice.update(X + 1.0, 3)
    bare = fastem.Selection("bic", choice.best, choice.table)
    with pytest.raises(ValueError, match="does not say how it was made; call"):
        bare.update(X, 3)
