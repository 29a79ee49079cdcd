"""The minimiser and the rates of the bound curves, against a search and a doubling of n."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from pruneproof import theory

BOTH = (theory.fast_tradeoff, theory.slow_tradeoff)


@pytest.mark.parametrize("make", BOTH)
@given(
    a=st.floats(1.05, 4.0), log_n=st.floats(0, 12), control=st.sampled_from(["uniform", "trace"])
)
def test_no_width_is_better(make, a, log_n, control) -> None:
    curve = make(a, 10**log_n, control=control)
    found = minimize_scalar(
        lambda u: float(curve.value(math.exp(u))), bounds=(-60, 40), method="bounded"
    )
    assert curve.least == pytest.approx(found.fun, rel=1e-9)
    near = curve.value(curve.best_width * np.array([0.99, 1.01]))
    assert np.all(near > curve.least)


@pytest.mark.parametrize(
    ("a", "fast", "slow"), [(1.5, -0.4286, -0.2143), (2, -0.5, -0.25), (3, -0.6, -0.3)]
)
def test_rates(a, fast, slow) -> None:
    for make, rate in ((theory.fast_tradeoff, fast), (theory.slow_tradeoff, slow)):
        small, large = make(a, 1e3), make(a, 1e9)
        fitted = math.log(large.least / small.least) / math.log(1e6)
        assert small.exponent == pytest.approx(fitted, rel=1e-12)
        assert round(small.exponent, 4) == rate
        wider = math.log(large.best_width / small.best_width) / math.log(1e6)
        assert small.width_exponent == pytest.approx(wider, rel=1e-12)


@pytest.mark.parametrize("a", [1.5, 2.0, 3.0])
def test_the_trace_caveat(a) -> None:
    """Trace-type control: k* ~ n^{1/(a+1)}, fast rate n^{-(a-1)/(a+1)}, always the worse one."""
    trace, uniform = theory.fast_tradeoff(a, 1e6, control="trace"), theory.fast_tradeoff(a, 1e6)
    assert trace.exponent == pytest.approx(-(a - 1) / (a + 1), rel=1e-15)
    assert trace.width_exponent == pytest.approx(1 / (a + 1), rel=1e-15)
    assert trace.exponent > uniform.exponent
    slow = theory.slow_tradeoff(a, 1e6, control="trace")
    assert slow.exponent == pytest.approx(trace.exponent / 2, rel=1e-15)
    # its bias is the size of lam N(lam) at lam = k^-a, up to the constant of the power law
    k = np.array([1e3, 1e4])
    loss = [theory.power_law_dof(a, x**-a).upper * x**-a for x in k]
    assert np.log(loss[1] / loss[0]) == pytest.approx(
        np.log(np.divide(*trace.bias(k)[::-1])), rel=1e-12
    )


def test_the_constants_of_the_sandwich_change_no_rate() -> None:
    """The upper end at lam_N = C^a k^-a is the curve with the bias scaled by C^a."""
    n, a = 1e6, 2.0
    scale = (math.pi / 2) ** 2
    curve = theory.fast_tradeoff(a, n)
    k = np.geomspace(1, 1e3, 200_001)
    wanted = np.min(scale * curve.bias(k) + curve.variance(k))
    assert theory.fast_rate_sandwich(a, n)[0].upper == pytest.approx(wanted, rel=1e-8)


def test_array_libraries_agree(to_backend) -> None:
    curve = theory.slow_tradeoff(2.0, 100.0)
    k = np.array([1.0, 2.0, 5.0])
    np.testing.assert_allclose(np.asarray(curve.value(to_backend(k))), curve.value(k), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f(1.0, 10), "exponent"),
        (lambda f: f(2.0, 0.5), "samples"),
        (lambda f: f(2.0, 10, control="both"), "'uniform' or 'trace'"),
        (lambda f: f(2.0, 10).value([1.0, 0.0]), "width must be above 0"),
    ],
)
@pytest.mark.parametrize("make", BOTH)
def test_bad_arguments(make, call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call(make)
