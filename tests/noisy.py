"""Rows of clusters and noise."""

import numpy as np


def clusters_and_noise(share, n=900, n_features=2, n_clusters=3, seed=0, apart=8.0):
    """Gaussian clusters and uniform rows around them, with labels; noise is -1."""
    rng = np.random.default_rng(seed)
    corners = rng.permutation(2 ** min(n_features, 8))[:n_clusters]
    centres = apart * ((corners[:, None] >> np.arange(n_features) % 8) & 1)
    labels = rng.integers(n_clusters, size=n)
    X = centres[labels] + rng.normal(size=(n, n_features)) * rng.uniform(0.5, 1, n_features)
    n_noise = round(n * share / (1 - share))
    low, high = X.min(axis=0) - 4, X.max(axis=0) + 4
    noise = rng.uniform(low, high, size=(n_noise, n_features))
    return np.concatenate([X, noise]), np.concatenate([labels, np.full(n_noise, -1)])


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
