r"""Order parameters after pruning edges, for white inputs x ~ N(0, I_N) (E1, E2, DPP edges).

Each unit keeps some of its N input weights. Letters: c the kept fraction, w_i the weight of unit i
at one input, pi(w) the chance of keeping it.

    random     iid Bernoulli(c) masks: Q'_ii = c Q_ii, Q'_ij = c^2 Q_ij, R' = c R (E1 [D])
    shared     one mask for all units: Q' = c Q, R' = c R
    dpp        the kernel of a unit's edges, E (x_i w_i)(x_j w_j), is diagonal: no repulsion is
               left, and the k-DPP is the conditional Bernoulli law of odds w^2 ([D]), so that
               pi(w) = a w^2/(1 + a w^2), N^{-1} sum_j pi(w_j) = c
    magnitude  the largest |w| of each unit: pi(w) = 1 if |w| > t, else 0

For the last two the weights of the units and of the teacher at one input are taken as jointly
Gaussian with covariance [[Q, R], [R', T]] and N as large. With f(w) = w pi(w) of unit variance,

    Q'_ii = Q_ii E w^2 pi (pi = pi^2 of one mask),   Q'_ij = sqrt(Q_ii Q_jj) E f(X) f(Y) at their
    correlation,   R' = R E w^2 pi.

The error at Q', R', T is the mean error up to O(1/N), where no input has a large part of any row
(w = B = sqrt(N) e_1, c = .5: true .0833, formula .0884 at every N), and exact for linear units.

Source: Acharyya et al., arXiv 2006.16617, rules as in the authors' code [C]; formulas [D].
This module may import NumPy, SciPy and theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate, optimize, special

from ..arrays import as_count, as_real
from .order_parameters import OrderParameters

#: Beyond this many standard deviations a normal weight has probability below 1e-32.
_FAR = 12.0
#: Error allowed to the overlap of two units, as a share of the overlap of a unit with itself.
_ABSOLUTE = 1e-14


def as_fraction(name: str, value: Any) -> float:
    """A kept fraction, from 0 to 1."""
    fraction = float(as_real(name, value, ndim=0))
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], but is {fraction:g}")
    return fraction


def random_edge_order(
    order: OrderParameters, fraction: float, *, shared: bool = False
) -> OrderParameters:
    """Mean order parameters after independent Bernoulli(c) masks (E1 [D]).

    Q'_ii = c Q_ii, Q'_ij = c^2 Q_ij for i != j, R' = c R; with one mask `shared` by all units
    Q' = c Q.

    Raises
    ------
    ValueError
        A fraction outside [0, 1].
    """
    c = as_fraction("fraction", fraction)
    student = c * order.Q if shared else _off_diagonal(c * c * order.Q, c * np.diag(order.Q))
    return OrderParameters(student, c * order.R, order.T, order.v, order.A)


def dpp_odds(fraction: float) -> float:
    r"""Scale a of the odds of DPP edges, the root of E a w^2/(1 + a w^2) = c for w ~ N(0, 1).

    1 - c = sqrt(pi/(2a)) erfcx(1/sqrt(2a)), strictly between 0 and 1.

    Raises
    ------
    ValueError
        A fraction that is not strictly between 0 and 1.
    """
    c = as_fraction("fraction", fraction)
    if not 0.0 < c < 1.0:
        raise ValueError(f"fraction must lie strictly between 0 and 1, but is {c:g}")

    def excess(log_width: float) -> float:
        dropped, kept = _shares(math.exp(log_width))
        return math.log(dropped / (1.0 - c)) if c > 0.5 else math.log(c / kept)

    # b = a^{-1/2}; as c <= a and 1 - c <= b sqrt(pi/2), the root lies between these
    low, high = math.log1p(-c) - 0.5 * math.log(math.pi / 2.0), -0.5 * math.log(c)
    return math.exp(-2.0 * float(optimize.brentq(excess, low - 0.1, high + 0.1, xtol=1e-14)))


def _shares(width: float) -> tuple[float, float]:
    """Shares of edges dropped and kept, 1 - c = b sqrt(pi/2) erfcx(b/sqrt 2) and c."""
    x = width / math.sqrt(2.0)
    dropped = math.sqrt(math.pi) * x * float(special.erfcx(x))
    if x < 300.0:
        return dropped, 1.0 - dropped
    y = 0.5 / x / x  # series of c, as its digits are lost in 1 - (1 - c); the next term is 2e-14
    return dropped, y * (1.0 - 3.0 * y + 15.0 * y * y)


def magnitude_threshold(fraction: float) -> float:
    """Level t with P(|w| > t) = c for w ~ N(0, 1)."""
    return -float(special.ndtri(as_fraction("fraction", fraction) / 2.0))


def dpp_edge_moments(fraction: float) -> tuple[float, float]:
    """(E w^2 pi, E w^2 pi^2) of DPP edges on a normal weight, pi = a w^2/(1 + a w^2).

    Q'_ii and R' per unit of Q_ii and R; and Q'_ij of two units that are alike. (0, 0) and (1, 1) at
    c = 0 and 1.
    """
    c = as_fraction("fraction", fraction)
    if c in (0.0, 1.0):
        return c, c
    odds = dpp_odds(c)
    once = _normal_mean(lambda w: odds * w**4 / (1 + odds * w * w), odds)
    twice = _normal_mean(lambda w: odds**2 * w**6 / (1 + odds * w * w) ** 2, odds)
    return once, twice


def magnitude_edge_moment(fraction: float) -> float:
    """E w^2 1{|w| > t} = c + 2 t phi(t): all of Q', R' per unit, as alike units have like masks."""
    c = as_fraction("fraction", fraction)
    if c in (0.0, 1.0):
        return c
    t = magnitude_threshold(c)
    return c + 2.0 * t * math.exp(-t * t / 2.0) / math.sqrt(2.0 * math.pi)


def dpp_edge_order(order: OrderParameters, fraction: float) -> OrderParameters:
    """Order parameters after DPP edges of normal weights: conditional Bernoulli, odds w^2.

    Raises
    ------
    ValueError
        A fraction outside [0, 1].
    """
    c = as_fraction("fraction", fraction)
    if c in (0.0, 1.0):
        return random_edge_order(order, c)
    own, alike = dpp_edge_moments(c)
    width = 1.0 / math.sqrt(dpp_odds(c))

    def pruned(w: float) -> float:
        return w**3 / (width**2 + w * w)

    def mean_given(mean: float, spread: float) -> float:
        # E y/(b^2 + y^2) = Re E 1/(y + ib), by the Faddeeva function
        z = complex(mean, width) / (spread * math.sqrt(2.0))
        return mean - width**2 * math.sqrt(math.pi / 2.0) / spread * float(special.wofz(z).imag)

    def overlap(rho: float) -> float:
        if abs(rho) > 1.0 - 1e-9:
            return math.copysign(alike, rho)
        spread = math.sqrt(1.0 - rho * rho)
        return _normal_mean(
            lambda w: pruned(w) * mean_given(rho * w, spread), width**-2, _ABSOLUTE * own
        )

    return _pruned(order, own, overlap)


def magnitude_edge_order(order: OrderParameters, fraction: float) -> OrderParameters:
    """Order parameters after keeping the largest |w| of each unit, of normal weights.

    Raises
    ------
    ValueError
        A fraction outside [0, 1].
    """
    c = as_fraction("fraction", fraction)
    if c in (0.0, 1.0):
        return random_edge_order(order, c)
    own, t = magnitude_edge_moment(c), magnitude_threshold(c)

    def density(x: float) -> float:
        return math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)

    def mean_given(mean: float, spread: float) -> float:
        low, high = (-t - mean) / spread, (t - mean) / spread
        inside = float(special.ndtr(high) - special.ndtr(low))
        return mean * (1.0 - inside) + spread * (density(high) - density(low))

    def overlap(rho: float) -> float:
        if abs(rho) > 1.0 - 1e-9:
            return math.copysign(own, rho)
        spread = math.sqrt(1.0 - rho * rho)
        # the integrand is even: twice the upper tail
        found = integrate.quad(
            lambda w: 2.0 * w * mean_given(rho * w, spread) * density(w),
            t,
            t + _FAR,
            epsabs=_ABSOLUTE * own,
            epsrel=1e-11,
            limit=400,
        )
        return float(found[0])

    return _pruned(order, own, overlap)


def edge_count(size: int, inputs: int, kept: int) -> int:
    """Edges a unit that has as many parameters as keeping `kept` of `size` nodes.

    k (N + 1) = K (k_e + 1), so k_e = (k N + k - K)/K, half rounded up; of N = 500, K = 6:
    83, 166, 250, 333, 417.

    Raises
    ------
    ValueError
        Not whole numbers; so few nodes that not one edge a unit is left.
    """
    size, inputs = as_count("size", size), as_count("inputs", inputs)
    kept = as_count("kept", kept, least=0)
    exact = (kept * inputs + kept - size) / size
    if not 0 <= exact <= inputs:
        raise ValueError(
            f"{kept} of {size} nodes have {kept * (inputs + 1)} parameters, which is "
            f"{exact:.3g} edges a unit of {inputs} inputs; choose another budget"
        )
    return math.floor(exact + 0.5)


def _normal_mean(f: Callable[[float], float], odds: float, error: float = 0.0) -> float:
    """E f(w) of an even f and w ~ N(0, 1); f bends at |w| ~ odds^{-1/2}."""
    bend = odds**-0.5
    points = sorted({min(bend, _FAR / 2), min(8.0 * bend, _FAR / 2), 1.0})
    scale = 2.0 / math.sqrt(2.0 * math.pi)
    found = integrate.quad(
        lambda w: scale * f(w) * math.exp(-w * w / 2.0),
        0.0,
        _FAR,
        points=points,
        epsabs=error,
        epsrel=1e-12,
        limit=400,
    )
    return float(found[0])


def _pruned(
    order: OrderParameters, own: float, overlap: Callable[[float], float]
) -> OrderParameters:
    """Q', R' from the factor of one unit's own weights and the overlap of two at a correlation."""
    length = np.sqrt(np.diag(order.Q))
    student = np.diag(own * length**2)
    for i in range(len(length)):
        for j in range(i):
            size = length[i] * length[j]
            rho = float(order.Q[i, j]) / size if size > 0 else 0.0
            if rho != 0.0:
                student[i, j] = student[j, i] = size * overlap(min(max(rho, -1.0), 1.0))
    return OrderParameters(student, own * order.R, order.T, order.v, order.A)


def _off_diagonal(matrix: Any, diagonal: Any) -> Any:
    """A copy of `matrix` with that diagonal."""
    found = np.array(matrix)
    np.fill_diagonal(found, diagonal)
    return found
