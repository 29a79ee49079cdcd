r"""Backward removal: from all nodes, drop one after the other at the least price.

Letters: J the nodes still kept, P = (Sigma_JJ + I_tau)^{-1}, A = Sigma_FJ P, G = A^T Q A. Dropping
j raises the loss by

    L(J - j) - L(J) = G_jj / P_jj                                          (claim spectral.I5 [D]),

and with x = P_j / P_jj, P <- P - P_j x^T and G <- G - (x G_j^T + G_j x^T - G_jj x x^T), then row
and column j leave: O(k^2) a step.

Needs Sigma + I_tau nonsingular. Where it is singular, the nodes outside a greedy order to its
numerical rank (pivoted Cholesky at unit diagonal) are dropped first, at no loss beyond rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, namespace
from ..objective import factorised
from .greedy import Problem, checked, trace_loss
from .selection import Selection

#: P and G are computed afresh when the largest P_jj has fallen to this part of its last value.
REFRESH = 0.1


def select_backward(
    cov: Any,
    width: int,
    *,
    ridge: Any = 0.0,
    theta: float = 1.0,
    output_weights: Any = None,
) -> Selection:
    r"""Drop nodes one by one until `width` are left, each time the one that costs least.

    Parameters
    ----------
    cov : (m, m) array
        Second moment; the centred one for the affine variant.
    width : int
        Number k of nodes to keep, 1 to m.
    ridge : float or (m,) array
        tau, for every node, units of `cov`.
    theta : float
        1: input loss; 0: output loss.
    output_weights : (p, m) array
        Z; needed where theta < 1.

    Returns
    -------
    Selection
        `kept` ascending; `losses`, (m - width,), is L^theta_tau after each removal in order, so
        its last entry belongs to `kept`. Duplicates and other nodes which the rest explains to
        rounding go first.

    Raises
    ------
    ValueError
        As :func:`~pruneproof.theory.select_greedy`.

    Notes
    -----
    O(m^3) for the first inverse, O(m^2) a removal. Each step is optimal given the nodes still
    kept; the final set has no proved relation to the best one.
    """
    problem = checked(cov, width, ridge, theta, output_weights)
    xp, m = problem.xp, problem.cov.shape[0]
    order = independent_nodes(problem.cov, problem.tau)
    spare = [j for j in range(m) if j not in set(order)][: m - problem.width]
    kept, losses = [j for j in range(m) if j not in set(spare)], []
    if spare:
        start = residual_and_loss(problem, sorted(order))[1]
        losses = [start] * len(spare)
    if len(kept) > problem.width:
        kept, further = _remove(problem, kept)
        losses += further
    index = xp.asarray(np.asarray(kept, dtype=np.int64))
    text = "each removal is optimal given the nodes still kept (spectral.I5); no bound is proved"
    if spare:
        text += f"; the first {len(spare)} nodes left at no loss beyond rounding, by rank alone"
    return Selection(
        kept=index,
        ridge=xp.take(problem.tau, index),
        method="backward",
        guarantee=text,
        losses=xp.asarray(np.asarray(losses, dtype=np.float64)),
    )


class BlockInverse:
    """P, A, G, S_J and the loss of a nonsingular block, scaled to unit diagonal to invert it."""

    def __init__(self, problem: Problem, kept: list[int]) -> None:
        cov, tau, theta, z, _, xp = problem
        index = xp.asarray(np.asarray(kept, dtype=np.int64))
        a, y, _ = factorised(cov, index, xp.take(tau, index))
        block = xp.take(xp.take(cov, index, axis=0), index, axis=1)
        block = block + xp.take(tau, index)[:, None] * xp.eye(len(kept), dtype=xp.float64)
        scale = 1.0 / xp.sqrt(xp.linalg.diagonal(block))
        inverse = xp.linalg.inv(block * scale[:, None] * scale[None, :])
        self.p = inverse * scale[:, None] * scale[None, :]
        self.a = a
        self.residual, self.loss = _measured(problem, y)
        self.g = theta * (xp.matrix_transpose(a) @ a)
        if z is not None:
            za = z @ a
            self.g = self.g + (1.0 - theta) * (xp.matrix_transpose(za) @ za)


def _measured(problem: Problem, y: Array) -> tuple[Array, float]:
    """S_J = Sigma - Y^T Y and its loss."""
    xp, z = problem.xp, problem.z
    residual = problem.cov - xp.matrix_transpose(y) @ y
    h = None if z is None else residual @ xp.matrix_transpose(z)
    return residual, trace_loss(residual, h, problem.theta, z)


def residual_and_loss(problem: Problem, kept: list[int]) -> tuple[Array, float]:
    """S_J and L(J) of any set, singular blocks and the empty set too."""
    xp = problem.xp
    if not kept:
        return _measured(problem, xp.zeros((1, problem.cov.shape[0]), dtype=xp.float64))
    index = xp.asarray(np.asarray(kept, dtype=np.int64))
    _, y, _ = factorised(problem.cov, index, xp.take(problem.tau, index))
    return _measured(problem, y)


def _remove(problem: Problem, kept: list[int]) -> tuple[list[int], list[float]]:
    """I5 from `kept` down to the width; the loss after each removal."""
    xp = problem.xp
    losses: list[float] = []
    p = g = None
    largest = loss = 0.0
    while len(kept) > problem.width:
        if p is None or float(xp.max(xp.linalg.diagonal(p))) < REFRESH * largest:
            fresh = BlockInverse(problem, kept)
            p, g, loss = fresh.p, fresh.g, fresh.loss
            largest = float(xp.max(xp.linalg.diagonal(p)))
        prices = xp.clip(xp.linalg.diagonal(g), 0.0, None) / xp.linalg.diagonal(p)
        j = int(xp.argmin(prices))
        loss += float(prices[j])
        p, g = _without(p, g, j)
        del kept[j]
        losses.append(loss)
    return kept, losses


def _without(p: Array, g: Array, j: int) -> tuple[Array, Array]:
    """P and G of the block without its node j."""
    xp = namespace(p)
    rest = xp.asarray(np.delete(np.arange(p.shape[0]), j))
    x = xp.take(p[:, j], rest) / p[j, j]
    gj = xp.take(g[:, j], rest)
    p = xp.take(xp.take(p, rest, axis=0), rest, axis=1) - (p[j, j] * x)[:, None] * x[None, :]
    half = gj - 0.5 * g[j, j] * x
    cross = x[:, None] * half[None, :]
    g = xp.take(xp.take(g, rest, axis=0), rest, axis=1) - cross - xp.matrix_transpose(cross)
    return p, g


def independent_nodes(cov: Array, tau: Array) -> list[int]:
    """Nodes of a nonsingular block of full numerical rank, by pivoted Cholesky.

    Sigma + I_tau is scaled to unit diagonal; pivots above m eps count, ties go to the lowest
    index.
    """
    xp = namespace(cov)
    m = cov.shape[0]
    diagonal = xp.linalg.diagonal(cov) + tau
    scale = xp.where(diagonal > 0, 1.0 / xp.sqrt(xp.where(diagonal > 0, diagonal, 1.0)), 0.0)
    pivots = xp.astype(diagonal > 0, xp.float64)
    floor = m * float(np.finfo(np.float64).eps)
    rows = xp.zeros((m, m), dtype=xp.float64)
    order: list[int] = []
    for t in range(m):
        p = int(xp.argmax(pivots))
        pivot = float(pivots[p])
        if pivot <= floor:
            break
        column = cov[p, :] * scale * scale[p] - rows[:t, p] @ rows[:t, :]
        own = xp.arange(m) == p
        rows[t, :] = column / pivot**0.5
        pivots = pivots - rows[t, :] * rows[t, :]
        pivots = xp.where(own, -1.0, pivots)
        order.append(p)
    return order
