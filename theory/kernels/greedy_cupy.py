r"""Greedy selection on the GPU: the table T0 = R Q R once a refresh, vector updates a step.

Letters as in the residual form (claim spectral.I4 [D]): S = R - C C^T, T = S Q S = T0 - C V^T -
V C^T; keeping p with c = S_p / sqrt(S_pp + tau_p), u = T_p / sqrt(S_pp + tau_p),
kappa = T_pp / (S_pp + tau_p), v = u - (kappa/2) c gives d_j -= c_j^2, g_j -= 2 c_j v_j. The row
products with C and V are matrix-vector products over rows of length m, and everything stays on
the device but one index and two numbers a step.

When the best gain falls below 1e-10 of the largest g0_j/(d_j + tau_j), g0 being g at the last
refresh, R and T0 are computed afresh, as g_j has lost the digits by then.

The array module is the argument `xp` (CuPy, or NumPy in the tests): this module imports NumPy
only, for the host arrays it gives back, and stands alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STALE = 1e-10
PIVOT_TOLERANCE = 1e-13


def greedy(
    cov: Any,
    tau: Any,
    theta: float,
    z: Any,
    width: int,
    prices: NDArray[np.float64],
    budget: float,
    *,
    xp: Any,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nodes in greedy order until `width` or until the loss is rounding; the loss after each.

    Arguments are checked already. `prices` are 1/q_j on the host and `budget` the most they may
    sum to (zeros and infinity without the constraint).
    """
    m = cov.shape[0]
    capacity = min(width, max(m // 4, 64))
    c, v = xp.zeros((capacity, m)), xp.zeros((capacity, m))
    floor = PIVOT_TOLERANCE * (xp.diagonal(cov) + tau)
    free = np.ones(m, dtype=bool)
    r, loss, rounding = cov, 0.0, -1.0
    kept: list[int] = []
    losses: list[float] = []
    while len(kept) < width:
        t0, loss = _table(r, theta, z, xp)
        if not kept:
            rounding = m * float(np.finfo(np.float64).eps) * loss
        room = budget - float(np.sum(prices[kept])) if np.isfinite(budget) else budget
        found, drops, stale = _period(
            r, t0, tau, floor, theta, z, free, prices, room, width - len(kept), c, v, xp
        )
        kept += found
        losses += [max(loss - drop, 0.0) for drop in np.cumsum(drops)]
        reached = np.flatnonzero(np.asarray(losses) <= rounding)
        if reached.size:
            kept, losses = kept[: int(reached[0]) + 1], losses[: int(reached[0]) + 1]
        if reached.size or not stale:
            break
        r = r - c[: len(found)].T @ c[: len(found)]
    return np.asarray(kept, dtype=np.int64), np.asarray(losses, dtype=np.float64)


def _table(r: Any, theta: float, z: Any, xp: Any) -> tuple[Any, float]:
    """T0 = theta R R + (1 - theta) H H^T with H = R Z^T, and the loss Tr(Q R)."""
    t0 = r @ r.T
    loss = theta * float(xp.sum(xp.maximum(xp.diagonal(r), 0.0)))
    if z is not None:
        h = r @ z.T
        t0 *= theta
        t0 += (1.0 - theta) * (h @ h.T)
        loss += (1.0 - theta) * float(xp.sum(xp.maximum(xp.sum(h.T * z, axis=1), 0.0)))
    return t0, loss


def _period(
    r: Any,
    t0: Any,
    tau: Any,
    floor: Any,
    theta: float,
    z: Any,
    free: NDArray[np.bool_],
    prices: NDArray[np.float64],
    room: float,
    left: int,
    c: Any,
    v: Any,
    xp: Any,
) -> tuple[list[int], list[float], bool]:
    """Steps until the gains are stale; fills the rows of `c` and `v`; drops c^T Q c of the loss."""
    d, g = xp.diagonal(r).copy(), xp.diagonal(t0).copy()
    g0 = g.copy()
    open_ = xp.asarray(free)
    found: list[int] = []
    drops: list[float] = []
    while len(found) < min(left, c.shape[0]):
        t = len(found)
        pivot = d + tau
        allowed = open_ & (pivot > floor)
        if np.isfinite(room):
            allowed &= xp.asarray(prices <= _price_limit(left - t, prices, free, room))
        safe = xp.where(allowed, pivot, 1.0)
        gains = xp.where(allowed, xp.maximum(g, 0.0) / safe, -1.0)
        p = int(xp.argmax(gains))
        top = float(gains[p])
        if top < 0.0:
            return found, drops, False
        if top < STALE * float(xp.max(xp.where(allowed, g0 / safe, 0.0))):
            return found, drops, True
        before_c, before_v = c[:t], v[:t]
        s_row = r[p] - before_c[:, p] @ before_c
        t_row = t0[p] - before_v[:, p] @ before_c - before_c[:, p] @ before_v
        weight = xp.maximum(s_row[p] + tau[p], floor[p])
        c[t] = s_row / xp.sqrt(weight)
        v[t] = t_row / xp.sqrt(weight) - 0.5 * (xp.maximum(t_row[p], 0.0) / weight) * c[t]
        d -= c[t] * c[t]
        g -= 2.0 * c[t] * v[t]
        drops.append(_drop(c[t], theta, z))
        open_[p] = False
        free[p] = False
        room -= float(prices[p])
        found.append(p)
    return found, drops, len(found) < left


def _drop(c: Any, theta: float, z: Any) -> float:
    """What the step takes from the loss, c^T Q c."""
    drop = theta * float(c @ c)
    if z is not None:
        outputs = z @ c
        drop += (1.0 - theta) * float(outputs @ outputs)
    return drop


def _price_limit(
    left: int, prices: NDArray[np.float64], free: NDArray[np.bool_], room: float
) -> float:
    """Most that the next node may cost if the cheapest others fill the remaining places."""
    reserved = np.sort(prices[free])[: left - 1]
    return (room - float(np.sum(reserved))) * (1.0 + 1e-12)
