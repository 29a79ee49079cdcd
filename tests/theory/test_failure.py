"""Exact failure probabilities: against enumeration of all draws, trials, and their floor."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory

MOST = Fraction(99, 100)  # leverage


def _width(nodes: int, leverage: Fraction, factor: float) -> int:
    dof = nodes * float(leverage)
    return math.ceil(factor * dof * math.log(80 * dof))


def _fails(counts: np.ndarray, leverage: float, constant: float) -> bool:
    """S_J <= c lam H by its own matrices, for Sigma = mu I, lam = 1, tau_j = lam k/(M c_j)."""
    m, k = len(counts), int(np.sum(counts))
    cov = leverage / (1 - leverage) * np.eye(m)
    kept = np.flatnonzero(counts)
    tau = k / (m * counts[kept])
    residual = theory.residual(cov, kept, ridge=tau)
    excess = residual - constant * cov @ np.linalg.inv(cov + np.eye(m))
    return bool(np.linalg.eigvalsh(excess)[-1] > 1e-9)


@pytest.mark.parametrize(
    ("nodes", "width", "leverage", "constant"),
    # no threshold (l - 1 + 1/c) k/N is near a whole number, so rounding decides nothing
    [(2, 8, 0.97, 4), (3, 8, 0.999, 4), (3, 7, 0.86, 4), (4, 6, 0.93, 1.5), (3, 6, 0.41, 4)],
)
def test_it_counts_the_draws_that_fail(nodes, width, leverage, constant) -> None:
    failed = {}
    for draws in itertools.product(range(nodes), repeat=width):
        counts = tuple(sorted(draws.count(j) for j in range(nodes)))
        if counts not in failed:
            failed[counts] = _fails(np.array(counts), leverage, constant)
    share = Fraction(
        sum(
            failed[tuple(sorted(draws.count(j) for j in range(nodes)))]
            for draws in itertools.product(range(nodes), repeat=width)
        ),
        nodes**width,
    )
    found = theory.failure_probability(nodes, leverage, width, constant=constant)
    assert found == share
    assert leverage < 0.5 or 0 < share < 1


@given(nodes=st.integers(1, 5), width=st.integers(1, 12), hundredths=st.integers(1, 99))
def test_it_sums_the_multinomial_law(nodes, width, hundredths) -> None:
    leverage = Fraction(hundredths, 100)
    least = (leverage - Fraction(3, 4)) * width / (nodes * leverage)
    good = Fraction(0)
    for counts in itertools.product(range(width + 1), repeat=nodes):
        if sum(counts) == width and min(counts) >= least:
            ways = math.factorial(width)
            for c in counts:
                ways //= math.factorial(c)
            good += Fraction(ways, nodes**width)
    found = theory.failure_probability(nodes, leverage, width)
    assert found == 1 - good
    # the floor is exact within rounding, from below, and 0 for one node and where nothing fails
    floor = theory.failure_floor(nodes, leverage, width)
    assert 0.0 <= floor <= found
    if nodes == 2 and found < 1:  # two counts fix each other: nothing is shared by less than half
        assert floor >= float(found) / 2


def test_figures_at_the_full_width_and_at_parts_of_it() -> None:
    assert _width(20, MOST, 5) == 730
    assert float(theory.failure_probability(20, MOST, 730)) == pytest.approx(1.5577765e-7, rel=1e-7)
    figures = {80: (0.473, 0.101, 0.077, 0.011), 120: (0.504, 0.101, 0.073, 0.009)}
    for nodes, expected in figures.items():
        for factor, figure in zip((1, 1.25, 1.5, 2), expected):
            k = _width(nodes, MOST, factor)
            exact = theory.failure_probability(nodes, MOST, k)
            assert float(exact) == pytest.approx(figure, abs=5e-4)
            assert (exact > Fraction(1, 15)) == (factor < 2)
            assert 0.98 * exact <= theory.failure_floor(nodes, MOST, k) <= exact


def test_half_the_factor_of_the_width_fails_at_many_nodes() -> None:
    """5 -> 2 keeps its promise of 1/15 at 120 nodes, and breaks it at 891250."""
    nodes, leverage = 891250, Fraction(999, 1000)
    k = _width(nodes, leverage, 2)
    assert k == 32197877
    found = theory.failure_floor(nodes, leverage, k)
    assert found == pytest.approx(0.0669, abs=5e-5)
    assert found > 1 / 15
    from scipy.stats import binom

    rare = binom.cdf(9, k, 1 / nodes)  # k0 = 10
    assert found == pytest.approx(-math.expm1(nodes * math.log1p(-rare)), rel=1e-8)


def test_trials_fail_as_often() -> None:
    nodes, width, trials = 30, 200, 4000
    exact = float(theory.failure_probability(nodes, MOST, width))
    rng = np.random.default_rng(5)
    counts = rng.multinomial(width, np.full(nodes, 1 / nodes), size=trials)
    whitened = 0.01 + counts * (nodes * 0.99) / width
    failed = int(np.sum(np.min(whitened, axis=1) < 0.25))
    # Wald's six standard deviations: false alarms below 1e-8
    assert abs(failed / trials - exact) <= 6 * math.sqrt(exact * (1 - exact) / trials)
    assert 0.1 < exact < 0.9


def test_more_draws_may_fail_more_often() -> None:
    found = [theory.failure_probability(20, MOST, k) for k in range(160, 169)]
    assert any(after > before for before, after in itertools.pairwise(found))


def test_ends() -> None:
    assert theory.failure_probability(7, Fraction(3, 4), 5) == 0
    assert theory.failure_floor(7, 0.5, 5) == 0.0
    assert theory.failure_probability(7, MOST, 6) == theory.failure_floor(7, MOST, 6) == 1
    assert theory.failure_probability(1, MOST, 6) == theory.failure_floor(1, MOST, 6) == 0


@pytest.mark.parametrize("ask", [theory.failure_probability, theory.failure_floor])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0.9, 3), "nodes"),
        ((3, 1.0, 3), "leverage must lie strictly between 0 and 1, but is 1"),
        ((3, 0.9, 2.5), "width"),
        ((3, 0.9, 3, 0.5), "constant must be at least 1, but is 0.5"),
    ],
)
def test_bad_arguments(ask, arguments, words) -> None:
    named = {"constant": arguments[3]} if len(arguments) == 4 else {}
    with pytest.raises(ValueError, match=words):
        ask(*arguments[:3], **named)


@pytest.mark.parametrize("constant", [math.inf, math.nan, None])
def test_a_constant_that_is_no_number_is_refused(constant: float) -> None:
    with pytest.raises(ValueError, match="constant must be a finite number"):
        theory.failure_floor(10, 0.5, 20, constant=constant)
