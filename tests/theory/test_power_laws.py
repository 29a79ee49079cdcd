"""Power laws: integrals against the hypergeometric function, sums in high precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory

mpmath = pytest.importorskip("mpmath")
EPS = float(np.finfo(float).eps)


def _allowance(exponent: float, ridge: float) -> float:
    """Error stated of either end, with 16 operations of eps each."""
    return 16 * EPS * (exponent + 1 / (exponent - 1)) * ridge ** (-1 / exponent)


@given(
    exponent=st.sampled_from([1 + 1e-6, 1.01, 1.3, 2.0, 4.5, 30.0]),
    log_ridge=st.floats(-12, 6),
    nodes=st.sampled_from([1, 2, 17, 10**3, 10**6]),
)
def test_both_ends_are_the_integrals(exponent, log_ridge, nodes) -> None:
    ridge = 10**log_ridge
    with mpmath.workdps(40):

        def integral(x: int) -> float:  # int_0^x dt/(1 + lam t^a)
            a = mpmath.mpf(exponent)
            return float(x * mpmath.hyp2f1(1, 1 / a, 1 + 1 / a, -mpmath.mpf(ridge) * x**a))

        lower, upper = integral(nodes + 1) - integral(1), integral(nodes)
    found = theory.power_law_dof(exponent, ridge, nodes)
    allowed = _allowance(exponent, ridge)
    assert found.lower == pytest.approx(lower, rel=0, abs=allowed)
    assert found.upper == pytest.approx(upper, rel=0, abs=allowed)


@given(
    exponent=st.floats(1.05, 6.0),
    log_ridge=st.floats(-9, 3),
    nodes=st.sampled_from([1, 3, 40, 2000]),
)
def test_the_sum_lies_between(exponent, log_ridge, nodes) -> None:
    ridge = 10**log_ridge
    total = math.fsum(1 / (1 + ridge * j**exponent) for j in range(1, nodes + 1))
    lower, upper = theory.power_law_dof(exponent, ridge, nodes)
    allowed = _allowance(exponent, ridge)
    assert lower - allowed <= total <= upper + allowed
    assert upper - lower <= 1 + allowed
    whole = theory.power_law_dof(exponent, ridge)
    assert upper <= whole.upper + allowed
    # sharper than subtracting the missing tail from the sandwich of all nodes
    constant = math.pi / exponent / math.sin(math.pi / exponent) * ridge ** (-1 / exponent)
    assert lower >= constant - 1 - (whole.upper - upper) - allowed
    assert whole.lower >= constant - 1 - allowed


@pytest.mark.parametrize(("exponent", "ridge"), [(1.5, 1e-3), (2.0, 1e-4), (3.0, 0.5), (4.0, 2.0)])
def test_all_nodes_in_high_precision(exponent, ridge) -> None:
    with mpmath.workdps(30):
        total = float(
            mpmath.nsum(lambda j: 1 / (1 + ridge * j**exponent), [1, mpmath.inf], method="e")
        )
    lower, upper = theory.power_law_dof(exponent, ridge)
    assert lower < total < upper
    # Euler and Maclaurin: the sum is the integral from 0, less f(0)/2 = 1/2, where lam is small
    if ridge <= 1e-3:
        assert total == pytest.approx(upper - 0.5, abs=0.01)


@given(log_ridge=st.floats(-12, 40))
def test_the_closed_form_of_inverse_squares(log_ridge) -> None:
    ridge = 10**log_ridge
    with mpmath.workdps(120):
        x = mpmath.pi / mpmath.sqrt(mpmath.mpf(ridge))
        exact = float((x * mpmath.coth(x) - 1) / 2)
    found = theory.inverse_square_dof(ridge)
    # below lam = 40, where x = .5, the difference x coth x - 1 is 1/12 of its terms
    assert found == pytest.approx(exact, rel=32 * EPS, abs=0)
    lower, upper = theory.power_law_dof(2, ridge)
    assert lower - _allowance(2, ridge) <= found <= upper + _allowance(2, ridge)


def test_a_long_sum_of_inverse_squares() -> None:
    ridge, nodes = 1e-4, 10**6
    j = np.arange(1.0, nodes + 1)
    total = math.fsum(1 / (1 + ridge * j * j))
    tail = 1 / (ridge * nodes)  # of 1/(lam j^2), to a relative 1/nodes
    assert theory.inverse_square_dof(ridge) == pytest.approx(total + tail, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, 0.1), "exponent must be above 1"),
        ((2.0, 0.0), "ridge"),
        ((2.0, 0.1, 0), "nodes"),
        ((2.0, 0.1, 2.5), "nodes"),
    ],
)
def test_bad_arguments(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        theory.power_law_dof(*arguments)
    if "ridge" in words:
        with pytest.raises(ValueError, match=words):
            theory.inverse_square_dof(0.0)
