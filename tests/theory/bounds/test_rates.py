"""Power laws against closed forms and Hurwitz sums, and the min(1, mu/lam) sandwich."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof.theory import (
    degrees_of_freedom,
    dof_sandwich,
    fast_rate_sandwich,
    power_law_dof_bound,
    power_law_ridge_sandwich,
    ridge_for_degrees_of_freedom,
    slow_rate_sandwich,
    volume_ridge,
)


@given(seed=st.integers(0, 1000), log_ridge=st.floats(-12, 12))
def test_sandwich_holds(seed: int, log_ridge: float) -> None:
    mu = np.random.default_rng(seed).pareto(0.5, 20)
    lam = math.exp(log_ridge)
    low, high = dof_sandwich(mu, lam)
    assert low * (1 - 1e-13) <= degrees_of_freedom(mu, lam) <= high * (1 + 1e-13)


def test_both_ends_of_the_sandwich_are_attained() -> None:
    assert degrees_of_freedom(np.ones(5), 1.0) == dof_sandwich(np.ones(5), 1.0).lower
    high = dof_sandwich(np.ones(5), 1e9).upper
    assert degrees_of_freedom(np.ones(5), 1e9) == pytest.approx(high, rel=2e-9)


def dof_of_inverse_squares(lam: float) -> float:
    """N(lam) for mu_j = j^-2 without end, in closed form."""
    return math.pi / (2 * math.sqrt(lam) * math.tanh(math.pi / math.sqrt(lam))) - 0.5


@pytest.mark.parametrize("k", [1, 2, 7, 30, 1000])
def test_ridge_sandwich_of_inverse_squares(k: int) -> None:
    from scipy.optimize import brentq
    from scipy.special import zeta

    dof, volume = power_law_ridge_sandwich(2.0, k)
    root = brentq(lambda lam: dof_of_inverse_squares(lam) - k, 1e-9, 10.0, xtol=1e-18, rtol=1e-14)
    assert dof.lower <= root <= dof.upper
    exact = min(float(zeta(2.0, r + 1)) / (k - r) for r in range(k))
    assert volume.lower <= exact <= volume.upper
    # The toolkit's own ridges of the first 20 000 eigenvalues: the tail lost is below 1/20 000.
    mu = np.arange(1, 20_001) ** -2.0
    assert ridge_for_degrees_of_freedom(mu, k) <= root <= dof.upper
    assert exact - 5e-5 <= volume_ridge(mu, k) <= exact


@pytest.mark.parametrize("a", [1.5, 3.0])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_volume_ridge_sandwich_of_other_powers(a: float, k: int) -> None:
    from scipy.special import zeta

    _, volume = power_law_ridge_sandwich(a, k)
    exact = min(float(zeta(a, r + 1)) / (k - r) for r in range(k))
    assert volume.lower <= exact <= volume.upper


@given(a=st.floats(1.05, 6.0), log_ridge=st.floats(-10, 3), scale=st.floats(0.01, 100.0))
def test_power_law_bound_holds_for_any_number_of_nodes(
    a: float, log_ridge: float, scale: float
) -> None:
    lam = math.exp(log_ridge)
    bound = power_law_dof_bound(a, lam, scale)
    dof = degrees_of_freedom(scale * np.arange(1.0, 3001) ** -a, lam)
    assert dof <= bound.value <= bound.terms["simple"]


def test_power_law_constant_is_sharp() -> None:
    """As lam -> 0 the ratio tends to 1: N >= C lam^{-1/2} - 1/2 for inverse squares."""
    lam = 1e-10
    assert dof_of_inverse_squares(lam) / power_law_dof_bound(2.0, lam).value > 1 - 1e-5


def test_both_constants_of_a_power_law_by_hand() -> None:
    """(B/lam)^{1/a} = 6 at B = 9, lam = 1/4, a = 2; C = pi/2 and a/(a - 1) = 2."""
    bound = power_law_dof_bound(2.0, 0.25, 9.0)
    assert bound.terms == pytest.approx({"sharp": 3 * math.pi, "simple": 12.0}, rel=1e-15, abs=0)
    assert bound.value == bound.terms["sharp"]
    assert "every spectrum with mu_j <= 9 j^-2;" in bound.note


def test_exponents_without_a_sum_are_refused() -> None:
    with pytest.raises(ValueError, match="exponent must be above 1"):
        power_law_dof_bound(1.0, 0.1)
    with pytest.raises(ValueError, match="exponent must be above 1"):
        power_law_ridge_sandwich(0.5, 3)


def least(curve: Any) -> float:
    """Least of a curve over real k, by a grid of logarithms and a bounded search around it."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(-3.0, 14.0, 400)
    best = int(np.argmin([curve(math.exp(x)) for x in grid]))
    ends = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    found = minimize_scalar(
        lambda x: curve(math.exp(x)), bounds=ends, method="bounded", options={"xatol": 1e-9}
    )
    return float(found.fun)


def balance(a: float, scale: float, power: float, spread: float, shift: float = 0.0) -> Any:
    """Bias (A (k + shift)^-a)^power and variance k^{2 power}/spread."""
    return lambda k: (scale * (k + shift) ** -a) ** power + k ** (2 * power) / spread


@pytest.mark.parametrize("n", [1.0, 30.0, 1e4, 1e9])
def test_rate_sandwiches_of_inverse_squares(n: float) -> None:
    """lam_N from the closed form of N, parametrised by lam: k = N(lam)."""
    fast = least(lambda k: k**-2 + dof_of_inverse_squares(k**-2) ** 2 / n)  # lam = k**-2
    slow = least(lambda k: k**-1 + dof_of_inverse_squares(k**-2) / math.sqrt(n))
    for found, ends in ((fast, fast_rate_sandwich(2.0, n)), (slow, slow_rate_sandwich(2.0, n))):
        # the search errs by the curvature times xatol squared, far below 1e-12
        assert ends[0].lower <= found * (1 + 1e-12)
        assert found <= ends[0].upper * (1 + 1e-12)


@pytest.mark.parametrize("a", [1.2, 2.0, 4.5])
@pytest.mark.parametrize("n", [2.0, 1e3, 1e7])
def test_rate_ends_enclose_what_the_ridge_sandwich_says(a: float, n: float) -> None:
    """Upper end: least over k of A k^-a + k^2/n; lower end: at most that of A (k + 1)^-a + k^2/n.

    The same for the square roots, where the lower end is only 1/sqrt n down.
    """
    for place, scale in enumerate(((math.pi / a / math.sin(math.pi / a)) ** a, (a / (a - 1)) ** a)):
        fast, slow = fast_rate_sandwich(a, n)[place], slow_rate_sandwich(a, n)[place]
        root = math.sqrt(n)
        for ends, power, spread in ((fast, 1.0, n), (slow, 0.5, root)):
            assert ends.upper == pytest.approx(least(balance(a, scale, power, spread)), rel=1e-9)
            assert ends.lower <= least(balance(a, scale, power, spread, 1.0)) * (1 + 1e-9)
        width = (a * scale * n / 2) ** (1 / (a + 2))  # K, where the upper ends are attained
        lower = (1 - 1 / width) ** (a / (a + 2)) * fast.upper - (width - 1) / n if width > 1 else 0
        # both ends are sums and differences of terms of the size of the upper one
        assert fast.lower == pytest.approx(max(lower, 0.0), rel=0, abs=1e-14 * fast.upper)
        wanted = max(slow.upper - 1 / root, 0.0)
        assert slow.lower == pytest.approx(wanted, rel=0, abs=1e-14 * slow.upper)


@pytest.mark.parametrize("a", [1.5, 2.0, 3.0])
def test_rates_have_their_exponents_and_close_up(a: float) -> None:
    steps = 10.0 ** np.arange(4, 21, 4)
    for sandwich, rate in (
        (fast_rate_sandwich, a / (a + 2)),
        (slow_rate_sandwich, a / 2 / (a + 2)),
    ):
        for place in (0, 1):
            ends = [sandwich(a, n)[place] for n in steps]
            for first, second in itertools.pairwise(ends):
                assert second.upper / first.upper == pytest.approx(1e4**-rate, rel=1e-12)
            gaps = [1 - end.lower / end.upper for end in ends]
            assert all(0 < later < gap for gap, later in itertools.pairwise(gaps))
            # the gap is of order 1/K, and K grows as n^{1/(a+2)}
            assert gaps[-1] / gaps[-2] == pytest.approx(1e4 ** (-1 / (a + 2)), rel=0.05)


def test_too_few_samples_are_refused() -> None:
    for sandwich in (fast_rate_sandwich, slow_rate_sandwich):
        with pytest.raises(ValueError, match="n must be at least 1, but is 0"):
            sandwich(2.0, 0)
        with pytest.raises(ValueError, match="exponent must be above 1"):
            sandwich(1.0, 10)
