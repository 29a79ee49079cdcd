"""S5, S6, S8: closed forms against enumeration of all draws, quantiles against Monte Carlo.

Enumerated laws are exact; a product of <= 6 coins and sums of 64 terms err by some 1e-14.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    achlioptas_mcsherry_bound,
    drawing_terms,
    drawing_variances,
    drawn_layer_error,
    drineas_zouzias_bound,
    drineas_zouzias_draws,
    hybrid_distribution,
    keeping_variances,
    l1_distribution,
    l2_distribution,
    layer_error,
    poisson_probabilities,
    poisson_threshold,
    quantised_sample,
    quantised_terms,
    quantised_variances,
    sample_with_replacement,
    sampled_layer_error,
    second_moment,
    spectral_error_bound,
    threshold_poisson,
    threshold_poisson_terms,
    uniform_sample,
    uniform_terms,
)

Floats = NDArray[np.float64]


def weight(m: int, n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.8)
    w[0, 0] = 1.5
    return np.asarray(w)


def gram(n: int, seed: int) -> Floats:
    x = np.random.default_rng(seed).standard_normal((3 * n, n)) + 0.5
    return np.asarray(x.T @ x / (3 * n))


@settings(max_examples=10)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(0, 50), st.floats(0.1, 0.9))
def test_independent_keeping_by_enumeration(m: int, n: int, seed: int, part: float) -> None:
    w, g = weight(m, n, seed), gram(n, seed)
    p = poisson_probabilities(w, part * np.count_nonzero(w))
    error = layer = 0.0
    for coins in itertools.product([0, 1], repeat=w.size):
        kept = np.array(coins).reshape(w.shape) == 1
        chance = float(np.prod(np.where(kept, p, 1.0 - p)))
        d = w - np.where(kept & (w != 0), w / np.where(p > 0, p, 1.0), 0.0)
        error += chance * float((d**2).sum())
        layer += chance * float(np.trace(d @ g @ d.T))
    v = keeping_variances(w, p)
    assert v.sum() == pytest.approx(error, rel=1e-12, abs=1e-14)
    assert sampled_layer_error(v, g) == pytest.approx(layer, rel=1e-12, abs=1e-14)
    tau, a = poisson_threshold(w, part * np.count_nonzero(w)), np.abs(w)
    closed = (a * np.maximum(tau - a, 0.0)).sum()
    assert v.sum() == pytest.approx(closed, rel=1e-12, abs=1e-14)
    worse_than_dropping, far = v > a**2, np.abs(a / tau - 0.5) > 1e-12
    assert (worse_than_dropping == ((a > 0) & (a < tau / 2)))[far].all()


@settings(max_examples=10)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(0, 50), st.sampled_from([1, 2, 3]))
def test_drawing_by_enumeration(m: int, n: int, seed: int, s: int) -> None:
    w, g = weight(m, n, seed), gram(n, seed)
    p = hybrid_distribution(w, 0.4)
    error = layer = 0.0
    places = np.flatnonzero(p)
    for draws in itertools.product(places, repeat=s):
        b = np.zeros(w.size)
        for e in draws:
            b[e] += w.ravel()[e] / p.ravel()[e] / s
        d = w - b.reshape(w.shape)
        chance = float(np.prod(p.ravel()[list(draws)]))
        error += chance * float((d**2).sum())
        layer += chance * float(np.trace(d @ g @ d.T))
    scale = 1e-13 * float((w**2).sum())  # of one entry nothing is left but rounding
    assert drawing_variances(w, s, p).sum() == pytest.approx(error, rel=1e-12, abs=scale)
    assert drawn_layer_error(w, s, p, g) == pytest.approx(layer, rel=1e-12, abs=10 * scale)


@settings(max_examples=15)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 50))
def test_closed_forms_of_drawing(m: int, n: int, seed: int) -> None:
    w = weight(m, n, seed)
    square, count = float((w**2).sum()), np.count_nonzero(w)
    slack = 1e-13 * square * count
    l1 = drawing_variances(w, 7, l1_distribution(w)).sum()
    l2 = drawing_variances(w, 7, l2_distribution(w)).sum()
    uniform = drawing_variances(w, 7, (w != 0) / count).sum()
    assert l1 == pytest.approx((np.abs(w).sum() ** 2 - square) / 7, abs=slack)
    assert l2 == pytest.approx((count - 1) * square / 7, abs=slack)
    assert uniform == pytest.approx(l2, abs=slack)
    assert l1 <= min(l2, drawing_variances(w, 7, hybrid_distribution(w)).sum()) + slack


def test_layer_error_is_the_mean_over_samples() -> None:
    rng = np.random.default_rng(1)
    x = np.maximum(rng.standard_normal((40, 6)), 0.0)
    d = weight(4, 6, 1)
    mean, cov = x.mean(0), second_moment(x, centered=True)
    direct = ((x @ d.T) ** 2).sum() / 40
    assert layer_error(d, cov, mean) == pytest.approx(direct, rel=1e-13, abs=0)
    assert layer_error(d, second_moment(x)) == pytest.approx(direct, rel=1e-13, abs=0)
    fixed = (((x - mean) @ d.T) ** 2).sum() / 40
    assert layer_error(d, cov) == pytest.approx(fixed, rel=1e-13, abs=0)
    with pytest.raises(ValueError, match=r"cov must have shape \(6, 6\)"):
        layer_error(d, np.eye(5))
    with pytest.raises(ValueError, match="mean must have 6 entries"):
        layer_error(d, cov, np.ones(5))
    with pytest.raises(ValueError, match="above 0 wherever weight is not 0"):
        keeping_variances(d, np.zeros(d.shape))
    with pytest.raises(ValueError, match="at most 1"):
        keeping_variances(d, np.full(d.shape, 2.0))


def test_bernstein_on_samples() -> None:
    """Mean and 90 % quantile of 200 draws stay below; ratios stated: .24-.51 and 0-.46."""
    w = weight(20, 30, 2)
    s, p1, ph = 150, l1_distribution(w), hybrid_distribution(w)
    keep = s / np.count_nonzero(w)
    cases = {
        "B2": (threshold_poisson_terms(w, s), lambda g: threshold_poisson(w, s, rng=g)),
        "B3": (uniform_terms(w, keep), lambda g: uniform_sample(w, keep, rng=g)),
        "B4": (quantised_terms(w), lambda g: quantised_sample(w, rng=g)),
        "L1": (drawing_terms(w, s, p1), lambda g: sample_with_replacement(w, s, p1, rng=g)),
        "hybrid": (drawing_terms(w, s, ph), lambda g: sample_with_replacement(w, s, ph, rng=g)),
    }
    rng = np.random.default_rng(0)
    for name, (terms, draw) in cases.items():
        found = np.array([np.linalg.norm(w - draw(rng), 2) for _ in range(200)])
        bound = spectral_error_bound(terms, delta=0.1)
        assert 0.15 < found.mean() / bound.terms["mean"] < 0.6, name
        assert 0.1 < np.quantile(found, 0.9) / bound.value < 0.6, name
        assert bound.trivial == pytest.approx(np.linalg.norm(w, 2), rel=1e-14, abs=0)
        # t_delta solves the tail's equation
        assert terms.tail(bound.value) == pytest.approx(0.1, rel=1e-11, abs=0)


def test_variances_of_the_instances_are_those_of_the_entries() -> None:
    """Independent entries: v is the larger of the norms of the diagonal sums of variances."""
    w = weight(5, 7, 3)
    v = keeping_variances(w, poisson_probabilities(w, 9))
    lines = max(v.sum(0).max(), v.sum(1).max())
    assert threshold_poisson_terms(w, 9).variance == pytest.approx(lines, rel=1e-12, abs=0)
    v = keeping_variances(w, (w != 0) * 0.3)
    lines = max(v.sum(0).max(), v.sum(1).max())
    assert uniform_terms(w, 0.3).variance == pytest.approx(lines, rel=1e-13, abs=0)
    v = quantised_variances(w)
    lines = max(v.sum(0).max(), v.sum(1).max())
    assert quantised_terms(w).variance == pytest.approx(lines, rel=1e-14, abs=0)
    # hybrid: |a|/P <= |A|_1/a and v s <= ||A||_F^2 max(m, n)/(1 - a)
    terms = drawing_terms(w, 10, hybrid_distribution(w, 0.4))
    assert terms.size <= (np.abs(w).sum() / 0.4 + np.linalg.norm(w, 2)) / 10 * (1 + 1e-13)
    assert terms.variance * 10 <= (w**2).sum() * 7 / 0.6 * (1 + 1e-13)


def test_certain_sparsifications_have_no_error() -> None:
    w = weight(3, 4, 4)
    assert spectral_error_bound(threshold_poisson_terms(w, 99)).value == 0.0
    assert spectral_error_bound(uniform_terms(w, 1.0)).value == 0.0
    assert threshold_poisson_terms(w, 99).tail(0.1) == 0.0


def test_sizes_from_which_the_old_bounds_speak() -> None:
    """AM07 is vacuous until n > 7.06e8; DZ draws more often than there are entries."""
    w = weight(30, 30, 5)
    found = achlioptas_mcsherry_bound(w, 0.3)
    assert found.value == math.inf
    assert found.vacuous
    n = found.terms["size"]
    assert n == pytest.approx(7.06e8, rel=1e-3, abs=0)
    assert (8 * math.log(n)) ** 4 <= n < (8 * math.log(n - 2)) ** 4 + 2
    dense = np.random.default_rng(0).standard_normal((30, 30))
    bound = drineas_zouzias_bound(dense, 0.5 * np.linalg.norm(dense))
    assert bound.value == drineas_zouzias_draws(dense, 0.5 * np.linalg.norm(dense))
    assert bound.trivial == 900
    assert bound.vacuous
    size = bound.terms["size"]
    ratio = bound.value / (30 * math.log(math.sqrt(2) * 30))
    assert ratio * size * math.log(math.sqrt(2) * size) <= size**2
    less = size - 1
    assert ratio * less * math.log(math.sqrt(2) * less) > less**2
    with pytest.raises(InapplicableError):
        drineas_zouzias_bound(dense, 1e3)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales_that_lose_the_variance_are_refused(scale: float) -> None:
    """v of 1e-400 would be 0, and the bound fall below the error."""
    w = weight(4, 5, 6) * scale
    for terms in (
        lambda: threshold_poisson_terms(w, 5),
        lambda: uniform_terms(w, 0.3),
        lambda: quantised_terms(w),
        lambda: drawing_terms(w, 5, l1_distribution(w)),
    ):
        with pytest.raises(InapplicableError, match="scale the weight"):
            terms()
    assert spectral_error_bound(quantised_terms(np.zeros((2, 2)))).value == 0.0
    small, large = (
        spectral_error_bound(uniform_terms(w / scale * s, 0.3)) for s in (1e-120, 1e120)
    )
    assert small.value * 1e240 == pytest.approx(large.value, rel=1e-12, abs=0)


def test_forms_of_the_old_bound_and_of_drawing() -> None:
    w = weight(5, 7, 8)
    found = achlioptas_mcsherry_bound(w, 0.3)
    form = 4 * np.abs(w).max() * math.sqrt(7 / 0.3)
    assert found.terms["form"] == pytest.approx(form, rel=1e-15, abs=0)
    least = (8 * math.log(7)) ** 4 / 7
    assert found.terms["least keep"] == pytest.approx(least, rel=1e-14, abs=0)
    assert found.trivial == pytest.approx(np.linalg.norm(w, 2), rel=1e-14, abs=0)
    # L1 draws: a^2/P = a |A|_1, so v s = |A|_1 times the largest line of a
    a, total = np.abs(w), np.abs(w).sum()
    terms = drawing_terms(w, 10, l1_distribution(w))
    lines = max(a.sum(0).max(), a.sum(1).max())
    assert terms.variance == pytest.approx(total * lines / 10, rel=1e-13, abs=0)
    assert terms.size == pytest.approx((total + np.linalg.norm(w, 2)) / 10, rel=1e-13, abs=0)
