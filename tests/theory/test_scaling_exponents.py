"""Risks on power laws without end: the sums, the law of long lists, the exponents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory


@given(log_ridge=st.floats(-26, 2))
def test_the_sums_of_inverse_squares(log_ridge) -> None:
    """z = (x coth x - 1)/2 with x = pi/sqrt(g), and S(0, 1) = -g z'(g)."""
    mpmath = pytest.importorskip("mpmath")
    g = 10**log_ridge
    with mpmath.workdps(60):
        x = mpmath.pi / mpmath.sqrt(mpmath.mpf(g))
        spent = (x * mpmath.coth(x) - 1) / 2
        mixed = x / 4 * (mpmath.coth(x) - x / mpmath.sinh(x) ** 2)
        wanted = float(spent - mixed), float(mixed)
    for power in (0, 1):
        found = theory.power_law_sum(0.0, 2.0, g, power)
        # g = e^(-60) shifts the terms' logarithms by 60 eps
        assert found == pytest.approx(wanted[power], rel=1e-13, abs=0)


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("g", [1e-9, 1e-3, 10.0])
@pytest.mark.parametrize(("c", "alpha"), [(3.0, 2.0), (1.6, 1.2), (9.0, 4.0)])
def test_the_sums_against_two_million_terms(c, alpha, g, power) -> None:
    """The terms left out lie between two integrals of a function that falls there."""
    terms = 2_000_000
    i = np.arange(1.0, terms + 1)
    y = g * i**alpha
    head = math.fsum(i**-c * y**power / (1 + y) ** 2)
    # i^-c y^p/(1+y)^2 <= i^-c, and y^p/(1+y)^2 <= 1 for p = 2: the rest is below this integral
    rest = terms ** (1 - c) / (c - 1)
    found = theory.power_law_sum(c, alpha, g, power)
    assert head * (1 - 1e-12) <= found <= (head + rest) * (1 + 1e-12)


@pytest.mark.parametrize("features", [300, math.inf])
def test_a_long_list_has_the_same_law(features) -> None:
    i = np.arange(1.0, 1_000_001.0)
    mu, v = i**-2.5, i ** (-(1 + 2 * 2.5 * 0.4) / 2)
    whole = theory.power_law_risk(2.5, 0.4, 1e-3, 100, features, noise=0.1)
    listed = theory.random_feature_law(mu, v, 1e-3, 100, features, noise=0.1)
    # a tail of sum_{i > 1e6} mu = 7e-10 is missing, below 1e-4 of n g, and of v^2 1e-12
    assert 1e-4 * 100 * whole.kernel_ridge > 7e-10
    assert whole.risk == pytest.approx(listed.risk, rel=1e-4)
    assert whole.kernel_ridge == pytest.approx(listed.kernel_ridge, rel=1e-4)


@pytest.mark.parametrize("source", [0.25, 0.5, 0.8, 2.0])
@pytest.mark.parametrize("capacity", [1.5, 2.0, 3.0])
def test_the_exponent_at_a_million_million_samples(capacity, source) -> None:
    risks = [
        theory.tuned_power_law_risk(capacity, source, n, noise=0.1)[1].excess for n in (1e11, 1e12)
    ]
    slope = math.log10(risks[1] / risks[0])
    # the next term of the bias is smaller by g^{2 - 2r} or g^{1/alpha}: about 1e-3 in the slope
    assert slope == pytest.approx(-theory.scaling_exponent(capacity, source), abs=2e-3)


def test_without_noise_or_features_named_there_are_none_or_no_end_of_them() -> None:
    plain = theory.power_law_risk(2.0, 0.5, 1e-3, 10)
    assert plain == theory.power_law_risk(2.0, 0.5, 1e-3, 10, math.inf, noise=0.0)
    assert plain.risk == plain.excess


def test_saturation() -> None:
    """Beyond r = 1 nothing is gained; at r = 1 a logarithm is left, which slows the slope."""
    assert theory.scaling_exponent(2.0, 1.0) == theory.scaling_exponent(2.0, 7.0) == 0.8
    risks = [theory.tuned_power_law_risk(2.0, 1.0, n, noise=0.1)[1].excess for n in (1e8, 1e12)]
    slope = math.log10(risks[1] / risks[0]) / 4
    logs = math.log10(math.log(1e12) / math.log(1e8)) / 4  # excess ~ (log n)^(1/5) n^(-4/5)
    assert -0.8 < slope < -0.8 + 2 * logs


@pytest.mark.parametrize(
    ("capacity", "source", "n", "noise"),
    [
        (2.0, 0.5, 100, 0.1),
        (1.3, 0.3, 1e9, 1.0),
        (3.0, 1.5, 10, 1e4),
        (2.0, 0.5, 1.0, 1e-6),
        (1.0001, 0.5, 7.5, 1.0),
    ],
)
def test_no_ridge_is_better(capacity, source, n, noise) -> None:
    ridge, best = theory.tuned_power_law_risk(capacity, source, n, noise=noise)
    for other_ridge in (0.0, *(ridge * np.array([0.01, 0.5, 0.9, 1.1, 2.0, 100.0])), 1e-3, 1.0):
        other = theory.power_law_risk(capacity, source, other_ridge, n, noise=noise)
        assert other.excess >= best.excess * (1 - 1e-12)
    # at little noise, and where the spectrum hardly decays, its tail is ridge enough
    assert (ridge == 0) == (noise < 1e-3 or capacity < 1.1)


def test_ridge_regression_is_simulated() -> None:
    """2000 eigenfunctions stand for all: the tail's trace 2.2e-5 acts as so much ridge."""
    m, n, draws = 2000, 100, 20
    i = np.arange(1.0, m + 1)
    mu, v = i**-2.0, i**-1.5
    ridge, law = theory.tuned_power_law_risk(2.0, 0.5, n, noise=0.2)
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n, m))
        y = x @ v + math.sqrt(0.2) * rng.standard_normal(n)
        fit = mu * (x.T @ np.linalg.solve((x * mu) @ x.T + ridge * np.eye(n), y))
        found.append(np.sum((v - fit) ** 2))
    error = np.std(found, ddof=1) / math.sqrt(draws)
    # law 3 %; 6 standard errors of 20 draws: false alarms below 1e-4 with Student's tail
    assert abs(np.mean(found) - law.excess) <= 0.03 * law.excess + 6 * error
    assert 6 * error < 0.5 * law.excess


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.scaling_exponent(1.0, 0.5), "capacity"),
        (lambda: theory.scaling_exponent(2.0, 0.0), "source"),
        (lambda: theory.power_law_risk(2.0, 0.5, -1.0, 10), "ridge"),
        (lambda: theory.power_law_risk(2.0, 0.5, 1.0, 0.5), "samples"),
        (lambda: theory.power_law_risk(2.0, 0.5, 1.0, 10, 1.5), "features"),
        (lambda: theory.tuned_power_law_risk(2.0, 0.5, 10, noise=0.0), "noise"),
        (lambda: theory.power_law_risk(40.0, 0.5, 0.0, 1e12), "range of float64"),
        (lambda: theory.power_law_sum(1.0, 2.0, 0.1, 2), "diverges"),
        (lambda: theory.power_law_sum(0.0, 2.0, 0.1, 3), "0, 1 or 2"),
        (lambda: theory.power_law_sum(0.0, 2.0, 0.0, 1), "ridge"),
    ],
)
def test_bad_arguments(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
