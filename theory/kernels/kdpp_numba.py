r"""Compiled k-DPP sampling: which eigenvectors take part, then which nodes.

1. Eigenvectors. With rho_l the ratio e_l/e_{l-1} of the eigenvalues before mu, a draw with l
   places left takes mu with probability mu/(rho_l + mu): positive numbers only, free of scale.
2. Nodes. The k chosen eigenvectors give each node a row b_j of k numbers. The chain rule draws
   node j with probability |b_j - its projection on the rows drawn before|^2, here by exact
   rejection: propose from the first norms |b_j|^2 and accept with the share that is left. The
   share's subtraction stops as soon as it falls below the bar, and its coefficients are those of
   Gram-Schmidt, which is repeated where the norm^2 falls below 1/4. The mass left at step t is
   k - t exactly, so about k (1 + 1/2 + ... + 1/k) proposals are needed, whatever the matrix.
   Most of them fall to the last nodes: there the share left is summed over an orthonormal basis of
   the k - t directions that are left instead, and a Householder reflection takes out the one drawn.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Sums may be reordered (SIMD); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@njit(cache=True, nogil=True, error_model="numpy")
def ratio_table(mu: Floats, width: int) -> Floats:
    """Ratios e_l/e_{l-1}, l = 1..width + 1, of the first i eigenvalues, (n + 1, width + 1)."""
    n = mu.shape[0]
    table = np.zeros((n + 1, width + 1))
    for i in range(n):
        before, after, added = table[i], table[i + 1], mu[i]
        after[0] = before[0] + added
        for ell in range(1, min(width + 1, i + 1)):
            after[ell] = (before[ell] + added) * (before[ell - 1] / (before[ell - 1] + added))
    return table


@njit(cache=True, nogil=True, error_model="numpy")
def take_eigenvectors(table: Floats, mu: Floats, uniforms: Floats) -> Indices:
    """Eigenvectors taking part, ascending (width,), by a table of :func:`ratio_table`.

    mu (n,) positive with n >= width; uniforms (n,), of which the last ones are used first.
    """
    left = table.shape[1] - 1
    drawn = np.empty(left, np.int64)
    i = mu.shape[0]
    while left > 0:
        i -= 1
        # left > i: all that remain are needed, whatever rounding says of a subnormal mu
        if left > i or uniforms[i] * (table[i, left - 1] + mu[i]) < mu[i]:
            left -= 1
            drawn[left] = i
    return drawn


@njit(cache=True, nogil=True)
def draw_eigenvectors(mu: Floats, width: int, uniforms: Floats) -> tuple[Indices, float]:
    """Eigenvectors of one draw, and the ratio rho_{width + 1} of them all."""
    table = ratio_table(mu, width)
    return take_eigenvectors(table, mu, uniforms), table[mu.shape[0], width]


@njit(cache=True, nogil=True, fastmath=_SUMS)
def row_norms(rows: Floats) -> Floats:
    """Squared norm of every node's row b_j, (m,); `rows` is (k, m), one eigenvector a line."""
    total = np.zeros(rows.shape[1])
    for t in range(rows.shape[0]):
        line = rows[t]
        for j in range(line.shape[0]):
            total[j] += line[j] * line[j]
    return total


@njit(cache=True, nogil=True, fastmath=_SUMS)
def draw_nodes(
    rows: Floats,
    norms: Floats,
    cumulative: Floats,
    basis: Floats,
    kept: Indices,
    done: int,
    uniforms: Floats,
) -> int:
    """Continue the chain rule until `kept` is full or the uniforms are used up; number drawn.

    rows (k, m); norms (m,) = row_norms(rows) at the start, set to 0 for nodes drawn; cumulative
    (m,) its first running sum; basis (k + 3, k) zeros at the start (three spare lines, since
    lines are taken by fours); kept, at most (k,). norms, basis and kept carry the state between
    calls.
    """
    k, m = rows.shape
    b = np.empty(k)
    coefficients = np.empty(k + 3)
    used = 0
    while done < kept.shape[0] and used + 1 < uniforms.shape[0]:
        j = _first_above(cumulative, uniforms[used] * cumulative[m - 1])
        bar = uniforms[used + 1] * norms[j]
        used += 2
        for t in range(k):
            b[t] = rows[t, j]
        left = norms[j]
        t = 0
        while t < done and left > bar:
            left -= _project_four(basis, t, b, coefficients)
            t += 4
        if left <= bar:
            continue
        _subtract(basis, done, coefficients, b)
        if left < 0.25 * norms[j]:
            for t in range(0, done, 4):
                _project_four(basis, t, b, coefficients)
            _subtract(basis, done, coefficients, b)
        square = 0.0
        for t in range(k):
            square += b[t] * b[t]
        scale = 1.0 / np.sqrt(square)
        for t in range(k):
            basis[done, t] = b[t] * scale
        norms[j] = 0.0
        kept[done] = j
        done += 1
    return done


@njit(cache=True, nogil=True, fastmath=_SUMS)
def complete_basis(basis: Floats, done: int) -> None:
    """Fill the lines after the first `done` orthonormal ones with an orthonormal basis of the rest.

    basis (k + 3, k), zeros from line `done` on. Each new line is the unit vector that the lines
    before explain least, so at most 1 - 1/k of it, by Gram-Schmidt done twice.
    """
    k = basis.shape[1]
    left = np.ones(k)
    for t in range(done):
        left -= basis[t] * basis[t]
    b = np.empty(k)
    coefficients = np.zeros(k + 3)
    for line in range(done, k):
        i = np.argmax(left)
        b[:] = 0.0
        b[i] = 1.0
        for t in range(line):
            coefficients[t] = basis[t, i]
        coefficients[line:] = 0.0
        _subtract(basis, line, coefficients, b)
        for t in range(0, line, 4):
            _project_four(basis, t, b, coefficients)
        _subtract(basis, line, coefficients, b)
        basis[line] = b / np.sqrt(np.sum(b * b))
        left -= basis[line] * basis[line]


@njit(cache=True, nogil=True, fastmath=_SUMS)
def draw_last_nodes(
    rows: Floats,
    norms: Floats,
    cumulative: Floats,
    basis: Floats,
    kept: Indices,
    done: int,
    uniforms: Floats,
) -> int:
    """As :func:`draw_nodes`, where lines done..k-1 of the basis span the directions left."""
    k, m = rows.shape
    b = np.empty(k)
    c = np.empty(k + 6)
    used = 0
    while done < k and used + 1 < uniforms.shape[0]:
        j = _first_above(cumulative, uniforms[used] * cumulative[m - 1])
        bar = uniforms[used + 1] * norms[j]
        used += 2
        if norms[j] == 0.0:
            continue
        for t in range(k):
            b[t] = rows[t, j]
        left = 0.0
        for t in range(done, k - 3, 4):
            left += _project_four(basis, t, b, c)
        for t in range(k - (k - done) % 4, k):
            c[t] = np.sum(basis[t] * b)
            left += c[t] * c[t]
        if left <= bar:
            continue
        _reflect(basis, done, c, np.sqrt(left), b)
        norms[j] = 0.0
        kept[done] = j
        done += 1
    return done


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _reflect(basis: Floats, done: int, c: Floats, length: float, work: Floats) -> None:
    """Householder reflection of lines done..k-1 by which only line `done` sees the node drawn.

    c: coefficients of the node on these lines, of norm `length`; modified. Line `done` is not
    needed any more and stays as it is.
    """
    k = basis.shape[1]
    c[done] += length if c[done] > 0 else -length
    work[:] = 0.0
    square = 0.0
    for t in range(done, k):
        square += c[t] * c[t]
        line, x = basis[t], c[t]
        for i in range(k):
            work[i] += x * line[i]
    for t in range(done + 1, k):
        line, x = basis[t], 2.0 * c[t] / square
        for i in range(k):
            line[i] -= x * work[i]


@njit(cache=True, nogil=True)
def _first_above(ascending: Floats, value: float) -> int:
    """Index of the first entry above `value`, which the last entry exceeds."""
    low, high = 0, ascending.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _project_four(basis: Floats, t: int, b: Floats, coefficients: Floats) -> float:
    """Coefficients of b on lines t..t+3 of the basis; the sum of their squares."""
    q0, q1, q2, q3 = basis[t], basis[t + 1], basis[t + 2], basis[t + 3]
    c0, c1, c2, c3 = 0.0, 0.0, 0.0, 0.0
    for i in range(b.shape[0]):
        x = b[i]
        c0 += q0[i] * x
        c1 += q1[i] * x
        c2 += q2[i] * x
        c3 += q3[i] * x
    coefficients[t], coefficients[t + 1] = c0, c1
    coefficients[t + 2], coefficients[t + 3] = c2, c3
    return c0 * c0 + c1 * c1 + c2 * c2 + c3 * c3


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _subtract(basis: Floats, count: int, coefficients: Floats, b: Floats) -> None:
    """Take the projection on the first `count` lines of the basis out of b, in place."""
    for t in range(0, count, 4):
        q0, q1, q2, q3 = basis[t], basis[t + 1], basis[t + 2], basis[t + 3]
        c0, c1, c2, c3 = (
            coefficients[t],
            coefficients[t + 1],
            coefficients[t + 2],
            coefficients[t + 3],
        )
        for i in range(b.shape[0]):
            b[i] -= c0 * q0[i] + c1 * q1[i] + c2 * q2[i] + c3 * q3[i]
