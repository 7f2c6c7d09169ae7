"""Agreement between labellings, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from fastem.agreement import adjusted_rand_index


@pytest.mark.parametrize("sizes", [(2, 2), (3, 7), (1, 4), (5, 1), (40, 40)])
def test_as_scikit_learn(sizes):
    rng = np.random.default_rng(0)
    first, second = (rng.integers(size, size=200) for size in sizes)
    second[:90] = first[:90]
    assert adjusted_rand_index(first, second) == pytest.approx(
        adjusted_rand_score(first, second), abs=1e-12
    )


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]])
def test_trivial_labels_agree_with_themselves(labels):
    assert adjusted_rand_index(labels, labels) == 1.0


@pytest.mark.parametrize(("first", "second"), [([0, 1], [0]), ([], []), ([[0]], [[0]])])
def test_wrong_shapes_are_named(first, second):
    with pytest.raises(ValueError, match="give two labels for each row"):
        adjusted_rand_index(first, second)
