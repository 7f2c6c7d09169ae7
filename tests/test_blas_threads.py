"""BLAS has one thread while a fit of many columns goes on, and its own number after that."""

import sys
import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  # whose BLAS is asked for its threads

import fastem
from fastem import blas_threads
from fastem.blas_threads import FEW_COLUMNS, one_thread
from fastem.em import loop

threadpoolctl = pytest.importorskip("threadpoolctl")
MANY = FEW_COLUMNS + 1


def counts():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if is_blas(pool)}


def is_blas(pool):
    return pool["user_api"] == "blas"


@pytest.fixture(autouse=True)
def two_threads():
    """BLAS has two threads, where it can have them; a build without threads has one."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if counts() != {2}:
            pytest.skip("this BLAS has no threads")
        yield
        assert counts() == {2}


def test_many_columns_have_one_and_few_are_left_alone():
    with one_thread(FEW_COLUMNS):
        assert counts() == {2}
    with one_thread(MANY):
        assert counts() == {1}
        with one_thread(MANY):
            assert counts() == {1}
        assert counts() == {1}


def test_an_error_gives_them_back():
    with pytest.raises(ZeroDivisionError), one_thread(MANY):
        1 / 0  # noqa: B018
    assert counts() == {2}


def test_other_threads_leave_it_alone():
    seen = []

    def enter():
        with one_thread(MANY):
            seen.append(counts())

    other = threading.Thread(target=enter)
    other.start()
    other.join()
    assert seen == [{2}]


@pytest.mark.parametrize(("D", "expected"), [(FEW_COLUMNS, 2), (MANY, 1)])
def test_whatever_runs_em(D, expected, monkeypatch):
    X, seen = np.random.default_rng(0).normal(size=(200, D)), []
    step_for = loop.step_for

    def step_of_run(*args):
        seen.append(counts())
        return step_for(*args)

    monkeypatch.setattr(loop, "step_for", step_of_run)
    fitted = fastem.fit(X, 2, n_init=2, max_iter=3, callback=lambda event: seen.append(counts()))
    for work in (
        lambda: fastem.GaussianMixture(2, max_iter=3, tol=1e9).fit(X),
        lambda: fastem.BayesianGaussianMixture(n_components=2, max_iter=3, tol=1e9).fit(X),
        lambda: fastem.bootstrap(fitted, X, n_replicates=2),
    ):
        before = len(seen)
        work()
        assert len(seen) > before
    assert all(found == {expected} for found in seen)


def test_without_threadpoolctl_nothing_is_limited(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    blas_threads._controller.cache_clear()
    try:
        with one_thread(MANY):
            assert counts() == {2}
    finally:
        blas_threads._controller.cache_clear()
