"""Singular values of convolutions against dense operators; the norms' ends, both attained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    Conv2d,
    InapplicableError,
    all_frequencies_bound,
    convolution_norm_bound,
    convolution_singular_values,
    reshaped_norms,
)
from pruneproof.theory.sparsification.convolution import (
    circular_operator,
    convolution_symbols,
    zero_padded_operator,
)

Floats = NDArray[np.float64]
#: Roundings of FFT and SVD, a few units each of the largest singular value.
EPS = 1e-13


def kernel(o: int, i: int, kh: int, kw: int, seed: int, scale: float = 1.0) -> Floats:
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((o, i, kh, kw)) * (rng.random((o, i, kh, kw)) < 0.8)


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=20)
@given(SHAPES, st.integers(0, 2), st.integers(0, 2), st.sampled_from([1.0, 1e-8, 1e8]))
def test_union_of_symbols(s: tuple[int, int, int, int], p: int, q: int, scale: float) -> None:
    k = kernel(*s, seed=1, scale=scale)
    grid = (s[2] + p, s[3] + q)
    found = convolution_singular_values(k, grid)
    dense = np.linalg.svd(circular_operator(k, grid), compute_uv=False)
    assert np.abs(found - dense).max() <= EPS * (dense[0] + 1e-300)
    total = np.sum(np.abs(convolution_symbols(k, grid)) ** 2) / math.prod(grid)
    assert total == pytest.approx(np.sum(k**2), rel=1e-13, abs=0)
    low, high = max(reshaped_norms(k)), convolution_norm_bound(k, grid)
    assert low <= dense[0] * (1 + EPS)
    assert dense[0] <= high.value * (1 + EPS)
    assert high.value <= high.trivial * (1 + EPS)
    assert high.terms["lower"] == low


@settings(max_examples=15)
@given(SHAPES, st.integers(0, 3))
def test_zero_padding_is_a_compression_of_a_larger_circle(
    s: tuple[int, int, int, int], more: int
) -> None:
    k = kernel(*s, seed=2)
    grid = (s[2] + more, s[3])
    norm = float(convolution_singular_values(k, grid, padding="zero")[0])
    bound = convolution_norm_bound(k, grid, padding="zero")
    assert norm <= bound.terms["grid"] * (1 + EPS)
    assert bound.terms["grid"] <= bound.value * (1 + EPS)


def test_both_operators_against_the_layer() -> None:
    """The columns of the operator are what the network's convolution makes of unit images."""
    k = kernel(2, 3, 3, 3, seed=3)
    images = np.eye(3 * 4 * 5).reshape(-1, 3, 4, 5)
    columns = Conv2d(k, padding=1).forward(images).reshape(60, -1)
    assert zero_padded_operator(k, (4, 5)) == pytest.approx(columns.T, abs=1e-15)
    around = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
    columns = Conv2d(k).forward(around).reshape(60, -1)
    assert circular_operator(k, (4, 5)) == pytest.approx(columns.T, abs=1e-15)


def test_ends_are_attained() -> None:
    """Ratios 1.000: a delta kernel below, all ones above."""
    delta = np.zeros((2, 2, 3, 3))
    delta[:, :, 1, 1] = [[1.0, 2.0], [0.5, -1.0]]
    top = convolution_singular_values(delta, 6)[0]
    assert top == pytest.approx(max(reshaped_norms(delta)), rel=1e-13, abs=0)
    ones = np.ones((2, 3, 3, 2))
    top = convolution_singular_values(ones, 6)[0]
    assert top == pytest.approx(convolution_norm_bound(ones, 6).value, rel=1e-13, abs=0)


def test_same_grid_does_not_bound_zero_padding() -> None:
    """S11: against the circle of n positions the ratio exceeds 1: 1.273 (1.24 was stated)."""
    worst = 0.0
    for n in (3, 5):
        for phase in np.linspace(-3.0, 3.0, 121):
            k = np.array([[[[1.0, phase, 1.0]]]])
            zero = convolution_singular_values(k, (1, n), padding="zero")[0]
            worst = max(worst, zero / convolution_singular_values(k, (1, n))[0])
    assert worst > 1.24


@settings(max_examples=15)
@given(SHAPES, st.integers(0, 2), st.integers(0, 2))
def test_all_frequencies(s: tuple[int, int, int, int], p: int, q: int) -> None:
    k = kernel(*s, seed=4)
    bound = all_frequencies_bound(k, (s[2] + p, s[3] + q))
    fine = convolution_singular_values(k, 24)[0]
    assert fine <= bound.value * (1 + EPS)


def test_all_frequencies_is_attained() -> None:
    """k = 2, N odd: the largest value 2 of |1 - e^{iw}| at w = pi lies between grid points."""
    k = np.array([[[[1.0, -1.0]]]])
    for n in (3, 5, 9):
        assert all_frequencies_bound(k, (1, n)).value == pytest.approx(2.0, rel=1e-14, abs=0)


def test_refusals() -> None:
    k = np.ones((1, 1, 3, 3))
    with pytest.raises(ValueError, match="smaller than the 3 x 3 kernel"):
        convolution_singular_values(k, 2)
    with pytest.raises(ValueError, match="padding must be circular or zero"):
        convolution_singular_values(k, 4, padding="reflect")
    with pytest.raises(InapplicableError, match="over the 2\\^26"):
        convolution_singular_values(np.ones((4, 4, 3, 3)), 64, padding="zero")
    with pytest.raises(ValueError, match="must have 4 axes"):
        convolution_singular_values(k[0], 4)
    with pytest.raises(ValueError, match="a whole number or a pair"):
        convolution_singular_values(k, (4, 4, 4))  # type: ignore[arg-type]


def test_factors_and_trivial_values() -> None:
    """Of k = 3 and 1 on 4 x 5 positions: 1/cos(pi/4), and sqrt 3 ||K||_F."""
    k = kernel(2, 2, 3, 1, seed=6)
    bound = all_frequencies_bound(k, (4, 5))
    top = np.linalg.svd(convolution_symbols(k, (4, 5)), compute_uv=False).max()
    assert bound.terms["grid"] == pytest.approx(top, rel=EPS, abs=0)
    assert bound.terms["factor"] == pytest.approx(math.sqrt(2.0), rel=1e-15, abs=0)
    trivial = math.sqrt(3.0 * np.sum(k**2))
    assert bound.trivial == pytest.approx(trivial, rel=1e-14, abs=0)
    assert convolution_norm_bound(k, (4, 5)).trivial == pytest.approx(trivial, rel=1e-14, abs=0)
