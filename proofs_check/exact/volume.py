r"""Volume sampling of k nodes without rounding: all subsets on one side, formulas on the other.

Letters: Sigma the second moment, e_k and E_k as in :mod:`.rational`, tau = 0. By listing,

    e_k = sum_{|J|=k} det Sigma_JJ,    E S_J = (1/e_k) sum_{|J|=k} det(Sigma_JJ) S_J,

and by formula, without eigenvalues (claim spectral.I7),

    E S_J = Sigma E_k/e_k,    E L^A = (k + 1) e_{k+1}/e_k.

:class:`Resolvent` has the degrees of freedom from the same polynomials: with
q(lam) = det(Sigma + lam) = sum_k e_k lam^{m-k},

    H_lam = Sigma (Sigma + lam)^{-1} = (1/q) sum_k lam^{m-1-k} Sigma E_k.

This module may import NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .rational import (
    Matrix,
    Rational,
    characteristic,
    combined,
    eliminated,
    identity,
    inner,
    product,
    scaled,
    trace,
    zero_like,
)


@dataclass(frozen=True)
class Subset:
    """Nodes J in increasing order, det Sigma_JJ (1 of none), and S_J."""

    nodes: tuple[int, ...]
    volume: Rational
    residual: Matrix


def subsets(sigma: Matrix, most: int) -> Iterator[Subset]:
    """Every J of at most `most` nodes, the empty one first; one elimination each."""
    stack = [Subset((), zero_like(sigma) + 1, sigma)]
    while stack:
        found = stack.pop()
        yield found
        if len(found.nodes) == most:
            continue
        for j in range(found.nodes[-1] + 1 if found.nodes else 0, len(sigma)):
            pivot = found.residual[j][j]
            stack.append(
                Subset((*found.nodes, j), found.volume * pivot, eliminated(found.residual, j))
            )


def subsets_of(sigma: Matrix, k: int) -> list[Subset]:
    """Every J of k nodes."""
    return [found for found in subsets(sigma, k) if len(found.nodes) == k]


def listed_mean(listed: list[Subset]) -> tuple[Rational, Matrix | None]:
    """e_k and E S_J by listing; no mean where no k nodes are independent."""
    total = zero_like(listed[0].residual)
    weighted = scaled(listed[0].residual, total)
    for found in listed:
        if found.volume:
            total += found.volume
            weighted = combined(weighted, found.residual, found.volume)
    return total, scaled(weighted, 1 / total) if total else None


def best_loss(listed: list[Subset], quadratic: Matrix) -> Rational:
    """min over J of Tr(Q S_J)."""
    return min(inner(quadratic, found.residual) for found in listed)


class Resolvent:
    """Polynomials in lam that give N(lam), H_lam and Tr(Q H_lam) of one second moment.

    Attributes
    ----------
    e : list
        e_0..e_m.
    rank : int
    """

    def __init__(self, sigma: Matrix) -> None:
        self.sigma = sigma
        self.e, self.adjugates = characteristic(sigma)
        self.rank = max(k for k, value in enumerate(self.e) if value)
        self._moved = [product(sigma, part) for part in self.adjugates]

    def mean_residual(self, k: int) -> Matrix:
        """Sigma E_k/e_k, k <= rank; 0 where all nodes are kept."""
        if k == len(self.sigma):
            return scaled(self.sigma, 0 * self.e[0])
        return scaled(self._moved[k], 1 / self.e[k])

    def mean_loss(self, k: int) -> Rational:
        """(k + 1) e_{k+1}/e_k, k <= rank."""
        return (k + 1) * self.e[k + 1] / self.e[k] if k < len(self.sigma) else 0 * self.e[0]

    def determinant(self, ridge: Rational) -> Rational:
        """q(lam)."""
        return _polynomial(self.e, ridge)

    def smoother(self, ridge: Rational) -> Matrix:
        """H_lam, lam > 0."""
        total = scaled(identity(len(self.sigma), self.sigma), 0)
        for part in self._moved:
            total = combined(part, total, ridge)
        return scaled(total, 1 / self.determinant(ridge))

    def form(self, quadratic: Matrix | None = None) -> list[Rational]:
        """Numerator of Tr(Q H_lam), highest power first; Q = I by default."""
        if quadratic is None:
            return [trace(part) for part in self._moved]
        return [inner(quadratic, part) for part in self._moved]

    def degrees(self, ridge: Rational, numerator: list[Rational] | None = None) -> Rational:
        """N(lam), or Tr(Q H_lam) of a :meth:`form`; lam > 0."""
        return _polynomial(numerator or self.form(), ridge) / self.determinant(ridge)


def _polynomial(coefficients: list[Rational], at: Rational) -> Rational:
    """Value by Horner's rule, highest power first."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * at + coefficient
    return value
