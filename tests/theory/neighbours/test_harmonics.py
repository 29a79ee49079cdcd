"""Harmonic coefficients of neurons: closed forms, quadrature, the addition theorem."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory.neighbours.harmonics import log_beta

DIMENSIONS = st.sampled_from([2, 3, 4, 5, 7, 10, 31])


def relu(t):
    return np.maximum(t, 0.0)


def textbook(d: int, ell: int) -> float:
    """The form with powers of 2, factorials and a binomial coefficient."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        half = mpmath.mpf(d - 1) / 2
        c = mpmath.gamma(mpmath.mpf(d) / 2) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
        if ell == 0:
            return float(c / (d - 1))
        low = mpmath.gamma(half) / (2**ell * mpmath.gamma(ell + half)) * mpmath.factorial(ell - 2)
        chosen = mpmath.binomial(ell + mpmath.mpf(d - 3) / 2, (ell - 2) // 2)
        return float(c * (-1) ** ((ell - 2) // 2) * low * chosen)


@settings(max_examples=20)
@given(d=DIMENSIONS, half=st.integers(0, 80))
def test_the_relu_form_is_the_textbooks(d, half) -> None:
    found, wanted = theory.relu_harmonic_coefficient(d, 2 * half), textbook(d, 2 * half)
    # exp of a logarithm, which errs by a few eps of itself
    assert found == pytest.approx(wanted, rel=8 * 2**-52 * (1 - math.log(abs(wanted))), abs=0)


@pytest.mark.parametrize("d", [2, 3, 5, 10, 40, 1000])
def test_closed_forms_are_the_quadratures(d) -> None:
    for function, closed in (
        (relu, theory.relu_harmonic_coefficient),
        (np.sign, theory.sign_harmonic_coefficient),
    ):
        stated = [closed(d, ell) for ell in range(41)]
        # |P_l| <= 1, and the recurrence on the circle loses a digit
        assert theory.harmonic_coefficients(function, d, 40) == pytest.approx(stated, abs=2e-14)


def test_low_degrees_by_hand() -> None:
    # half of the mean |t|; half of E t^2 = 1/D
    assert theory.relu_harmonic_coefficient(2, 0) == pytest.approx(1 / math.pi, rel=1e-15, abs=0)
    assert theory.relu_harmonic_coefficient(3, 0) == pytest.approx(1 / 4, rel=1e-15, abs=0)
    assert theory.relu_harmonic_coefficient(7, 1) == 1 / 14
    assert theory.relu_harmonic_coefficient(5, 3) == 0.0
    for ell in (2, 4, 200, 10**9):  # the circle: 1/(pi (l^2 - 1))
        wanted = (-1) ** (ell // 2 - 1) / (math.pi * (ell**2 - 1))
        assert theory.relu_harmonic_coefficient(2, ell) == pytest.approx(wanted, rel=1e-14, abs=0)
    assert theory.sign_harmonic_coefficient(2, 5) == pytest.approx(2 / (5 * math.pi), rel=1e-14)
    assert theory.relu_harmonic_coefficient(3, 10**400) == 0.0


@pytest.mark.parametrize("d", [2, 3, 5, 10])
def test_the_relu_spectrum_decays_with_the_dimension(d) -> None:
    first, second = (abs(theory.relu_harmonic_coefficient(d, ell)) for ell in (10**9, 2 * 10**9))
    # a_2l/a_l = 2^{-(D/2+1)} (1 + O(D^2/l))
    assert math.log2(second / first) == pytest.approx(-(d / 2 + 1), rel=1e-6)


@settings(max_examples=20)
@given(d=DIMENSIONS, ell=st.integers(0, 40))
def test_multiplicities_are_differences_of_dimensions_of_forms(d, ell) -> None:
    """Forms of degree l are harmonics of degree l plus |x|^2 times forms of degree l - 2."""

    def forms(n: int) -> int:
        return math.comb(n + d - 1, d - 1) if n >= 0 else 0

    assert theory.harmonic_multiplicity(d, ell) == forms(ell) - forms(ell - 2)


def test_the_kernel_is_the_arc_cosine_one() -> None:
    """sum N a_l^2 P_l(cos th) = (sin th + (pi - th) cos th)/(2 pi D): the addition theorem."""
    d, top = 4, 120
    angle = np.linspace(0.3, math.pi, 7)
    total, before, here = np.zeros(7), np.zeros(7), np.ones(7)
    for ell in range(top + 1):
        total += (
            theory.harmonic_multiplicity(d, ell) * theory.relu_harmonic_coefficient(d, ell) ** 2
        ) * here
        rise = ((2 * ell + d - 2) * np.cos(angle) * here - ell * before) / (ell + d - 2)
        before, here = here, rise
    wanted = theory.arccosine_kernel(np.cos(angle), diagonal=1.0) / d
    rest = theory.harmonic_block_error(d, range(top + 1))
    assert np.all(np.abs(total - wanted) <= rest + 1e-15)  # |P_l| <= 1; rounding of 60 terms
    assert rest < 1e-7


@settings(max_examples=25)
@given(logs=st.tuples(st.floats(-1, 8), st.floats(-1, 8)))
def test_beta_functions_keep_their_digits(logs) -> None:
    mpmath = pytest.importorskip("mpmath")
    x, y = (10.0**log for log in logs)
    with mpmath.workdps(40):
        least = mpmath.loggamma(min(x, y))
        wanted = mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(mpmath.mpf(x) + y)
        error = float(abs(mpmath.mpf(float(log_beta(x, y))) - wanted))
        scale = float(1 + abs(least) + abs(wanted))
    assert error <= 8 * 2**-52 * scale


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.relu_harmonic_coefficient(1, 0), "dimension must be at least 2"),
        (lambda: theory.sign_harmonic_coefficient(3, -1), "degree must be at least 0"),
        (lambda: theory.harmonic_multiplicity(3, 1.5), "degree must be a whole number"),
        (
            lambda: theory.harmonic_coefficients(lambda t: t[:1], 3, 2),
            "shape",
        ),
        (lambda: theory.harmonic_coefficients(lambda t: t * np.nan, 3, 2), "finite values"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
