r"""Compiled activations over flat arrays, in place, in forms that the compiler turns into SIMD.

The library's exp, tanh and erf are calls, one number at a time. These are polynomials and selects
without a branch, so that several numbers go through at once; each is within a few eps of the true
value, relatively, and keeps a NaN. They need the order of their operations: no reordering here,
only fused multiply-adds.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call. Numba's cache
of `kernels` holds compiled copies of these: after a change here, touch that file too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: ln 2 in two parts, the first with enough trailing zeros that n times it is exact (Cody and Waite
#: 1980, Software Manual for the Elementary Functions, chapter 6).
LN2_HEAD = float.fromhex("0x1.62e42fee00000p-1")
LN2_TAIL = float.fromhex("0x1.a39ef35793c76p-33")
#: 1.5 2^52: added to a number below 2^51, it leaves the nearest integer in the last bits.
ROUND = 1.5 * 2.0**52
INVERSE_FACTORIALS = tuple(1.0 / math.factorial(k) for k in range(14))

#: Beyond it, erf is 1 to rounding.
ERF_END = 5.9375
#: erf(x)/x = P(x^2)/Q(x^2) on [0, ERF_END], lowest power first: the rational function of degrees 12
#: and 12 through 25 points, moved until the errors between them are alike; 3.2e-17 in exact
#: arithmetic, 7e-17 with these rounded coefficients. All are positive: no digit cancels.
ERF_ABOVE = (
    1.1283791670955126,
    0.22028298980462946,
    0.06614084795818763,
    0.006895538857112476,
    0.0008561901075941313,
    5.701045710377045e-05,
    3.903910993464376e-06,
    1.6970903036531504e-07,
    6.765988450134845e-09,
    1.7216651025306337e-10,
    3.3347107381731833e-12,
    2.2211423437434965e-14,
    1.564882498099847e-17,
)
ERF_BELOW = (
    1.0,
    0.5285540501174288,
    0.13480048370533276,
    0.021998625566726146,
    0.0025665961567908346,
    0.0002262952894626977,
    1.5514513357886393e-05,
    8.359609617113589e-07,
    3.51956358429678e-08,
    1.1256986099264562e-09,
    2.5507683242890906e-11,
    3.313771818653878e-13,
    8.821076356922016e-16,
)
SLOPE_AT_ZERO = 2.0 / math.sqrt(math.pi)


def _reinterpreted(source: Any, target: Any) -> Any:
    """Compiled function that reads the 64 bits of one type as the other."""

    def typed(_: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), code

    return intrinsic(typed)


_to_bits = _reinterpreted(types.float64, types.int64)
_from_bits = _reinterpreted(types.int64, types.float64)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _split(y: float) -> tuple[float, float]:
    """(2^n, e^r - 1) of y = n ln 2 + r, |r| <= ln(2)/2, for -708 <= y <= 708.

    Taylor's series of degree 13 leaves out .35^14/14! = 4e-18, 1e-17 of the sum.
    """
    shifted = y * 1.4426950408889634 + ROUND  # 1/ln 2
    n = shifted - ROUND
    r = (y - n * LN2_HEAD) - n * LN2_TAIL
    q = INVERSE_FACTORIALS[13]
    for k in range(12, 1, -1):
        q = q * r + INVERSE_FACTORIALS[k]
    return _from_bits((_to_bits(shifted) + 1023) << 52), r + r * r * q


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def tanh(factor: float, values: Floats) -> None:
    """tanh(factor x), by tanh|x| = -e/(2 + e), e = exp(-2|x|) - 1; 1 to rounding beyond 20."""
    for i in range(values.shape[0]):
        x = factor * values[i]
        y = -2.0 * abs(x)
        power, rest = _split(-40.0 if y < -40.0 else y)
        e = power * rest + (power - 1.0)
        t = -e / (2.0 + e)
        values[i] = -t if x < 0.0 else t


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _above(y: float) -> float:
    total = ERF_ABOVE[12]
    for k in range(11, -1, -1):
        total = total * y + ERF_ABOVE[k]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _below(y: float) -> float:
    total = ERF_BELOW[12]
    for k in range(11, -1, -1):
        total = total * y + ERF_BELOW[k]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def erf(values: Floats, derivatives: Floats) -> None:
    """erf(x), and its derivative 2/sqrt(pi) exp(-x^2), which stops falling at 1e-304."""
    for i in range(values.shape[0]):
        x = values[i]
        square = x * x
        power, rest = _split(-700.0 if square > 700.0 else -square)
        derivatives[i] = SLOPE_AT_ZERO * (power + power * rest)
        x = ERF_END if x > ERF_END else x
        x = -ERF_END if x < -ERF_END else x
        square = x * x
        values[i] = x * _above(square) / _below(square)
