"""Criteria by which mixtures are chosen; lower is better. Sources stand where users meet them."""

from __future__ import annotations

import math


def aic(n_parameters: int, log_likelihood: float) -> float:
    """Akaike's, 2 p - 2 log L."""
    return 2.0 * n_parameters - 2.0 * log_likelihood


def bic(n_parameters: int, log_likelihood: float, n_rows: float) -> float:
    """Schwarz's, p log n - 2 log L."""
    return n_parameters * math.log(n_rows) - 2.0 * log_likelihood


def icl(
    n_parameters: int, log_likelihood: float, n_rows: float, classification_entropy: float
) -> float:
    """Integrated completed likelihood, BIC - 2 sum_i log max_k r_ik."""
    return bic(n_parameters, log_likelihood, n_rows) + 2.0 * classification_entropy
