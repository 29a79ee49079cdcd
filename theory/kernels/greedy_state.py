r"""What a refresh of greedy selection makes: R, d, g, and H = R Z^T or the table T0 = R Q R.

Letters as in `greedy_blocks.py`, which drives it. Where Z has about as many rows as columns,
Q = theta I + (1 - theta) Z^T Z is factored once as F^T F with F upper triangular (`factored`):
F takes the place of Z and 0 that of theta, so that R R drops out and H costs half as much. H is
formed once and then downdated with R (`outputs_downdated`), so neither Z nor F is needed again.

It may import NumPy, SciPy's LAPACK and `greedy_numba.py` only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .greedy_numba import STALE, compact, mirror

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]

#: A node whose pivot S_jj + tau_j is below this part of Sigma_jj + tau_j is explained already.
PIVOT_TOLERANCE = 1e-13

# Costs, not results: rows formed at a time by look-ahead, rows kept, strip of a product where
# memory counts. A product of few rows with R costs about as much as PACKING rows more.
BLOCK, POOL, STRIP, PACKING = 48, 96, 192, 12

#: m^2 floats that R, H and T0 may fill together.
TABLE_ROOM = 2.4


class Given(NamedTuple):
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
class State:
    """What a refresh makes of `size` nodes at first; R is `owned` unless it is the input."""

    theta: float
    size: int
    owned: bool
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
class Buffers:
    """Steps C, V and what each took from the loss; a pool of formed rows of S and T."""

    c: Matrix
    v: Matrix
    drops: Vector
    s_rows: Matrix
    t_rows: Matrix


def factored(given: Given) -> Given:
    """F in place of Z where that saves work and storage and is exact enough.

    Cholesky's backward error changes a gain |F S_j|^2 / pivot by m eps ||Q|| / theta of itself at
    most; that has to stay within the sqrt(m) eps / STALE which is tolerated in g.
    """
    theta, z = given.theta, given.z
    if z is None or theta == 0.0 or 3 * z.shape[0] < 2 * z.shape[1]:
        return given
    q = z.T @ z
    q *= 1.0 - theta
    np.einsum("ii->i", q)[:] += theta
    if not math.sqrt(len(q)) * float(np.linalg.norm(q)) <= theta / STALE:
        return given
    from scipy.linalg.lapack import dpotrf

    factor, failed = dpotrf(q.T, lower=False, clean=True, overwrite_a=True)  # in q's storage
    return given if failed else given._replace(theta=0.0, z=factor, triangular=True)


def new_buffers(n: int, capacity: int) -> Buffers:
    """Storage for a refresh period; the odd row length spreads the steps over the cache's sets."""
    pool = min(POOL, n)
    capacity |= 8
    return Buffers(
        np.zeros((n, capacity)), np.zeros((n, capacity)), np.zeros(capacity),
        np.empty((pool, n)), np.empty((pool, n)),
    )  # fmt: skip


def refresh(
    given: Given,
    nodes: Indices,
    r: Matrix,
    h: Matrix | None,
    status: Indices,
    room: float,
    left: int,
) -> State:
    """d and g of the residual R itself: R Q R = theta R R + (1 - theta) H H^T, H = R Z^T."""
    theta, z = given.theta, given.z
    owned, zc = z is None, None  # Z is asked for H of the input alone
    if h is None and z is not None:
        h = np.empty((nodes.size, len(z)))
        for i in range(0, len(z), STRIP):
            _outputs(r, given, i, h[:, i : i + STRIP])
    g = theta * _squares(r)
    if h is not None:
        zc = np.empty((h.shape[1], left))
        g += (1.0 - theta) * _squares(h)
    prices = given.prices[nodes]
    return State(
        theta, len(given.tau), owned, r, h, zc, given.tau[nodes], given.floor[nodes], prices,
        np.argsort(prices, kind="stable"), np.diagonal(r).copy(), g, g.copy(), status,
        np.array([room, np.inf, -1.0]), None,
    )  # fmt: skip


def _outputs(r: Matrix, given: Given, first: int, out: Matrix) -> Matrix:
    """Columns of R Z^T from `first` on, as many as `out` has."""
    assert given.z is not None
    skip = first if given.triangular else 0
    strip = given.z[first : first + out.shape[1], skip:]
    return np.matmul(r[:, skip:], strip.T, out=out)


def _squares(x: Matrix) -> Vector:
    total: Vector = np.einsum("ij,ij->i", x, x)
    return total


def table_pays(state: State, left: int, hits: float) -> bool:
    """Whether all rows of T0 (half price each) cost less than the blocks to come, and fit."""
    n, outputs = len(state.r), 0 if state.h is None else state.h.shape[1]
    stored = (1 + state.owned) * n * n + n * outputs
    fits = outputs == 0 or stored <= TABLE_ROOM * state.size**2
    return fits and left / hits * (BLOCK + PACKING) > n / 2


def table(state: State) -> Matrix:
    """T0 = theta R R + (1 - theta) H H^T, by symmetric products."""
    if state.h is None:
        return state.r @ state.r.T
    if state.theta == 0.0:
        return state.h @ state.h.T
    t0 = state.r @ state.r.T
    t0 *= state.theta / (1.0 - state.theta)
    _add_lower(t0, state.h)
    t0 *= 1.0 - state.theta
    mirror(t0)
    return t0


def outputs_downdated(h: Matrix, c: Matrix, zc: Matrix, live: Indices) -> Matrix:
    """H - C (Z C)^T on the live rows, in the same storage.

    It errs by eps |R| |Z| as R Z^T does after R -= C C^T, at a sixth of the price.
    """
    for to, row in enumerate(live):
        h[to] = h[row]
    h = h[: live.size]
    for i in range(0, len(h), STRIP):
        h[i : i + STRIP] -= c[i : i + STRIP] @ zc.T
    return h


def downdated(r: Matrix, foreign: bool, c: Matrix, live: Indices) -> Matrix:
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
