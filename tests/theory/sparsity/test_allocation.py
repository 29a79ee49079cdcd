"""Budgets against brute force, exact counts and numerical optimisation."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from pruneproof import theory
from pruneproof.theory import stechkin_constant, tail_norm

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse"])


@settings(max_examples=25)
@given(
    FAMILIES,
    st.integers(1, 30),
    st.integers(0, 10**6),
    st.floats(1e-3, 10),
    st.sampled_from([None, 0.3, 1.0, 1.7]),
)
def test_tolerance_is_met(weights: Any, family: str, d: int, seed: int, eps: float, q: Any) -> None:
    rows = np.stack([weights(family, d, seed + i) for i in range(3)])
    gains = np.array([1.0, 0.0, 2.5])
    counts = theory.neuron_budget(rows, gains, eps, q=q)
    exact = theory.exact_budget(rows, gains, eps)
    for w, a, s, least in zip(rows, gains, counts, exact):
        assert a * tail_norm(w, int(s), 2) <= eps * (1 + 1e-12)
        assert a * tail_norm(w, int(least), 2) <= eps * (1 + 1e-12)
        if least > 0:
            assert a * tail_norm(w, int(least) - 1, 2) > eps * (1 - 1e-12)
        assert least <= s <= d


@settings(max_examples=25)
@given(FAMILIES, st.integers(1, 20), st.integers(0, 10**6), st.floats(0.1, 1.9), st.data())
def test_budget_is_shared_out_exactly(
    weights: Any, family: str, d: int, seed: int, q: float, data: Any
) -> None:
    rows = [weights(family, d + i, seed + i) for i in range(4)] + [np.zeros(5)]
    gains = np.array([1.0, 0.0, 3.0, 1e-3, 1.0])
    caps = np.array([np.count_nonzero(w) for w in rows]) * (gains > 0)
    budget = data.draw(st.integers(0, int(caps.sum()) + 3))
    counts = theory.allocate(rows, gains, budget, q)
    assert counts.sum() == min(budget, caps.sum())
    assert np.all(counts <= caps)
    assert np.all(counts >= 0)
    # KKT: shares not at their caps are in one proportion, up to the rounding to whole numbers
    v = np.array([a**q * np.sum(np.abs(w) ** q) for a, w in zip(gains, rows)])
    free = (counts < caps - 1) & (v > 0)
    if np.any(free):
        level = counts[free] / v[free]
        assert np.all(level * v[free] - np.min(level) * v[free] <= 1 + v[free] / np.min(v[free]))


def test_allocation_by_hand() -> None:
    rows = np.array([[4.0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 0, 0]])
    # q = 1: v = 4, 4, 4; 6 units: 2 each, but the first row has one entry: 1, 2.5, 2.5 -> cap 2
    np.testing.assert_array_equal(theory.allocate(rows, 1.0, 6, 1.0), [1, 3, 2])
    np.testing.assert_array_equal(theory.allocate(rows, 1.0, 99, 1.0), [1, 4, 2])
    np.testing.assert_array_equal(theory.allocate(rows, 1.0, 0, 1.0), [0, 0, 0])
    # equal remainders: the lower index first
    np.testing.assert_array_equal(theory.allocate(np.ones((3, 4)), 1.0, 4, 1.0), [2, 1, 1])
    np.testing.assert_array_equal(theory.allocate(np.ones((2, 4)), [0.0, 1.0], 8, 0.5), [0, 4])


@pytest.mark.parametrize("q", [0.3, 1.0, 1.6])
def test_adaptive_allocation_is_global_soft_sparsity(q: float) -> None:
    rng = np.random.default_rng(1)
    rows, gains = rng.standard_cauchy((4, 30)), np.array([1.0, 2.0, 0.5, 1.0])
    c = stechkin_constant(q, 2)
    norms = np.sum(np.abs(rows) ** q, axis=1) ** (1 / q)
    b = (c * gains * norms) ** 2
    _, value = theory.quadratic_optimum(b, 20, q)
    long = (gains[:, None] * rows).reshape(-1)
    whole = c**2 * 20 ** (1 - 2 / q) * np.sum(np.abs(long) ** q) ** (2 / q)
    assert value == pytest.approx(whole, rel=1e-12, abs=0)


@pytest.mark.parametrize("seed", range(5))
def test_optima_by_another_optimiser(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q, budget = rng.uniform(0.2, 1.8), 10.0
    b, caps = rng.uniform(0.1, 5, 4), rng.uniform(2.0, 6.0, 4)
    for found, power, limits in (
        (theory.quadratic_optimum(b, budget, q), 1 - 2 / q, None),
        (theory.linear_optimum(b, budget, q), 0.5 - 1 / q, None),
        (theory.quadratic_optimum(b, budget, q, caps=caps), 1 - 2 / q, caps),
    ):
        shares, value = found
        assert np.sum(shares) == pytest.approx(budget, rel=1e-12, abs=0)
        upper = np.full(4, 50.0) if limits is None else limits
        solved = optimize.minimize(
            lambda s, power=power: np.log(np.sum(b * s**power)),
            upper * budget / np.sum(upper),
            bounds=[(1e-3, u) for u in upper],
            constraints={"type": "eq", "fun": lambda s: np.sum(s) - budget},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 300},
        )
        # the other optimiser stops at 1e-6 or so of the minimum, and may leave the constraint a bit
        assert value <= np.exp(solved.fun) * (1 + 1e-9)
        assert value == pytest.approx(np.exp(solved.fun), rel=1e-4, abs=0)


def test_layer_budgets() -> None:
    norms, rows, q = np.array([1.0, 3.0]), np.array([4, 16]), 0.8
    caps = np.array([1000, 1000])
    found = theory.layer_budgets(norms, 500, q, caps=caps)
    shares, _ = theory.linear_optimum(norms, 500, q)
    assert np.max(np.abs(found - shares)) <= 1
    equal = theory.layer_budgets(norms, 500, q, caps=caps, rows=rows)

    def value(s: Any) -> Any:
        return np.sum(norms * (s / rows) ** (0.5 - 1 / q))

    whole = min(value(np.array([s, 500 - s])) for s in range(1, 500))
    assert value(equal) == pytest.approx(whole, rel=1e-4, abs=0)
    np.testing.assert_array_equal(theory.layer_budgets([1.0, 0.0], 9, 1, caps=[5, 5]), [5, 0])


def test_global_threshold_is_the_best_set_for_diagonal_moments() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.integers(-2, 3, (2, 2)).astype(float), rng.standard_normal((1, 3))]
    gains = [np.array([1.0, 2.0]), np.array([0.5])]
    sizes = [np.array([1.0, 3.0]), np.array([1.0, 1.0, 2.0])]
    scores = np.concatenate(
        [(a[:, None] * w * g).reshape(-1) ** 2 for a, w, g in zip(gains, weights, sizes)]
    )
    for budget in range(8):
        masks = theory.global_threshold(weights, budget, gains=gains, sizes=sizes)
        flat = np.concatenate([m.reshape(-1) for m in masks])
        assert flat.sum() == budget
        best = min(
            np.sum(scores) - sum(scores[i] for i in kept)
            for kept in itertools.combinations(range(7), budget)
        )
        assert np.sum(scores[~flat]) == pytest.approx(best, rel=1e-12, abs=1e-14)
    ties = theory.global_threshold([np.ones((1, 2)), np.ones((1, 2))], 3)
    np.testing.assert_array_equal(np.concatenate(ties, axis=1), [[True, True, True, False]])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.neuron_budget([[1.0]], 1, 0.0), "tolerance must be above 0"),
        (lambda: theory.neuron_budget([[1.0]], -1, 1.0), "gains must be at least 0"),
        (lambda: theory.neuron_budget([[1.0]], 1, 1.0, q=2), "between 0 and 2"),
        (lambda: theory.allocate([[1.0]], 1, -1, 1), "budget must be at least 0"),
        (lambda: theory.allocate([[1.0]], [1.0, 2.0], 1, 1), "gains must be one number"),
        (lambda: theory.global_threshold([np.ones((1, 2))], 3), "at most 2"),
        (lambda: theory.global_threshold([], 0), "weights is empty"),
        (lambda: theory.global_threshold([[[1.0]]] * 2, 1, gains=[[1.0]]), "gains must have one"),
        (lambda: theory.global_threshold([[[1.0]]], 1, sizes=[[1.0]] * 2), "sizes must have one"),
        (lambda: theory.allocate(np.zeros((0, 3)), 1, 1, 1), "rows is empty"),
        (lambda: theory.layer_budgets([1.0, 2.0], 3, 1, caps=[-4, 9]), "caps must be at least 0"),
        (lambda: theory.layer_budgets([1.0, 2.0], 3, 1, caps=[1.5, 9]), "caps must hold whole"),
        (lambda: theory.quadratic_optimum([0.0], 1, 1), "above 0"),
        (lambda: theory.quadratic_optimum([1.0, 1], 1, 1, caps=[0.0, 2]), "caps must be above 0"),
        (lambda: theory.quadratic_optimum([1.0, 1], 1, 1, caps=[np.nan, 2]), "caps has 1 entries"),
        (lambda: theory.quadratic_optimum([1.0], 3, 1, caps=[2.0]), "above the sum"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_rows_may_be_an_array_of_any_library() -> None:
    rows = np.arange(1.0, 9.0).reshape(2, 4)
    found = theory.allocate(array_api_strict.asarray(rows), 1.0, 3, 0.5)
    np.testing.assert_array_equal(found, theory.allocate(rows, 1.0, 3, 0.5))
