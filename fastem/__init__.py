"""Gaussian mixtures by EM, compiled."""
