"""Both sides of a statement on one instance, and when they count as equal or in order.

Floating point decides nothing sharper than rounding, so each comparison carries an absolute
tolerance from an error analysis,

    tolerance = ROUNDING * size * scale,    ROUNDING = 32 eps,

with `size` the length of the longest sum and `scale` the size of the terms, multiplied by the
condition of the map from the data to the value. Each side is a chain of at most a dozen products
and factorisations, each of backward error at most (about 2) eps * size. NaN never holds.

This module may import NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Backward error of a chain of a dozen backward-stable steps, per unit of size.
ROUNDING = 32 * float(np.finfo(np.float64).eps)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sides:
    """Left and right side of a statement, evaluated on one instance.

    Attributes
    ----------
    lhs, rhs : float
        The two sides; of a matrix identity the norm of the difference and 0, of a matrix
        inequality the largest eigenvalue of the difference and 0.
    tolerance : float
        Absolute; see the head of this module.
    relation : {"=", "<="}
    ratio : float
        Of an inequality lhs / (rhs + tolerance), so it is at most 1 where the inequality holds;
        of an identity |lhs - rhs| in units of its scale.
    part : str
        Which part of the statement this is, where it has several.
    """

    lhs: float
    rhs: float
    tolerance: float
    relation: Literal["=", "<="]
    ratio: float
    part: str = ""

    @property
    def hold(self) -> bool:
        """Whether the sides stand in the relation, up to the tolerance; False for NaN."""
        excess = self.lhs - self.rhs
        if self.relation == "=":
            excess = abs(excess)
        return bool(excess <= self.tolerance)

    @property
    def surely_hold(self) -> bool:
        """Whether they do beyond rounding: of an inequality with the tolerance to spare."""
        if self.relation == "=":
            return self.hold
        return bool(self.lhs - self.rhs <= -self.tolerance)


def equal(lhs: Any, rhs: Any, *, scale: float, size: int, part: str = "") -> Sides:
    """Sides of lhs = rhs, for numbers or for arrays of one shape (Frobenius norm)."""
    left, right = np.asarray(lhs, dtype=float), np.asarray(rhs, dtype=float)
    tolerance = ROUNDING * size * scale
    if left.shape != right.shape:
        return Sides(np.inf, 0.0, tolerance, "=", np.inf, part)
    difference = float(np.linalg.norm((left - right).ravel()))
    ratio = difference / scale if scale > 0 else (0.0 if difference == 0 else np.inf)
    if left.ndim == 0:
        return Sides(float(left), float(right), tolerance, "=", ratio, part)
    return Sides(difference, 0.0, tolerance, "=", ratio, part)


def at_most(lhs: float, rhs: float, *, scale: float, size: int, part: str = "") -> Sides:
    """Sides of lhs <= rhs; `scale` is the size of the terms either side is summed from."""
    tolerance = ROUNDING * size * scale
    room = rhs + tolerance
    ratio = lhs / room if room > 0 else (0.0 if lhs <= room else np.inf)
    return Sides(float(lhs), float(rhs), tolerance, "<=", float(ratio), part)


def loewner(lower: Floats, upper: Floats, *, scale: float, size: int, part: str = "") -> Sides:
    """Sides of the matrix inequality lower <= upper (positive semidefinite order).

    Its ratio is the largest v.(lower v) / v.((upper + tolerance) v) over all directions v.
    """
    tolerance = ROUNDING * size * scale
    top = float(np.linalg.eigvalsh(lower - upper)[-1])
    values, vectors = np.linalg.eigh((upper + upper.T) / 2)
    whitening = vectors / np.sqrt(np.maximum(values, 0.0) + max(tolerance, np.finfo(float).tiny))
    ratio = float(np.linalg.eigvalsh(whitening.T @ lower @ whitening)[-1])
    return Sides(top, 0.0, tolerance, "<=", ratio, part)


def together(first: Sides, *others: Sides) -> Sides:
    """Sides of a statement with several parts: one that fails, else the tightest like the first."""
    parts = (first, *others)
    for sides in parts:
        if not sides.hold:
            return sides
    return max((s for s in parts if s.relation == first.relation), key=lambda s: s.ratio)
