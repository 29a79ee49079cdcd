r"""Greedy selection: keep, node after node, the one that lowers L^theta_tau most.

Letters: S = S_J the residual of the nodes kept so far, Q = theta I + (1 - theta) Z^T Z, tau >= 0
the node-wise ridge. Keeping j lowers the loss by

    Delta_j = (S Q S)_jj / (S_jj + tau_j)                                  (claim spectral.I4 [D]),

after which S <- S - c c^T with c = S e_j / sqrt(S_jj + tau_j). The criterion is that of Suzuki et
al., arXiv 1808.08558 [R]; so is the side constraint sum_{j in J} 1/q_j <= (5/3) m k.

Three twins make the same picks: :func:`_greedy_plain` below in the Array API standard (the
residual explicit, O(m^2) a step), `kernels/greedy_blocks.py` for NumPy, `kernels/greedy_cupy.py`
for CuPy.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import (
    Array,
    Namespace,
    as_covariance,
    as_node_ridge,
    as_real,
    as_width,
    is_cupy,
    is_numpy,
    namespace,
    to_numpy,
)
from ..errors import InapplicableError
from ..objective import mixture
from .selection import Selection

#: A node whose pivot S_jj + tau_j is below this part of Sigma_jj + tau_j is explained already.
PIVOT_TOLERANCE = 1e-13

#: Constant of the weighted constraint sum 1/q_j <= (5/3) m k.
CONSTRAINT_CONSTANT = 5.0 / 3.0


class Problem(NamedTuple):
    """Checked arguments of the stepwise selectors."""

    cov: Array
    tau: Array
    theta: float
    z: Array | None
    width: int
    xp: Namespace


def select_greedy(
    cov: Any,
    width: int,
    *,
    ridge: Any = 0.0,
    theta: float = 1.0,
    output_weights: Any = None,
    node_distribution: Any = None,
) -> Selection:
    r"""Keep `width` nodes greedily for the mixed loss L^theta_tau.

    Each step keeps the node of largest gain (S Q S)_jj / (S_jj + tau_j); equal gains go to the
    lowest index. O(m^2 width) in all.

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
        Z; needed where theta < 1. The first version's criterion is had with
        :func:`~pruneproof.theory.projected_output_weights`.
    node_distribution : (m,) array, optional
        q >= 0, usually l_j/N(lam): keep only nodes that leave
        sum_{j in J} 1/q_j <= (5/3) m k attainable; nodes with q_j = 0 are never kept.

    Returns
    -------
    Selection
        `losses` holds L^theta_tau after each step, to an absolute error of order eps times the
        loss at the last refresh (at worst eps ||Q|| Tr(cov)). Once the loss is rounding (below
        m eps of the start, or no node has a pivot left), the remaining places are filled in index
        order with gain 0; `guarantee` then says from which step.

    Raises
    ------
    ValueError
        `cov` is no second moment, the width is not 1 to m, negative ridge, theta outside [0, 1],
        theta < 1 without `output_weights`, shapes that do not fit.
    InapplicableError
        No `width` nodes meet the weighted constraint.

    Notes
    -----
    Weakly submodular with gam = lmin(D^{-1/2} (Sigma + I_tau) D^{-1/2}), D its diagonal:
    f(J_k) >= (1 - e^{-gam}) f(OPT_k) for f(J) = L(empty) - L(J) (claim spectral.S3 [D]). The bound
    of spectral.D6 is NOT inherited (witness spectral.A2 [D]).
    """
    problem = checked(cov, width, ridge, theta, output_weights)
    prices, budget = _constraint(node_distribution, problem)
    kept, losses, resolved = greedy_nodes(problem, prices, budget)
    xp = problem.xp
    index = xp.asarray(kept)
    return Selection(
        kept=index,
        ridge=xp.take(problem.tau, index),
        method="greedy",
        guarantee=_guarantee(resolved, len(kept), math.isfinite(budget)),
        losses=xp.asarray(losses),
    )


def checked(cov: Any, width: Any, ridge: Any, theta: Any, output_weights: Any) -> Problem:
    """Arguments of the stepwise selectors through their gates, the cheap ones first."""
    shape_of = as_real("cov", cov, ndim=2)
    xp = namespace(shape_of)
    theta, z = mixture(theta, output_weights, shape_of)
    width = as_width(width, shape_of.shape[1])
    tau = as_node_ridge(ridge, shape_of.shape[1], xp, length="one a node")
    return Problem(as_covariance(cov), tau, theta, z, width, xp)


def greedy_nodes(
    problem: Problem, prices: NDArray[np.float64] | None = None, budget: float = math.inf
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """`width` nodes in greedy order, the losses, and how many came before rounding."""
    if prices is None:
        prices = np.zeros(problem.cov.shape[0])
    scaled, scale = near_one(problem)
    found, losses = greedy_order(scaled, prices, budget)
    losses = losses / scale
    kept = _filled(found, problem, prices, budget)
    rest = len(kept) - len(found)
    if rest:
        losses = np.concatenate([losses, np.full(rest, _last(losses, problem))])
    return kept, losses, len(found)


def near_one(problem: Problem) -> tuple[Problem, float]:
    """Sigma and tau times a power of two, and that factor: 1 unless their squares leave the floats.

    Losses are multiplied by the factor, and the best sets are the same.
    """
    xp = problem.xp
    largest = float(xp.max(xp.linalg.diagonal(problem.cov) + problem.tau))
    if largest == 0.0 or 1e-90 < largest < 1e90:
        return problem, 1.0
    scale = 2.0 ** -math.frexp(largest)[1]
    return problem._replace(cov=problem.cov * scale, tau=problem.tau * scale), scale


def greedy_order(
    problem: Problem, prices: NDArray[np.float64], budget: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nodes in greedy order until `width` or until the loss is rounding; the loss after each."""
    cov, tau, theta, z, width, xp = problem
    if is_numpy(xp):
        from ..kernels import greedy_blocks

        return greedy_blocks.greedy(cov, tau, theta, z, width, prices, budget)
    if is_cupy(xp):
        from ..kernels import greedy_cupy

        return greedy_cupy.greedy(cov, tau, theta, z, width, prices, budget, xp=xp)
    return _greedy_plain(cov, tau, theta, z, width, prices, budget)


def _greedy_plain(
    cov: Array,
    tau: Array,
    theta: float,
    z: Array | None,
    width: int,
    prices: NDArray[np.float64],
    budget: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Twin with the residual S and H = S Z^T explicit, so that no gain is a difference of squares.

    (S Q S)_jj = theta |S_j|^2 + (1 - theta) |H_j|^2.
    """
    xp = namespace(cov)
    floor = PIVOT_TOLERANCE * (xp.linalg.diagonal(cov) + tau)
    s = cov
    h: Array = None if z is None else cov @ xp.matrix_transpose(z)
    free = np.ones(cov.shape[0], dtype=bool)
    rounding = cov.shape[0] * float(np.finfo(np.float64).eps) * trace_loss(s, h, theta, z)
    kept: list[int] = []
    losses: list[float] = []
    while len(kept) < width:
        open_ = xp.asarray(free & (prices <= price_limit(width - len(kept), prices, free, budget)))
        pivot = xp.linalg.diagonal(s) + tau
        open_ = open_ & (pivot > floor)
        gains = theta * xp.sum(s * s, axis=1)
        if z is not None:
            gains = gains + (1.0 - theta) * xp.sum(h * h, axis=1)
        gains = xp.where(open_, gains / xp.where(open_, pivot, xp.ones_like(pivot)), -1.0)
        p = int(xp.argmax(gains))
        if float(gains[p]) < 0.0:
            break
        c = s[p, :] / math.sqrt(float(pivot[p]))
        s = s - c[:, None] * c[None, :]
        if z is not None:
            h = h - c[:, None] * (z @ c)[None, :]
        free[p] = False
        budget -= float(prices[p])
        kept.append(p)
        losses.append(trace_loss(s, h, theta, z))
        if losses[-1] <= rounding:
            break
    return np.asarray(kept, dtype=np.int64), np.asarray(losses, dtype=np.float64)


def trace_loss(s: Array, h: Array | None, theta: float, z: Array | None) -> float:
    """Tr(Q S), each summand clipped at 0."""
    xp = namespace(s)
    total = theta * float(xp.sum(xp.clip(xp.linalg.diagonal(s), 0.0, None)))
    if z is not None:
        outputs = xp.sum(xp.matrix_transpose(h) * z, axis=1)
        total += (1.0 - theta) * float(xp.sum(xp.clip(outputs, 0.0, None)))
    return total


def price_limit(
    left: int, prices: NDArray[np.float64], free: NDArray[np.bool_], room: float
) -> float:
    """Most that the next node may cost if the cheapest others fill the remaining places."""
    if math.isinf(room):
        return room
    reserved = np.sort(prices[free])[: left - 1]
    return (room - float(np.sum(reserved))) * (1.0 + 1e-12)


def _constraint(node_distribution: Any, problem: Problem) -> tuple[NDArray[np.float64], float]:
    """Prices 1/q_j and the budget (5/3) m k; zeros and infinity without the constraint."""
    m, k = problem.cov.shape[0], problem.width
    if node_distribution is None:
        return np.zeros(m), math.inf
    q = to_numpy(as_real("node_distribution", node_distribution, ndim=1))
    if q.shape != (m,):
        raise ValueError(f"node_distribution must have shape ({m},), one a node, not {q.shape}")
    if float(q.min()) < 0.0:
        raise ValueError(
            f"node_distribution must be at least 0, but its smallest entry is {float(q.min()):g}"
        )
    with np.errstate(divide="ignore"):
        prices = np.where(q > 0.0, 1.0 / q, np.inf)
    budget = CONSTRAINT_CONSTANT * m * k
    cheapest = float(np.sum(np.sort(prices)[:k]))
    if cheapest > budget * (1.0 + 1e-12):
        raise InapplicableError(
            f"no {k} nodes meet sum 1/q_j <= (5/3) m k = {budget:.6g}: the {k} cheapest already "
            f"sum to {cheapest:.6g}; drop the constraint, or take a larger ridge in q"
        )
    return prices, budget


def _filled(
    found: NDArray[np.int64], problem: Problem, prices: NDArray[np.float64], budget: float
) -> NDArray[np.int64]:
    """`found`, then nodes of gain 0 in index order that still meet the constraint."""
    kept = [int(p) for p in found]
    free = np.ones(problem.cov.shape[0], dtype=bool)
    free[kept] = False
    room = budget - float(np.sum(prices[kept])) if math.isfinite(budget) else budget
    while len(kept) < problem.width:
        limit = price_limit(problem.width - len(kept), prices, free, room)
        p = int(np.flatnonzero(free & (prices <= limit))[0])
        kept.append(p)
        free[p] = False
        room -= float(prices[p])
    return np.asarray(kept, dtype=np.int64)


def _last(losses: NDArray[np.float64], problem: Problem) -> float:
    """Loss of the places that are filled: the last one, or that of no node at all."""
    if len(losses):
        return float(losses[-1])
    h = None if problem.z is None else problem.cov @ problem.xp.matrix_transpose(problem.z)
    return trace_loss(problem.cov, h, problem.theta, problem.z)


def _guarantee(resolved: int, width: int, constrained: bool) -> str:
    text = (
        "f(J_k) >= (1 - e^{-gam}) f(OPT_k) for f = L(empty) - L and gam the smallest eigenvalue "
        "of Sigma + I_tau scaled to unit diagonal (spectral.S3); the bound of spectral.D6 is not "
        "inherited (spectral.A2)"
    )
    if constrained:
        text = (
            "sum 1/q_j <= (5/3) m k holds; under this constraint greedy has no guarantee on the "
            "loss"
        )
    if resolved < width:
        text += (
            f"; the loss reached rounding after {resolved} nodes, and the last {width - resolved} "
            "were filled in index order"
        )
    return text
