r"""Nearest correlation matrix: a target that no Gaussian has, repaired.

min ||X - A||_F over X positive semidefinite with unit diagonal, by alternating projections onto
the two sets with Dykstra's correction (Higham, IMA J. Numer. Anal. 22, 2002). This module may
import NumPy and array-api-compat only.
"""

from __future__ import annotations

from typing import Any

from .arrays import Array, as_ridge, as_symmetric, namespace

_STEPS = 2000


def nearest_correlation(matrix: Any, *, tolerance: float = 1e-9) -> Array:
    """Correlation matrix nearest to a symmetric matrix in the Frobenius norm, (m, m).

    Parameters
    ----------
    matrix : (m, m) array
    tolerance : float
        The iteration ends where a round moves less than this times ||matrix||_F, or after 2000.

    Returns
    -------
    (m, m) array
        Semidefinite up to rounding and of unit diagonal whenever it ends: the last step scales the
        last semidefinite iterate.

    Raises
    ------
    ValueError
        `matrix` is not square, finite and symmetric; a negative tolerance.
    """
    target, _ = as_symmetric(matrix, name="matrix")
    level = as_ridge(tolerance, name="tolerance")
    xp = namespace(target)
    eye = xp.eye(target.shape[0], dtype=xp.float64)
    size = float(xp.linalg.vector_norm(target))
    unit, correction = target, xp.zeros_like(target)
    for _ in range(_STEPS):
        shifted = unit - correction
        psd = _semidefinite(shifted)
        correction = psd - shifted
        before, unit = unit, psd + eye * (1.0 - psd)
        gap = max(
            float(xp.linalg.vector_norm(unit - before)), float(xp.linalg.vector_norm(unit - psd))
        )
        if gap <= level * size:
            break
    root = xp.sqrt(xp.linalg.diagonal(psd))
    scaled = psd / (root[:, None] * root[None, :])
    return scaled + eye * (1.0 - scaled)


def _semidefinite(a: Array) -> Array:
    """Nearest positive semidefinite matrix: negative eigenvalues set to 0."""
    xp = namespace(a)
    values, basis = xp.linalg.eigh(a)
    out = (basis * xp.clip(values, 0.0, None)) @ xp.matrix_transpose(basis)
    return (out + xp.matrix_transpose(out)) / 2.0
