r"""Second moments of erf and ReLU units of Gaussian pre-activations, and their inverses.

u ~ N(0, Q), C the second moment of eta(u), entrywise in Q and its diagonal:

    erf    C_ij = (2/pi) asin(2 Q_ij / sqrt((1 + 2 Q_ii)(1 + 2 Q_jj)))                 (arc-sine)
           Q_ij = S_ij / (2 sqrt((1 - S_ii)(1 - S_jj))),  S = sin(pi C/2)
    relu   C_ij = sqrt(Q_ii Q_jj)/2 k(rho_ij),  rho_ij = Q_ij/sqrt(Q_ii Q_jj)          (arc-cosine)
           k(rho) = (sqrt(1 - rho^2) + (pi - acos rho) rho)/pi,  k' = (pi - acos rho)/pi
           E eta(u_i) = sqrt(Q_ii/(2 pi)), so the centred version has k(rho) - 1/pi
           Q_ii = 2 C_ii,  rho = k^{-1}(C_ij/sqrt(C_ii C_jj));  of a centred C with correlation R
           Q_ii = 2 C_ii/(1 - 1/pi),  rho = k^{-1}(1/pi + (1 - 1/pi) R_ij)

For erf(u/sqrt 2) hand in Q/2, and double what the inverse gives. The inverses are entrywise maps:
C is the moment of such a layer exactly if what they return is positive semidefinite (for erf,
if S is). Sources: Williams, NIPS 1996; Cho and Saul, NIPS 2009; inverses derived [D].

This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

import math
from typing import Any

from .arrays import Array, as_covariance, as_real, as_symmetric, namespace
from .errors import InapplicableError

#: Least correlation of two centred ReLU units, -1/(pi - 1).
LEAST_RELU_CORRELATION = -1.0 / (math.pi - 1.0)
_ROUNDING = 64 * 2.0**-52


def arcsine_kernel(cov: Any, *, diagonal: float | None = None) -> Array:
    """E erf(u_i) erf(u_j) of u ~ N(0, cov).

    Parameters
    ----------
    cov : (m, m) array
        Q; or, with `diagonal`, entries Q_ij in any shape.
    diagonal : float, optional
        Common variance Q_ii of all pre-activations.

    Returns
    -------
    array
        C, shape of `cov`.

    Raises
    ------
    ValueError
        `cov` is no covariance, or an entry exceeds `diagonal`.
    """
    return arcsine_entries(*_covariance(cov, diagonal))


def arcsine_entries(q: Array, row: Array, column: Array) -> Array:
    """:func:`arcsine_kernel` of covariances Q_ij with variances Q_ii and Q_jj, not checked."""
    xp = namespace(q)
    # asin by atan2, as 1 - argument^2 is known without cancellation
    gap = xp.clip(row * column - q * q, 0.0, None)
    adjacent = xp.sqrt(1.0 + 2.0 * (row + column) + 4.0 * gap)
    return (2.0 / math.pi) * xp.atan2(2.0 * q, adjacent)


def arcsine_inverse(moment: Any, *, diagonal: float | None = None) -> Array:
    """Pre-activation covariance Q whose :func:`arcsine_kernel` is `moment`.

    Parameters
    ----------
    moment : (m, m) array
        C, symmetric; or, with `diagonal`, entries C_ij in any shape.
    diagonal : float, optional
        Common C_ii.

    Returns
    -------
    array
        Q, shape of `moment`; symmetric, but semidefinite only where the target is feasible.

    Raises
    ------
    InapplicableError
        C_ii outside [0, 1), or |C_ij| above 1: no erf unit has such moments.
    ValueError
        `moment` is not symmetric.
    """
    c, row, column = _entries(moment, diagonal)
    xp = namespace(c)
    least, most, widest = float(xp.min(row)), float(xp.max(row)), float(xp.max(xp.abs(c)))
    if least < 0.0 or most >= 1.0 or widest > 1.0:
        raise InapplicableError(
            f"erf units have second moments in [0, 1), but the target's diagonal goes from "
            f"{least:g} to {most:g} and its largest entry is {widest:g}; scale the target down"
        )
    # 1 - sin(pi C/2) without cancellation
    spare = [math.sqrt(2.0) * xp.sin(math.pi * (1.0 - x) / 4.0) for x in (row, column)]
    return xp.sin(math.pi * c / 2.0) / (2.0 * spare[0] * spare[1])


def arccosine_kernel(cov: Any, *, diagonal: float | None = None, centered: bool = False) -> Array:
    """E relu(u_i) relu(u_j) of u ~ N(0, cov), or their covariance if `centered`.

    Parameters
    ----------
    cov, diagonal
        As :func:`arcsine_kernel`.
    centered : bool
        Subtract the means sqrt(Q_ii/(2 pi)).

    Raises
    ------
    ValueError
        As :func:`arcsine_kernel`.
    """
    q, row, column = _covariance(cov, diagonal)
    xp = namespace(q)
    size = xp.sqrt(row) * xp.sqrt(column)
    rho = q / xp.where(size > 0.0, size, xp.ones_like(size))
    if diagonal is None:  # a node with itself, whatever the rounding of the square roots
        rho = rho + xp.eye(q.shape[0]) * (1.0 - rho)
    value = arccosine_entries(xp.clip(rho, -1.0, 1.0), size)
    return value - size / (2.0 * math.pi) if centered else value


def arccosine_entries(rho: Array, size: Array) -> Array:
    """:func:`arccosine_kernel` of correlations in [-1, 1], `size` = sqrt(Q_ii Q_jj)."""
    return size / 2.0 * _k(rho)


def arccosine_inverse(
    moment: Any, *, diagonal: float | None = None, centered: bool = False
) -> Array:
    """Pre-activation covariance Q whose :func:`arccosine_kernel` is `moment`.

    Parameters
    ----------
    moment, diagonal
        As :func:`arcsine_inverse`.
    centered : bool
        Whether `moment` is the covariance of the units.

    Returns
    -------
    array
        Q, shape of `moment`; symmetric, but semidefinite only where the target is feasible.

    Raises
    ------
    InapplicableError
        A correlation below -1/(pi - 1) = -.467 (below 0 if not centred), or above 1.
    ValueError
        `moment` is not symmetric, or has a negative diagonal.
    """
    c, row, column = _entries(moment, diagonal)
    xp = namespace(c)
    if float(xp.min(row)) < 0.0:
        raise ValueError(f"moment must have a diagonal >= 0, but it goes to {float(xp.min(row)):g}")
    size = xp.sqrt(row) * xp.sqrt(column)
    r = c / xp.where(size > 0.0, size, xp.ones_like(size))
    floor = LEAST_RELU_CORRELATION if centered else 0.0
    least, most = float(xp.min(r)), float(xp.max(r))
    if least < floor - _ROUNDING or most > 1.0 + _ROUNDING:
        raise InapplicableError(
            f"{'centred ' if centered else ''}ReLU units have correlations in [{floor:.3g}, 1], "
            f"but the target's go from {least:.3g} to {most:.3g}; mix it with the identity"
        )
    rest = 1.0 - 1.0 / math.pi
    y = 1.0 / math.pi + rest * r if centered else r
    rho = _k_inverse(xp.clip(y, 0.0, 1.0))
    if diagonal is None:
        rho = rho + xp.eye(c.shape[0]) * (1.0 - rho)
    return rho * size * (2.0 / rest if centered else 2.0)


def _covariance(cov: Any, diagonal: float | None) -> tuple[Array, Array, Array]:
    """Entries Q_ij with their Q_ii and Q_jj, of a covariance."""
    if diagonal is None:
        cov = as_covariance(cov)
    q, row, column = _entries(cov, diagonal)
    xp = namespace(q)
    if diagonal is None:
        zero = xp.zeros_like(row)
        return q, xp.where(row > 0.0, row, zero), xp.where(column > 0.0, column, zero)
    most = float(xp.max(xp.abs(q)))
    if most > diagonal * (1.0 + _ROUNDING):
        raise ValueError(
            f"covariances are at most the common variance {diagonal:g}, but one is {most:g}"
        )
    return q, row, column


def _entries(matrix: Any, diagonal: float | None) -> tuple[Array, Array, Array]:
    """Entries a_ij with a_ii and a_jj, of shapes that broadcast."""
    if diagonal is not None:
        a = as_real("entries", matrix)
        common = namespace(a).asarray(float(as_real("diagonal", diagonal, ndim=0)))
        return a, common, common
    a, _ = as_symmetric(matrix, name="moment")
    d = namespace(a).linalg.diagonal(a)
    return a, d[:, None], d[None, :]


def _k(rho: Array) -> Array:
    """k(rho) of the module's head."""
    xp = namespace(rho)
    root = xp.sqrt((1.0 - rho) * (1.0 + rho))
    return (root + (math.pi - xp.acos(rho)) * rho) / math.pi


def _k_inverse(y: Array) -> Array:
    """rho in [-1, 1] with k(rho) = y in [0, 1], by Newton's iteration.

    k is convex and increasing with k(rho) >= rho, so the iteration falls from rho = y onto the
    root; near rho = -1, where k ~ (1 + rho)^{3/2}, a factor 3 a step. It ends where rounding stops
    the fall of every entry.
    """
    xp = namespace(y)
    rho = y
    while True:
        slope = (math.pi - xp.acos(rho)) / math.pi
        fall = (_k(rho) - y) / xp.where(slope > 0.0, slope, xp.ones_like(slope))
        lower = xp.clip(rho - fall, -1.0, 1.0)
        moved = rho - lower > 2.0**-52
        if not bool(xp.any(moved)):
            return rho
        rho = xp.where(moved, lower, rho)
