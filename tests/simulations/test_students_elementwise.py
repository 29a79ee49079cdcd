"""The compiled activations against the libraries', and the derivative of erf against its own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import erf

from pruneproof.simulations.students import elementwise

EPS = float(np.finfo(np.float64).eps)
ENDS = [0.0, -0.0, 5.9, 6.0, 19.9, 20.1, 1e200, -1e200, np.inf, -np.inf, np.nan]


def numbers() -> NDArray[np.float64]:
    """Normal numbers of every size from 1e-13 to 100, uniform ones where the bend is, the ends."""
    rng = np.random.default_rng(0)
    sizes = rng.standard_normal((16, 2000)) * 10.0 ** np.arange(-13, 3)[:, None]
    return np.concatenate([sizes.ravel(), rng.uniform(-8, 8, 50_000), ENDS])


def test_tanh_is_that_of_the_library() -> None:
    x = numbers()
    found = x.copy()
    elementwise.tanh(1.0, found)
    # e and its sum, quotient, r: half an eps each, at most doubled by the cancellation in e; 1 eps
    # for the library.
    np.testing.assert_allclose(found, np.tanh(x), rtol=5 * EPS, atol=0)
    half = x.copy()
    elementwise.tanh(0.5, half)
    np.testing.assert_allclose(half, np.tanh(x / 2), rtol=5 * EPS, atol=0)


def test_erf_is_that_of_the_library() -> None:
    x = numbers()
    found, slopes = x.copy(), np.empty_like(x)
    elementwise.erf(found, slopes)
    # Two sums of positive terms, 1 eps each in effect, a square that both hold and so nearly
    # cancels, a product and a quotient; 1.4 eps for the library.
    np.testing.assert_allclose(found, erf(x), rtol=6 * EPS, atol=0)
    with np.errstate(over="ignore"):
        expected = 2 / np.sqrt(np.pi) * np.exp(-(x**2))
    # The same square, so only the exponentials differ; below 1e-303 ours stops falling.
    np.testing.assert_allclose(slopes, expected, rtol=5 * EPS, atol=1e-303)


def test_the_quotient_behind_erf_is_one_to_rounding_at_its_end() -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        assert mpmath.erfc(elementwise.ERF_END) < EPS / 2
        worst = 0.0
        for x in np.linspace(0.0, elementwise.ERF_END, 500)[1:]:
            y = mpmath.mpf(x) ** 2
            above = mpmath.polyval(elementwise.ERF_ABOVE[::-1], y)
            below = mpmath.polyval(elementwise.ERF_BELOW[::-1], y)
            worst = max(worst, abs(float(x * above / below / mpmath.erf(x) - 1)))
    assert worst < 8e-17  # 7e-17, as stated beside the coefficients
