r"""Exchange: from the greedy set, swap one kept node for another while that lowers the loss.

Letters: P = (Sigma_JJ + I_tau)^{-1}, A = Sigma_FJ P, S = S_J. Taking i out gives
S_{J-i} = S + a a^T / P_ii with a = A e_i (claim spectral.I5 [D]), so that all k (m - k) swaps are
scored at once, in O(m^2 k): with B = S Q A and G = A^T Q A,

    d_ij = S_jj + A_ji^2 / P_ii,
    g_ij = (S Q S)_jj + 2 A_ji B_ji / P_ii + A_ji^2 G_ii / P_ii^2,
    L(J - i + j) - L(J) = G_ii / P_ii - g_ij / (d_ij + tau_j).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, to_numpy
from .greedy import PIVOT_TOLERANCE, Problem, checked, greedy_nodes, near_one
from .removal import BlockInverse, independent_nodes, residual_and_loss
from .selection import Selection

EPS = float(np.finfo(np.float64).eps)


def select_exchange(
    cov: Any,
    width: int,
    *,
    ridge: Any = 0.0,
    theta: float = 1.0,
    output_weights: Any = None,
) -> Selection:
    r"""Greedy set, then the best single swap again and again until none lowers the loss.

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
        `kept` ascending; `losses` is the greedy set's loss followed by the loss after each swap.

    Raises
    ------
    ValueError
        As :func:`~pruneproof.theory.select_greedy`.

    Notes
    -----
    A swap counts if it lowers the loss by more than m eps Tr(Q cov), its rounding. The loss falls
    by that much each time and is never negative, so the search ends; the result is a local
    optimum under single swaps and never worse than greedy. O(m^2 k + k^3) a swap.
    """
    problem = checked(cov, width, ridge, theta, output_weights)
    xp = problem.xp
    kept = sorted(int(j) for j in greedy_nodes(problem)[0])
    scaled, scale = near_one(problem)  # the scores have squares of Sigma
    rounding = scaled.cov.shape[0] * EPS * residual_and_loss(scaled, [])[1]
    losses = [residual_and_loss(scaled, kept)[1]]
    while True:
        better = _better(scaled, kept, losses[-1], rounding)
        if better is None:
            break
        kept = better[0]
        losses.append(better[1])
    index = xp.asarray(np.asarray(kept, dtype=np.int64))
    return Selection(
        kept=index,
        ridge=xp.take(problem.tau, index),
        method="exchange",
        guarantee=(
            "no single swap lowers the loss beyond rounding, and it is never above the greedy "
            "set's, so spectral.S3 holds too; the bound of spectral.D6 is not proved for it"
        ),
        losses=xp.asarray(np.asarray(losses, dtype=np.float64) / scale),
    )


def _better(
    problem: Problem, kept: list[int], loss: float, rounding: float
) -> tuple[list[int], float] | None:
    """The best swap that lowers the loss beyond rounding, as measured afresh, and that loss."""
    scores, leaving = _improvements(problem, kept)
    flat = scores.reshape(-1)
    promising = np.flatnonzero(flat > rounding)
    for place in promising[np.argsort(-flat[promising], kind="stable")]:
        row, entering = divmod(int(place), scores.shape[1])
        swapped = sorted({*kept, entering} - {leaving[row]})
        new = residual_and_loss(problem, swapped)[1]
        if new < loss - rounding:
            return swapped, new
    return None


def _improvements(problem: Problem, kept: list[int]) -> tuple[NDArray[np.float64], list[int]]:
    """Predicted L(J) - L(J - i + j) on the host, rows i (named), columns j; 0 for j in J.

    Where the block is singular, only its redundant nodes are offered to leave: they cost nothing.
    """
    xp, cov, tau = problem.xp, problem.cov, problem.tau
    index = xp.asarray(np.asarray(kept, dtype=np.int64))
    block = xp.take(xp.take(cov, index, axis=0), index, axis=1)
    order = {kept[p] for p in independent_nodes(block, xp.take(tau, index))}
    redundant = [j for j in kept if j not in order]
    outside = np.ones(cov.shape[0])
    outside[kept] = 0.0
    if redundant:
        s = residual_and_loss(problem, sorted(order))[0]
        gains = _gains(problem, xp.linalg.diagonal(s), xp.sum(_weighed(problem, s) * s, axis=0))
        return to_numpy(gains)[None, :] * outside, redundant[:1]
    block_inverse = BlockInverse(problem, kept)
    s, a = block_inverse.residual, block_inverse.a
    qs = _weighed(problem, s)
    weight = 1.0 / xp.linalg.diagonal(block_inverse.p)
    price = xp.linalg.diagonal(block_inverse.g) * weight
    b = xp.matrix_transpose(qs) @ a
    d = xp.linalg.diagonal(s)[:, None] + a * a * weight[None, :]
    g = xp.sum(qs * s, axis=0)[:, None] + 2.0 * a * b * weight[None, :]
    g = g + a * a * (price * weight)[None, :]
    scores = xp.matrix_transpose(_gains(problem, d, g)) - price[:, None]
    return to_numpy(scores) * outside[None, :], kept


def _weighed(problem: Problem, s: Array) -> Array:
    """Q S."""
    qs = problem.theta * s
    if problem.z is not None:
        z = problem.z
        qs = qs + (1.0 - problem.theta) * (problem.xp.matrix_transpose(z) @ (z @ s))
    return qs


def _gains(problem: Problem, d: Array, g: Array) -> Array:
    """g / (d + tau) along the first axis, 0 where the pivot is rounding."""
    xp = problem.xp
    shape = (-1,) + (1,) * (d.ndim - 1)
    tau = xp.reshape(problem.tau, shape)
    pivot = d + tau
    floor = PIVOT_TOLERANCE * (xp.reshape(xp.linalg.diagonal(problem.cov), shape) + tau)
    safe = pivot > floor
    return xp.where(safe, g / xp.where(safe, pivot, 1.0), 0.0)
