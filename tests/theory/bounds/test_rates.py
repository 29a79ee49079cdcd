"""Power laws against closed forms and Hurwitz sums, and the min(1, mu/lam) sandwich."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof.theory import (
    degrees_of_freedom,
    dof_sandwich,
    power_law_dof_bound,
    power_law_ridge_sandwich,
    ridge_for_degrees_of_freedom,
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


def test_exponents_without_a_sum_are_refused() -> None:
    with pytest.raises(ValueError, match="exponent must be above 1"):
        power_law_dof_bound(1.0, 0.1)
    with pytest.raises(ValueError, match="exponent must be above 1"):
        power_law_ridge_sandwich(0.5, 3)
