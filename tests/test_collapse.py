"""Why fits collapse is said in one sentence; made-up columns of each kind."""

import numpy as np
import pytest

import fastem
from fastem.collapse import why
from fastem.data import Data

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(336, 3))


def with_column(column):
    return np.column_stack([CLOUD, column])


def mostly(value):
    column = np.full(336, value)
    column[7] = 9.0
    return column


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (with_column(mostly(0.5)), "column 3, which is 0.5 in 335 of 336 rows"),
        (with_column(mostly(-200.0)), "column 3, which is -200 in 335 of 336 rows"),
        (with_column(3 - 2 * CLOUD[:, 1]), "column 3, which says the same as column 1"),
        (with_column(np.arange(336) % 7), "column 3, which has 7 whole numbers alone"),
    ],
)
def test_the_column_is_named_with_what_to_do(X, text):
    sentence = why(Data.of(X), 8, 9)
    assert sentence == (
        f"8 of 9 fits collapsed in {text}: leave it out (columns=['0:2']) or give prior=True"
    )


def test_columns_of_no_fault_are_not_blamed():
    assert why(Data.of(CLOUD), 2, 9) == (
        "2 of 9 fits collapsed: ask for fewer components, for simpler families, or give prior=True"
    )
    assert why(Data.of(CLOUD), 0, 9) == ""


def test_a_table_says_why_its_fits_collapsed():
    choice = fastem.select(with_column(mostly(0.5)), [1, 2], random_state=0)
    assert choice.remark.startswith("1 of 2 fits collapsed in column 3, which is 0.5 in 335")
    assert choice.remark in " ".join(repr(choice).split())
    assert choice.status.text.endswith(choice.remark)
    assert choice.status.code == choice.best.status.code
    sound = fastem.select(CLOUD, [1, 2], random_state=0)
    assert sound.remark == ""
    assert sound.status == sound.best.status


@pytest.mark.parametrize("names", [["tied", "full"], ["full", "tied"], ["EEI", "VVI"]])
def test_of_families_that_are_one_model_the_first_is_chosen(names):
    choice = fastem.select(CLOUD, [1, 2], covariance_type=names, random_state=0)
    assert choice.best.mixture.n_components == 1
    assert choice.best_row.covariance_type == choice.best.mixture.covariance_type == names[0]
