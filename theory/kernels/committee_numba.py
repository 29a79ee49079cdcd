r"""Compiled right-hand side of the equations of motion of online gradient descent.

Fields of covariance C, (K + M, K + M); activation 0 erf(u/sqrt 2), 1 linear, 2 relu. The integrals
are those of :mod:`pruneproof.theory.committee.integrals`, evaluated one entry at a time as the sums
over them need no arrays of K^2 (K + M)^2 entries. Of relu, E theta_i theta_k x_a+ x_b+ comes by
Stein's lemma,

    E x_a x_b 1_S = C_ab P(S) + sum_{j in S} C_aj/sqrt(2 pi C_jj) E[x_b 1_{S - j} | x_j = 0]
    E x_b 1_S = sum_{j in S} C_bj/sqrt(2 pi C_jj) P(S - j | x_j = 0)

with S the positive fields, each direction once, and the orthant P(S) of four fields by Plackett's
derivative along C_1j(t) = cos(t) C_1j, 0 <= t <= pi/2, whose integrand is bounded.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: 1 - |rho| below which two fields count as one: there the rounding of conditional variances, eps
#: over this, costs as much as the difference of the signs, its square root.
_COINCIDENT = 1e-11
#: Double-exponential rule for angles from 0 to pi/2: its nodes reach every scale of an angle near
#: 0, as nearly coincident fields need. To 1e-12 for fields 1e-2 apart, 4e-9 for 1e-5.
_STEP = 0.08
_LEVELS = np.pi * np.sinh(_STEP * np.arange(-38, 39))
_ANGLES = (math.pi / 2.0) / (1.0 + np.exp(_LEVELS))
_ANGLE_WEIGHTS = _STEP * np.hypot(np.pi, _LEVELS) * _ANGLES / (1.0 + np.exp(-_LEVELS))


@njit(cache=True, nogil=True)
def correlation(c: Floats, i: int, j: int) -> float:
    """rho_ij, cut to [-1, 1]; 0 where a variance is 0."""
    size = c[i, i] * c[j, j]
    if size <= 0.0:
        return 0.0
    return float(min(1.0, max(-1.0, c[i, j] / math.sqrt(size))))


@njit(cache=True, nogil=True)
def conditional(c: Floats, j: int) -> Floats:
    """Covariance given that field j is 0."""
    found = np.empty_like(c)
    for a in range(len(c)):
        for b in range(len(c)):
            found[a, b] = c[a, b] - c[a, j] * c[b, j] / c[j, j]
    return found


@njit(cache=True, nogil=True)
def distinct(c: Floats, members: Indices) -> Indices:
    """Members with each direction once; index -1 alone where two are opposite (empty event)."""
    kept = np.empty(len(members), dtype=np.int64)
    count = 0
    for i in members:
        known = False
        for s in range(count):
            j = kept[s]
            rho = correlation(c, i, j)
            if i == j or rho > 1.0 - _COINCIDENT:
                known = True
            elif rho < -1.0 + _COINCIDENT:
                return np.full(1, -1, dtype=np.int64)
        if not known:
            kept[count] = i
            count += 1
    return kept[:count].copy()


@njit(cache=True, nogil=True)
def small_orthant(c: Floats, members: Indices) -> float:
    """Probability that all the members, at most three of distinct directions, are positive."""
    n = len(members)
    total = 0.0
    for s in range(n):
        for r in range(s):
            total += math.asin(correlation(c, members[s], members[r]))
    return 0.5**n + total / (2.0 ** (n - 1) * math.pi)


@njit(cache=True, nogil=True)
def orthant_of_four(c: Floats, members: Indices) -> float:
    """As :func:`small_orthant` of four members, by quadrature along Plackett's path."""
    rho = np.empty((4, 4))
    for s in range(4):
        for r in range(4):
            rho[s, r] = 1.0 if s == r else correlation(c, members[s], members[r])
    total = 0.5 * small_orthant(rho, np.array([1, 2, 3]))
    path = rho.copy()
    for node in range(len(_ANGLES)):
        t, slope = math.cos(_ANGLES[node]), math.sin(_ANGLES[node])
        for j in range(1, 4):
            path[0, j] = path[j, 0] = t * rho[0, j]
        for j in range(1, 4):
            rest = slope**2 + t**2 * (1.0 - rho[0, j]) * (1.0 + rho[0, j])
            if rest <= 0.0 or rho[0, j] == 0.0:
                continue
            first, second = 1 + j % 3, 1 + (j + 1) % 3
            given = np.empty((2, 2))
            pair = (first, second)
            for x in range(2):
                for y in range(2):
                    p, q = pair[x], pair[y]
                    p0, q0, pj, qj = path[0, p], path[0, q], path[j, p], path[j, q]
                    joint = p0 * q0 + pj * qj - path[0, j] * (p0 * qj + pj * q0)
                    given[x, y] = path[p, q] - joint / rest
            both = 0.25 + math.asin(correlation(given, 0, 1)) / (2.0 * math.pi)
            density = rho[0, j] / (2.0 * math.pi * math.sqrt(rest))
            total += _ANGLE_WEIGHTS[node] * slope * density * both
    return total


@njit(cache=True, nogil=True)
def orthant(c: Floats, members: Indices) -> float:
    """As :func:`small_orthant`, of at most four members."""
    return orthant_of_four(c, members) if len(members) == 4 else small_orthant(c, members)


@njit(cache=True, nogil=True)
def all_positive(c: Floats, fields: Indices) -> float:
    """As :func:`orthant`, of fields that may repeat or be opposite."""
    members = distinct(c, fields)
    return 0.0 if members[0] < 0 else orthant(c, members)


@njit(cache=True, nogil=True)
def first_moment(c: Floats, b: int, members: Indices) -> float:
    """E x_b 1(all members positive)."""
    members = distinct(c, members)
    total = 0.0
    for s in range(len(members)):
        j = members[s]
        if j < 0:
            return 0.0
        if c[j, j] <= 0.0 or c[b, j] == 0.0:
            continue
        rest = distinct(conditional(c, j), np.delete(members, s))
        if len(rest) > 0 and rest[0] < 0:
            continue
        total += c[b, j] / math.sqrt(2.0 * math.pi * c[j, j]) * orthant(conditional(c, j), rest)
    return total


@njit(cache=True, nogil=True)
def relu_i4(c: Floats, i: int, k: int, a: int, b: int) -> float:
    """E theta_i theta_k x_a+ x_b+ of fields i, k, a, b of `c`."""
    if c[a, a] <= 0.0 or c[b, b] <= 0.0:
        return 0.0
    fields = np.array([a, b, i, k])
    four = c[fields][:, fields]
    members = distinct(four, np.arange(4))
    if members[0] < 0:
        return 0.0
    total = four[0, 1] * orthant(four, members)
    for s in range(len(members)):
        j = members[s]
        if j == 1 or four[0, j] == 0.0:  # x_b = 0 there
            continue
        if j == 0 and correlation(four, 0, 1) > 1.0 - _COINCIDENT:
            continue
        inner = first_moment(conditional(four, j), 1, np.delete(members, s))
        total += four[0, j] / math.sqrt(2.0 * math.pi * four[j, j]) * inner
    return float(total)


@njit(cache=True, nogil=True, error_model="numpy")
def i2(activation: int, c: Floats, i: int, a: int) -> float:
    """E g(i) g(a)."""
    if activation == 0:
        size = (1.0 + c[i, i]) * (1.0 + c[a, a])
        return float(2.0 / math.pi * math.asin(min(1.0, max(-1.0, c[i, a] / math.sqrt(size)))))
    if activation == 1:
        return float(c[i, a])
    gap = math.sqrt(max(c[i, i] * c[a, a] - c[i, a] ** 2, 0.0))
    return float(
        (gap + c[i, a] * (math.pi / 2.0 + math.asin(correlation(c, i, a)))) / (2.0 * math.pi)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def i3(activation: int, c: Floats, i: int, m: int, a: int) -> float:
    """E g'(i) m g(a), m the field itself."""
    if activation == 0:
        one = 1.0 + c[i, i]
        root = math.sqrt(one + c[a, a] + (c[i, i] * c[a, a] - c[i, a] ** 2))
        return float(2.0 / math.pi * (c[m, a] * one - c[i, m] * c[i, a]) / (root * one))
    if activation == 1:
        return float(c[m, a])
    gap = math.sqrt(max(c[i, i] * c[a, a] - c[i, a] ** 2, 0.0))
    both = 0.25 + math.asin(correlation(c, i, a)) / (2.0 * math.pi)
    return float(c[i, m] * gap / (2.0 * math.pi * c[i, i]) + c[m, a] * both)


@njit(cache=True, nogil=True, error_model="numpy")
def damped(xy: float, kx: float, ky: float, kk: float) -> float:
    """C_xy - C_kx C_ky/(1 + C_kk); exact for copies of k."""
    return (xy + (xy * kk - kx * ky)) / (1.0 + kk)


@njit(cache=True, nogil=True, error_model="numpy")
def i4(activation: int, c: Floats, i: int, k: int, a: int, b: int) -> float:
    """E g'(i) g'(k) g(a) g(b)."""
    if activation == 1:
        return float(c[a, b])
    if activation == 2:
        return relu_i4(c, i, k, a, b)
    ii, ki, ai, bi = c[i, i], c[k, i], c[a, i], c[b, i]
    own = damped(c[k, k], ki, ki, ii)  # not cut at 0: solvers differentiate beside copies
    ka, kb = damped(c[k, a], ki, ai, ii), damped(c[k, b], ki, bi, ii)
    aa = damped(damped(c[a, a], ai, ai, ii), ka, ka, own)
    bb = damped(damped(c[b, b], bi, bi, ii), kb, kb, own)
    ab = damped(damped(c[a, b], ai, bi, ii), ka, kb, own)
    sine = min(1.0, max(-1.0, ab / math.sqrt((1.0 + aa) * (1.0 + bb))))
    return 4.0 / math.pi**2 / math.sqrt((1.0 + ii) * (1.0 + own)) * math.asin(sine)


@njit(cache=True, nogil=True, error_model="numpy")
def j2(activation: int, c: Floats, i: int, k: int) -> float:
    """E g'(i) g'(k)."""
    if activation == 0:
        size = 1.0 + c[i, i] + c[k, k] + (c[i, i] * c[k, k] - c[i, k] ** 2)
        return 2.0 / math.pi / math.sqrt(size)
    if activation == 1:
        return 1.0
    return 0.25 + math.asin(correlation(c, i, k)) / (2.0 * math.pi)


@njit(cache=True, nogil=True)
def motion(
    activation: int,
    c: Floats,
    u: Floats,
    students: int,
    rate: float,
    output_rate: float,
    noise: float,
) -> tuple[Floats, Floats, Floats]:
    """dQ/dt (K, K), dR/dt (K, M) and dv/dt (K,) at C and u = (-v, A)."""
    fields = len(u)
    q = np.zeros((students, students))
    drift = np.zeros((students, fields))  # E v_i g'(i) (teacher - student) m, every field m
    v = np.zeros(students)
    for i in range(students):
        for a in range(fields):
            v[i] += output_rate * u[a] * i2(activation, c, i, a)
        for m in range(fields):
            for a in range(fields):
                drift[i, m] -= u[i] * u[a] * i3(activation, c, i, m, a)
    for i in range(students):
        for k in range(i + 1):
            spread = noise**2 * j2(activation, c, i, k)
            for a in range(fields):
                for b in range(a + 1):
                    twice = 1.0 if a == b else 2.0
                    if u[a] != 0.0 and u[b] != 0.0:
                        spread += twice * u[a] * u[b] * i4(activation, c, i, k, a, b)
            moved = rate * (drift[i, k] + drift[k, i]) + rate**2 * u[i] * u[k] * spread
            q[i, k] = q[k, i] = moved
    return q, rate * drift[:, students:].copy(), v


@njit(cache=True, nogil=True)
def packed_motion(
    activation: int,
    c: Floats,
    u: Floats,
    students: int,
    rate: float,
    output_rate: float,
    noise: float,
    state: Floats,
) -> Floats:
    """:func:`motion` of a state: lower triangle of Q by rows, R, v; c and u are overwritten by it.

    The teacher's entries of c and u stay.
    """
    at = 0
    for i in range(students):
        for k in range(i + 1):
            c[i, k] = c[k, i] = state[at]
            at += 1
    for i in range(students):
        for m in range(students, len(u)):
            c[i, m] = c[m, i] = state[at]
            at += 1
    for i in range(students):
        u[i] = -state[at + i]
    q, r, v = motion(activation, c, u, students, rate, output_rate, noise)
    moved = np.empty_like(state)
    at = 0
    for i in range(students):
        for k in range(i + 1):
            moved[at] = q[i, k]
            at += 1
    moved[at : at + r.size] = r.ravel()
    moved[at + r.size :] = v
    return moved
