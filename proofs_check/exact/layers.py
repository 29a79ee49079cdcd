r"""Layers with rational second moments, for exact evaluation.

Sigma = Phi^T Phi/n with Phi of small whole numbers: of full rank, of too few samples, with nodes
repeated; or Sigma = R^T diag(mu) R with mu given and the rotation R = (I - K)(I + K)^{-1} of a skew
matrix K of whole numbers (Cayley), so that lam_vol(k) and tails are rational too.

This module may import NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .rational import (
    Matrix,
    Rational,
    combined,
    identity,
    matrix,
    product,
    rational,
    scaled,
    solve,
    transposed,
)


@dataclass(frozen=True)
class RationalLayer:
    """Second moment, what consumes the layer, and the eigenvalues where they are known.

    Attributes
    ----------
    name : str
    sigma : (m, m) matrix
    theta : rational
        Of Q = theta I + (1 - theta) Z^T Z.
    output_weights : (p, m) matrix
        Z.
    mu : tuple or None
        Eigenvalues, descending.
    samples : (n, m) matrix or None
        Phi.
    """

    name: str
    sigma: Matrix
    theta: Rational
    output_weights: Matrix
    mu: tuple[Rational, ...] | None = None
    samples: Matrix | None = None

    @property
    def m(self) -> int:
        """Number of nodes."""
        return len(self.sigma)

    @property
    def outer(self) -> Matrix:
        """Z^T Z."""
        return product(transposed(self.output_weights), self.output_weights)

    @property
    def quadratic(self) -> Matrix:
        """Q."""
        unit = identity(self.m, self.sigma)
        return combined(scaled(unit, self.theta), self.outer, 1 - self.theta)


def whole_layers(m: int, seed: int, *, plain: bool = False) -> list[RationalLayer]:
    """Three layers of whole-number samples: full rank, fewer samples than nodes, nodes repeated."""
    rng = np.random.default_rng([seed, m])
    few, half = max(1, m - 2), (m + 1) // 2
    full = rng.integers(-3, 4, (m + 2, m))
    thin = rng.integers(-3, 4, (few, m))
    base = rng.integers(-3, 4, (m, half))
    twice = np.concatenate([base, base], axis=1)[:, :m]
    named = (("full rank", full), ("few samples", thin), ("repeated nodes", twice))
    return [_of_samples(name, phi, rng, plain) for name, phi in named]


def _of_samples(name: str, phi: np.ndarray, rng: np.random.Generator, plain: bool) -> RationalLayer:
    n, m = phi.shape
    phi[0, :] = np.where(np.any(phi != 0, axis=0), phi[0, :], 1)  # no node is 0 on all samples
    sigma = scaled(matrix(phi.T @ phi, plain), rational(Fraction(1, n), plain))
    reader = _reader(rng, m, plain)
    return RationalLayer(f"{name}, m = {m}", sigma, *reader, samples=matrix(phi, plain))


def _reader(rng: np.random.Generator, m: int, plain: bool) -> tuple[Rational, Matrix]:
    """theta in quarters, and Z of whole numbers, (2, m)."""
    theta = rational(Fraction(int(rng.integers(0, 5)), 4), plain)
    return theta, matrix(rng.integers(-2, 3, (2, m)), plain)


def rotated_layer(
    mu: Sequence[Fraction],
    seed: int,
    *,
    name: str = "given spectrum",
    half_turn: Fraction | None = None,
    plain: bool = False,
) -> RationalLayer:
    """Layer with the given eigenvalues along rationally rotated axes.

    Of two nodes the tangent of half the angle may be given; else entries of K are drawn.
    """
    m, rng = len(mu), np.random.default_rng([seed, len(mu)])
    upper = np.triu(rng.integers(-1, 2, (m, m)), 1)
    if half_turn is None:
        skew = matrix(upper - upper.T, plain)
    else:
        skew = matrix([[0, half_turn], [-half_turn, 0]], plain)
    unit = identity(m, skew)
    rotation = solve(combined(unit, skew), combined(unit, skew, -1))
    values = tuple(sorted((rational(value, plain) for value in mu), reverse=True))
    weighted = tuple(scaled((row,), value)[0] for row, value in zip(rotation, values, strict=True))
    sigma = product(transposed(rotation), weighted)
    return RationalLayer(f"{name}, m = {m}", sigma, *_reader(rng, m, plain), mu=values)
