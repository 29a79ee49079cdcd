"""Errors of pruned neurons against samples, least squares and brute force; bounds never beaten."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory import InapplicableError

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse"])
#: Rounding of a quadratic form of at most 20 inputs, relative to the sum of its |terms|.
TOLERANCE = 1e-12


def relu_features(d: int, seed: int, n: int = 80) -> Any:
    rng = np.random.default_rng(seed)
    h = np.maximum(rng.standard_normal((n, d)) @ rng.standard_normal((d, d)), 0.0)
    return h + 0.01 * rng.standard_normal((n, d))


def instance(family: str, d: int, seed: int, weights: Any, count: int) -> Any:
    h = relu_features(d, seed)
    w = weights(family, d, seed)
    return h, w, theory.keep_top(w, count), theory.second_moment(h)


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 12), st.integers(0, 10**6), st.data())
def test_error_bias_fix_and_refit_on_samples(
    weights: Any, family: str, d: int, seed: int, data: Any
) -> None:
    count = data.draw(st.integers(1, d - 1))
    h, w, pruned, g = instance(family, d, seed, weights, count)
    scale = np.abs(w) @ np.abs(g) @ np.abs(w)
    gap = h @ (w - pruned)
    plain = theory.pruning_error(w, pruned, g)
    assert plain == pytest.approx(np.mean(gap**2), abs=TOLERANCE * scale)
    cov = theory.second_moment(h, centered=True)
    fix = theory.bias_fix(w, pruned, h.mean(axis=0))
    fixed = theory.pruning_error(w, pruned, cov)
    assert fixed == pytest.approx(np.mean((gap - fix) ** 2), abs=TOLERANCE * scale)
    assert plain - fixed == pytest.approx(fix**2, abs=TOLERANCE * scale)
    mask = theory.top_entries(w, count)
    best = theory.refit(w, mask, g)
    assert not np.any(best[~mask])
    least = np.linalg.lstsq(h[:, mask], h @ w, rcond=None)[0]
    expected = np.mean((h @ w - h[:, mask] @ least) ** 2)
    # the moment squares the condition of h, about 1e3 here
    assert theory.refit_error(w, mask, g) == pytest.approx(expected, abs=1e-9 * scale)
    assert theory.pruning_error(w, best, g) == pytest.approx(expected, abs=1e-9 * scale)
    assert expected <= plain + TOLERANCE * scale


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 15), st.integers(0, 10**6), st.data())
def test_bounds_hold(weights: Any, family: str, d: int, seed: int, data: Any) -> None:
    count = data.draw(st.integers(0, d))
    q = data.draw(st.sampled_from([None, 0.1, 0.5, 1.3, 1.9]))
    _, w, pruned, g = instance(family, d, seed, weights, count)
    slack = 1 + 1e-10
    tiny = TOLERANCE * (np.abs(w) @ np.abs(g) @ np.abs(w))
    bound = theory.neuron_bound(w, count, g, q=q, lipschitz=2.0)
    assert 4 * theory.pruning_error(w, pruned, g) <= slack * bound.value + tiny
    assert bound.value <= bound.terms["smooth"] * slack
    sizes = np.sqrt(np.diag(g))
    weighted = np.where(theory.top_entries(w * sizes, count), w, 0.0)
    error = theory.pruning_error(w, weighted, g)
    assert error <= slack * theory.normalised_neuron_bound(w, count, g, q=q).value + tiny
    route = theory.absolute_neuron_bound(w, count, g, q=q if q is None or q < 1 else 0.7)
    assert error**0.5 <= slack * route.terms["dropped"] + tiny**0.5
    assert route.terms["dropped"] <= slack * route.value


def test_bounds_are_attained() -> None:
    # flat weights, equal white inputs: G = I; K* = 2 s at q = 1
    w, g = np.ones(6), np.eye(6)
    assert theory.neuron_bound(w, 3, g, q=1).value == pytest.approx(3.0, rel=1e-14, abs=0)
    assert theory.pruning_error(w, theory.keep_top(w, 3), g) == 3.0
    # fully coherent inputs: the l1 route is exact
    ones = np.ones((6, 6))
    found = theory.absolute_neuron_bound(w, 3, ones, q=0.5)
    assert theory.pruning_error(w, theory.keep_top(w, 3), ones) == found.terms["dropped"] ** 2


@settings(max_examples=20)
@given(FAMILIES, st.integers(2, 10), st.integers(0, 10**6), st.data())
def test_layer_bound_holds_and_is_the_sum_of_its_rows(
    weights: Any, family: str, d: int, seed: int, data: Any
) -> None:
    rows = np.stack([weights(family, d, seed + i) for i in range(3)])
    counts = np.array(data.draw(st.lists(st.integers(0, d), min_size=3, max_size=3)))
    h = relu_features(d, seed)
    g, cov = theory.second_moment(h), theory.second_moment(h, centered=True)
    for moment, sizes in ((g, None), (cov, None), (cov, np.sqrt(np.diag(g)))):
        scores = rows if sizes is None else rows * sizes
        kept = np.where(theory.top_entries(scores, counts), rows, 0.0)
        bound = theory.soft_sparsity_bound(rows, counts, moment, sizes=sizes)
        error = float(np.sum(theory.pruning_error(rows, kept, moment)))
        assert error <= bound.value * (1 + 1e-10) + 1e-12 * bound.trivial
    single = [theory.neuron_bound(w, int(s), g).value for w, s in zip(rows, counts)]
    whole = theory.soft_sparsity_bound(rows, counts, g).value
    assert whole == pytest.approx(sum(single), rel=1e-10, abs=0)


def test_relu_of_normal_inputs_carries_a_spurious_root_of_d() -> None:
    d = 40
    mean = 1 / np.sqrt(2 * np.pi)
    cov = np.eye(d) * (0.5 - 1 / (2 * np.pi))
    g = cov + mean**2
    w = np.ones(d)
    plain, fixed = (
        theory.neuron_bound(w, 10, m, q=1).terms["largest_eigenvalue"] for m in (g, cov)
    )
    assert plain == pytest.approx(d / (2 * np.pi) + 0.5 - 1 / (2 * np.pi), rel=1e-13, abs=0)
    assert fixed == pytest.approx(0.3408450569081047, rel=1e-13, abs=0)


@pytest.mark.parametrize("seed", range(6))
def test_surgeon_is_the_refit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = 6
    h = relu_features(d, seed)
    g, w = theory.second_moment(h), rng.standard_normal(d)
    removed = rng.permutation(d)[:3]
    mask = np.ones(d, dtype=bool)
    mask[removed] = False
    after, error = theory.obs_removal(w, g, removed)
    np.testing.assert_allclose(after, theory.refit(w, mask, g), rtol=1e-8, atol=1e-9)
    assert error == pytest.approx(theory.refit_error(w, mask, g), rel=1e-8, abs=0)
    order, increments, greedy = theory.obs_path(w, g, 3)
    left = np.ones(d, dtype=bool)
    left[order] = False
    assert np.sum(increments) == pytest.approx(theory.refit_error(w, left, g), rel=1e-8, abs=0)
    np.testing.assert_allclose(greedy, theory.refit(w, left, g), rtol=1e-8, atol=1e-9)
    singles = [theory.obs_removal(w, g, [j])[1] for j in range(d)]
    np.testing.assert_allclose(theory.obs_saliencies(w, g), singles, rtol=1e-8)
    # each step is the cheapest next removal: errors of sets, by solving for them anew
    for step in range(3):
        gone = list(order[:step])
        so_far = theory.obs_removal(w, g, gone)[1] if gone else 0.0
        others = [theory.obs_removal(w, g, [*gone, j])[1] for j in range(d) if j not in gone]
        scale = np.abs(w) @ np.abs(g) @ np.abs(w)
        assert increments[step] == pytest.approx(min(others) - so_far, rel=1e-8, abs=1e-10 * scale)


def test_smooth_bound_of_channels_is_that_of_a_neuron() -> None:
    # one output: v_j = |w_j| sqrt(G_jj), and 2.0 channels are 2
    w, g = np.array([3.0, -2.0, 1.0, 0.5]), theory.second_moment(relu_features(4, 0))
    neuron = theory.normalised_neuron_bound(w, 2, g, q=1.0)
    channel = theory.channel_bound(w[None], 2.0, g, q=1.0)  # type: ignore[arg-type]
    assert channel.value <= channel.terms["smooth"]
    assert channel.terms["smooth"] == pytest.approx(neuron.terms["smooth"], rel=1e-12, abs=0)


@pytest.mark.parametrize("seed", range(8))
def test_magnitude_loses_at_most_the_condition_number(seed: int) -> None:
    d, count = 6, 3
    g, w = (
        theory.second_moment(relu_features(d, seed)),
        np.random.default_rng(seed).standard_normal(d),
    )
    best = min(
        theory.refit_error(w, np.isin(np.arange(d), kept), g)
        for kept in itertools.combinations(range(d), count)
    )
    for weighted in (False, True):
        scores = w * np.sqrt(np.diag(g)) if weighted else w
        error = theory.pruning_error(w, np.where(theory.top_entries(scores, count), w, 0), g)
        assert error <= theory.magnitude_guarantee(g, weighted=weighted) * best * (1 + 1e-9)
    assert theory.magnitude_guarantee(np.ones((2, 2))) == np.inf
    assert theory.magnitude_guarantee(np.diag([1.0, 4.0, 0.0])) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_channels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g, w = theory.second_moment(relu_features(8, seed)), rng.standard_normal((5, 8))
    scores = theory.channel_scores(w, g)
    for count in range(9):
        kept = theory.top_entries(scores, count)
        error = float(np.sum(theory.pruning_error(w, np.where(kept, w, 0.0), g)))
        bound = theory.channel_bound(w, count, g)
        assert error <= bound.terms["dropped"] * (1 + 1e-12) <= bound.value * (1 + 1e-10)
        route = theory.absolute_channel_bound(w, count, g, q=0.6)
        assert error**0.5 <= route.terms["dropped"] * (1 + 1e-12) <= route.value * (1 + 1e-10)


def test_rows_and_singular_moments() -> None:
    # two equal inputs, opposite weights: removing both is free, and refit finds it
    g = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    w = np.array([[1.0, -1, 2], [3, 0, 1]])
    mask = np.array([[True, False, True], [False, True, True]])
    np.testing.assert_allclose(theory.refit(w, mask, g), [[0, 0, 2], [0, 3, 1]], atol=1e-14)
    np.testing.assert_allclose(theory.refit_error(w, mask, g), [0, 0], atol=1e-14)
    nothing = np.zeros((2, 3), dtype=bool)
    np.testing.assert_allclose(theory.refit_error(w, nothing, g), [4, 10], rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: theory.pruning_error([1.0], [1.0, 2.0], np.eye(2)), ValueError, "one shape"),
        (
            lambda: theory.pruning_error([1.0], [1.0], np.eye(2)),
            ValueError,
            r"cov must be \(1, 1\)",
        ),
        (lambda: theory.refit([1.0, 2.0], [0, 1], np.eye(2)), ValueError, "must be a mask"),
        (lambda: theory.neuron_bound([1.0], 1, np.eye(1), q=2), ValueError, "0 < q < p"),
        (lambda: theory.neuron_bound([1.0], 2, np.eye(1)), ValueError, "at most 1"),
        (
            lambda: theory.soft_sparsity_bound([[1.0]], 1, [[1.0]], sizes=[0.0]),
            ValueError,
            "sizes must be above 0",
        ),
        (lambda: theory.bias_fix([1.0], [1.0], [1.0, 2.0]), ValueError, "do not fit"),
        (lambda: theory.obs_removal([1.0, 1], np.ones((2, 2)), [0]), InapplicableError, "smallest"),
        (
            lambda: theory.obs_removal([1.0, 1], np.diag([1.0, 0]), [0]),
            InapplicableError,
            "always 0",
        ),
    ],
)
def test_wrong_arguments(call: Any, error: Any, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parametrize("kept", [2.5, np.nan, np.inf])
def test_a_layer_keeps_whole_numbers_of_entries(kept: float) -> None:
    """2.5 was taken for 2, and infinity raised OverflowError."""
    with pytest.raises(ValueError, match="whole number"):
        theory.soft_sparsity_bound(np.ones((2, 4)), kept, np.eye(4))
