r"""Compiled passes of greedy selection: one serial pass a step, and two moves within storage.

Letters as in `greedy_blocks.py`, which drives them: rows of S = S_J and T = S Q S as they were
when formed, the steps C and V since then, d = diag S, g = diag T and g0 its value at the last
refresh (claim spectral.I4 [D]).

The module stands alone: it may import NumPy and Numba only. There is no matrix product in it, so
that no second BLAS pool wakes up.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Part of the largest g0_j/(d_j + tau_j) below which a gain has lost too many digits.
STALE = 1e-10

# Status of a node; why `advance` stopped; entries of `tally`.
CANDIDATE, KEPT, DROPPED = 0, 1, 2
DONE, EXHAUSTED, REFRESH, MISSING = 0, 1, 2, 3
ROOM, LIMIT, WANTED = 0, 1, 2


@njit(cache=True, nogil=True)
def mirror(x: Matrix) -> None:
    """Copy the lower triangle into the upper one, tile by tile."""
    n, tile = x.shape[0], 32
    for i0 in range(0, n, tile):
        for j0 in range(0, i0 + 1, tile):
            for i in range(i0, min(i0 + tile, n)):
                for j in range(j0, min(j0 + tile, i)):
                    x[j, i] = x[i, j]


@njit(cache=True, nogil=True)
def compact(flat: Vector, n: int, live: Indices) -> None:
    """Move the live rows and columns to the front; no entry moves backwards, so in place."""
    k = 0
    for i in live:
        for j in live:
            flat[k] = flat[i * n + j]
            k += 1


@njit(cache=True, nogil=True)
def _price_limit(left: int, order: Indices, prices: Vector, status: Indices, room: float) -> float:
    """Most that the next node may cost if the cheapest others fill the remaining places."""
    if room == np.inf:
        return room
    reserved, count = 0.0, 0
    for j in order:
        if count == left - 1:
            break
        if status[j] == CANDIDATE:
            reserved += prices[j]
            count += 1
    return (room - reserved) * (1.0 + 1e-12)


@njit(cache=True, nogil=True)
def _best_candidate(
    d: Vector,
    g: Vector,
    g0: Vector,
    tau: Vector,
    floor: Vector,
    status: Indices,
    prices: Vector,
    limit: float,
) -> tuple[int, float, float]:
    """Node of largest gain g/(d + tau) within the price limit, that gain, and the largest g0's."""
    best, top, noisiest = -1, -1.0, 0.0
    for j in range(d.size):
        pivot = d[j] + tau[j]
        if status[j] == CANDIDATE and pivot > floor[j] and prices[j] <= limit:
            gain = max(g[j], 0.0) / pivot
            noisiest = max(noisiest, g0[j] / pivot)
            if gain > top:
                best, top = j, gain
    return best, top, noisiest


# `reassoc` and `contract` let the compiler sum a dot product in vector lanes and fuse
# multiply-adds: the error bound of a dot product holds for every order of summation. Nothing is
# assumed about NaN, infinity or signed zero.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _step(
    s_row: Vector,
    t_row: Vector,
    first: int,
    filled: int,
    pivot: float,
    kappa: float,
    c: Matrix,
    v: Matrix,
    d: Vector,
    g: Vector,
    status: Indices,
    cp: Vector,
    vp: Vector,
) -> None:
    """Column `filled` of C and V for the node with these rows, and its part taken from d and g."""
    root = np.sqrt(pivot)
    for j in range(d.size):
        if status[j] == DROPPED:
            continue
        s, t = 0.0, 0.0
        for i in range(filled - first):
            s += c[j, first + i] * cp[i]
            t += c[j, first + i] * vp[i] + v[j, first + i] * cp[i]
        cj = (s_row[j] - s) / root
        vj = (t_row[j] - t) / root - 0.5 * kappa * cj
        c[j, filled] = cj
        v[j, filled] = vj
        d[j] -= cj * cj
        g[j] -= 2.0 * cj * vj


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def advance(
    picks: Indices,
    steps: int,
    filled: int,
    s_rows: Matrix,
    t_rows: Matrix,
    slot: Indices,
    start: Indices,
    c: Matrix,
    v: Matrix,
    d: Vector,
    g: Vector,
    g0: Vector,
    tau: Vector,
    floor: Vector,
    status: Indices,
    prices: Vector,
    order: Indices,
    tally: Vector,
) -> tuple[int, int, int]:
    """Keep node after node until one of the codes says why not."""
    while steps < picks.size:
        limit = _price_limit(picks.size - steps, order, prices, status, tally[ROOM])
        best, top, noisiest = _best_candidate(d, g, g0, tau, floor, status, prices, limit)
        if best < 0:
            return steps, filled, EXHAUSTED
        if filled and (top < STALE * noisiest or filled == c.shape[1]):
            return steps, filled, REFRESH
        row = slot[best]
        if row < 0:
            tally[LIMIT], tally[WANTED] = limit, best
            return steps, filled, MISSING
        first = start[row]
        cp = c[best, first:filled].copy()
        vp = v[best, first:filled].copy()
        pivot, t_pp = s_rows[row, best], t_rows[row, best]
        for i in range(filled - first):
            pivot -= cp[i] * cp[i]
            t_pp -= 2.0 * cp[i] * vp[i]
        pivot = max(pivot + tau[best], floor[best])
        kappa = max(t_pp, 0.0) / pivot
        _step(s_rows[row], t_rows[row], first, filled, pivot, kappa, c, v, d, g, status, cp, vp)
        status[best] = KEPT if tau[best] > 0.0 else DROPPED
        filled += 1
        tally[ROOM] -= prices[best]
        picks[steps] = best
        steps += 1
    return steps, filled, DONE
