"""A guess at the rows of noise before a fit. Oracle: the labels that rows were drawn with."""

import numpy as np
import pytest
from noisy import clusters_and_noise

from fastem.covariance import FAMILIES
from fastem.data import Data
from fastem.options import Options
from fastem.search.beginning import Starts
from fastem.search.samples import Samples
from fastem.search.starts import noise_start


def cleared(X, marks):
    """What starts of three components are made of, and the share of the noise."""
    starts = Starts(Data.of(X, None), Options(noise=marks), np.random.SeedSequence(0))
    return starts.clear(starts.samples.of(FAMILIES["full"], 3), 3)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_far_neighbours_tell_noise(share):
    X, labels = clusters_and_noise(share)
    guessed = noise_start.far_from_neighbours(X, np.ones(len(X)))
    assert ((labels == -1) == guessed).mean() > 0.9


@pytest.mark.parametrize("points", [np.zeros((40, 2)), np.zeros((1, 3)), np.eye(30, 200)])
def test_far_neighbours_of_points_without_any_are_told_nothing_wrong(points):
    assert noise_start.far_from_neighbours(points, np.ones(len(points))).shape == (len(points),)


def test_many_rows_are_sampled_with_their_marks():
    X, labels = clusters_and_noise(0.3, n=12000)
    samples = Samples(Data.of(X, None), np.random.SeedSequence(5))
    sample = samples.of(FAMILIES["full"], 3)
    marked = noise_start.of_sample(labels == -1, samples, sample.n_samples)
    assert len(marked) == len(sample.X) < len(X)
    rows = {tuple(row): label for row, label in zip(X.tolist(), labels, strict=True)}
    assert [rows[tuple(row)] == -1 for row in sample.X.tolist()] == marked.tolist()


@pytest.mark.parametrize("n_features", [2, 200])
@pytest.mark.parametrize("given", [False, True])
def test_starts_are_made_of_rows_that_are_no_noise(n_features, given):
    """Oracle: the labels. Of 200 columns only some of the rows are looked at."""
    X, labels = clusters_and_noise(0.3, n=1500, n_features=n_features)
    clear, share = cleared(X, labels == -1 if given else True)
    rows = {tuple(row): label for row, label in zip(X.tolist(), labels, strict=True)}
    kept = np.array([rows[tuple(row)] for row in clear.X.tolist()])
    assert (kept == -1).mean() < (1e-12 if given else 0.06)
    assert len(kept) > (1000 if n_features == 2 or given else 300)
    assert abs(share - 0.3) < (1e-3 if given else 0.06)


def test_too_few_rows_that_are_no_noise_are_not_made_do_with():
    X, _ = clusters_and_noise(0.0, n=40)
    clear, share = cleared(X, np.arange(40) > 3)
    assert clear.n_samples == 40
    assert share == noise_start.MOST_SHARE
