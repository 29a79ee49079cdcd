"""Random masks by enumeration, noise on weights, rounding of few weights."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory import effective_number, pq_index

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power"])


def moment(d: int, seed: int = 0) -> Any:
    h = np.maximum(np.random.default_rng(seed).standard_normal((50, d)) + 0.3, 0)
    return h.T @ h / 50


def test_random_masks_by_enumeration() -> None:
    d, g = 5, moment(5)
    w = np.random.default_rng(1).standard_normal(d)
    masks = np.array(list(itertools.product([0.0, 1.0], repeat=d)))
    for m in range(d + 1):
        removed = (1 - masks)[masks.sum(axis=1) == d - m] * w
        expected = np.mean(np.einsum("ij,jk,ik->i", removed, g, removed))
        assert theory.random_removal_error(w, g, m) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    for pi in (0.2, 0.7, 1.0):
        chance = np.prod(np.where(masks > 0, pi, 1 - pi), axis=1)
        for scale in (1.0, 1 / pi):
            left = w - masks * w * scale
            expected = float(chance @ np.einsum("ij,jk,ik->i", left, g, left))
            found = theory.random_mask_error(w, g, pi, rescaled=scale != 1.0)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert theory.random_removal_error([2.0], [[3.0]], 1) == 12.0


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 20), st.integers(0, 10**6), st.floats(1e-3, 2))
def test_relative_noise(weights: Any, family: str, d: int, seed: int, t: float) -> None:
    w = weights(family, d, seed)
    noisy = w * np.exp(np.random.default_rng(seed).uniform(-t, t, d))
    for p, q in [(0.5, 1.0), (1.0, 2.0), (0.8, 0.9), (0.5, math.inf)]:
        index, number = theory.relative_noise_bounds(t, p, q)
        change = math.log(effective_number(noisy, p, q) / effective_number(w, p, q))
        assert abs(change) <= number + 1e-12
        spread = 1 / p - 1 / q
        assert abs(spread * change) <= index + 1e-12  # 1 - I = (N/d)^(1/p - 1/q)
        assert number == pytest.approx(index / spread, rel=1e-12, abs=0)


def test_relative_noise_is_attained() -> None:
    # small entries carry the p-norm and grow, the large one carries the q-norm and shrinks
    w = np.append(np.full(10**5, 1e-4), 1.0)
    noisy = w * np.append(np.full(10**5, math.exp(0.1)), math.exp(-0.1))
    change = math.log(effective_number(noisy, 0.5, 2.0) / effective_number(w, 0.5, 2.0))
    assert 0.99 < change / theory.relative_noise_bounds(0.1, 0.5, 2.0)[1] <= 1.0


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 20), st.integers(0, 10**6), st.floats(1e-3, 3))
def test_additive_noise(weights: Any, family: str, d: int, seed: int, size: float) -> None:
    w = weights(family, d, seed)
    e = size * np.random.default_rng(seed).standard_normal(d)
    for p, q in [(0.5, 1.0), (1.0, 2.0), (0.7, math.inf)]:
        noise = [
            np.sum(np.abs(e) ** r) ** (1 / r) if r < math.inf else np.max(np.abs(e)) for r in (p, q)
        ]
        low, high = theory.noisy_index_interval(w, noise[0], noise[1], p, q)
        assert low - 1e-12 <= pq_index(w + e, p, q) <= high + 1e-12
    exact = theory.noisy_index_interval(w, 0.0, 0.0, 0.5, 1.0)
    assert exact == pytest.approx([pq_index(w, 0.5, 1.0)] * 2, rel=0, abs=1e-12)


def test_norms_beyond_floats() -> None:
    # ||w||_p = 2000^100, and the index is 0 still
    low, high = theory.noisy_index_interval(np.ones(2000), 0.0, 0.0, 0.01, 1.0)
    assert (low, high) == pytest.approx((0.0, 0.0), rel=0, abs=1e-12)
    assert theory.noisy_index_interval(np.ones(2000), 1e308, 1e308, 0.01, 1.0)[0] == 0.0
    # c ||w||_q is 30^250 and more, its power q is not: s = d (2 c (2/q - 1)^{1/2})^q
    q, c = 0.004, theory.stechkin_constant(0.004, 2)
    expected = 30 * (2 * c * math.sqrt(2 / q - 1)) ** q
    assert theory.best_quantised_count(np.ones(30), 1.0, q) == pytest.approx(
        expected, rel=1e-12, abs=0
    )
    assert theory.quantised_bound([1e200, 1.0], 1, 0.1).trivial == math.inf
    assert theory.neuron_bound(1e200 * np.ones(3), 1, np.eye(3)).value == math.inf
    many = theory.dictionary_bound(np.ones(40), np.ones(40), 3, q)
    assert many.terms["t"] == math.inf
    # K = 3^{-1/2}: two terms kept, one drawn
    assert many.value == pytest.approx((40 / 3) ** 250, rel=1e-11, abs=0)


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 20), st.integers(0, 10**6), st.floats(0.01, 3), st.data())
def test_rounding(weights: Any, family: str, d: int, seed: int, step: float, data: Any) -> None:
    w = weights(family, d, seed)
    kept = data.draw(st.integers(0, d))
    found = theory.quantised_top(w, kept, step)
    mask = theory.top_entries(w, kept)
    assert not np.any(found[~mask])
    np.testing.assert_allclose(
        found / step, np.round(found / step), atol=1e-9 * np.max(np.abs(w)) / step
    )
    error = np.sum((w - found) ** 2)
    rounding = np.sum((w - found)[mask] ** 2)
    assert error == pytest.approx(theory.tail_norm(w, kept, 2) ** 2 + rounding, rel=1e-12, abs=0)
    assert error <= theory.quantised_bound(w, kept, step).value * (1 + 1e-10)


def test_best_number_of_rounded_weights() -> None:
    w, step, q = np.random.default_rng(0).standard_t(3, 300), 0.3, 0.9
    best = theory.best_quantised_count(w, step, q)
    c, size = theory.stechkin_constant(q, 2), np.sum(np.abs(w) ** q) ** (1 / q)

    def smooth(s: float) -> float:
        return float(c**2 * s ** (1 - 2 / q) * size**2 + s * step**2 / 4)

    assert smooth(best) <= min(smooth(best * f) for f in (0.9, 0.999, 1.001, 1.1))


def test_stochastic_rounding_is_unbiased() -> None:
    w, g = np.random.default_rng(3).standard_normal(6), moment(6)
    rng = np.random.default_rng(0)
    draws = np.array([theory.quantised_top(w, 4, 0.7, rng=rng) for _ in range(4000)])
    mask = theory.top_entries(w, 4)
    error = draws[:, mask].mean(axis=0) - w[mask]
    assert np.max(np.abs(error)) < 5 * 0.35 / math.sqrt(4000)
    losses = np.einsum("ij,jk,ik->i", draws - w, g, draws - w)
    expected = theory.stochastic_rounding_error(w, 4, 0.7, g)
    assert abs(losses.mean() - expected) < 5 * losses.std() / math.sqrt(4000)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.random_removal_error([1.0], [[1.0]], 2), "at most 1"),
        (lambda: theory.random_mask_error([1.0], [[1.0]], 0.0), "keep must be above 0"),
        (lambda: theory.relative_noise_bounds(-1, 0.5, 1), "t must be at least 0"),
        (lambda: theory.noisy_index_interval([1.0], 1, 1, 2, 3), "p <= 1 <= q"),
        (lambda: theory.noisy_index_interval([0.0], 1, 1, 0.5, 1), "no entry other than 0"),
        (lambda: theory.quantised_top([1.0], 1, 0.0), "step must be above 0"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
