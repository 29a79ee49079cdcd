"""What exact arithmetic says of one part of a statement: it holds, it does not, or too close.

A bound that grows with a ridge lam known to lie between two rationals is decided where both give
the same answer.

This module may import NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .rational import Matrix, Rational, alike, along, combined, fraction, inner, negative_direction
from .spectra import Bracket


@dataclass(frozen=True)
class Decided:
    """One part of a statement.

    Attributes
    ----------
    part : str
    lhs, rhs : rational
        The sides; of a matrix equality the squared Frobenius norm of the difference, and 0; of a
        matrix inequality those along one direction. Of an enclosed right side the end that decides.
    hold : bool or None
        None where the enclosure does not decide.
    relation : {"=", "<="}
    """

    part: str
    lhs: Rational
    rhs: Rational
    hold: bool | None
    relation: Literal["=", "<="] = "<="

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
    return Decided(part, size, 0 * size, not size, "=")


def equals(part: str, lhs: Rational, rhs: Rational) -> Decided:
    """lhs = rhs."""
    return Decided(part, lhs, rhs, bool(lhs == rhs), "=")


def at_most(
    part: str, lhs: Rational, bound: Callable[[Rational], Rational], at: Bracket
) -> Decided:
    """lhs <= bound(x) at some x in a bracket, `bound` nondecreasing."""
    low = bound(at.low)
    if lhs <= low:
        return Decided(part, lhs, low, True)
    high = bound(at.high)
    return Decided(part, lhs, high, False if lhs > high else None)


def below(part: str, lower: Matrix, bound: Callable[[Rational], Matrix], at: Bracket) -> Decided:
    """lower <= bound(x) as matrices, at some x in a bracket, `bound` nondecreasing.

    The sides shown are those along one direction v: one that refutes, or the one where the ratio
    v.(lower v)/v.(bound v) is about the largest.
    """
    low = bound(at.low)
    if negative_direction(combined(low, lower, -1)) is None:
        v = _tightest(lower, low)
        return Decided(part, along(lower, v), along(low, v), True)
    high = bound(at.high)
    refuting = negative_direction(combined(high, lower, -1))
    v = refuting or _tightest(lower, high)
    return Decided(part, along(lower, v), along(high, v), None if refuting is None else False)


def _tightest(lower: Matrix, upper: Matrix) -> tuple[Rational, ...]:
    """Direction of about the largest ratio, found in floating point."""
    left, right = (
        np.array([[float(fraction(x)) for x in row] for row in a]) for a in (lower, upper)
    )
    values, vectors = np.linalg.eigh(right)
    whitening = vectors / np.sqrt(np.maximum(values, max(1e-12 * values[-1], 1e-300)))
    v = whitening @ np.linalg.eigh(whitening.T @ left @ whitening)[1][:, -1]
    return tuple(alike(float(x), lower) for x in v / np.max(np.abs(v)))


#: Bits of enclosures, one after the other until they decide.
PRECISIONS = (40, 100, 300)


def refined(statement: Callable[[int], Iterable[Decided]]) -> list[Decided]:
    """Parts of a statement at the first precision that decides all of them, or at the last."""
    parts: list[Decided] = []
    for bits in PRECISIONS:
        parts = list(statement(bits))
        if all(part.hold is not None for part in parts):
            break
    return parts
