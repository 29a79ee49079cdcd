"""Sharp Stechkin constants: equality for flat vectors, never beaten, tails by sorting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof.theory import stechkin_bound, stechkin_constant, tail_norm

FAMILIES = st.sampled_from(
    ["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse", "huge", "tiny"]
)


def by_sorting(w: Any, s: int, p: float) -> float:
    tail = np.sort(np.abs(w))[::-1][s:]
    if tail.size == 0 or tail.max() == 0:
        return 0.0
    peak = tail.max()
    return float(peak * np.sum((tail / peak) ** p) ** (1 / p)) if p < math.inf else float(peak)


@settings(max_examples=25)
@given(
    FAMILIES,
    st.integers(2, 40),
    st.integers(0, 10**6),
    st.floats(0.05, 2.5),
    st.floats(1.01, 20),
    st.data(),
)
def test_tail_is_below_both_bounds(
    weights: Any, family: str, d: int, seed: int, q: float, factor: float, data: Any
) -> None:
    w = weights(family, d, seed)
    s = data.draw(st.integers(1, d - 1))
    for p in (q * factor, math.inf):
        tail = tail_norm(w, s, p)
        # powers of the entries lose eps times the order's exponent
        assert tail == pytest.approx(
            by_sorting(w, s, p), rel=1e-12 * (1 + p if p < 9e9 else 1), abs=0
        )
        bound = stechkin_bound(w, s, q=q, p=p)
        assert tail <= bound.value * (1 + 1e-12)
        assert bound.value <= bound.terms["smooth"] * (1 + 1e-12)
        assert bound.terms["kappa"] == pytest.approx(
            stechkin_constant(q, p, kept=s, size=d), rel=1e-13 * (1 + 1 / q), abs=0
        )


@pytest.mark.parametrize(
    ("q", "p"), [(0.1, 0.5), (0.5, 1.0), (0.9, 2.0), (1.81, 2.0), (0.5, math.inf)]
)
def test_flat_vectors_attain_it(q: float, p: float) -> None:
    for s in (1, 3, 8):
        for d in (s + 1, 2 * s, 30):
            flat = [tail_norm(np.ones(k), s, p) / k ** (1 / q) for k in range(s + 1, d + 1)]
            found = stechkin_constant(q, p, kept=s, size=d)
            assert found == pytest.approx(max(flat), rel=1e-12, abs=0)
    whole = stechkin_constant(q, p, kept=2)
    assert whole == pytest.approx(stechkin_constant(q, p, kept=2, size=10**6), rel=1e-13, abs=0)


def test_constant_is_met_where_the_best_length_is_whole() -> None:
    # K* = sp/(p - q) = 2 s at q = 1, p = 2: c = 1/2
    assert stechkin_constant(1, 2) == pytest.approx(0.5, rel=1e-15, abs=0)
    assert stechkin_constant(1, 2, kept=7) == pytest.approx(0.5 * 7**-0.5, rel=1e-14, abs=0)
    assert stechkin_constant(0.3, math.inf) == 1.0
    grid = [stechkin_constant(q, 2) for q in (1e-6, 0.1, 1, 1.9, 2 - 1e-9)]
    assert max(grid) <= 1.0
    assert grid[0] == pytest.approx(math.exp(-0.5) * (1e-6 / 2) ** 0.5, rel=1e-5, abs=0)


def test_best_order_of_gaussian_rows_is_above_one() -> None:
    ratios, orders = [], []
    for seed in range(5):
        w = np.random.default_rng(seed).standard_normal(1000)
        bound = stechkin_bound(w, 50)
        orders.append(bound.terms["q"])
        ratios.append(tail_norm(w, 50, 2) / bound.value)
        below = stechkin_bound(w, 50, q=[0.1 * i for i in range(1, 10)])
        assert tail_norm(w, 50, 2) / below.value < 0.6
    assert np.mean(orders) == pytest.approx(1.81, abs=0.05)  # the grid's step
    assert np.mean(ratios) == pytest.approx(0.894, abs=0.01)


def test_nothing_kept_and_everything_kept() -> None:
    w = [3.0, -4.0]
    assert tail_norm(w, 0, 2) == pytest.approx(5.0, rel=1e-15, abs=0)
    assert tail_norm(w, 2, 2) == tail_norm(w, 9, 2) == 0.0
    assert tail_norm([0.0, 0.0], 1, 2) == 0.0
    assert stechkin_bound(w, 2, q=1).value == 0.0
    assert stechkin_bound(w, 0, q=1).value == pytest.approx(7.0, rel=1e-15, abs=0)
    assert stechkin_bound(np.zeros(3), 1).value == 0.0


def test_no_order_is_too_small() -> None:
    # ||w||_q of d equal entries is d^{1/q} times theirs: beyond floats, while the tail is not
    w = np.ones(5000)
    assert tail_norm(w, 0, 0.01) == math.inf
    bound = stechkin_bound(w, 100, q=0.01)
    assert bound.terms["norm"] == math.inf
    assert bound.trivial == pytest.approx(5000**0.5, rel=1e-12, abs=0)
    # kappa is at K = s + 1; exponents of 100 multiply the logarithms' 1e-15
    assert bound.value == pytest.approx((5000 / 101) ** 100, rel=1e-11, abs=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: stechkin_constant(2, 2), "0 < q < p"),
        (lambda: stechkin_constant(-1, 2), "0 < q < p"),
        (lambda: stechkin_constant(1, 2, kept=3, size=3), "size must be at least 4"),
        (lambda: stechkin_constant(1, 2, size=3), "kept is not"),
        (lambda: tail_norm([1.0, np.nan], 1, 2), "NaN"),
        (lambda: tail_norm([1.0], -1, 2), "kept must be at least 0"),
        (lambda: tail_norm([1.0], 0, 0), "p must be above 0"),
        (lambda: stechkin_bound([1.0, 2.0], 3), "at most 2"),
        (lambda: stechkin_bound([1.0, 2.0], 1, p=0.05), "no order below p = 0.05"),
        (lambda: stechkin_bound([1.0, 2.0], 1, p=math.nan), "no order below p = nan"),
        (lambda: stechkin_bound([1.0, 2.0], 1, q=[]), "no order below p = 2"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
