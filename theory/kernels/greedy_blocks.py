r"""Greedy selection on NumPy arrays: BLAS-3 in blocks, one serial compiled pass a step.

Letters (claim spectral.I4 [D]): R the residual at the last refresh, S = R - C C^T the residual
now, T = S Q S, d = diag S, g = diag T. Keeping node p with c = S_p / sqrt(S_pp + tau_p),
u = T_p / sqrt(S_pp + tau_p), kappa = T_pp / (S_pp + tau_p) and v = u - (kappa/2) c turns S into
S - c c^T and T into T - c v^T - v c^T, so that

    d_j -= c_j^2,     g_j -= 2 c_j v_j,     L -= c^T Q c,

with no product by Sigma or Q. The rows S_p and T_p are formed for the best-scoring nodes a block
at a time (`_form_rows`), from S itself, and the compiled pass (`advance`) adds only the steps
since the row was formed.

g is a difference of squares: g_j carries an error of about eps times its value g0_j at the last
refresh. When the best gain falls below 1e-10 of the largest g0_j/(d_j + tau_j), R, d and g are
computed afresh (`_refresh`), so that errors stay below about eps/1e-10 of the best gain. Rows of
nodes kept with tau = 0 vanish and are dropped then.

Where look-ahead seldom guesses the next nodes (`_table_pays`), T0 = R Q R is formed whole, at half
the price a row, and T_W = T0_W - C_W V^T - V_W C^T.

It may import NumPy and `greedy_numba.py` only, and is imported where first used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .greedy_numba import (
    CANDIDATE,
    DROPPED,
    LIMIT,
    MISSING,
    REFRESH,
    ROOM,
    WANTED,
    advance,
    compact,
    mirror,
)

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]

#: A node whose pivot S_jj + tau_j is below this part of Sigma_jj + tau_j is explained already.
PIVOT_TOLERANCE = 1e-13

# Costs, not results: rows formed at a time by look-ahead and from the table, rows kept, blocks
# tried before look-ahead is judged, strip of a product where memory counts. A product of few rows
# with R costs about as much as PACKING rows more.
BLOCK, TABLE_BLOCK, POOL = 48, 24, 96
TRIALS, STRIP, PACKING = 2, 192, 12


class _Given(NamedTuple):
    """What never changes: `floor` is the least pivot, `prices` are 1/q_j."""

    theta: float
    z: Matrix | None
    tau: Vector
    floor: Vector
    prices: Vector


@dataclass
class _State:
    """What a refresh makes; `nodes` are the global indices of its rows."""

    nodes: Indices
    r: Matrix
    h: Matrix | None
    z: Matrix | None
    tau: Vector
    floor: Vector
    prices: Vector
    order: Indices
    d: Vector
    g: Vector
    g0: Vector
    status: Indices
    tally: Vector
    t0: Matrix | None


@dataclass
class _Buffers:
    """Storage made once: steps C, V and Z C, and a pool of formed rows of S and T."""

    c: Matrix
    v: Matrix
    zc: Matrix
    s_rows: Matrix
    t_rows: Matrix


def greedy(
    cov: Matrix,
    tau: Vector,
    theta: float,
    z: Matrix | None,
    width: int,
    prices: Vector,
    budget: float,
) -> tuple[Indices, Vector]:
    """Nodes in greedy order until `width` or until the loss is rounding; the loss after each.

    Arguments are checked already. `prices` are 1/q_j and `budget` the most they may sum to (zeros
    and infinity without the constraint).
    """
    cov = np.ascontiguousarray(cov.T if cov.flags.f_contiguous else cov)
    m = cov.shape[0]
    picks = np.empty(width, dtype=np.int64)
    losses = np.empty(width)
    capacity = min(width, max(m // 4, 64))
    pool = min(POOL, m)
    outputs = 0 if z is None else z.shape[0]
    buffers = _Buffers(
        np.zeros((m, capacity)), np.zeros((m, capacity)), np.empty((outputs, capacity)),
        np.empty((pool, m)), np.empty((pool, m)),
    )  # fmt: skip
    given = _Given(theta, z, tau, PIVOT_TOLERANCE * (np.diagonal(cov) + tau), prices)
    nodes = np.arange(m)
    r, steps, room, hits, loss, rounding = cov, 0, budget, float(BLOCK), 0.0, 0.0
    status = np.zeros(m, dtype=np.int64)
    while True:
        guess = hits if steps else np.inf  # no node was guessed yet: look ahead first
        state = _refresh(given, nodes, r, status, room, width - steps, guess)
        if steps == 0:
            loss = _start_loss(state, theta)
            rounding = m * float(np.finfo(np.float64).eps) * loss
        done, filled, code, hits = _run(state, buffers, theta, picks, steps, hits)
        losses[steps:done] = np.maximum(loss - np.cumsum(_drops(state, buffers, theta, filled)), 0)
        loss = losses[done - 1] if done else loss
        picks[steps:done] = nodes[picks[steps:done]]
        reached = np.flatnonzero(losses[:done] <= rounding)
        if code != REFRESH or reached.size:
            steps = int(reached[0]) + 1 if reached.size else done
            break
        steps, room = done, state.tally[ROOM]
        live = np.flatnonzero(state.status != DROPPED)
        state.h = state.t0 = None
        r = _downdated(r, r is cov, buffers.c[live, :filled], live)
        nodes, status = nodes[live], state.status[live]
    return picks[:steps], losses[:steps]


def _refresh(
    given: _Given,
    nodes: Indices,
    r: Matrix,
    status: Indices,
    room: float,
    left: int,
    hits: float,
) -> _State:
    """d and g of the residual R itself: R Q R = theta R R + (1 - theta) H H^T, H = R Z^T."""
    theta, z = given.theta, given.z
    d = np.diagonal(r).copy()
    h = t0 = None
    if _table_pays(nodes.size, left, hits):
        t0 = _table(r, theta, None, z, nodes)
        g = np.diagonal(t0).copy()
    else:
        g = theta * _squares(r)
        if z is not None:
            h = np.empty((nodes.size, len(z)))
            for i in range(0, len(z), 2 * STRIP):
                h[:, i : i + 2 * STRIP] = _outputs(r, z[i : i + 2 * STRIP], nodes)
            g += (1.0 - theta) * _squares(h)
    prices = given.prices[nodes]
    return _State(
        nodes, r, h, z, given.tau[nodes], given.floor[nodes], prices,
        np.argsort(prices, kind="stable"), d, g, g.copy(), status,
        np.array([room, np.inf, -1.0]), t0,
    )  # fmt: skip


def _outputs(r: Matrix, z: Matrix, nodes: Indices) -> Matrix:
    """R Z^T; Z has the columns of all nodes, R the rows of some."""
    return r @ (z if nodes.size == z.shape[1] else z[:, nodes]).T


def _start_loss(state: _State, theta: float) -> float:
    """L of no node, Tr(Q Sigma)."""
    loss = theta * float(np.sum(np.maximum(state.d, 0.0)))
    if state.h is not None and state.z is not None:
        outputs = np.einsum("ij,ji->j", state.h, state.z)
        loss += (1.0 - theta) * float(np.sum(np.maximum(outputs, 0.0)))
    return loss


def _squares(x: Matrix) -> Vector:
    total: Vector = np.einsum("ij,ij->i", x, x)
    return total


def _run(
    state: _State,
    buffers: _Buffers,
    theta: float,
    picks: Indices,
    steps: int,
    hits: float,
) -> tuple[int, int, int, float]:
    """Steps until done, exhausted or stale, forming rows of S and T as they are missing.

    `hits` is the number of nodes kept per block, as the last refresh period saw it.
    """
    n = state.d.size
    filled = known = blocks = 0
    buffers.c[:] = 0.0
    slot = np.full(n, -1, dtype=np.int64)
    start = np.zeros(buffers.s_rows.shape[0], dtype=np.int64)
    owner = np.full(buffers.s_rows.shape[0], -1, dtype=np.int64)
    while True:
        steps, filled, code = advance(
            picks, steps, filled, buffers.s_rows, buffers.t_rows, slot, start, buffers.c,
            buffers.v, state.d, state.g, state.g0, state.tau, state.floor, state.status,
            state.prices, state.order, state.tally,
        )  # fmt: skip
        if state.z is not None and known < filled:
            spread = np.zeros((state.z.shape[1], filled - known))
            spread[state.nodes] = buffers.c[:n, known:filled]
            buffers.zc[:, known:filled] = state.z @ spread
            known = filled
        if blocks >= TRIALS:
            hits = max(filled / blocks, 1.0)
        if code != MISSING:
            return steps, filled, code, hits
        left = min(picks.size - steps, buffers.c.shape[1] - filled)
        if state.t0 is None and _table_pays(n, left, hits):
            state.t0, state.h = _table(state.r, theta, state.h, state.z, state.nodes), None
        size = BLOCK if state.t0 is None else TABLE_BLOCK
        size = min(size, left + left // 4 + 1)
        chosen, places = _next_block(state, slot, owner, size)
        start[places] = filled
        if state.t0 is None:
            _form_rows(state, buffers, theta, chosen, places, filled)
        else:
            _read_rows(state, buffers, chosen, places, filled)
        blocks += 1


def _table_pays(n: int, left: int, hits: float) -> bool:
    """Whether all rows of T0 (half price each) cost less than the blocks still to come."""
    return left / hits * (BLOCK + PACKING) > n / 2


def _table(r: Matrix, theta: float, h: Matrix | None, z: Matrix | None, nodes: Indices) -> Matrix:
    """T0 = theta R R + (1 - theta) H H^T, by symmetric products; H by strips if not at hand."""
    if z is None:
        return r @ r.T
    t0 = r @ r.T if theta > 0.0 else np.zeros_like(r)
    t0 *= theta / (1.0 - theta)
    if h is not None:
        _add_lower(t0, h)
    else:
        for i in range(0, len(z), 2 * STRIP):
            strip = _outputs(r, z[i : i + 2 * STRIP], nodes)
            _add_lower(t0, strip)
    t0 *= 1.0 - theta
    mirror(t0)
    return t0


def _drops(state: _State, buffers: _Buffers, theta: float, filled: int) -> Vector:
    """What each step took from the loss: c^T Q c = theta |c|^2 + (1 - theta) |Z c|^2."""
    drops = theta * _column_squares(buffers.c[: state.d.size, :filled])
    if state.z is not None:
        drops += (1.0 - theta) * _column_squares(buffers.zc[:, :filled])
    return drops


def _column_squares(x: Matrix) -> Vector:
    total: Vector = np.einsum("ij,ij->j", x, x)
    return total


def _next_block(state: _State, slot: Indices, owner: Indices, size: int) -> tuple[Indices, Indices]:
    """Best-scoring nodes without a row, and places for them in the pool (worst owners leave)."""
    pivot = state.d + state.tau
    scores = np.full(slot.size, -1.0)
    open_ = (state.status == CANDIDATE) & (pivot > state.floor)
    open_ &= state.prices <= state.tally[LIMIT]
    scores[open_] = np.maximum(state.g[open_], 0.0) / pivot[open_]
    scores[int(state.tally[WANTED])] = np.inf
    missing = np.flatnonzero(open_ & (slot < 0))
    chosen = missing[np.argsort(-scores[missing], kind="stable")[: min(size, owner.size)]]
    rank = np.where(owner < 0, -2.0, scores[owner])
    places = np.argsort(rank, kind="stable")[: chosen.size]
    evicted = owner[places]
    slot[evicted[evicted >= 0]] = -1
    owner[places], slot[chosen] = chosen, places
    return chosen, places


def _form_rows(
    state: _State,
    buffers: _Buffers,
    theta: float,
    chosen: Indices,
    places: Indices,
    filled: int,
) -> None:
    """S_W and T_W = theta S_W S + (1 - theta) (S_W Z^T)(S Z^T)^T by GEMMs; g_W is set right."""
    n = state.d.size
    c = buffers.c[:n, :filled]
    s = state.r[chosen]
    if filled:
        s -= c[chosen] @ c.T
    t = s @ state.r if theta > 0.0 else np.zeros_like(s)
    inner = s @ c
    if state.h is not None and state.z is not None:
        zc = buffers.zc[:, :filled]
        hs = state.h[chosen]
        if filled:
            hs -= c[chosen] @ zc.T
        t *= theta
        hs *= 1.0 - theta
        t += hs @ state.h.T
        inner *= theta
        inner += hs @ zc
    if filled:
        t -= inner @ c.T
    buffers.s_rows[places, :n] = s
    buffers.t_rows[places, :n] = t
    state.d[chosen] = s[np.arange(chosen.size), chosen]
    state.g[chosen] = t[np.arange(chosen.size), chosen]


def _read_rows(
    state: _State, buffers: _Buffers, chosen: Indices, places: Indices, filled: int
) -> None:
    """S_W = R_W - C_W C^T and T_W = T0_W - C_W V^T - V_W C^T."""
    n = state.d.size
    c, v = buffers.c[:n, :filled], buffers.v[:n, :filled]
    assert state.t0 is not None
    s, t = state.r[chosen], state.t0[chosen]
    if filled:
        s -= c[chosen] @ c.T
        t -= c[chosen] @ v.T
        t -= v[chosen] @ c.T
    buffers.s_rows[places, :n] = s
    buffers.t_rows[places, :n] = t


def _downdated(r: Matrix, foreign: bool, c: Matrix, live: Indices) -> Matrix:
    """R - C C^T on the live rows: a new array the first time, then in the same storage."""
    k = live.size
    if foreign:
        r = r[np.ix_(live, live)]
    else:
        flat = r.reshape(-1)
        compact(flat, r.shape[0], live)
        r = flat[: k * k].reshape(k, k)
    _add_lower(r, c, -1.0)
    mirror(r)
    return r


def _add_lower(target: Matrix, x: Matrix, sign: float = 1.0) -> None:
    """target += sign x x^T on the lower triangle, strip by strip."""
    for i in range(0, len(x), STRIP):
        rows = x[i : i + STRIP] if sign == 1.0 else x[i : i + STRIP] * sign
        target[i : i + STRIP, : i + STRIP] += rows @ x[: i + STRIP].T
