"""Which component of one mixture is which of another: labels that were switched are put back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def match(fitted: tuple[NDArray, NDArray], others: tuple[NDArray, NDArray]) -> NDArray[np.intp]:
    """The order of the other components in which each stands beside the fitted one it is nearest.

    The assignment minimises the sum of Kullback-Leibler divergences KL(N_j || N_k) of a fitted
    component j from another one k. What depends on j or on k alone is the same in every assignment,
    so the cost of a pair is the mean squared Mahalanobis distance of j's rows from k,

        tr(S_k^-1 S_j) + (m_j - m_k)' S_k^-1 (m_j - m_k).

    Source: M. Stephens, J. R. Stat. Soc. B 62 (2000) 795, for relabelling by this divergence.

    Parameters
    ----------
    fitted, others : (n_components, n_features) and (n_components, n_features, n_features)
        Means and covariances.

    Returns
    -------
    order : (n_components,)
        `others[order[j]]` belongs to `fitted[j]`. Components keep their places where no other
        assignment is nearer.

    Examples
    --------
    >>> import numpy as np
    >>> unit = np.ones((2, 1, 1))
    >>> match((np.array([[0.0], [5.0]]), unit), (np.array([[5.5], [0.1]]), unit))
    array([1, 0])
    """
    from scipy.optimize import linear_sum_assignment  # half of fastem's time to import

    (means, covariances), (other_means, other_covariances) = fitted, others
    K, D = means.shape
    delta = means - other_means[:, None]
    precisions = np.linalg.inv(other_covariances)
    cost = ((delta @ precisions) * delta).sum(axis=2).T
    cost += covariances.reshape(K, D * D) @ precisions.reshape(K, D * D).T
    _, order = linear_sum_assignment(cost)
    same = np.arange(K)
    return order if cost[same, order].sum() < cost[same, same].sum() else same
