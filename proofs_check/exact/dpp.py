r"""Determinantal sampling without rounding: the width and the loss of S ~ DPP(Sigma/lam).

P(S) = det(Sigma_SS/lam)/det(I + Sigma/lam) over all subsets S. By listing them all, in exact
rationals, against the formulas of claim laws.L3 [D]:

    E |S| = N(lam),    E[Sigma - Sigma_FS Sigma_SS^{-1} Sigma_SF] = lam Sigma (Sigma + lam)^{-1}.

This module may import NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

from .rational import (
    Matrix,
    Rational,
    combined,
    determinant,
    identity,
    scaled,
    solve,
    trace,
    zero_like,
)
from .volume import subsets


@dataclass(frozen=True)
class Determinantal:
    """Normaliser sum_S det(Sigma_SS/lam), mean width and mean residual."""

    total: Rational
    width: Rational
    residual: Matrix


def listed(sigma: Matrix, ridge: Rational) -> Determinantal:
    """By summing over all 2^m subsets."""
    total = width = zero_like(sigma)
    weighted = scaled(sigma, total)
    for found in subsets(sigma, len(sigma)):
        if not found.volume:
            continue
        weight = found.volume / ridge ** len(found.nodes)
        total += weight
        width += len(found.nodes) * weight
        weighted = combined(weighted, found.residual, weight)
    return Determinantal(total, width / total, scaled(weighted, 1 / total))


def stated(sigma: Matrix, ridge: Rational) -> Determinantal:
    """By the formulas: det(I + Sigma/lam), N(lam), lam Sigma (Sigma + lam)^{-1}."""
    shifted = combined(sigma, identity(len(sigma), sigma), ridge)
    smoother = solve(shifted, sigma)
    total = determinant(scaled(shifted, 1 / ridge))
    return Determinantal(total, trace(smoother), scaled(smoother, ridge))
