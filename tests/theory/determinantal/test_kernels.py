"""Kernels of hidden units against their sums written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof.theory import (
    activation_kernel,
    edge_kernel,
    gaussian_kernel,
    inclusion_probabilities,
    preactivation_kernel,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((9, 4))
W = RNG.standard_normal((5, 4))
ROUNDING = 1e-13  # sums of at most 36 terms of size below 30: 100 roundings


def test_gram_matrices_written_out() -> None:
    before, after = preactivation_kernel(X, W), activation_kernel(X, W, "erf")
    for i in range(5):
        for j in range(5):
            fields = [(x @ W[i], x @ W[j]) for x in X]
            assert before[i, j] == pytest.approx(sum(a * b for a, b in fields) / 9, abs=ROUNDING)
            hidden = sum(math.erf(a) * math.erf(b) for a, b in fields) / 9
            assert after[i, j] == pytest.approx(hidden, abs=ROUNDING)
    edges = edge_kernel(X, W[0])
    wanted = sum(np.outer(x * W[0], x * W[0]) for x in X) / 9
    np.testing.assert_allclose(edges, wanted, rtol=0, atol=ROUNDING)


def test_gaussian_kernel_written_out_also_far_from_the_origin() -> None:
    points = RNG.standard_normal((6, 3))
    kernel = gaussian_kernel(points, 0.3, jitter=0.01)
    for i in range(6):
        for j in range(6):
            wanted = math.exp(-0.3 * float(np.sum((points[i] - points[j]) ** 2))) + 0.01 * (i == j)
            assert kernel[i, j] == pytest.approx(wanted, abs=ROUNDING)
    far = gaussian_kernel(points + 1e6, 0.3, jitter=0.01)
    np.testing.assert_allclose(far, kernel, rtol=0, atol=1e-8)  # points rounded to 1e6 eps


def test_equal_units_are_never_kept_together() -> None:
    twice = np.concatenate([W[:2], W[:1]])
    _, pairs = inclusion_probabilities(preactivation_kernel(X, twice), 2)
    assert pairs[0, 2] == pytest.approx(0.0, abs=ROUNDING)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="inputs have 4 coordinates, but weights 3"):
        preactivation_kernel(X, W[:, :3])
    with pytest.raises(ValueError, match="inputs have 4 coordinates, but weight 3"):
        edge_kernel(X, W[0, :3])
    with pytest.raises(ValueError, match="activation must be one of"):
        activation_kernel(X, W, "sine")
    with pytest.raises(ValueError, match="beta must be above 0"):
        gaussian_kernel(X, 0.0)
    with pytest.raises(ValueError, match="jitter must be at least 0"):
        gaussian_kernel(X, 1.0, jitter=-1.0)
