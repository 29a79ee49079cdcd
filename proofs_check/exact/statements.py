r"""Statements about a rational layer, both sides exact (I7, L3).

Each returns :class:`Decided` parts. The constants of a statement are keyword arguments with the
claimed values as defaults, as those of the claims.

This module may import NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from . import dpp
from .layers import RationalLayer
from .rational import Matrix, Rational, combined, fraction, inner, scaled, trace
from .volume import Resolvent, listed_mean, subsets_of


@dataclass(frozen=True)
class Decided:
    """One part of a statement, decided.

    Attributes
    ----------
    part : str
    lhs, rhs : rational
        The sides; of a matrix equality the squared Frobenius norm of the difference, and 0.
    hold : bool
    relation : {"=", "<="}
    """

    part: str
    lhs: Rational
    rhs: Rational
    hold: bool
    relation: Literal["=", "<="] = "="

    @property
    def ratio(self) -> float:
        """lhs/rhs."""
        if not self.rhs:
            return 0.0 if not self.lhs else float("inf")
        return float(fraction(self.lhs / self.rhs))


def same(part: str, left: Matrix, right: Matrix) -> Decided:
    """Equality of two matrices, to the last digit."""
    gap = combined(left, right, -1)
    size = inner(gap, gap)
    return Decided(part, size, 0 * size, not size)


def equals(part: str, lhs: Rational, rhs: Rational) -> Decided:
    """lhs = rhs."""
    return Decided(part, lhs, rhs, bool(lhs == rhs))


def volume_mean(layer: RationalLayer, k: int, *, spare: int = 1) -> Iterator[Decided]:
    """I7: e_k, E S_J and E L^A = (k + spare) e_{k+1}/e_k by listing; k <= rank."""
    formula = Resolvent(layer.sigma)
    total, mean = listed_mean(subsets_of(layer.sigma, k))
    if mean is None:
        raise ValueError(f"no {k} nodes of {layer.name} are independent")
    yield equals("e_k", total, formula.e[k])
    yield same("residual", mean, formula.mean_residual(k))
    loss = formula.mean_loss(k) * (k + spare) / (k + 1)
    yield equals("loss", trace(mean), loss)


def determinantal(layer: RationalLayer, ridge: Rational, *, factor: int = 1) -> Iterator[Decided]:
    """L3: normaliser, mean width N(lam) and mean residual `factor` lam H_lam by listing."""
    left, right = dpp.listed(layer.sigma, ridge), dpp.stated(layer.sigma, ridge)
    yield equals("normaliser", left.total, right.total)
    yield equals("width", left.width, right.width)
    yield same("residual", left.residual, scaled(right.residual, factor))
    loss = ridge * right.width * factor
    yield equals("loss", trace(left.residual), loss)
