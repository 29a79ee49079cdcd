r"""Compiled losses of many node sets: one small Cholesky factorisation a set, in one buffer.

L(J) = sum_c ( diagonal_c - |L_J^{-1} columns_Jc|^2 ), L_J the Cholesky factor of the block
Sigma_JJ + I_tau scaled to unit diagonal. A set whose pivot is lost in rounding gets NaN; the caller
solves it through its eigenvectors.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Sums may be reordered (SIMD); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@njit(cache=True, nogil=True)
def factorised_losses(
    cov: Floats, columns: Floats, diagonal: Floats, index: Indices, tau: Floats
) -> Floats:
    """Losses (b,) of the sets `index` (b, k) with ridges `tau` (b, k); NaN where singular.

    cov (m, m) and columns (m, q) row-major; diagonal (q,).
    """
    b, k = index.shape
    losses = np.empty(b)
    lower = np.empty((k, k))
    solved = np.empty((k, columns.shape[1]))
    left = np.empty(columns.shape[1])
    scale = np.empty(k)
    for s in range(b):
        nodes = index[s]
        for t in range(k):
            size = cov[nodes[t], nodes[t]] + tau[s, t]
            scale[t] = 1.0 / np.sqrt(size) if size > 0.0 else 1.0
            for r in range(t + 1):
                ridge = tau[s, t] if r == t else 0.0
                lower[t, r] = (cov[nodes[t], nodes[r]] + ridge) * scale[t] * scale[r]
        left[:] = diagonal
        losses[s] = np.nan
        if _cholesky(lower):
            _forward(lower, columns, nodes, scale, solved, left)
            losses[s] = 0.0
            for c in range(left.shape[0]):
                losses[s] += max(left[c], 0.0)
    return losses


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _cholesky(lower: Floats) -> bool:
    """Factor the lower triangle in place; False where a pivot is lost in rounding."""
    k = lower.shape[0]
    threshold = k * 2.220446049250313e-16
    for t in range(k):
        row = lower[t]
        for r in range(t):
            other = lower[r]
            total = row[r]
            for i in range(r):
                total -= row[i] * other[i]
            row[r] = total / other[r]
        pivot = row[t]
        for i in range(t):
            pivot -= row[i] * row[i]
        if not pivot > threshold:
            return False
        row[t] = np.sqrt(pivot)
    return True


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _forward(
    lower: Floats, columns: Floats, nodes: Indices, scale: Floats, solved: Floats, left: Floats
) -> None:
    """Solve lower @ solved = scaled columns row by row; take the squares out of `left`."""
    q = left.shape[0]
    for t in range(lower.shape[0]):
        row, source = solved[t], columns[nodes[t]]
        for c in range(q):
            row[c] = source[c] * scale[t]
        for i in range(t):
            factor, other = lower[t, i], solved[i]
            for c in range(q):
                row[c] -= factor * other[c]
        inverse = 1.0 / lower[t, t]
        for c in range(q):
            row[c] *= inverse
            left[c] -= row[c] * row[c]
