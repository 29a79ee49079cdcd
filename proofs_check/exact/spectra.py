r"""Enclosures of eigenvalues, and of the ridges lam_vol(k) and lam_N(k), by rational numbers.

How many eigenvalues of A exceed x is the number of positive pivots of A - x I (Sylvester), so
bisection encloses each as narrowly as one likes. lam_vol(k) = min_{r<k} tail_r/(k-r) grows with
every eigenvalue, and N(lam) falls with lam, so both are enclosed too. Floating point only guesses.

This module may import NumPy only.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .layers import RationalLayer
from .rational import Matrix, Rational, alike, combined, fraction, identity, inertia, trace
from .volume import Resolvent


@dataclass(frozen=True)
class Bracket:
    """low <= value <= high; equal where the value is known."""

    low: Rational
    high: Rational


def known(value: Rational) -> Bracket:
    """Bracket of a rational value."""
    return Bracket(value, value)


@functools.lru_cache(maxsize=256)
def eigenvalue_brackets(sigma: Matrix, bits: int) -> tuple[Bracket, ...]:
    """Eigenvalues of a positive semidefinite matrix, descending, to 2^-bits of each.

    Those that are 0 are found to be 0 exactly.
    """
    rank, zero = inertia(sigma)[2], 0 * sigma[0][0]
    rough = np.array([[float(fraction(x)) for x in row] for row in sigma])
    guesses = np.linalg.eigvalsh(rough)[::-1]
    found = [_bracket(sigma, i + 1, float(guesses[i]), bits) for i in range(rank)]
    return tuple(found) + (known(zero),) * (len(sigma) - rank)


def _bracket(sigma: Matrix, place: int, guess: float, bits: int) -> Bracket:
    """Bracket of the `place`-th eigenvalue, which is positive: low < value <= high."""
    low, high = 0 * sigma[0][0], trace(sigma)
    for spread in (2.0**-44, 2.0**-30):
        for at in (guess * (1 - spread), guess * (1 + spread)):
            x = alike(at, sigma)
            if low < x < high:
                low, high = (x, high) if _above(sigma, x) >= place else (low, x)
    while (high - low) * 2**bits > high:
        x = (low + high) / 2 if low else high / 2**8
        low, high = (x, high) if _above(sigma, x) >= place else (low, x)
    return Bracket(low, high)


def _above(sigma: Matrix, x: Rational) -> int:
    """How many eigenvalues exceed x."""
    return inertia(combined(sigma, identity(len(sigma), sigma), -x))[2]


def spectrum(layer: RationalLayer, bits: int) -> tuple[Bracket, ...]:
    """Eigenvalues: the known ones as they are, else enclosed."""
    if layer.mu is not None:
        return tuple(known(value) for value in layer.mu)
    return eigenvalue_brackets(layer.sigma, bits)


def volume_ridge(mu: Sequence[Rational], k: int) -> Rational:
    """min_{0 <= r < k} (sum_{j>r} mu_j)/(k - r), k <= m."""
    tails = [sum(mu[r:], 0 * mu[0]) for r in range(k)]
    return min(tail / (k - r) for r, tail in enumerate(tails))


def volume_ridge_bracket(layer: RationalLayer, k: int, bits: int) -> Bracket:
    """lam_vol(k)."""
    mu = spectrum(layer, bits)
    return Bracket(volume_ridge([b.low for b in mu], k), volume_ridge([b.high for b in mu], k))


def tail_bracket(layer: RationalLayer, k: int, bits: int) -> Bracket:
    """sum_{j>k} mu_j."""
    mu, zero = spectrum(layer, bits), 0 * layer.sigma[0][0]
    return Bracket(sum((b.low for b in mu[k:]), zero), sum((b.high for b in mu[k:]), zero))


def degrees_ridge_bracket(formula: Resolvent, dof: Fraction | int, bits: int) -> Bracket:
    """lam with N(lam) = dof, 0 < dof < rank; N(low) >= dof >= N(high).

    Raises
    ------
    ValueError
        N stays below `dof`, or `dof` is not positive.
    """
    wanted = alike(Fraction(dof), formula.sigma)
    if not 0 < wanted < formula.rank:
        raise ValueError(f"N(lam) takes no value {dof}: it lies between 0 and {formula.rank}")
    numerator = formula.form()
    high = trace(formula.sigma) / wanted  # N(lam) <= Tr Sigma/lam
    low = 0 * high
    while (high - low) * 2**bits > high:
        x = (low + high) / 2 if low else high / 2**8
        degrees = formula.degrees(x, numerator)
        if degrees == wanted:
            return known(x)
        low, high = (x, high) if degrees > wanted else (low, x)
    return Bracket(low, high)
