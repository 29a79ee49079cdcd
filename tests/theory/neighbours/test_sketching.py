"""Sketches: moments over all sign matrices, by Monte Carlo for normal ones, autocorrelations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory


def vectors(family: str, n: int, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return {
        "normal": x,
        "flat": np.ones(n),
        "one-hot": np.eye(n)[0],
        "decay": 10.0 ** -np.arange(n),
    }[family]


FAMILIES = st.sampled_from(["normal", "flat", "one-hot", "decay"])


@settings(max_examples=20)
@given(left=FAMILIES, right=FAMILIES, n=st.integers(1, 6), seed=st.integers(0, 99))
def test_moments_over_all_rows_of_signs(left, right, n, seed) -> None:
    """One row listed entirely; m rows are independent, each 1/m of the product."""
    x, y = vectors(left, n, seed), vectors(right, n, seed + 1)
    c = np.random.default_rng(seed).standard_normal((n, n))
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    products = (signs @ x) * (signs @ y)
    traces = np.einsum("si,ij,sj->s", signs, c, signs)
    scale = float(np.sum(np.abs(x)) * np.sum(np.abs(y)))
    assert np.mean(products) == pytest.approx(x @ y, abs=1e-14 * scale)
    found = theory.sketched_product_variance(x, y, 3, law="rademacher")
    assert found == pytest.approx(np.var(products) / 3, rel=1e-12, abs=1e-14 * scale**2)
    assert np.mean(traces) == pytest.approx(np.trace(c), abs=1e-13 * np.abs(c).sum())
    found = theory.sketched_trace_variance(c, 5, law="rademacher")
    assert found == pytest.approx(np.var(traces) / 5, rel=1e-12, abs=1e-14 * np.abs(c).sum() ** 2)


@settings(max_examples=15)
@given(left=FAMILIES, right=FAMILIES, n=st.integers(1, 6), seed=st.integers(0, 99))
def test_product_variances_in_closed_form(left, right, n, seed) -> None:
    x, y = vectors(left, n, seed), vectors(right, n, seed + 1)
    whole = (x @ x) * (y @ y) + (x @ y) ** 2
    assert theory.sketched_product_variance(x, y, 7) == pytest.approx(whole / 7, rel=1e-12)
    signs = whole - 2 * np.sum(x**2 * y**2)
    found = theory.sketched_product_variance(x, y, 7, law="rademacher")
    assert found == pytest.approx(signs / 7, rel=1e-12, abs=1e-14 * whole)


@pytest.mark.parametrize("law", ["normal", "rademacher"])
def test_moments_of_drawn_sketches(law) -> None:
    rng = np.random.default_rng(3)
    x, y, c = rng.standard_normal(5), rng.standard_normal(5), rng.standard_normal((5, 5))
    m, trials = 4, 40_000
    s = theory.sketch_matrix(m * trials, 5, law=law, rng=rng).reshape(trials, m, 5)
    s = s * math.sqrt(trials)  # rows of variance 1/m
    products = np.einsum("tmi,i,tmj,j->t", s, x, s, y, optimize=True)
    traces = np.einsum("tmi,ij,tmj->t", s, c, s, optimize=True)
    for seen, mean, variance in (
        (products, x @ y, theory.sketched_product_variance(x, y, m, law=law)),
        (traces, np.trace(c), theory.sketched_trace_variance(c, m, law=law)),
    ):
        assert abs(np.mean(seen) - mean) < 4 * math.sqrt(variance / trials)
        fourth = np.mean((seen - mean) ** 4) / variance**2
        assert np.var(seen) == pytest.approx(variance, rel=4 * math.sqrt((fourth - 1) / trials))


@settings(max_examples=15)
@given(family=FAMILIES, n=st.integers(1, 9), seed=st.integers(0, 99))
def test_autocorrelations_are_sums_and_sketch_as_traces(family, n, seed) -> None:
    x = vectors(family, n, seed)
    wanted = [float(x @ np.roll(x, -lag)) for lag in range(n)]
    assert theory.circular_autocorrelation(x) == pytest.approx(wanted, abs=1e-14 * float(x @ x))
    shifted = np.roll(np.outer(x, x), 1, axis=0)
    assert np.trace(shifted) == pytest.approx(wanted[1 % n], abs=1e-14 * float(x @ x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.sketch_matrix(0, 3), "rows must be at least 1"),
        (lambda: theory.sketch_matrix(2, 3, law="cauchy"), "law must be one of normal"),
        (lambda: theory.sketched_product_variance([1.0], [1.0, 2.0], 3), "1 entries, y 2"),
        (lambda: theory.sketched_trace_variance(np.ones((2, 3)), 3), "square"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
