"""Indices against direct evaluation, closed forms, and identities between them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof.theory import effective_number, hill_number, pq_index, tail_sparsity_index

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse"])


def direct(w: Any, p: float, q: float) -> float:
    """N by its definition, in 60 digits."""
    import mpmath

    with mpmath.workdps(60):
        a = [mpmath.mpf(abs(float(x))) for x in w if x != 0]
        lower, upper = (mpmath.fsum(x ** mpmath.mpf(r) for x in a) for r in (p, q))
        p, q = mpmath.mpf(p), mpmath.mpf(q)
        return float((lower ** (1 / p) / upper ** (1 / q)) ** (p * q / (q - p)))


@settings(max_examples=25)
@given(FAMILIES, st.integers(1, 30), st.integers(0, 10**6), st.floats(0.02, 3), st.floats(1e-9, 3))
def test_effective_number_is_the_ratio_of_norms(
    weights: Any, family: str, d: int, seed: int, p: float, gap: float
) -> None:
    pytest.importorskip("mpmath")
    w = weights(family, d, seed)
    found = effective_number(w, p, p + gap)
    # q - p is known to eps q only, but ln N moves by less than that times ln d; logarithms of up
    # to 50 are multiplied by p and q/p and rounded to eps each
    assert found == pytest.approx(direct(w, p, p + gap), rel=1e-12, abs=0)
    shares = np.abs(w) ** p / np.sum(np.abs(w) ** p)
    # the shares themselves carry eps, which the order multiplies
    assert found == pytest.approx(hill_number(shares, (p + gap) / p), rel=1e-12 / p, abs=0)
    assert 1.0 <= found <= np.count_nonzero(w)


def test_three_large_entries_count_as_three() -> None:
    w = np.zeros(10**6)
    w[[5, 70, 999_999]] = 2.0, -2.0, 2.0
    assert effective_number(w, 0.1, 1.0) == pytest.approx(3.0, rel=1e-13, abs=0)
    assert pq_index(w, 0.1, 1.0) == 1.0  # which is why N is not computed from it
    few = w[-300:] * 1e200
    few[:2] = 2e200
    assert effective_number(few, 0.03, 1.0) == pytest.approx(3.0, rel=1e-13, abs=0)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_scale_does_not_matter(weights: Any, scale: float) -> None:
    w = weights("normal", 50, 3)
    for p, q in [(0.5, 1.0), (0.05, 1.0), (1.0, 2.0), (1.0, math.inf), (0.9, 0.9 + 1e-10)]:
        expected = effective_number(w, p, q)
        assert effective_number(scale * w, p, q) == pytest.approx(expected, rel=1e-12, abs=0)


def test_extreme_spread_is_not_lost() -> None:
    # tiny p sees entries 600 orders of magnitude apart: N by hand in logarithms
    w = np.array([1e300, 1e-300])
    p, q = 0.001, 1.0
    share = 10.0 ** (-600 * p)
    expected = (1 + share) ** (q / (q - p))
    assert effective_number(w, p, q) == pytest.approx(expected, rel=1e-12, abs=0)


def test_hill_numbers_of_known_shares() -> None:
    pi = np.array([0.5, 0.25, 0.25, 0.0])
    assert hill_number(pi, 0.0) == pytest.approx(3.0, rel=1e-14, abs=0)
    assert hill_number(pi, 1.0) == pytest.approx(2**1.5, rel=1e-14, abs=0)
    assert hill_number(pi, 2.0) == pytest.approx(float(1 / Fraction(3, 8)), rel=1e-14, abs=0)
    assert hill_number(pi, math.inf) == 2.0
    near = [hill_number(pi, 1 + e) for e in (-1e-9, 1e-9)]
    assert near[0] > 2**1.5 > near[1]
    assert near == pytest.approx([2**1.5] * 2, rel=1e-8, abs=0)


@settings(max_examples=15)
@given(FAMILIES, st.integers(1, 40), st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_indices_say_the_same(weights: Any, family: str, d: int, seed: int, q: float) -> None:
    w = weights(family, d, seed)
    tsi, index = tail_sparsity_index(w, q), pq_index(w, q, 1.0)
    # pq_index rounds 1 - I to eps; powers 1/q - 1 of N up to 19 amplify 1e-14
    assert 1 - index == pytest.approx(d ** (1 - 1 / q) / tsi, rel=1e-12, abs=4e-16)
    number = effective_number(w, q, 1.0)
    assert d ** (1 - 1 / q) * (1 - 1e-12) <= tsi <= 1 + 1e-12
    assert number == pytest.approx(tsi ** (q / (q - 1)), rel=1e-12 / (1 - q), abs=0)


def test_any_library_and_shape(to_backend: Any) -> None:
    w = np.arange(6.0).reshape(2, 3) - 2.0
    for p, q in [(0.5, 1.0), (0.5, 0.6), (0.01, math.inf)]:
        expected = effective_number(list(w.reshape(-1)), p, q)
        assert effective_number(to_backend(w), p, q) == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: effective_number(np.zeros(4), 0.5, 1), "no entry other than 0"),
        (lambda: pq_index([1.0, np.nan], 0.5, 1), "NaN or infinite"),
        (lambda: pq_index([1.0, 2.0], 1, 1), "0 < p < q, but p = 1 and q = 1"),
        (lambda: tail_sparsity_index([1.0], 1.5), "orders must satisfy"),
        (lambda: effective_number([], 0.5, 1), "empty"),
        (lambda: effective_number(3.0, 0.5, 1), "single number"),
        (lambda: hill_number([0.5, 0.6], 1), "sum to 1"),
        (lambda: hill_number([1.0], -1), "order must be at least 0"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
