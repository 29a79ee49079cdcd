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
    STALE,
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
BLOCK, TABLE_BLOCK, NEAR, POOL = 48, 16, 64, 96
TRIALS, STRIP, CHUNK, PACKING = 2, 192, 64, 12


class _Given(NamedTuple):
    """What never changes: `floor` is the least pivot, `prices` are 1/q_j.

    Where `triangular`, theta = 0 and `z` is an upper triangular F with Q = F^T F.
    """

    theta: float
    z: Matrix | None
    triangular: bool
    tau: Vector
    floor: Vector
    prices: Vector


@dataclass
class _State:
    """What a refresh makes; `nodes` are the global indices of its rows."""

    given: _Given
    nodes: Indices
    r: Matrix
    h: Matrix | None
    zc: Matrix | None
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
    """Steps C, V and what each took from the loss; a pool of formed rows of S and T."""

    c: Matrix
    v: Matrix
    drops: Vector
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
    floor = PIVOT_TOLERANCE * (np.diagonal(cov) + tau)
    factor = None if z is None or tau.any() else _factor(theta, z)
    given = _Given(theta, z, False, tau, floor, prices)
    if factor is not None:
        given = given._replace(theta=0.0, z=factor, triangular=True)
    nodes = np.arange(m)
    r, steps, room, hits, loss, rounding = cov, 0, budget, float(BLOCK), 0.0, 0.0
    status = np.zeros(m, dtype=np.int64)
    while True:
        guess = hits if steps else np.inf  # no node was guessed yet: look ahead first
        buffers = _buffers(nodes.size, min(width - steps, max(m // 4, 64)))
        state = _refresh(given, nodes, r, status, room, len(buffers.drops), guess)
        if steps == 0:
            loss = _start_loss(state)
            rounding = m * float(np.finfo(np.float64).eps) * loss
        done, filled, code, hits = _run(state, buffers, picks, steps, hits)
        losses[steps:done] = np.maximum(loss - np.cumsum(buffers.drops[:filled]), 0)
        loss = losses[done - 1] if done else loss
        picks[steps:done] = nodes[picks[steps:done]]
        reached = np.flatnonzero(losses[:done] <= rounding)
        if code != REFRESH or reached.size:
            steps = int(reached[0]) + 1 if reached.size else done
            break
        steps, room = done, state.tally[ROOM]
        live = np.flatnonzero(state.status != DROPPED)
        nodes, status = nodes[live], state.status[live]
        del state
        r = _downdated(r, r is cov, buffers.c[live, :filled], live)
    return picks[:steps], losses[:steps]


def _factor(theta: float, z: Matrix) -> Matrix | None:
    """F with F^T F = theta I + (1 - theta) Z^T Z, where it saves work and is exact enough.

    Cholesky's backward error changes a gain |F S_j|^2 / pivot by m eps ||Q|| / theta of itself at
    most; that has to stay within the sqrt(m) eps / STALE which is tolerated in g.
    """
    p, m = z.shape
    if theta == 0.0 or 3 * p < 2 * m:
        return None
    q = z.T @ z
    q *= 1.0 - theta
    np.einsum("ii->i", q)[:] += theta
    if not np.sqrt(m) * np.linalg.norm(q) <= theta / STALE:
        return None
    factor: Matrix = np.linalg.cholesky(q).T
    return factor


def _buffers(n: int, capacity: int) -> _Buffers:
    """Storage for a refresh period; the odd row length spreads the steps over the cache's sets."""
    pool = min(POOL, n)
    capacity |= 8
    return _Buffers(
        np.zeros((n, capacity)), np.zeros((n, capacity)), np.zeros(capacity),
        np.empty((pool, n)), np.empty((pool, n)),
    )  # fmt: skip


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
    h = t0 = zc = None
    if _table_pays(nodes.size, left, hits):
        t0 = _table(r, given, None, nodes)
        g = np.diagonal(t0).copy()
    else:
        g = theta * _squares(r)
        if z is not None:
            h, zc = np.empty((nodes.size, len(z))), np.empty((len(z), left))
            for i in range(0, len(z), STRIP):
                h[:, i : i + STRIP] = _outputs(r, given, i, nodes)
            g += (1.0 - theta) * _squares(h)
    prices = given.prices[nodes]
    return _State(
        given, nodes, r, h, zc, given.tau[nodes], given.floor[nodes], prices,
        np.argsort(prices, kind="stable"), d, g, g.copy(), status,
        np.array([room, np.inf, -1.0]), t0,
    )  # fmt: skip


def _outputs(r: Matrix, given: _Given, first: int, nodes: Indices) -> Matrix:
    """Columns `first` to first + STRIP of R Z^T; Z has the columns of all nodes."""
    assert given.z is not None
    z = given.z[first : first + STRIP]
    skip = int(np.searchsorted(nodes, first)) if given.triangular else 0
    return r[:, skip:] @ z[:, nodes[skip:]].T


def _start_loss(state: _State) -> float:
    """L of no node, Tr(Q Sigma)."""
    theta, z = state.given.theta, state.given.z
    loss = theta * float(np.sum(np.maximum(state.d, 0.0)))
    if state.h is not None and z is not None:
        outputs = np.einsum("ij,ji->j", state.h, z)
        loss += (1.0 - theta) * float(np.sum(np.maximum(outputs, 0.0)))
    return loss


def _squares(x: Matrix) -> Vector:
    total: Vector = np.einsum("ij,ij->i", x, x)
    return total


def _run(
    state: _State, buffers: _Buffers, picks: Indices, steps: int, hits: float
) -> tuple[int, int, int, float]:
    """Steps until done, exhausted or stale, forming rows of S and T as they are missing.

    `hits` is the number of nodes kept per block of look-ahead, as the last period saw it.
    """
    n = state.d.size
    filled = known = blocks = 0
    slot = np.full(n, -1, dtype=np.int64)
    start = np.zeros(len(buffers.s_rows), dtype=np.int64)
    owner = np.full(len(buffers.s_rows), -1, dtype=np.int64)
    while True:
        steps, filled, code = advance(
            picks, steps, filled, buffers.s_rows, buffers.t_rows, slot, start, buffers.c,
            buffers.v, state.d, state.g, state.g0, state.tau, state.floor, state.status,
            state.prices, state.order, state.tally,
        )  # fmt: skip
        if state.zc is not None or code != MISSING:
            for first in range(known, filled, CHUNK):
                _account(state, buffers, first, min(first + CHUNK, filled))
            known = filled
        if blocks >= TRIALS:
            hits = max(filled / blocks, 1.0)
        if code != MISSING:
            return steps, filled, code, hits
        left = min(picks.size - steps, buffers.c.shape[1] - filled)
        if state.t0 is None and _table_pays(n, left, hits):
            state.t0 = _table(state.r, state.given, state.h, state.nodes)
            state.h = state.zc = None
        scores = _scores(state)
        if state.t0 is None:
            size = min(BLOCK, left + left // 4 + 1)
            wanted = np.argsort(-scores, kind="stable")[:size]
        else:
            wanted = _rehearse(state, buffers, scores, min(TABLE_BLOCK, left), filled)
        chosen, places = _place(scores, wanted, slot, owner)
        start[places] = filled
        form = _form_rows if state.t0 is None else _read_rows
        form(state, buffers, chosen, places, filled)
        blocks += 1


def _account(state: _State, buffers: _Buffers, first: int, stop: int) -> None:
    """What these steps took from the loss: c^T Q c = theta |c|^2 + (1 - theta) |Z c|^2."""
    theta, z = state.given.theta, state.given.z
    c = buffers.c[:, first:stop]
    drops = theta * np.einsum("ij,ij->j", c, c)
    if z is not None:
        spread = np.zeros((z.shape[1], stop - first))
        spread[state.nodes] = c
        zc = z @ spread
        drops += (1.0 - theta) * np.einsum("ij,ij->j", zc, zc)
        if state.zc is not None:
            state.zc[:, first:stop] = zc
    buffers.drops[first:stop] = drops


def _table_pays(n: int, left: int, hits: float) -> bool:
    """Whether all rows of T0 (half price each) cost less than the blocks still to come."""
    return left / hits * (BLOCK + PACKING) > n / 2


def _table(r: Matrix, given: _Given, h: Matrix | None, nodes: Indices) -> Matrix:
    """T0 = theta R R + (1 - theta) H H^T, by symmetric products; H by strips if not at hand."""
    theta, z = given.theta, given.z
    if z is None:
        return r @ r.T
    if h is not None and theta == 0.0 and h.shape == r.shape:
        return _squared(h)
    t0 = r @ r.T if theta > 0.0 else np.zeros_like(r)
    t0 *= theta / (1.0 - theta)
    if h is not None:
        _add_lower(t0, h)
    else:
        for i in range(0, len(z), STRIP):
            _add_lower(t0, _outputs(r, given, i, nodes))
    t0 *= 1.0 - theta
    mirror(t0)
    return t0


def _squared(h: Matrix) -> Matrix:
    """H H^T of a square H in its own storage: the strips above need no row below their own."""
    for i in reversed(range(0, len(h), STRIP)):
        h[i : i + STRIP, : i + STRIP] = h[i : i + STRIP] @ h[: i + STRIP].T
    mirror(h)
    return h


def _scores(state: _State) -> Vector:
    """Gains of the nodes that may be kept, -1 for the others; the node asked for comes first."""
    pivot = state.d + state.tau
    open_ = (state.status == CANDIDATE) & (pivot > state.floor)
    open_ &= state.prices <= state.tally[LIMIT]
    scores = np.full(pivot.size, -1.0)
    scores[open_] = np.maximum(state.g[open_], 0.0) / pivot[open_]
    scores[int(state.tally[WANTED])] = np.inf
    return scores


def _rehearse(
    state: _State, buffers: _Buffers, scores: Vector, size: int, filled: int
) -> Indices:
    """The next nodes in order, as greedy would keep them if only the best NEAR were there."""
    near = np.sort(np.argsort(-scores, kind="stable")[:NEAR])
    near = near[scores[near] >= 0.0]
    c, v = buffers.c[near, :filled], buffers.v[near, :filled]
    assert state.t0 is not None
    s = state.r[np.ix_(near, near)] - c @ c.T
    cv = c @ v.T
    t = state.t0[np.ix_(near, near)] - cv
    t -= cv.T
    picks = np.empty(min(size, near.size), dtype=np.int64)
    steps = np.zeros((2, near.size, picks.size))
    every, zeros = np.arange(near.size), np.zeros(near.size)
    found = advance(
        picks, 0, 0, s, t, every, np.zeros_like(every), steps[0], steps[1], state.d[near],
        state.g[near], state.g0[near], state.tau[near], state.floor[near], np.zeros_like(every),
        zeros, every, np.array([np.inf, np.inf, -1.0]),
    )[0]  # fmt: skip
    return near[picks[:found]]


def _place(
    scores: Vector, wanted: Indices, slot: Indices, owner: Indices
) -> tuple[Indices, Indices]:
    """Those of `wanted` without a row, and places in the pool (the worst owners leave)."""
    chosen = wanted[(slot[wanted] < 0) & (scores[wanted] >= 0.0)]
    held = scores.copy()
    held[wanted] = np.inf
    rank = np.where(owner < 0, -2.0, held[owner])
    places = np.argsort(rank, kind="stable")[: chosen.size]
    evicted = owner[places]
    slot[evicted[evicted >= 0]] = -1
    owner[places], slot[chosen] = chosen, places
    return chosen, places


def _form_rows(
    state: _State, buffers: _Buffers, chosen: Indices, places: Indices, filled: int
) -> None:
    """S_W and T_W = theta S_W S + (1 - theta) (S_W Z^T)(S Z^T)^T by GEMMs; g_W is set right."""
    theta = state.given.theta
    c = buffers.c[:, :filled]
    s = state.r[chosen]
    if filled:
        s -= c[chosen] @ c.T
    t = s @ state.r if theta > 0.0 else np.zeros_like(s)
    inner = s @ c if theta > 0.0 else np.zeros((chosen.size, filled))
    if state.h is not None and state.zc is not None:
        zc = state.zc[:, :filled]
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
    buffers.s_rows[places] = s
    buffers.t_rows[places] = t
    state.d[chosen] = s[np.arange(chosen.size), chosen]
    state.g[chosen] = t[np.arange(chosen.size), chosen]


def _read_rows(
    state: _State, buffers: _Buffers, chosen: Indices, places: Indices, filled: int
) -> None:
    """S_W = R_W - C_W C^T and T_W = T0_W - C_W V^T - V_W C^T."""
    c, v = buffers.c[:, :filled], buffers.v[:, :filled]
    assert state.t0 is not None
    s, t = state.r[chosen], state.t0[chosen]
    if filled:
        s -= c[chosen] @ c.T
        t -= c[chosen] @ v.T
        t -= v[chosen] @ c.T
    buffers.s_rows[places] = s
    buffers.t_rows[places] = t


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
