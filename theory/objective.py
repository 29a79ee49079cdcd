r"""What pruning loses: the residual S_J, the input, output and mixed losses, the reconstruction.

Letters (docs/statements.md 2.1-2.3): J the k kept nodes, tau >= 0 their ridges, I_tau = diag(tau),

    A_J = Sigma_FJ (Sigma_JJ + I_tau)^{-1},   S_J = Sigma - A_J Sigma_JF,
    L^A = Tr S_J,   L^B = Tr Z S_J Z^T,   L^theta = theta L^A + (1 - theta) L^B = Tr(Q S_J),

Q = theta I + (1 - theta) Z^T Z. A singular block is solved by a pseudo-inverse that reports its
rank; S_J does not depend on which one, as the range of Sigma_JF lies in that of Sigma_JJ.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .arrays import (
    Array,
    as_covariance,
    as_kept,
    as_node_ridge,
    as_output_weights,
    as_real,
    as_theta,
    input_eps,
    namespace,
    to_numpy,
)
from .errors import RankDeficientWarning


def reconstruction(cov: Any, kept: Any, ridge: Any = 0.0) -> Array:
    """Reconstruction matrix A_J = Sigma_FJ (Sigma_JJ + I_tau)^{-1}, (m, k): phi ~ A_J phi_J.

    Parameters
    ----------
    cov : (m, m) array
        Second moment; the centred one for the affine variant, see :func:`affine_offset`.
    kept : (k,) distinct node indices
    ridge : float or (k,) array
        tau, node-wise, units of `cov`.

    Raises
    ------
    ValueError
        Not a second-moment matrix, indices out of range or repeated, negative ridge.

    Warns
    -----
    RankDeficientWarning
        Sigma_JJ + I_tau is singular: the pseudo-inverse of the stated rank was used.
    """
    cov, index, tau = _checked(cov, kept, ridge)
    coefficients, _, rank = factorised(cov, index, tau)
    if rank < index.shape[0]:
        warnings.warn(
            f"the block of {index.shape[0]} kept nodes has rank {rank}: a pseudo-inverse was "
            "used; the residual does not depend on it, the coefficients are those of least norm",
            RankDeficientWarning,
            stacklevel=2,
        )
    return coefficients


def residual(cov: Any, kept: Any, ridge: Any = 0.0) -> Array:
    """Residual second moment S_J, (m, m), symmetric positive semidefinite up to rounding.

    S_J = P_n (phi - A_J phi_J)(phi - A_J phi_J)^T + A_J I_tau A_J^T (claim spectral.I6 [D]).
    Parameters and errors as :func:`reconstruction`; a singular block is no matter here, as S_J
    does not depend on the inverse chosen. Absolute error of order eps * m * ||cov||.
    """
    cov, index, tau = _checked(cov, kept, ridge)
    _, y, _ = factorised(cov, index, tau)
    return cov - namespace(cov).matrix_transpose(y) @ y


def information_loss(
    cov: Any,
    kept: Any,
    *,
    ridge: Any = 0.0,
    theta: float = 1.0,
    output_weights: Any = None,
) -> float:
    """Mixed loss L^theta_tau(J) = theta Tr S_J + (1 - theta) Tr Z S_J Z^T.

    Parameters
    ----------
    cov : (m, m) array
    kept : (k,) distinct node indices
    ridge : float or (k,) array
    theta : float
        1: input loss L^A; 0: output loss L^B.
    output_weights : (p, m) array
        Z; needed where theta < 1. For the first version's projection R_Z in place of Z^T Z hand
        in :func:`projected_output_weights`.

    Returns
    -------
    float
        Units of `cov` (times those of Z squared); never below 0, absolute error of order
        eps * Tr(Q cov).

    Raises
    ------
    ValueError
        As :func:`reconstruction`; theta outside [0, 1]; theta < 1 with no `output_weights`.

    Notes
    -----
    Suzuki et al., arXiv 1808.08558 [R, confident]; the trace forms [C].
    """
    theta, z = mixture(theta, output_weights, as_real("cov", cov, ndim=2))
    cov, index, tau = _checked(cov, kept, ridge)
    _, y, _ = factorised(cov, index, tau)
    return _loss(cov, y, theta, z)


def mixture(theta: float, output_weights: Any, cov: Array) -> tuple[float, Array | None]:
    """Checked theta and Z; Z is None where theta = 1 makes it idle.

    Raises
    ------
    ValueError
        theta outside [0, 1]; theta < 1 without Z; Z of another width than `cov`.
    """
    theta = as_theta(theta)
    if output_weights is not None:
        z = as_output_weights(output_weights, cov.shape[1], namespace(cov))
        return theta, (None if theta == 1.0 else z)
    if theta < 1.0:
        raise ValueError(
            f"theta = {theta:g} weighs the output loss, which needs output_weights (the matrix "
            "that consumes the features); give it, or theta = 1"
        )
    return theta, None


def quadratic_form(m: int, theta: float, output_weights: Array | None, xp: Any) -> Array:
    """Q = theta I + (1 - theta) Z^T Z, (m, m), of a checked mixture."""
    q = xp.eye(m, dtype=xp.float64) * theta
    if output_weights is not None:
        q = q + (1.0 - theta) * (xp.matrix_transpose(output_weights) @ output_weights)
    return q


def projected_output_weights(output_weights: Any) -> Array:
    r"""Matrix V with V^T V = R_Z = Z^T (Z Z^T)^+ Z, (rank Z, m): the first version's objective.

    Handed in as `output_weights` it replaces Z^T Z by the projection R_Z, which makes L^A and L^B
    comparable in scale. If rank Z = m then R_Z = I and theta has no effect. Source:
    docs/statements.md 2.2 [C: a public reimplementation of arXiv 1808.08558v1].
    """
    z = as_real("output_weights", output_weights, ndim=2)
    xp = namespace(z)
    _, singular, rows = xp.linalg.svd(z, full_matrices=False)
    noise = input_eps(output_weights) * max(z.shape) * float(singular[0])
    rank = int(xp.sum(xp.astype(singular > noise, xp.int64)))
    return rows[:rank, :]


def affine_offset(mean: Any, kept: Any, coefficients: Any) -> Array:
    """Constant mean - A mean_J of the affine reconstruction phi ~ A phi_J + c, (m,).

    With A from the CENTRED second moment this keeps a constant node at ridge 0; its loss is the
    loss of the centred covariance, never above the plain one (claim spectral.I8 [D]).
    """
    mean = as_real("mean", mean, ndim=1)
    xp = namespace(mean)
    index = as_kept(kept, mean.shape[0])
    a = as_real("coefficients", coefficients, ndim=2)
    if a.shape != (mean.shape[0], index.size):
        raise ValueError(
            f"coefficients must have shape ({mean.shape[0]}, {index.size}), a row a node and a "
            f"column a kept node, but have shape {a.shape}"
        )
    a = a if namespace(a) is xp else xp.asarray(to_numpy(a))
    return mean - a @ xp.take(mean, xp.asarray(index))


def _checked(cov: Any, kept: Any, ridge: Any) -> tuple[Array, Array, Array]:
    cov = as_covariance(cov)
    xp = namespace(cov)
    index = as_kept(kept, cov.shape[0])
    return cov, xp.asarray(index), as_node_ridge(ridge, index.size, xp, length="one a kept node")


def _loss(cov: Array, y: Array, theta: float, z: Array | None) -> float:
    """Tr(Q S_J) from Y with S_J = Sigma - Y^T Y; each summand is clipped at 0 before the sum."""
    xp = namespace(cov)
    total = 0.0
    if theta > 0.0:
        inputs = xp.linalg.diagonal(cov) - xp.sum(y * y, axis=0)
        total += theta * float(xp.sum(xp.clip(inputs, 0.0, None)))
    if z is not None:
        explained = z @ xp.matrix_transpose(y)
        outputs = xp.sum((z @ cov) * z, axis=1) - xp.sum(explained * explained, axis=1)
        total += (1.0 - theta) * float(xp.sum(xp.clip(outputs, 0.0, None)))
    return total


def factorised(cov: Array, index: Array, tau: Array) -> tuple[Array, Array, int]:
    """A_J (m, k); Y with Y^T Y = A_J Sigma_JF; and the rank of Sigma_JJ + I_tau. Unchecked.

    The block is scaled to unit diagonal first, so its rank does not depend on the nodes' units.
    """
    xp = namespace(cov)
    columns = xp.take(cov, index, axis=0)  # Sigma_JF, (k, m)
    k = index.shape[0]
    block = xp.take(columns, index, axis=1) + tau[:, None] * xp.eye(k, dtype=xp.float64)
    diagonal = xp.linalg.diagonal(block)
    scale = 1.0 / xp.sqrt(xp.where(diagonal > 0, diagonal, xp.ones_like(diagonal)))
    block = block * scale[:, None] * scale[None, :]
    columns = columns * scale[:, None]
    lower = _cholesky(block)
    rank = k
    if lower is not None:
        # The Array API has no triangular solve; SciPy's would alternate two BLAS thread pools.
        y = xp.linalg.solve(lower, columns)
        a = xp.linalg.solve(xp.matrix_transpose(lower), y)
    else:
        whitening, rank = _inverse_root(block)
        y = xp.matrix_transpose(whitening) @ columns
        a = whitening @ y
    return xp.matrix_transpose(a * scale[:, None]), y, rank


def _inverse_root(block: Array) -> tuple[Array, int]:
    """W with W W^T the pseudo-inverse of a block of unit diagonal, and the block's rank."""
    xp = namespace(block)
    values, vectors = xp.linalg.eigh(block)
    k = block.shape[0]
    good = values > k * float(np.finfo(np.float64).eps) * max(float(values[-1]), 1.0)
    roots = xp.where(good, 1.0 / xp.sqrt(xp.where(good, values, xp.ones_like(values))), 0.0)
    return vectors * roots[None, :], int(xp.sum(xp.astype(good, xp.int64)))


def _cholesky(block: Array) -> Array | None:
    """Cholesky factor of a block of unit diagonal, or None where a pivot is lost in rounding."""
    xp = namespace(block)
    try:
        lower = xp.linalg.cholesky(block)
    except np.linalg.LinAlgError:
        return None
    pivot = float(xp.min(xp.linalg.diagonal(lower)))
    threshold = block.shape[0] * float(np.finfo(np.float64).eps)
    return lower if math.isfinite(pivot) and pivot * pivot > threshold else None
