r"""Compiled steps of online descent; their NumPy twin is `plain`.

One sample a step. With h_k = w_k . x, r_m = B_m . x, s the label noise and
D = sum_k v_k g(h_k) - sum_m A_m g(r_m) - s,

    w_k <- w_k - (eta/N) v_k g'(h_k) D x,      v_k <- v_k - (eta_v/N) g(h_k) D,

both from the old weights. The second kernel carries C = [[Q, R], [R^T, T]] instead: with
a_k = eta v_k g'(h_k) D and q = |x|^2/N the same step reads

    Q_ik <- Q_ik - (a_i h_k + a_k h_i)/N + a_i a_k q/N,      R_im <- R_im - a_i r_m/N.

A step whose |D| exceeds `limit`, or is no number, ends the pass before it moves anything.
Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Sums may be reordered (SIMD); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}
_ROOT_HALF = math.sqrt(0.5)
_SLOPE = math.sqrt(2.0 / math.pi)


@njit(cache=True, nogil=True, error_model="numpy")
def descend(
    w: Floats,
    v: Floats,
    x: Floats,
    y: Floats,
    rate: float,
    output_rate: float,
    code: int,
    limit: float,
) -> int:
    """Take a step a row of `x`; moves w (K, N) and v (K,), gives the number of steps taken.

    x (steps, N) the inputs, y (steps,) their noisy labels. Every unit's row is moved and read for
    the next input in one pass, so that it is fetched once a step.
    """
    steps, (units, n) = x.shape[0], w.shape
    h, g = np.empty(units), np.empty(units)
    for k in range(units):
        h[k] = _move_and_read(w[k], 0.0, x[0], x[0])
    for step in range(steps):
        gap = -y[step]
        for k in range(units):
            g[k] = _value(code, h[k])
            gap += v[k] * g[k]
        if not abs(gap) <= limit:
            return step
        following = x[min(step + 1, steps - 1)]
        for k in range(units):
            move = rate / n * v[k] * _derivative(code, h[k]) * gap
            h[k] = _move_and_read(w[k], move, x[step], following)
            v[k] -= output_rate / n * g[k] * gap
    return int(steps)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _move_and_read(line: Floats, move: float, old: Floats, new: Floats) -> float:
    """Take `move` times `old` from the line; its product with `new` afterwards."""
    total = 0.0
    for j in range(line.shape[0]):
        line[j] -= move * old[j]
        total += line[j] * new[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def descend_overlaps(
    c: Floats,
    v: Floats,
    a: Floats,
    factor: Floats,
    z: Floats,
    rest: Floats,
    noise: Floats,
    n: float,
    rate: float,
    output_rate: float,
    code: int,
    limit: float,
) -> int:
    """As :func:`descend` on the overlaps c (M + K, M + K), teacher first; moves c and v.

    factor (M + K, M + K) lower, its first M rows the Cholesky factor of T, the others room;
    z (steps, M + K) and noise (steps,) normal; rest (steps,) chi^2 with n - M - K degrees of
    freedom, the part of |x|^2 outside the rows' span.
    """
    count, units, teachers, share = c.shape[0], v.shape[0], a.shape[0], 1.0 / n
    h, g, moves = np.empty(count), np.empty(units), np.empty(units)
    inverse = np.zeros(count)  # of the pivots, 0 where a row depends on those before
    for m in range(teachers):
        inverse[m] = 1.0 / factor[m, m] if factor[m, m] > 0.0 else 0.0
    for step in range(z.shape[0]):
        draw, square, gap = z[step], rest[step], -noise[step]
        for i in range(count):
            if i >= teachers:
                _factor_row(c, factor, inverse, i)
            total = 0.0
            for j in range(i + 1):
                total += factor[i, j] * draw[j]
            h[i] = total
            square += draw[i] * draw[i]
            if i < teachers:
                gap -= a[i] * _value(code, total)
            else:
                g[i - teachers] = _value(code, total)
                gap += v[i - teachers] * g[i - teachers]
        if not abs(gap) <= limit:
            return step
        for k in range(units):
            moves[k] = rate * v[k] * _derivative(code, h[teachers + k]) * gap
            v[k] -= output_rate * share * g[k] * gap
        for k in range(units):
            line = c[teachers + k]
            for m in range(teachers):
                line[m] -= moves[k] * h[m] * share
            for i in range(k + 1):
                cross = moves[k] * h[teachers + i] + moves[i] * h[teachers + k]
                line[teachers + i] += (moves[k] * moves[i] * square * share - cross) * share
    return int(z.shape[0])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _factor_row(c: Floats, factor: Floats, inverse: Floats, i: int) -> None:
    """Row i of the Cholesky factor of c, whose lower half is read; a dependent row gets pivot 0."""
    rest = c[i, i]
    for j in range(i):
        total = c[i, j]
        for k in range(j):
            total -= factor[i, k] * factor[j, k]
        total *= inverse[j]
        factor[i, j] = total
        rest -= total * total
    factor[i, i] = math.sqrt(rest) if rest > 1e-14 * c[i, i] else 0.0
    inverse[i] = 1.0 / factor[i, i] if factor[i, i] > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _value(code: int, h: float) -> float:
    if code == 0:
        return math.erf(_ROOT_HALF * h)
    if code == 1:
        return h
    return 0.0 if h < 0.0 else h  # a NaN must stay one, so that a divergence is seen


@njit(cache=True, nogil=True, error_model="numpy")
def _derivative(code: int, h: float) -> float:
    if code == 0:
        return _SLOPE * math.exp(-0.5 * h * h)
    return 1.0 if code == 1 or h > 0.0 else 0.0
