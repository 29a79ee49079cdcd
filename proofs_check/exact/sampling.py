r"""Exact failure probabilities of leverage sampling at flat second moments, and bounds of them.

Letters: Sigma = mu I_M, l = mu/(mu + lam), N = M l. k draws, node j in c_j of them; S_J <= c lam H
fails iff some c_j < k0 = ceil((l - 1 + 1/c) k/N) (claim laws.L4 [D]).

    P(no failure) = a/M^k,    a = k! [x^k] (sum_{i >= k0} x^i/i!)^M = k! [x^{k - M k0}] g^M,
    g = sum_{i >= 0} x^i/(i + k0)!.

The whole number a <= M^k is found modulo enough primes p > k by powers of polynomials (flint), and
put together by the Chinese remainder theorem. Or, for small sizes, without flint: a_j(n), the
sequences of n draws from j nodes, doubles by a_{i+j}(n) = sum_s binom(n, s) a_i(s) a_j(n - s).

At sizes beyond this, bounds by rationals: P_fail <= M P(Bin(k, 1/M) < k0) (union), and
P_fail >= 1 - (1 - P(Bin(k, 1/M) < k0))^M, as multinomial counts are negatively associated
(Joag-Dev and Proschan 1983).

This module may import NumPy only.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction


def least_draws(nodes: int, leverage: Fraction, width: int, constant: Fraction) -> int:
    """k0: how often each node must be drawn."""
    return math.ceil((leverage - 1 + 1 / constant) * width / (nodes * leverage))


def failure_probability(
    nodes: int,
    leverage: Fraction,
    width: int,
    *,
    constant: Fraction = Fraction(4),
    plain: bool = False,
) -> Fraction:
    """P(S_J <= c lam H fails), exactly.

    Parameters
    ----------
    nodes, leverage, width : int, Fraction, int
        M, l, k.
    constant : Fraction
        c.
    plain : bool
        Without flint, slower by orders of magnitude.

    Raises
    ------
    ImportError
        python-flint is not installed, and the slow way was not asked for.
    """
    least = least_draws(nodes, leverage, width, constant)
    if least <= 0:
        return Fraction(0)
    if least * nodes > width:
        return Fraction(1)
    count = (_doubled if plain else _modular)(nodes, width, least)
    return 1 - Fraction(count, nodes**width)


def _modular(nodes: int, width: int, least: int) -> int:
    """a, by remainders."""
    count, modulus, prime, most = 0, 1, 2**62, nodes**width
    while modulus <= most:
        prime = _prime_below(prime)
        remainder = _remainder(nodes, width, least, prime)
        count += modulus * ((remainder - count) * pow(modulus, -1, prime) % prime)
        modulus *= prime
    return count


def _prime_below(start: int) -> int:
    from flint import fmpz

    return next(p for p in range(start - 1, 1, -2 + start % 2) if fmpz(p).is_prime())


def _remainder(nodes: int, width: int, least: int, prime: int) -> int:
    """a modulo a prime above k."""
    from flint import nmod_poly

    spare = width - nodes * least
    term = pow(_factorial(spare + least, prime), -1, prime)
    terms = [0] * (spare + 1)
    for i in range(spare, -1, -1):
        terms[i] = term
        term = term * (i + least) % prime
    power = nmod_poly(terms, prime).pow_trunc(nodes, spare + 1)
    return int(power[spare]) * _factorial(width, prime) % prime


def _factorial(n: int, prime: int) -> int:
    return functools.reduce(lambda value, i: value * i % prime, range(2, n + 1), 1)


def _doubled(nodes: int, width: int, least: int) -> int:
    """a, by doubling the number of nodes; whole numbers of Python."""
    row, result = [int(n >= least) for n in range(width + 1)], [1] + [0] * width
    while nodes:
        if nodes & 1:
            result = _joined(result, row)
        nodes >>= 1
        row = _joined(row, row) if nodes else row
    return result[width]


def _joined(left: list[int], right: list[int]) -> list[int]:
    """a_{i+j} from a_i and a_j."""
    return [
        sum(math.comb(n, s) * left[s] * right[n - s] for s in range(n + 1) if left[s])
        for n in range(len(left))
    ]


def rare_count(nodes: int, width: int, least: int, *, bits: int = 0) -> Fraction:
    """P(Bin(k, 1/M) < k0), exactly; with `bits` from below, to about 2^-bits.

    The rounded one is for widths of millions: (1 - 1/M)^k by squarings, each cut off downwards.
    """
    odds = sum(Fraction(math.comb(width, i), (nodes - 1) ** i) for i in range(least))
    if not bits:
        return odds * Fraction(nodes - 1, nodes) ** width
    return odds * _power_below(Fraction(nodes - 1, nodes), width, bits)


def _power_below(base: Fraction, exponent: int, bits: int) -> Fraction:
    """At most base^exponent, base > 0, in multiples of 2^-bits."""
    one = 1 << bits
    square, value = base.numerator * one // base.denominator, one
    while exponent:
        if exponent & 1:
            value = value * square // one
        square = square * square // one
        exponent >>= 1
    return Fraction(value, one)


def union_bound(
    nodes: int, leverage: Fraction, width: int, *, constant: Fraction = Fraction(4)
) -> Fraction:
    """At least the failure probability: M P(Bin(k, 1/M) < k0)."""
    return nodes * rare_count(nodes, width, least_draws(nodes, leverage, width, constant))


def failure_floor(
    nodes: int,
    leverage: Fraction,
    width: int,
    *,
    constant: Fraction = Fraction(4),
    bits: int = 256,
) -> Fraction:
    """At most the failure probability: 1 - (1 - P(Bin(k, 1/M) < k0))^M, rounded down."""
    rare = rare_count(nodes, width, least_draws(nodes, leverage, width, constant), bits=bits)
    return 1 - 1 / _power_below(1 / (1 - rare), nodes, bits)


def paper_width(nodes: int, leverage: Fraction, *, factor: Fraction, delta: Fraction) -> int:
    """ceil(factor N log(16 N/delta)), at least 1, the logarithm enclosed by rationals."""
    dof = nodes * leverage
    low, high = (math.ceil(factor * dof * end) for end in log_bracket(16 * dof / delta))
    if low != high:
        raise ArithmeticError(f"{factor} N log(16 N/delta) is too close to {low} at N = {dof}")
    return max(1, low)


def log_bracket(x: Fraction, terms: int = 30) -> tuple[Fraction, Fraction]:
    """log x from below and above, x >= 1, by log x = e log 2 + 2 artanh((y - 1)/(y + 1))."""
    if x < 1:
        raise ValueError(f"x must be at least 1, but is {x}")
    power = math.floor(x).bit_length() - 1
    ends = [_log_series(Fraction(2), terms), _log_series(x / 2**power, terms)]
    return power * ends[0][0] + ends[1][0], power * ends[0][1] + ends[1][1]


def _log_series(y: Fraction, terms: int) -> tuple[Fraction, Fraction]:
    """1 <= y <= 2; the terms left out are below those of a geometric series."""
    z = (y - 1) / (y + 1)
    total = sum((z ** (2 * i + 1) / (2 * i + 1) for i in range(terms)), Fraction(0))
    rest = z ** (2 * terms + 1) / ((2 * terms + 1) * (1 - z * z))
    return 2 * total, 2 * (total + rest)
