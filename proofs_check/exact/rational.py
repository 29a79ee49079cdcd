r"""Linear algebra on small matrices of rational numbers.

A matrix is a tuple of rows. Its entries are all of one kind, which every function keeps: those of
python-flint (`fmpq`) where it is installed, several times faster, or
:class:`fractions.Fraction`. The algorithms are the same for both, but determinants and solutions
of `fmpq` are flint's own.

Letters: e_k the elementary symmetric polynomials of the eigenvalues of A, that is the sums of its
principal minors of size k, and E_k the matrix with the eigenvectors of A and eigenvalues
e_k(mu without mu_i); by Faddeev and LeVerrier

    E_0 = I,    e_k = Tr(A E_{k-1})/k,    E_k = e_k I - A E_{k-1}.

This module may import NumPy only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

#: Fraction, or flint's fmpq; the two do not mix.
Rational = Any
Matrix = tuple[tuple[Rational, ...], ...]


@functools.cache
def has_flint() -> bool:
    """Whether python-flint is installed."""
    try:
        import flint  # noqa: F401
    except ImportError:
        return False
    return True


def arithmetic(plain: bool = False) -> str:
    """Name of the kind of numbers in use."""
    return "Fraction" if plain or not has_flint() else "fmpq"


def numbers(plain: bool = False) -> Callable[..., Rational]:
    """Constructor (numerator, denominator=1) -> rational number; Fraction if `plain`."""
    if plain or not has_flint():
        return Fraction
    from flint import fmpq

    return fmpq


def rational(value: float | int | Fraction, plain: bool = False) -> Rational:
    """A number as it is: a float is the binary fraction that it stands for.

    Raises
    ------
    ValueError
        NaN or infinite.
    """
    try:
        return numbers(plain)(*value.as_integer_ratio())
    except OverflowError:
        raise ValueError(f"{value} is no rational number") from None


def alike(value: float | int | Fraction, a: Matrix) -> Rational:
    """A number as it is, of the kind of the entries of `a`."""
    return rational(value, plain=isinstance(a[0][0], Fraction))


def fraction(value: Rational) -> Fraction:
    """As a Fraction, whatever kind it is."""
    return Fraction(int(value.numerator), int(value.denominator))


def matrix(rows: Iterable[Iterable[Any]], plain: bool = False) -> Matrix:
    """Matrix of floats, whole numbers or fractions, each as it is."""
    return tuple(tuple(rational(_plain(x), plain) for x in row) for row in rows)


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's."""
    return value.item() if hasattr(value, "item") else value


def zero_like(a: Matrix) -> Rational:
    """0 of the kind of the entries of `a`."""
    return 0 * a[0][0]


def identity(m: int, like: Matrix) -> Matrix:
    """Unit matrix with entries of the kind of `like`."""
    zero = zero_like(like)
    return tuple(tuple(zero + (i == j) for j in range(m)) for i in range(m))


def transposed(a: Matrix) -> Matrix:
    """A^T."""
    return tuple(zip(*a, strict=True))


def product(a: Matrix, b: Matrix) -> Matrix:
    """A B."""
    columns = transposed(b)
    return tuple(tuple(dot(row, column) for column in columns) for row in a)


def dot(u: Sequence[Rational], v: Sequence[Rational]) -> Rational:
    """u.v."""
    return sum((x * y for x, y in zip(u, v, strict=True)), 0 * u[0])


def combined(a: Matrix, b: Matrix, factor: Rational = 1) -> Matrix:
    """A + factor B."""
    return tuple(
        tuple(x + factor * y for x, y in zip(row, other, strict=True))
        for row, other in zip(a, b, strict=True)
    )


def scaled(a: Matrix, factor: Rational) -> Matrix:
    """factor A."""
    return tuple(tuple(factor * x for x in row) for row in a)


def trace(a: Matrix) -> Rational:
    """Tr A."""
    return sum((row[i] for i, row in enumerate(a)), zero_like(a))


def inner(a: Matrix, b: Matrix) -> Rational:
    """Tr(A^T B)."""
    return sum((dot(row, other) for row, other in zip(a, b, strict=True)), zero_like(a))


def block(a: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
    """Entries in some rows and columns."""
    return tuple(tuple(a[i][j] for j in columns) for i in rows)


def determinant(a: Matrix) -> Rational:
    """det A; of fmpq by flint, else by fraction-free elimination (Bareiss 1968)."""
    if not isinstance(a[0][0], Fraction):
        from flint import fmpq_mat

        return fmpq_mat([list(row) for row in a]).det()
    rows, sign, before = [list(row) for row in a], 1, Fraction(1)
    for c in range(len(rows) - 1):
        pivot = next((r for r in range(c, len(rows)) if rows[r][c]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != c:
            rows[c], rows[pivot], sign = rows[pivot], rows[c], -sign
        for r in range(c + 1, len(rows)):
            for j in range(c + 1, len(rows)):
                rows[r][j] = (rows[c][c] * rows[r][j] - rows[r][c] * rows[c][j]) / before
        before = rows[c][c]
    return sign * rows[-1][-1]


def solve(a: Matrix, b: Matrix) -> Matrix:
    """A^{-1} B.

    Raises
    ------
    ZeroDivisionError
        A is singular.
    """
    if not isinstance(a[0][0], Fraction):
        from flint import fmpq_mat

        found = fmpq_mat([list(r) for r in a]).solve(fmpq_mat([list(r) for r in b]))
        return tuple(tuple(row) for row in found.tolist())
    m = len(a)
    rows = [[*left, *right] for left, right in zip(a, b, strict=True)]
    for c in range(m):
        pivot = next((r for r in range(c, m) if rows[r][c]), None)
        if pivot is None:
            raise ZeroDivisionError("the matrix is singular")
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [x / rows[c][c] for x in rows[c]]
        for r in range(m):
            if r != c and rows[r][c]:
                factor = rows[r][c]
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[c], strict=True)]
    return tuple(tuple(row[m:]) for row in rows)


def inverse(a: Matrix) -> Matrix:
    """A^{-1}; errors as :func:`solve`."""
    return solve(a, identity(len(a), a))


def characteristic(a: Matrix) -> tuple[list[Rational], list[Matrix]]:
    """e_0..e_m and E_0..E_{m-1} of a square matrix."""
    unit = identity(len(a), a)
    e, adjugates = [unit[0][0]], [unit]
    for k in range(1, len(a) + 1):
        moved = product(a, adjugates[-1])
        e.append(trace(moved) / k)
        if k < len(a):
            adjugates.append(combined(scaled(unit, e[-1]), moved, -1))
    return e, adjugates


def eliminated(a: Matrix, j: int, ridge: Rational = 0) -> Matrix:
    """A - a_j a_j^T/(a_jj + ridge), a_j its column j: node j joins J; A itself if a_jj = 0.

    For positive semidefinite A, a_jj = 0 means a_j = 0. So joining one after the other gives
    S_J = Sigma - Sigma_FJ (Sigma_JJ + I_tau)^+ Sigma_JF, singular blocks included.
    """
    row = a[j]
    if not row[j]:
        return a
    scale = 1 / (row[j] + ridge)
    return tuple(
        tuple(x - y * z for x, z in zip(other, row, strict=True)) if y else other
        for other, y in zip(a, (x * scale for x in row), strict=True)
    )


def residual(a: Matrix, kept: Iterable[int], ridges: Iterable[Rational] | None = None) -> Matrix:
    """S_J of the second moment A with node ridges tau (all 0 by default), in order of `kept`."""
    nodes = tuple(kept)
    taus = (0,) * len(nodes) if ridges is None else tuple(ridges)
    for j, tau in zip(nodes, taus, strict=True):
        a = eliminated(a, j, tau)
    return a


def inertia(a: Matrix) -> tuple[int, int, int]:
    """How many eigenvalues of a symmetric matrix are negative, zero, positive (Sylvester's law)."""
    left, signs = [list(row) for row in a], [0, 0, 0]
    while left:
        m = len(left)
        p = next((i for i in range(m) if left[i][i]), None)
        if p is None:
            pair = next(((i, j) for i in range(m) for j in range(i) if left[i][j]), None)
            if pair is None:
                signs[1] += m
                break
            i, j = pair  # add row j to row i, and column j to column i: a_ii becomes 2 a_ij
            left[i] = [x + y for x, y in zip(left[i], left[j], strict=True)]
            for row in left:
                row[i] += row[j]
            p = i
        pivot = left[p]
        signs[2 if pivot[p] > 0 else 0] += 1
        rest = [i for i in range(m) if i != p]
        left = [
            [
                left[i][j] - left[i][p] * pivot[j] / pivot[p] if left[i][p] else left[i][j]
                for j in rest
            ]
            for i in rest
        ]
    return signs[0], signs[1], signs[2]


def negative_direction(a: Matrix) -> tuple[Rational, ...] | None:
    """Some v with v.(A v) < 0 of a symmetric matrix; None if it is positive semidefinite."""
    left = [[*row, *other] for row, other in zip(a, identity(len(a), a), strict=True)]
    nodes = list(range(len(a)))  # rows of `left` are T A and T, with T A T^T diagonal so far
    while nodes:
        p = next((i for i in nodes if left[i][i]), None)
        if p is None:
            pair = next(((i, j) for i in nodes for j in nodes if left[i][j]), None)
            if pair is None:
                return None
            i, j = pair  # both pivots are 0, so the sum or the difference has -2 |a_ij|
            sign = -1 if left[i][j] > 0 else 1
            return tuple(x + sign * y for x, y in zip(left[i], left[j], strict=True))[len(a) :]
        if left[p][p] < 0:
            return tuple(left[p][len(a) :])
        nodes.remove(p)
        for i in nodes:
            if left[i][p]:
                factor = left[i][p] / left[p][p]
                left[i] = [x - factor * y for x, y in zip(left[i], left[p], strict=True)]
    return None


def along(a: Matrix, v: Sequence[Rational]) -> Rational:
    """v.(A v)."""
    return dot(v, tuple(dot(row, v) for row in a))
