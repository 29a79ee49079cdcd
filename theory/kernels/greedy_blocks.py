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
refresh. When the best gain falls below 1e-10 of the largest g0_j/(d_j + tau_j), R and
H = R Z^T are downdated, d and g computed afresh (`refresh`), so that errors stay below about
eps/1e-10 of the best gain. Rows of nodes kept with tau = 0 vanish and are dropped then.

Where look-ahead seldom guesses the next nodes (`table_pays`), T0 = R Q R is formed whole, at half
the price a row, and T_W = T0_W - C_W V^T - V_W C^T. Its entries then let the next steps be
rehearsed on the few best nodes alone (`_rehearse`), which guesses better than the scores do.

It may import NumPy, `greedy_state.py` and `greedy_numba.py` only, and is imported where first
used.
"""

from __future__ import annotations

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
)
from .greedy_state import (
    BLOCK,
    PIVOT_TOLERANCE,
    Buffers,
    Given,
    State,
    downdated,
    factored,
    new_buffers,
    outputs_downdated,
    refresh,
    table,
    table_pays,
)

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]

# Costs, not results: rows read from the table at a time, nodes rehearsed, blocks tried before
# look-ahead is judged.
TABLE_BLOCK, NEAR, TRIALS = 16, 64, 2


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
    given = factored(Given(theta, z, False, tau, floor, prices))
    nodes, r, h = np.arange(m), cov, None
    steps, room, hits, loss, rounding = 0, budget, float(BLOCK), 0.0, 0.0
    status = np.zeros(m, dtype=np.int64)
    while True:
        buffers = new_buffers(nodes.size, min(width - steps, max(m // 4, 64)))
        state = refresh(given, nodes, r, h, status, room, len(buffers.drops))
        h = state.h
        if steps == 0:
            loss = _start_loss(given, state)
            rounding = m * float(np.finfo(np.float64).eps) * loss
            given = given._replace(z=None)  # H says it all from here on
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
        c, zc = buffers.c[live, :filled], state.zc
        del state, buffers  # before R is copied
        if h is not None and zc is not None:
            h = outputs_downdated(h, c, zc[:, :filled], live)
        r = downdated(r, r is cov, c, live)
        del c, zc
    return picks[:steps], losses[:steps]


def _start_loss(given: Given, state: State) -> float:
    """L of no node, Tr(Q Sigma)."""
    theta, z = given.theta, given.z
    loss = theta * float(np.sum(np.maximum(state.d, 0.0)))
    if state.h is not None and z is not None:
        outputs = np.einsum("ij,ji->j", state.h, z)
        loss += (1.0 - theta) * float(np.sum(np.maximum(outputs, 0.0)))
    return loss


def _run(
    state: State, buffers: Buffers, picks: Indices, steps: int, hits: float
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
        _account(state, buffers, picks[steps - filled : steps], known)
        known = filled
        if blocks >= TRIALS:
            hits = max(filled / blocks, 1.0)
        if code != MISSING:
            return steps, filled, code, hits
        left = min(picks.size - steps, buffers.c.shape[1] - filled)
        if state.t0 is None and table_pays(state, left, hits):
            state.t0 = table(state)
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


def _account(state: State, buffers: Buffers, kept: Indices, known: int) -> None:
    """What the steps since `known` took: c^T Q c = theta |c|^2 + (1 - theta) |Z c|^2.

    Z C needs no product by Z: H_p = sum_{i < p} c_ip (Z c_i) + root_p (Z c_p), and
    root = sqrt(S_pp + tau_p), at least that of the least pivot, comes from c_pp = S_pp / root.
    """
    if known == kept.size:
        return
    c = buffers.c[:, known : kept.size]
    drops = state.theta * np.einsum("ij,ij->j", c, c)
    if state.h is not None and state.zc is not None:
        new = kept[known:]
        lower = np.tril(c[new])
        own = np.diagonal(lower)
        root = 0.5 * (own + np.sqrt(own * own + 4.0 * state.tau[new]))
        np.einsum("ii->i", lower)[:] = np.maximum(root, np.sqrt(state.floor[new]))
        rest = state.h[new] - buffers.c[new, :known] @ state.zc[:, :known].T
        zc = np.linalg.solve(lower, rest).T
        drops += (1.0 - state.theta) * np.einsum("ij,ij->j", zc, zc)
        state.zc[:, known : kept.size] = zc
    buffers.drops[known : kept.size] = drops


def _scores(state: State) -> Vector:
    """Gains of the nodes that may be kept, -1 for the others; the node asked for comes first."""
    pivot = state.d + state.tau
    open_ = (state.status == CANDIDATE) & (pivot > state.floor)
    open_ &= state.prices <= state.tally[LIMIT]
    scores = np.full(pivot.size, -1.0)
    scores[open_] = np.maximum(state.g[open_], 0.0) / pivot[open_]
    scores[int(state.tally[WANTED])] = np.inf
    return scores


def _rehearse(state: State, buffers: Buffers, scores: Vector, size: int, filled: int) -> Indices:
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
    state: State, buffers: Buffers, chosen: Indices, places: Indices, filled: int
) -> None:
    """S_W and T_W = theta S_W S + (1 - theta) (S_W Z^T)(S Z^T)^T by GEMMs; g_W is set right."""
    theta = state.theta
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
    state: State, buffers: Buffers, chosen: Indices, places: Indices, filled: int
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
