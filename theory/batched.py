r"""Losses of many node sets of one size at once: enumeration and Monte Carlo.

With Q = theta I + (1 - theta) Z^T Z = W W^T for W = [sqrt(theta) I, sqrt(1 - theta) Z^T],

    L^theta_tau(J) = Tr(Q S_J) = sum_c ( (W^T Sigma W)_cc - |L_J^{-1} (Sigma W)_Jc|^2 ),

L_J the Cholesky factor of Sigma_JJ + I_tau. Sigma W and the diagonal are formed once for all sets;
a set then costs k^2 (m + p) operations. A block whose factorisation loses a pivot in rounding goes
through its eigenvectors instead, as in :mod:`..objective` (claim spectral.I3 [D]).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import (
    Array,
    Namespace,
    as_covariance,
    as_real,
    is_cupy,
    is_numpy,
    namespace,
    to_numpy,
)
from .objective import mixture

#: Numbers that the stacked arrays of one chunk may hold: 64 MiB of float64.
_CHUNK = 2**23


def information_losses(
    cov: Any,
    subsets: Any,
    *,
    ridge: Any = 0.0,
    theta: float = 1.0,
    output_weights: Any = None,
) -> Array:
    r"""Losses L^theta_tau(J) of many sets J of k nodes each, (b,).

    Parameters
    ----------
    cov : (m, m) array
    subsets : (b, k) integer array
        One set a row, k >= 1, distinct nodes within each row.
    ridge : float, (k,) or (b, k) array
        tau of the node in the same place of every row, or of every place.
    theta : float
        1: input loss L^A; 0: output loss L^B.
    output_weights : (p, m) array
        Z; needed where theta < 1.

    Returns
    -------
    (b,) array
        As :func:`~pruneproof.theory.information_loss` of each row: never below 0, absolute error
        of order eps * Tr(Q cov).

    Raises
    ------
    ValueError
        Not a second-moment matrix; a node out of range or repeated in a row; a ridge that is
        negative or does not fit; theta outside [0, 1], or below 1 with no `output_weights`.
    """
    theta, z = mixture(theta, output_weights, as_real("cov", cov, ndim=2))
    cov = as_covariance(cov)
    xp = namespace(cov)
    index = _as_subsets(subsets, cov.shape[0])
    tau = _as_ridges(ridge, index.shape, xp)
    columns, diagonal = _targets(cov, theta, z)
    count, k = index.shape
    chunk = max(1, _CHUNK // (k * (k + columns.shape[1])))
    parts = []
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        parts.append(_chunk_losses(cov, columns, diagonal, index[start:stop], tau[start:stop, :]))
    return xp.concat(parts)


def _targets(cov: Array, theta: float, z: Array | None) -> tuple[Array, Array]:
    """Sigma W, (m, q), and the diagonal of W^T Sigma W, (q,)."""
    xp = namespace(cov)
    columns, diagonals = [], []
    if theta > 0.0:
        columns.append(math.sqrt(theta) * cov)
        diagonals.append(theta * xp.linalg.diagonal(cov))
    if z is not None:
        if z.shape[0] > z.shape[1]:  # Z^T Z = R^T R with fewer rows
            z = xp.linalg.qr(z, mode="reduced")[1]
        output = cov @ xp.matrix_transpose(z)
        columns.append(math.sqrt(1.0 - theta) * output)
        diagonals.append((1.0 - theta) * xp.sum(xp.matrix_transpose(z) * output, axis=0))
    return xp.concat(columns, axis=1), xp.concat(diagonals)


def _chunk_losses(cov: Array, columns: Array, diagonal: Array, index: Any, tau: Array) -> Array:
    """Losses of one chunk by the fastest route for the library, singular blocks apart."""
    xp = namespace(cov)
    if is_numpy(xp):
        from .kernels.batched_numba import factorised_losses

        losses = factorised_losses(
            np.ascontiguousarray(cov), np.ascontiguousarray(columns), diagonal, index, tau
        )
    elif is_cupy(xp):
        import cupy

        from .kernels.batched_cupy import factorised_losses as on_gpu

        losses = on_gpu(cov, columns, diagonal, cupy.asarray(index), tau, cupy)
    else:
        losses = factorised_losses_plainly(cov, columns, diagonal, index, tau)
    lost = np.flatnonzero(np.isnan(to_numpy(losses)))
    if lost.size == 0:
        return losses
    rows = xp.asarray(lost)
    repaired = singular_losses(cov, columns, diagonal, index[lost], xp.take(tau, rows, axis=0))
    # Back to their places: the repaired ones follow the others, then everything is put in order.
    good = np.setdiff1d(np.arange(index.shape[0]), lost)
    order = xp.asarray(np.argsort(np.concatenate([good, lost])))
    return xp.take(xp.concat([xp.take(losses, xp.asarray(good)), repaired]), order)


def _blocks(cov: Array, columns: Array, index: Any, tau: Array) -> tuple[Array, Array]:
    """Blocks Sigma_JJ + I_tau scaled to unit diagonal, (b, k, k), and rows of Sigma W alike."""
    xp = namespace(cov)
    b, k = index.shape
    m = cov.shape[0]
    flat = xp.asarray(np.reshape(index[:, :, None] * m + index[:, None, :], (-1,)))
    eye = xp.eye(k, dtype=xp.float64)
    block = xp.reshape(xp.take(xp.reshape(cov, (-1,)), flat), (b, k, k)) + tau[:, :, None] * eye
    size = xp.linalg.diagonal(block)
    scale = 1.0 / xp.sqrt(xp.where(size > 0, size, xp.ones_like(size)))
    rows = xp.take(columns, xp.asarray(np.reshape(index, (-1,))), axis=0)
    rows = xp.reshape(rows, (b, k, columns.shape[1])) * scale[:, :, None]
    return block * scale[:, :, None] * scale[:, None, :], rows


def factorised_losses_plainly(
    cov: Array, columns: Array, diagonal: Array, index: Any, tau: Array
) -> Array:
    """Plain twin of the kernels, by stacked Cholesky factors: NaN where a pivot is lost."""
    xp = namespace(cov)
    block, rows = _blocks(cov, columns, index, tau)
    try:
        lower = xp.linalg.cholesky(block)
    except np.linalg.LinAlgError:  # one bad block refuses the whole stack
        return xp.full(index.shape[0], xp.nan, dtype=xp.float64)
    pivot = xp.min(xp.linalg.diagonal(lower), axis=-1)
    kept = pivot * pivot > index.shape[1] * float(np.finfo(np.float64).eps)
    explained = xp.linalg.solve(lower, rows)
    losses = _summed(diagonal, explained)
    return xp.where(kept, losses, xp.full_like(losses, xp.nan))


def singular_losses(cov: Array, columns: Array, diagonal: Array, index: Any, tau: Array) -> Array:
    """Losses through the eigenvectors of each block, the null ones dropped (a pseudo-inverse)."""
    xp = namespace(cov)
    block, rows = _blocks(cov, columns, index, tau)
    values, vectors = xp.linalg.eigh(block)
    largest = xp.clip(values[:, -1:], 1.0, None)
    good = values > index.shape[1] * float(np.finfo(np.float64).eps) * largest
    roots = xp.where(good, 1.0 / xp.sqrt(xp.where(good, values, xp.ones_like(values))), 0.0)
    explained = xp.matrix_transpose(vectors * roots[:, None, :]) @ rows
    return _summed(diagonal, explained)


def _summed(diagonal: Array, explained: Array) -> Array:
    """Sum over the columns of what is left unexplained, each clipped at 0."""
    xp = namespace(diagonal)
    left = diagonal - xp.sum(explained * explained, axis=1)
    return xp.sum(xp.clip(left, 0.0, None), axis=1)


def _as_subsets(subsets: Any, m: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Sets of nodes as a host array: whole, in range, distinct within each row."""
    try:
        raw = to_numpy(subsets)
    except ValueError:
        raise ValueError("subsets has rows of unequal length; ask for one size at a time") from None
    if raw.ndim != 2 or raw.size == 0:
        raise ValueError(
            f"subsets must be a (b, k) array, one set a row, but has shape {raw.shape}"
        )
    if raw.dtype.kind not in "iu":
        raise ValueError(f"subsets must hold whole node indices, but has entries of {raw.dtype}")
    wrong = (raw < 0) | (raw >= m)
    if wrong.any():
        raise ValueError(
            f"subsets names node {int(raw[wrong][0])}, but the layer has nodes 0 to {m - 1}"
        )
    index = np.ascontiguousarray(raw, dtype=np.int64)
    ordered = np.sort(index, axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if repeated.any():
        raise ValueError(
            f"subsets repeats a node in {int(repeated.sum())} rows (the first is row "
            f"{int(np.argmax(repeated))}); merge repeats first (1/ridge = sum of their 1/ridge_i)"
        )
    return index


def _as_ridges(ridge: Any, shape: tuple[int, ...], xp: Namespace) -> Array:
    """Node-wise ridges of every set, (b, k), at least 0."""
    tau = as_real("ridge", ridge)
    b, k = shape
    if tau.shape not in ((), (k,), (b, k)):
        raise ValueError(
            f"ridge must be a scalar or have shape ({k},) or ({b}, {k}), not {tau.shape}"
        )
    smallest = float(namespace(tau).min(tau))
    if smallest < 0:
        raise ValueError(f"ridge must be at least 0, but its smallest entry is {smallest:g}")
    return xp.asarray(np.ascontiguousarray(np.broadcast_to(to_numpy(tau), shape)))
