r"""Exact failure probability of leverage sampling on its worst family (laws.L4).

Letters: Sigma = mu I_M, so every node has the leverage l = mu/(mu + lam) and N(lam) = M l; k draws
from the leverage are uniform, c_j counts those of node j. The whitened sampled matrix is diagonal
with entries (1 - l) + c_j N/k, so S_J <= c lam H for a constant c >= 1 (claim spectral.P1: c = 4)
iff every node was drawn often enough,

    c_j >= k0 = ceil((l - 1 + 1/c) k/N)  for all j:

    P(no failure) = k! [x^k] (sum_{i >= k0} (x/M)^i/i!)^M.

The coefficient counts a_M(k), the sequences of k draws from M nodes in which each comes at least
k0 times, over M^k. As T = sum_{i >= k0} x^i/i! has T' = T + x^{k0-1}/(k0-1)!, the powers T^j give

    a_j(n + 1) = j a_j(n) + j binom(n, k0 - 1) a_{j-1}(n + 1 - k0):

additions of whole numbers, so the probability is exact and nothing is drawn. Derived [D].

This module may import NumPy only.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .arrays import as_count, as_probability


def failure_probability(
    nodes: int, leverage: float | Fraction, width: int, *, constant: float | Fraction = 4
) -> Fraction:
    r"""P(S_J <= c lam Sigma (Sigma + lam)^{-1} fails) for Sigma = mu I_M and k leverage draws.

    Parameters
    ----------
    nodes : int
        M.
    leverage : float or Fraction
        l = mu/(mu + lam), strictly between 0 and 1. A float counts as the binary fraction that it
        is; ``Fraction(99, 100)`` is .99 itself.
    width : int
        k, the number of draws.
    constant : float or Fraction
        c >= 1.

    Returns
    -------
    Fraction
        Exact; 0 where l <= 1 - 1/c. The time is that of M k additions of numbers of k log2(M)
        bits: .02 s at M = 20, k = 730. Not monotone in k, as k0 is a whole number.

    Raises
    ------
    ValueError
        Numbers of nodes or draws that are not whole and positive, a leverage outside (0, 1), a
        constant below 1.

    Notes
    -----
    Claim laws.L4 [D]. At l = .99, M = 20 and the paper-style width 730: 1.5577765e-7.
    """
    m, k = as_count("nodes", nodes), as_count("width", width)
    least = _least_draws(m, leverage, k, constant)
    if least <= 0:
        return Fraction(0)
    if least * m > k:
        return Fraction(1)
    return 1 - Fraction(_sequences(m, k, least), m**k)


def failure_floor(
    nodes: int, leverage: float | Fraction, width: int, *, constant: float | Fraction = 4
) -> float:
    r"""Lower bound 1 - (1 - P(Bin(k, 1/M) < k0))^M of :func:`failure_probability`, at any size.

    Multinomial counts are negatively associated: P(all c_j >= k0) <= prod_j P(c_j >= k0).

    Parameters and errors as :func:`failure_probability`.

    Returns
    -------
    float
        Lowered by the rounding error of its k0 logarithms, so it is a bound in floating point too.
        The time is that of k0 logarithms.

    Notes
    -----
    Negative association: Joag-Dev and Proschan 1983. Claim laws.L4 [D].
    """
    m, k = as_count("nodes", nodes), as_count("width", width)
    least = _least_draws(m, leverage, k, constant)
    if least <= 0:
        return 0.0
    if least * m > k:
        return 1.0
    if m == 1:
        return 0.0
    i = np.arange(least - 1, dtype=np.float64)
    ratios = np.log((k - i) / ((i + 1.0) * (m - 1.0)))  # of binomial probabilities, i + 1 over i
    none = k * math.log1p(-1.0 / m)
    logs = none + np.concatenate([np.zeros(1), np.cumsum(ratios)])
    top = float(np.max(logs))
    # each of the `least` logarithms and their partial sums errs by a few eps of its terms
    size = abs(none) + float(np.sum(np.abs(ratios))) + least
    error = 4.0 * (least + 4) * float(np.finfo(np.float64).eps) * size
    rare = math.exp(top + math.log(float(np.sum(np.exp(logs - top)))) - error)
    return -math.expm1(m * math.log1p(-min(rare, 1.0 - 2.0**-53))) * (1.0 - 2.0**-48)


def _least_draws(m: int, leverage: float | Fraction, k: int, constant: float | Fraction) -> int:
    """k0: how often every node must be drawn."""
    as_probability("leverage", float(leverage))
    try:
        share, c = Fraction(leverage), Fraction(constant)
    except (TypeError, ValueError, OverflowError):  # no number, NaN, infinity
        raise ValueError(f"constant must be a finite number, but is {constant!r:.60}") from None
    if c < 1:
        raise ValueError(f"constant must be at least 1, but is {float(c):g}")
    return math.ceil((share - 1 + 1 / c) * k / (m * share))


def _sequences(m: int, k: int, least: int) -> int:
    """a_M(k), by rows a_j(j k0 + i), i = 0..k - M k0: the others do not enter."""
    spare = k - m * least
    row = [1] + [0] * spare
    for j in range(1, m + 1):
        first = j * least - 1
        choices = math.comb(first, least - 1)
        before = 0
        for i in range(spare + 1):
            before = row[i] = j * (before + choices * row[i])
            choices = choices * (first + i + 1) // (first + i + 2 - least)
    return row[spare]
