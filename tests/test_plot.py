"""Pictures: what they hold, artist by artist."""

import itertools
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse
from PIL import Image
from scipy import stats

import fastem
from fastem import plot
from fastem.demo import examples
from fastem.search.objective import LEFT

MIXTURE = fastem.Mixture([0.3, 0.7], [[0, 0], [6, 2]], [[[1, 0], [0, 1]], [[4, 1], [1, 2]]])
FLAT = fastem.Mixture([1.0], [[1.0, 2.0]], [[9.0, 4.0]], "diag")
LINE = fastem.Mixture([0.25, 0.75], [[0.0], [5.0]], [[1.0], [2.0]], "diag")


def cube(n_features, n_components=2):
    means = np.arange(n_components)[:, None] * np.ones(n_features) * 5
    weights = np.full(n_components, 1 / n_components)
    return fastem.Mixture(weights, means, np.ones((n_components, n_features)), "diag")


def drawn(ax):
    """Pixels, so that all of it is really drawn, with every warning an error."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.fixture(scope="module")
def recorded():
    X, _ = examples.overlapping()
    recorder = fastem.Recorder()
    options = {"n_init": 1, "init": "random-subsets", "accelerate": False, "max_iter": 4}
    fitted = fastem.fit(X, 2, random_state=0, callback=recorder, **options)
    return X, fitted, recorder


@pytest.fixture(scope="module")
def choice():
    X, _ = MIXTURE.sample(600, random_state=1)
    return fastem.select(X, range(1, 5), covariance_type=["full", "diag"], n_init=3, random_state=0)


def test_clusters_draws_every_row_once_in_the_colour_of_its_component():
    X, _ = MIXTURE.sample(500, random_state=0)
    ax = plot.clusters(MIXTURE, X)
    predicted = MIXTURE.predict(X)
    groups = {to_hex(c.get_facecolor()[0]).upper(): c.get_offsets() for c in ax.collections}
    assert set(groups) == {plot.colour(0), plot.colour(1)}
    for k in range(2):
        np.testing.assert_array_equal(groups[plot.colour(k)], X[predicted == k])
    assert len([p for p in ax.patches if isinstance(p, Ellipse)]) == 6
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["0: 30%", "1: 70%"]
    assert len(np.unique(drawn(ax).reshape(-1, 4), axis=0)) > 50


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda d: pl.DataFrame(d)])
def test_axes_carry_the_names_of_a_data_frame(frame):
    X, _ = MIXTURE.sample(50, random_state=0)
    ax = plot.clusters(MIXTURE, frame({"eruptions": X[:, 0], "waiting": X[:, 1]}))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("eruptions", "waiting")
    turned = plot.clusters(
        MIXTURE, frame({"eruptions": X[:, 0], "waiting": X[:, 1]}), columns=["waiting", "eruptions"]
    )
    assert (turned.get_xlabel(), turned.get_ylabel()) == ("waiting", "eruptions")


def test_arrays_are_labelled_by_column_number():
    ax = plot.clusters(MIXTURE, MIXTURE.means)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column 0", "column 1")


def test_given_axes_are_drawn_on_and_returned():
    axes = plot.figure(1, 2)[0]
    assert plot.clusters(MIXTURE, MIXTURE.means, axes[1]) is axes[1]
    assert not axes[0].has_data()
    assert axes[1].has_data()


def test_many_rows_are_drawn_as_the_same_5000_of_them():
    X, _ = MIXTURE.sample(20_000, random_state=0)
    first, second = (
        np.vstack([c.get_offsets() for c in plot.clusters(MIXTURE, X).collections]) for _ in "ab"
    )
    assert len(first) == 5000
    np.testing.assert_array_equal(first, second)


def test_more_columns_are_a_grid_of_pairs():
    mixture = cube(4)
    X, _ = mixture.sample(300, random_state=0)
    grid = plot.clusters(mixture, pd.DataFrame(X, columns=list("abcd")))
    assert grid.shape == (4, 4)
    visible = [[bool(ax.get_visible()) for ax in row] for row in grid]
    assert visible == np.tri(4, dtype=bool).tolist()
    for i in range(4):
        for j in range(i):
            rows = np.vstack([c.get_offsets() for c in grid[i, j].collections])
            assert {tuple(r) for r in rows} == {tuple(r) for r in X[:, [j, i]]}
        assert len(grid[i, i].lines) == 3
    assert [ax.get_xlabel() for ax in grid[3]] == list("abcd")
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["", "b", "c", "d"]
    drawn(grid[0, 0])


def test_of_many_columns_those_that_part_the_components_are_drawn():
    means = np.zeros((2, 9))
    means[1, [1, 2, 4, 5, 7, 8]] = 5
    mixture = fastem.Mixture([0.5, 0.5], means, np.ones((2, 9)), "diag")
    grid = plot.clusters(mixture, mixture.sample(100, random_state=0)[0])
    assert [ax.get_xlabel() for ax in grid[-1]] == [f"column {d}" for d in (1, 2, 4, 5, 7, 8)]
    assert grid[0, 0].figure.get_suptitle() == "6 of 9 columns"


def test_one_column_is_a_histogram_of_density_1():
    X, _ = LINE.sample(2000, random_state=0)
    ax = plot.clusters(LINE, pd.DataFrame({"waiting": X[:, 0]}))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("waiting", "density")
    assert sum(p.get_height() * p.get_width() for p in ax.patches) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_density_1d_draws_shares_that_add_up_to_the_density(shape):
    X, _ = LINE.sample(2000, random_state=0)
    ax = plot.density_1d(LINE, X.reshape(shape))
    *shares, whole = (line.get_ydata() for line in ax.lines)
    x = ax.lines[0].get_xdata()
    np.testing.assert_allclose(np.sum(shares, axis=0), whole, rtol=1e-12)
    np.testing.assert_allclose(whole, np.exp(LINE.log_prob(x[:, None])))
    assert len(ax.get_legend().get_texts()) == 3
    drawn(ax)


def test_ellipses_lie_at_1_2_and_3_deviations():
    ax = plot.ellipses(MIXTURE)
    assert len(ax.patches) == 6
    for i, outline in enumerate(ax.patches):
        k, sigma = divmod(i, 3)
        circle = np.column_stack([np.cos(np.arange(9)), np.sin(np.arange(9))])
        away = outline.get_patch_transform().transform(circle) - MIXTURE.means[k]
        squared = np.einsum("ni,ij,nj->n", away, np.linalg.inv(MIXTURE.covariances[k]), away)
        np.testing.assert_allclose(np.sqrt(squared), sigma + 1, rtol=1e-12)
    drawn(ax)


def test_contours_enclose_their_shares_of_each_component():
    ax = plot.contours(MIXTURE)
    assert len(ax.collections) == 2
    for k, lines in enumerate(ax.collections):
        assert to_hex(lines.get_edgecolor()[0]).upper() == plot.colour(k)
        component = fastem.Mixture([1.0], MIXTURE.means[k : k + 1], MIXTURE.covariances[k : k + 1])
        rows, _ = component.sample(20_000, random_state=0)
        shares = [path.contains_points(rows).mean() for path in lines.get_paths()]
        np.testing.assert_allclose(shares, [0.95, 0.75, 0.5, 0.25], atol=0.015)
    drawn(ax)


def test_contours_of_the_whole_mixture_enclose_their_shares_of_it():
    ax = plot.contours(MIXTURE, components=False)
    (lines,) = ax.collections
    rows, _ = MIXTURE.sample(20_000, random_state=7)
    outermost = lines.get_paths()[0]
    inside = np.sum([part.contains_points(rows) for part in outermost._iter_connected_components()])
    assert inside / len(rows) == pytest.approx(0.95, abs=0.015)


def test_contours_and_ellipses_keep_the_window_of_what_is_drawn():
    for draw in plot.contours, plot.ellipses:
        ax = plot.points(MIXTURE.sample(100, random_state=0)[0], np.zeros(100, int))
        window = ax.get_xlim(), ax.get_ylim()
        draw(MIXTURE, ax)
        assert (ax.get_xlim(), ax.get_ylim()) == window


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_every_family_is_drawn(covariance_type):
    X, _ = MIXTURE.sample(300, random_state=0)
    fitted = fastem.fit(X, 2, covariance_type=covariance_type, n_init=2, random_state=0)
    ax = fitted.plot(X)
    plot.contours(fitted.mixture, ax)
    drawn(ax)


def test_a_component_without_rows_is_left_out():
    mixture = fastem.Mixture([1.0, 0.0], [[0, 0], [5, 5]], np.ones((2, 2)), "diag")
    assert len(plot.ellipses(mixture).patches) == 3
    assert len(plot.contours(mixture).collections) == 1


def test_twenty_components_differ_in_colour_or_marker():
    mixture = cube(2, 20)
    ax = plot.clusters(mixture, mixture.means)
    looks = {
        (to_hex(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes()) for c in ax.collections
    }
    assert len(looks) == 20


def test_selection_draws_a_line_a_family_and_a_dot_a_start(choice):
    ax = choice.plot()
    assert isinstance(ax, Axes)
    curves = {
        line.get_label(): line.get_xydata() for line in ax.lines if line.get_label()[0] != "_"
    }
    assert set(curves) == {"full", "diag"}
    for family, curve in curves.items():
        rows = [row for row in choice.table if row.covariance_type == family]
        np.testing.assert_allclose(curve, [(row.n_components, row.bic) for row in rows])
    # One component has no starts.
    assert sum(len(c.get_offsets()) for c in ax.collections) == 3 * 2 * 3
    best = choice.best_row
    assert [t.get_text() for t in ax.texts] == [
        f"BIC picks {best.n_components}, {best.covariance_type}"
    ]
    assert ax.texts[0].xy == (best.n_components, best.bic)
    assert ax.get_ylabel() == "BIC (lower is better)"
    drawn(ax)


def test_a_start_stands_at_the_criterion_of_its_likelihood(choice):
    dots = np.vstack([c.get_offsets() for c in choice.plot(criteria="aic").collections])
    for row, restarts in zip(choice.table, choice.restarts, strict=True):
        for restart in restarts:
            # All rows were raced on, to within LEFT nats: its own likelihood gives its criterion.
            aic = 2 * row.n_parameters - 2 * 600 * restart.log_likelihood
            near = np.abs(dots - (row.n_components, aic)).max(axis=1).min()
            assert near < 2 * LEFT + 1e-6 * abs(aic)


def test_two_criteria_are_both_drawn_and_ringed(choice):
    ax = plot.selection(choice, criteria=["aic", "icl"])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:4] == ["AIC full", "AIC diag", "ICL full", "ICL diag"]
    assert ax.get_ylabel() == "criterion (lower is better)"
    named = " ".join(text.get_text() for text in ax.texts)
    assert "AIC" in named
    assert "ICL" in named


def test_many_curves_of_two_criteria_have_a_short_legend():
    X = np.random.default_rng(0).normal(size=(80, 2))
    mclust = fastem.select(X, [1, 2], covariance_type="mclust", n_init=1, random_state=0)
    ax = plot.selection(mclust, criteria=["bic", "icl"])
    drawn(ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:16] == [
        *dict.fromkeys(row.covariance_type for row in mclust.table),
        "BIC",
        "ICL",
    ]
    assert len(labels) <= 19


def test_trace_has_a_line_for_each_start_and_one_for_all_rows():
    X, _ = examples.random_clusters(0)
    fitted = fastem.fit(X, 5, n_init=6, init="random-subsets", random_state=0)
    ax = plot.trace(fitted)
    lines = {len(line.get_ydata()): line.get_ydata() for line in ax.lines}
    lacking = fitted.trace[-1] - fitted.trace
    np.testing.assert_array_equal(lines[len(fitted.trace)], lacking)
    chosen = next(r for r in fitted.restarts if r.outcome == "chosen")
    others = [r for r in fitted.restarts if r.outcome == "dropped"]
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == len(others) > 0
    assert any(len(line.get_ydata()) == len(chosen.trace) for line in ax.lines)
    bottom, top = ax.get_ylim()
    assert bottom > max(line.get_ydata().max() for line in ax.lines if len(line.get_ydata()))
    assert top < 0.0
    assert ax.get_yscale() == "symlog"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pass", "nats a row below the end")
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    n = len([r for r in fitted.restarts if len(r.trace)]) - 1
    assert named[0] == f"{n} other starts, {len(others)} dropped (\N{MULTIPLICATION SIGN})"
    assert named[1:] == ["the start chosen", "all rows, to convergence"]
    drawn(ax)


def test_trace_of_an_easy_fit_names_what_is_seen():
    fitted = fastem.fit([[0.0], [1.0], [9.0], [10.0]], 1)
    ax = plot.trace(fitted)
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "dropped" not in " ".join(named)
    assert named[-1] == "all rows, to convergence"
    bottom, top = ax.get_ylim()
    assert bottom > 0.0 > top
    drawn(ax)


def test_trace_of_a_given_start_is_one_line(recorded):
    X, fitted, _ = recorded
    given = fastem.fit(
        X, 2, means_init=fitted.mixture.means, covariances_init=fitted.mixture.covariances
    )
    (line, *empty) = plot.trace(given).lines
    np.testing.assert_array_equal(line.get_ydata(), given.trace[-1] - given.trace)
    assert all(len(one.get_xdata()) == 0 for one in empty)


@pytest.mark.parametrize("columns", [None, [1, 0]])
def test_replicates_are_dots_with_their_intervals(columns):
    X, _ = MIXTURE.sample(300, random_state=0)
    made = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 20, random_state=0)
    ax = made.plot(columns=columns)
    drawn(ax)
    i, j = columns or (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (f"column {i}", f"column {j}")
    low, high = made.interval(0.95)
    bars = [line.get_xydata() for line in ax.lines if line.get_linestyle() == "-"]
    for k, dots in enumerate(ax.collections):
        np.testing.assert_array_equal(dots.get_offsets(), made.means[:, k][:, [i, j]])
        assert to_hex(dots.get_facecolor()[0]).upper() == plot.colour(k)
        x, y = made.mixture.means[k][[i, j]]
        across, along = bars[2 * k], bars[2 * k + 1]
        assert across.tolist() == [[low.means[k, i], y], [high.means[k, i], y]]
        assert along.tolist() == [[x, low.means[k, j]], [x, high.means[k, j]]]
    assert len([p for p in ax.patches if isinstance(p, Ellipse)]) == 2


@pytest.mark.parametrize("columns", [None, [1]])
@pytest.mark.parametrize("parameter", ["weight", "mean", "variance"])
def test_histograms_are_of_the_replicates(parameter, columns):
    """Oracle: the replicates themselves, by the marks and the bars' areas."""
    X, _ = MIXTURE.sample(300, random_state=0)
    made = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 20, random_state=0)
    grid = made.plot(kind="histograms", parameter=parameter, columns=columns, level=0.9)
    drawn(grid[0, 0])
    shown = [0] if parameter == "weight" else columns or [0, 1]
    assert grid.shape == (len(shown), 2)
    part = {"weight": "weights"}.get(parameter, f"{parameter}s")
    marks = [getattr(found, part) for found in (made.estimates, *made.interval(0.9))]
    values = getattr(made, part)
    if parameter == "weight":
        values, marks = values[..., None], [mark[:, None] for mark in marks]
    for i, d in enumerate(shown):
        for k in range(2):
            lines = [line.get_xdata()[0] for line in grid[i, k].lines]
            assert lines == [mark[k, d] for mark in marks]
            bars = grid[i, k].patches
            assert sum(bar.get_height() for bar in bars) == len(values)
            assert bars[0].get_x() == pytest.approx(values[:, k, d].min())
            ends = bars[-1].get_x() + bars[-1].get_width()
            assert ends == pytest.approx(values[:, k, d].max())
            assert grid[i, k].get_xlabel() == (parameter if i == len(shown) - 1 else "")
        name = "" if parameter == "weight" else f"column {d}"
        assert grid[i, 0].get_ylabel() == name


@pytest.mark.parametrize(
    ("n_features", "columns", "expected"), [(1, None, (1, 2)), (3, None, (3, 2)), (3, [0, 2], ())]
)
def test_a_bootstrap_draws_itself_whatever_its_columns(n_features, columns, expected):
    X = np.random.default_rng(0).normal(size=(100, n_features)) + np.repeat([[0], [9]], 50, axis=0)
    made = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 9, random_state=0)
    assert np.shape(made.plot(columns=columns)) == expected


def test_where_colours_repeat_lines_and_markers_differ():
    rng = np.random.default_rng(0)
    mixture = fastem.Mixture(np.full(9, 1 / 9), rng.normal(0, 9, (9, 2)), np.ones(9), "spherical")
    X, _ = mixture.sample(300, random_state=0)
    first, eighth = (plot.clusters(mixture, X).patches[3 * k] for k in (0, 7))
    assert first.get_edgecolor() == eighth.get_edgecolor()
    assert first.get_linestyle() != eighth.get_linestyle()
    column = plot.density_1d(
        fastem.Mixture(mixture.weights, mixture.means[:, :1], np.ones(9), "spherical"), X[:, :1]
    )
    dashes = [line.get_linestyle() for line in column.lines]
    assert dashes[0] != dashes[7]
    classes = fastem.classify(X, mixture.predict(X), covariance_type="EII", random_state=0)
    for ax in plot.regions(classes, X), plot.uncertainty(mixture, X):
        drawn(ax)
        legend = ax.get_legend()
        looks = {(line.get_color(), line.get_marker()) for line in legend.get_lines()}
        assert len(looks) == 9
        assert legend.get_window_extent().x0 >= ax.get_window_extent().x1


def test_histograms_of_many_components_and_columns_say_what_is_left_out():
    rng = np.random.default_rng(0)
    mixture = fastem.Mixture(np.full(9, 1 / 9), rng.normal(size=(9, 8)), np.ones(9), "spherical")
    means = mixture.means + rng.normal(size=(30, 9, 8))
    weights = rng.dirichlet(np.full(9, 50), 30)
    made = fastem.Bootstrap(
        mixture, "nonparametric", weights, means, np.tile(np.eye(8), (30, 9, 1, 1))
    )
    grid = plot.histograms(made)
    drawn(grid[0, 0])
    assert grid.shape == (6, 7)
    assert grid[0, 0].figure.get_suptitle() == "7 of 9 components, 6 of 8 columns"
    plot.histograms(made, grid)
    for given, message in [
        ({"ax": grid[:2]}, r"ax has shape \(2, 7\); give an array \(6, 7\)"),
        ({"parameter": "median"}, "parameter is 'median'"),
    ]:
        with pytest.raises(ValueError, match=message):
            plot.histograms(made, **given)
    with pytest.raises(ValueError, match="kind is 'bars'"):
        made.plot(kind="bars")


def test_frames_are_numbered_by_the_users_pattern(recorded, tmp_path):
    X, _, recorder = recorded
    paths = plot.frames(recorder, X, tmp_path / "em-{iteration:02d}-clusters-{k:02d}.png")
    assert [p.name for p in paths] == [f"em-{i:02d}-clusters-02.png" for i in range(len(recorder))]
    pictures = [np.asarray(Image.open(path)) for path in paths]
    assert len({picture.shape for picture in pictures}) == 1
    assert all((a != b).any() for a, b in itertools.pairwise(pictures))


def test_a_fixed_seed_gives_the_same_frames(tmp_path):
    X, _ = examples.overlapping()
    made = []
    for run in "ab":
        recorder = fastem.Recorder()
        fastem.fit(X, 2, n_init=2, max_iter=3, random_state=5, callback=recorder)
        paths = plot.frames(recorder, X, tmp_path / (run + "{iteration}.png"))
        made.append([path.read_bytes() for path in paths])
    assert made[0] == made[1]
    assert len(made[0]) > 2


def test_frames_are_written_as_jpeg_too(recorded, tmp_path):
    X, _, recorder = recorded
    paths = plot.frames(recorder, X, str(tmp_path / "{iteration}.jpg"))
    with Image.open(paths[0]) as picture:
        assert picture.format == "JPEG"


def test_a_gif_has_a_frame_for_each_pass(recorded, tmp_path):
    X, _, recorder = recorded
    path = plot.animate(recorder, X, tmp_path / "em.gif", fps=10)
    with Image.open(path) as gif:
        assert gif.n_frames == len(recorder)
        assert gif.info["duration"] == 100
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] == 600
    assert [p.name for p in tmp_path.iterdir()] == ["em.gif"]


def test_an_mp4_is_fed_to_ffmpeg(recorded, tmp_path, monkeypatch):
    """An `ffmpeg` that counts the bytes it is given stands for the real one."""
    X, _, recorder = recorded
    program = tmp_path / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nn = len(sys.stdin.buffer.read())\n"
        "open(sys.argv[-1], 'w').write(f'{n} ' + ' '.join(sys.argv))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = plot.animate(recorder, X, tmp_path / "em.mp4").read_text().split()
    width, height = map(int, said[said.index("-s") + 1].split("x"))
    assert int(said[0]) == width * height * 3 * (len(recorder) + plot.animation.LAST_FRAME - 1)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_an_mp4_holds_every_frame(recorded, tmp_path):
    """Oracle: what ffmpeg reads back."""
    X, _, recorder = recorded
    path = plot.animate(recorder, X, tmp_path / "em.mp4", fps=5)
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "scale=16:16,format=gray"]
    command += ["-f", "rawvideo", "-"]
    read = subprocess.run(command, capture_output=True, check=True).stdout
    assert len(read) == 16 * 16 * (len(recorder) + plot.animation.LAST_FRAME - 1)
    assert np.ptp(np.frombuffer(read, np.uint8)) > 50


def test_ffmpeg_that_fails_is_reported_and_leaves_nothing(recorded, tmp_path, monkeypatch):
    X, _, recorder = recorded
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nraise SystemExit('no such encoder')\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="no such encoder"):
        plot.animate(recorder, X, tmp_path / "em.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["ffmpeg"]


def test_an_mp4_without_ffmpeg_names_the_remedy(recorded, tmp_path, monkeypatch):
    X, _, recorder = recorded
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"ffmpeg.*install it, or name a \.gif"):
        plot.animate(recorder, X, tmp_path / "em.mp4")


def test_an_animation_of_more_columns_asks_which_two(tmp_path):
    mixture = cube(3)
    X, _ = mixture.sample(200, random_state=0)
    recorder = fastem.Recorder()
    fastem.fit(X, 2, n_init=1, random_state=0, callback=recorder)
    with pytest.raises(ValueError, match=r"two columns, not 3; choose them"):
        plot.animate(recorder, X, tmp_path / "em.gif")
    plot.animate(recorder, X, tmp_path / "em.gif", columns=[0, 2])
    assert (tmp_path / "em.gif").exists()


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda p: plot.clusters(MIXTURE, np.zeros((4, 3))), ValueError, "3 columns"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, "ax"), TypeError, "ax is of type str"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, columns=["z"]), ValueError, "'z'"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, columns=[0, 5]), ValueError, "5"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, columns=[0, 0]), ValueError, "once"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, columns=0), TypeError, "columns is 0"),
        (lambda p: plot.clusters(MIXTURE, MIXTURE.means, outline="x"), ValueError, "outline"),
        (
            lambda p: plot.clusters(cube(3), np.zeros((5, 3)), plot.figure()[0, 0]),
            ValueError,
            "3, 3",
        ),
        (lambda p: plot.contours(cube(3)), ValueError, r"choose them, such as columns=\[0, 1\]"),
        (lambda p: plot.ellipses(LINE), ValueError, "density_1d"),
        (lambda p: plot.density_1d(MIXTURE, MIXTURE.means), ValueError, r"columns=\[0\]"),
        (lambda p: plot.points(np.zeros((3, 2)), [0, 1]), ValueError, "each of the 3 rows"),
        (lambda p: plot.points(np.zeros((3, 3)), [0, 1, 1]), ValueError, "3 columns"),
        (lambda p: plot.animate([], MIXTURE.means, p / "a.gif"), TypeError, "Recorder"),
        (lambda p: plot.animate(fastem.Recorder(), FLAT.means, p / "a.gif"), ValueError, "empty"),
    ],
)
def test_wrong_arguments_are_named(draw, error, message, tmp_path):
    with pytest.raises(error, match=message):
        draw(tmp_path)


def test_wrong_paths_are_named(recorded, tmp_path):
    X, _, recorder = recorded
    with pytest.raises(ValueError, match=r"'\.avi'; use one of '\.gif', '\.mp4'"):
        plot.animate(recorder, X, tmp_path / "em.avi")
    with pytest.raises(ValueError, match="frames alike"):
        plot.frames(recorder, X, tmp_path / "em.png")
    with pytest.raises(ValueError, match="cannot be filled in"):
        plot.frames(recorder, X, tmp_path / "em-{step}.png")
    assert not list(tmp_path.iterdir())


def test_an_unknown_criterion_is_named(choice):
    with pytest.raises(ValueError, match="'dic'; use one of 'aic', 'bic', 'icl'"):
        choice.plot(criteria="dic")


def test_nothing_is_shown_and_no_warning_given(choice, recorded, tmp_path):
    X, fitted, _ = recorded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i, ax in enumerate([choice.plot(), fitted.plot(X), plot.trace(fitted)]):
            ax.figure.savefig(tmp_path / f"{i}.png")
    code = (
        "import sys, fastem, fastem.plot as p\n"
        "m = fastem.Mixture([1], [[0, 0]], [[1, 1]], 'diag')\n"
        "p.clusters(m, m.sample(9, 0)[0]).figure.savefig(sys.argv[1])\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "x.pdf")],
        capture_output=True,
        text=True,
        env={"PATH": "", "MPLCONFIGDIR": str(tmp_path), "DISPLAY": ""},
        check=True,
    )
    assert run.stdout == "False\n"


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import fastem\n"
        "try:\n    import fastem.plot\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'fastem[plot]'" in run.stdout


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_noise_is_grey_and_named(n_features):
    """Oracle: the labels of the mixture, and the colour of noise."""
    noise = fastem.Noise(0.5, np.full(n_features, -20.0), np.full(n_features, 20.0))
    mixture = fastem.Mixture([0.5], np.zeros((1, n_features)), [[1.0] * n_features], "diag", noise)
    X, _ = mixture.sample(400, random_state=0)
    panels = np.ravel(plot.clusters(mixture, X))
    sheet = panels[0].figure
    legends = [*sheet.legends, *(ax.get_legend() for ax in panels if ax.get_legend())]
    named = [text.get_text() for text in legends[0].get_texts()]
    assert "noise: 50%" in named
    if n_features == 2:
        grey = panels[0].collections[0]
        assert len(grey.get_offsets()) == (mixture.predict(X) == -1).sum()
        assert to_hex(grey.get_facecolor()[0]) == "#999999"


def test_regions_of_classes():
    X, labels = MIXTURE.sample(200, random_state=0)
    found = fastem.classify(X, labels, covariance_type="VVV")
    ax = found.plot(X, labels)
    (image,) = ax.images
    grid, (left, right, low, high) = image.get_array(), image.get_extent()
    for i, j in (0, 0), (100, 150), (199, 3):
        height = low + (high - low) * i / (len(grid) - 1)
        x = left + (right - left) * j / (len(grid) - 1)
        assert grid[i, j] == found.predict([[x, height]])[0]
    drawn(ax)
    with pytest.raises(ValueError, match="two columns"):
        plot.regions(found, X, columns=[0])


def test_uncertain_rows_are_large():
    X, _ = MIXTURE.sample(200, random_state=0)
    ax = plot.uncertainty(MIXTURE, X)
    order = np.argsort(MIXTURE.uncertainty(X), kind="stable")
    labels = MIXTURE.predict(X)[order]
    for k, dots in enumerate(ax.collections):
        np.testing.assert_array_equal(dots.get_offsets(), X[order][labels == k])
        assert (np.diff(dots.get_sizes()) >= 0).all()
    drawn(ax)


def test_clusters_joined():
    merging = cube(2, 4).merge(cube(2, 4).sample(200, random_state=0)[0])
    ax = merging.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), merging.entropies)
    assert ax.lines[-1].get_xdata()[0] == merging.n_clusters
    drawn(ax)


def test_many_families_have_lines_of_their_own_and_a_legend_outside():
    X, _ = MIXTURE.sample(100, random_state=0)
    choice = fastem.select(X, [1, 2], covariance_type="mclust", n_init=1, tol=1e-2, random_state=0)
    ax = choice.plot()
    drawn(ax)
    curves = [line for line in ax.lines if line.get_label()[0] != "_"]
    looks = {(c.get_color(), c.get_linestyle(), c.get_marker()) for c in curves}
    assert len(looks) == len(curves) == 14
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= ax.get_window_extent().x1


@pytest.mark.parametrize("outline", ["ellipses", "contours"])
def test_rings_are_not_cut_and_said(outline):
    X, _ = MIXTURE.sample(30, random_state=0)
    ax = plot.clusters(MIXTURE, X, outline=outline)
    reach = 3 * np.sqrt(np.diagonal(MIXTURE.full_covariances, axis1=1, axis2=2))
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    low, high = (MIXTURE.means - reach).min(axis=0), (MIXTURE.means + reach).max(axis=0)
    assert left <= low[0] < high[0] <= right
    assert bottom <= low[1] < high[1] <= top
    title = ax.get_legend().get_title().get_text()
    assert ("1, 2, 3" if outline == "ellipses" else "25, 50, 75, 95") in title


def test_whole_numbers_have_a_bin_each_and_dots_that_count():
    X = np.random.default_rng(0).poisson(4, (300, 2)).astype(float)
    ax = plot.density_1d(fastem.fit(X[:, :1], 1).mixture, X[:, :1])
    _, counts = np.unique(X[:, 0], return_counts=True)
    heights = [bar.get_height() for bar in ax.patches if bar.get_height()]
    np.testing.assert_allclose(heights, counts / 300)
    (dots,) = plot.points(X, np.zeros(300, int)).collections
    distinct, counts = np.unique(X, axis=0, return_counts=True)
    np.testing.assert_array_equal(dots.get_offsets(), distinct)
    np.testing.assert_allclose(dots.get_sizes() / dots.get_sizes().min(), counts)


@pytest.mark.parametrize("kind", ["contour", "image", "surface"])
def test_density_of_two_columns(kind):
    ax = plot.density(MIXTURE, kind=kind)
    drawn(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column 0", "column 1")
    if kind == "image":
        (mesh,) = ax.collections
        np.testing.assert_allclose(
            mesh.get_array().max(), np.exp(MIXTURE.log_prob(MIXTURE.means)).max(), rtol=0.02
        )


def test_a_surface_needs_space():
    with pytest.raises(ValueError, match="3d"):
        plot.density(MIXTURE, plot.figure()[0, 0], kind="surface")
    with pytest.raises(ValueError, match="kind"):
        plot.density(MIXTURE, kind="heap")


# Checks of one column ---------------------------------------------------------------------------

NOISY = fastem.Mixture(
    [0.4, 0.5], [[0.0], [5.0]], [1.0, 2.0], "spherical", fastem.Noise(0.1, [-9], [9])
)


@pytest.mark.parametrize("mixture", [LINE, NOISY], ids=["two components", "noise"])
def test_qq_and_cdf(mixture):
    """Oracle: SciPy's normal and uniform distributions."""
    X, _ = mixture.sample(300, random_state=0)
    rows = next(line for line in plot.qq(mixture, X).lines if line.get_label() == "rows")
    x, y = rows.get_data()

    def share(x):
        deviations = np.sqrt(mixture.full_covariances[:, 0, 0])
        of = stats.norm.cdf(x[:, None], mixture.means[:, 0], deviations) @ mixture.weights
        noise = mixture.noise
        return of + (noise.weight * stats.uniform.cdf(x, -9, 18) if noise else 0)

    np.testing.assert_array_equal(y, np.sort(X[:, 0]))
    np.testing.assert_allclose(share(x), (np.arange(300) + 0.5) / 300, rtol=1e-9)
    ax = plot.cdf(mixture, X)
    (curve,) = (line for line in ax.lines if line.get_label() == "the mixture")
    np.testing.assert_allclose(curve.get_ydata(), share(curve.get_xdata()), rtol=1e-12)
    steps = next(line for line in ax.lines if line.get_label() == "rows")
    assert {*X[:, 0]} <= {*steps.get_xdata()}
    # A sample of the mixture stays in its band, another does not.
    assert np.abs(share(np.sort(X[:, 0])) - np.arange(300) / 300).max() < 1.36 / np.sqrt(300)
    drawn(ax)


@pytest.mark.parametrize("picture", [plot.qq, plot.cdf])
def test_checks_of_one_of_several_columns(picture):
    X, _ = MIXTURE.sample(50, random_state=0)
    frame = pd.DataFrame(X, columns=["a", "b"])
    assert "of b" in picture(MIXTURE, frame, columns=["b"]).get_title()
    with pytest.raises(ValueError, match=r"draws one column, not 2; choose it, such as columns="):
        picture(MIXTURE, X)
    drawn(picture(LINE, [[3.0]]))
    drawn(picture(LINE, np.full((9, 1), 3.0)))


def test_what_became_of_starts_and_fits_is_in_the_legend(choice):
    def named(choice):
        return [text.get_text() for text in plot.selection(choice).get_legend().get_texts()]

    outcomes = {restart.outcome for restarts in choice.restarts for restart in restarts}
    assert ("start, dropped" in named(choice)) == ("dropped" in outcomes)
    assert {"full", "diag", "start"} <= {*named(choice)}
    ties = np.round(np.random.default_rng(0).normal(size=(60, 2)))
    assert "collapsed" in named(fastem.select(ties, [30], n_init=2, random_state=0))
    two = np.random.default_rng(0).normal(size=(60, 1)) + 9.0 * np.repeat([0, 1], 30)[:, None]
    one = fastem.select(two, [2], n_init=1, random_state=0)
    assert named(one) == ["start"]


def test_names_of_columns_steer_nothing():
    """Neither terminals nor matplotlib's formulas."""
    X, _ = MIXTURE.sample(50, random_state=0)
    frame = pd.DataFrame(X, columns=["$x^$", "b\x1b[31m"])
    ax = plot.clusters(MIXTURE, frame, columns=["b\x1b[31m", "$x^$"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b\ufffd[31m", r"\$x^\$")
    drawn(ax)
