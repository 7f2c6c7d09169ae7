"""The recorder: every pass, and the way to the answer."""

import itertools

import numpy as np
import pytest

import fastem
from fastem.demo import examples

X, _ = examples.overlapping()


def test_a_given_start_is_recorded_pass_by_pass():
    recorder = fastem.Recorder()
    start = {"means_init": [[0, 0], [4, 1]], "covariances_init": [np.eye(2) * 9, np.eye(2)]}
    fitted = fastem.fit(X, 2, max_iter=6, tol=0, accelerate=False, callback=recorder, **start)
    assert [one.n_iter for one in recorder] == list(range(7))
    assert [one.log_likelihood for one in recorder] == fitted.trace.tolist()
    np.testing.assert_allclose(recorder[0].mixture.means, start["means_init"], atol=1e-14)
    assert recorder[-1].mixture == fitted.mixture


def test_each_pass_is_an_em_step_of_the_one_before():
    recorder = fastem.Recorder()
    options = {"n_init": 1, "init": "random-subsets", "accelerate": False, "max_iter": 5}
    fastem.fit(X, 2, random_state=0, callback=recorder, **options)
    for before, after in itertools.pairwise(recorder):
        resp = before.mixture.responsibilities(X)
        np.testing.assert_allclose(after.mixture.weights, resp.mean(axis=0), rtol=1e-10)
        np.testing.assert_allclose(
            after.mixture.means, resp.T @ X / resp.sum(axis=0)[:, None], rtol=1e-8, atol=1e-10
        )


@pytest.mark.parametrize("n_init", [1, 4])
@pytest.mark.parametrize("n_rows", [2000, 20_000])
def test_the_way_leads_from_a_start_to_the_answer(n_init, n_rows):
    rows = np.random.default_rng(0).choice(X, n_rows) if n_rows > len(X) else X
    recorder = fastem.Recorder()
    fitted = fastem.fit(rows, 2, n_init=n_init, random_state=1, callback=recorder)
    way = list(recorder)
    assert way[0].stage == "race"
    assert way[0].n_iter == 0
    assert way[-1].mixture.sorted() == fitted.mixture
    chosen = next(r.index for r in fitted.restarts if r.outcome == "chosen")
    assert {one.start for one in way if one.stage == "race"} == {chosen}
    assert len({one.mixture for one in way}) == len(way)
    assert len(recorder.passes) >= len(recorder)
    if n_rows == len(X):
        assert (np.diff([one.log_likelihood for one in way]) > -1e-12).all()


def test_another_fit_begins_another_record():
    recorder = fastem.Recorder()
    fastem.fit(X, 2, random_state=0, callback=recorder)
    once = list(recorder.passes)
    again = fastem.fit(X, 2, random_state=0, callback=recorder)
    assert recorder.passes == once
    assert recorder[-1].mixture.sorted() == again.mixture
    given = fastem.fit(X, 3, means_init=[[0, 0], [1, 1], [4, 0]], max_iter=2, callback=recorder)
    assert recorder[-1].mixture == given.mixture
    assert recorder[0].mixture.n_components == 3


def test_an_empty_recorder_says_so():
    recorder = fastem.Recorder()
    assert len(recorder) == 0
    assert recorder.mixtures == []
    assert repr(recorder) == "Recorder of 0 passes, 0 of them on the way to the answer"


def test_recording_changes_nothing():
    quiet = fastem.fit(X, 2, random_state=3)
    assert fastem.fit(X, 2, random_state=3, callback=fastem.Recorder()).mixture == quiet.mixture
