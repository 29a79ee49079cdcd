"""Identities of small sizes in exact algebra: both sides as fractions of polynomials.

Each lemma is one function that returns pairs of left and right side, rational functions of the
entries of symmetric matrices with rational coefficients. Their field has a normal form, which
sympy computes, so that their difference is 0 if and only if the identity holds wherever no
denominator vanishes, and for exactly that size. The keyword arguments are the constants of the
claim of the same id, so that an altered identity is put to the same test, and refuted by numbers.

Letters: Sigma the second moment, J the kept nodes, tau their ridges, A_J the reconstruction, S_J
the residual, Q a symmetric form, e_k elementary symmetric polynomials. Sympy is imported when it
is first needed.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

#: Left and right sides.
Pairs = list[tuple[Any, Any]]
Rows = list[list[Any]]

ZERO: Rows = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]


@dataclass(frozen=True)
class Difference:
    """What is left of the identities when one side is taken from the other.

    Attributes
    ----------
    identities : int
        How many were checked.
    version : str
        Of sympy.
    model : mapping of str to str
        Empty where all are 0, which proves the lemma; else numbers at which one is not.
    """

    identities: int
    version: str
    model: Mapping[str, str] = field(default_factory=dict)


def volume_mean(*, factor: float = 1.0, alternating: bool = True) -> Pairs:
    """Mean residual of volume sampling, k = 1 and 2 of three nodes.

    sum_J det(Sigma_JJ) S_J = sum_{j<=k} (-1)^j e_{k-j} Sigma^{j+1}, its trace (k + 1) e_{k+1}, and
    sum_{j<=k} (-mu_i)^j e_{k-j}(mu) = e_k of the other eigenvalues.
    """
    letters = _letters("s:6 m:3")
    sigma, mu = _symmetric(letters[:6]), letters[6:]
    share, sign = _rational(factor), -1 if alternating else 1
    elementary = [_sum_of_minors(sigma, k) for k in range(4)]
    pairs: Pairs = []
    for k in (1, 2):
        total = ZERO
        for kept in itertools.combinations(range(3), k):
            weight = _determinant(_block(sigma, kept, kept))
            total = _add(total, _scaled(weight, _residual(sigma, kept, [0] * k)))
        power, formula = sigma, ZERO
        for j in range(k + 1):
            formula = _add(formula, _scaled(sign**j * elementary[k - j], power))
            power = _product(power, sigma)
        pairs += _entries(total, _scaled(share, formula))
        pairs.append((_trace(total), share * (k + 1) * elementary[k + 1]))
        of_mu = [_symmetric_sum(mu, order) for order in range(k + 1)]
        for i, own in enumerate(mu):
            others = [value for place, value in enumerate(mu) if place != i]
            expanded = sum((sign * own) ** j * of_mu[k - j] for j in range(k + 1))
            pairs.append((expanded, share * _symmetric_sum(others, k)))
    return pairs


def leverage_sum(*, factor: float = 1.0, ridge_factor: float = 1.0) -> Pairs:
    """Leverage scores of three nodes add up to N, by the invariants and by the eigenvalues.

    sum_j [Sigma (Sigma + lam)^{-1}]_jj = g(e_k(Sigma)), sum_i mu_i/(mu_i + lam) = g(e_k(mu)) with
    g(e) = (e_1 lam^2 + 2 e_2 lam + 3 e_3)/(lam^3 + e_1 lam^2 + e_2 lam + e_3).
    """
    letters = _letters("s:6 m:3 lam")
    sigma, mu, lam = _symmetric(letters[:6]), letters[6:9], letters[9]
    at = _rational(ridge_factor) * lam
    leverage = _trace(_product(sigma, _inverse(_ridged(sigma, range(3), [at, at, at]))))
    of_sigma = [_sum_of_minors(sigma, k) for k in range(4)]
    of_mu = [_symmetric_sum(mu, k) for k in range(4)]
    by_eigenvalues = sum(value / (value + at) for value in mu)

    def invariant(e: Sequence[Any]) -> Any:
        above = e[1] * lam**2 + 2 * e[2] * lam + 3 * e[3]
        return _rational(factor) * above / (lam**3 + e[1] * lam**2 + e[2] * lam + e[3])

    return [(leverage, invariant(of_sigma)), (by_eigenvalues, invariant(of_mu))]


def gain(*, factor: float = 1.0, own_ridge: float = 1.0) -> Pairs:
    """L(J) - L(J + j) = (S_J Q S_J)_jj/((S_J)_jj + tau_j), L = Tr Q S, of three nodes, |J| <= 1."""
    letters = _letters("s:6 q:6 t:2")
    sigma, form, tau = _symmetric(letters[:6]), _symmetric(letters[6:12]), letters[12:]
    pairs: Pairs = []
    for kept, joined in (((), 0), ((0,), 1)):
        before = _residual(sigma, kept, tau[: len(kept)])
        after = _residual(sigma, (*kept, joined), tau[: len(kept) + 1])
        lost = _trace(_product(form, before)) - _trace(_product(form, after))
        above = _product(_product(before, form), before)[joined][joined]
        pivot = before[joined][joined] + _rational(own_ridge) * tau[len(kept)]
        pairs.append((lost, _rational(factor) * above / pivot))
    return pairs


def price(*, factor: float = 1.0, schur: bool = True) -> Pairs:
    """L(J - j) - L(J) = (A^T Q A)_jj/P_jj, P = (Sigma_JJ + I_tau)^{-1}, J two nodes of three."""
    letters = _letters("s:6 q:6 t:2")
    sigma, form, tau = _symmetric(letters[:6]), _symmetric(letters[6:12]), letters[12:]
    kept, block = (0, 1), _ridged(sigma, (0, 1), tau)
    inverse = _inverse(block)
    a = _product(_block(sigma, range(3), kept), inverse)
    weighted = _product(_product(_transposed(a), form), a)
    loss = _trace(_product(form, _residual(sigma, kept, tau)))
    pairs: Pairs = []
    for j in (0, 1):
        rest = _trace(_product(form, _residual(sigma, (1 - j,), [tau[1 - j]])))
        pivot = 1 / inverse[j][j] if schur else block[j][j]
        pairs.append((rest - loss, _rational(factor) * weighted[j][j] * pivot))
    return pairs


def residual_determinant(*, factor: float = 1.0, own_ridge: float = 1.0) -> Pairs:
    """(S_J)_jj + tau_j = det(Sigma + I_tau on J + j)/det(Sigma + I_tau on J), up to three nodes."""
    letters = _letters("s:6 t:3")
    sigma, tau = _symmetric(letters[:6]), letters[6:]
    pairs: Pairs = []
    for kept, joined in (((0,), 1), ((0, 1), 2)):
        ridges = tau[: len(kept)]
        wide = _determinant(_ridged(sigma, (*kept, joined), [*ridges, tau[joined]]))
        ratio = wide / _determinant(_ridged(sigma, kept, ridges))
        left = _residual(sigma, kept, ridges)[joined][joined] + _rational(own_ridge) * tau[joined]
        pairs.append((left, _rational(factor) * ratio))
    return pairs


#: Identities by the id of their claim.
LEMMAS: dict[str, Callable[..., Pairs]] = {
    "lemma.volume-mean-3": volume_mean,
    "lemma.leverage-sum-3": leverage_sum,
    "lemma.gain-3": gain,
    "lemma.price-3": price,
    "lemma.residual-determinant-3": residual_determinant,
}


def difference(claim_id: str, **changes: Any) -> Difference:
    """Take the right sides of a lemma, or of an altered one, from the left sides.

    Raises
    ------
    ImportError
        sympy is not installed.
    ValueError
        The lemma states no identity.
    """
    import sympy

    pairs = LEMMAS[claim_id](**changes)
    if not pairs:
        raise ValueError(f"{claim_id} states no identity, so there is nothing to prove")
    for left, right in pairs:
        if left - right != 0:
            return Difference(len(pairs), sympy.__version__, _numbers(left - right))
    return Difference(len(pairs), sympy.__version__)


def _numbers(rest: Any) -> dict[str, str]:
    """Small whole numbers at which a fraction of polynomials is neither 0 nor undefined.

    A polynomial of degree d vanishes on at most d/1000 of the points that are drawn from.
    """
    ring, rng = rest.numer.ring, random.Random(0)
    while True:
        values = [ring.domain(rng.randint(1, 1000)) for _ in ring.gens]
        point = list(zip(ring.gens, values, strict=True))
        if rest.numer.evaluate(point) and rest.denom.evaluate(point):
            return {str(letter): str(value) for letter, value in point}


def _letters(names: str) -> list[Any]:
    """Generators of the field of fractions of polynomials in the named letters."""
    import sympy

    return list(sympy.field(sympy.symbols(names), sympy.QQ)[1:])


def _rational(value: float) -> Any:
    """The decimal number that is written, exactly: .95 is 19/20."""
    import sympy

    exact = Fraction(str(value))
    return sympy.QQ(exact.numerator, exact.denominator)


def _symmetric(entries: Sequence[Any]) -> Rows:
    """Matrix of size 3 of its entries (1,1), (1,2), (1,3), (2,2), (2,3), (3,3)."""
    a, b, c, d, e, f = entries
    return [[a, b, c], [b, d, e], [c, e, f]]


def _block(matrix: Rows, rows: Iterable[int], columns: Sequence[int]) -> Rows:
    return [[matrix[i][j] for j in columns] for i in rows]


def _ridged(sigma: Rows, kept: Sequence[int], ridges: Sequence[Any]) -> Rows:
    """Sigma_JJ + I_tau."""
    block = _block(sigma, kept, kept)
    for place, ridge in enumerate(ridges):
        block[place][place] = block[place][place] + ridge
    return block


def _residual(sigma: Rows, kept: Sequence[int], ridges: Sequence[Any]) -> Rows:
    """S_J = Sigma - Sigma_FJ (Sigma_JJ + I_tau)^{-1} Sigma_JF."""
    if not kept:
        return sigma
    columns = _block(sigma, range(3), kept)
    fitted = _product(
        _product(columns, _inverse(_ridged(sigma, kept, ridges))), _transposed(columns)
    )
    return _add(sigma, _scaled(-1, fitted))


def _transposed(matrix: Rows) -> Rows:
    return [list(column) for column in zip(*matrix, strict=True)]


def _product(a: Rows, b: Rows) -> Rows:
    return [[sum(x * y for x, y in zip(row, col, strict=True)) for col in zip(*b)] for row in a]


def _add(a: Rows, b: Rows) -> Rows:
    return [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]


def _scaled(factor: Any, matrix: Rows) -> Rows:
    return [[factor * entry for entry in row] for row in matrix]


def _trace(matrix: Rows) -> Any:
    return sum(matrix[i][i] for i in range(len(matrix)))


def _entries(a: Rows, b: Rows) -> Pairs:
    return [pair for rows in zip(a, b, strict=True) for pair in zip(*rows, strict=True)]


def _determinant(matrix: Rows) -> Any:
    """Determinant by its first row; 1 of the empty matrix."""
    if not matrix:
        return 1
    return sum(
        (-1) ** j * matrix[0][j] * _determinant(_minor(matrix, 0, j)) for j in _places(matrix)
    )


def _minor(matrix: Rows, row: int, column: int) -> Rows:
    return [
        [entry for j, entry in enumerate(entries) if j != column]
        for i, entries in enumerate(matrix)
        if i != row
    ]


def _inverse(matrix: Rows) -> Rows:
    """Inverse by cofactors."""
    det, places = _determinant(matrix), _places(matrix)
    return [
        [(-1) ** (i + j) * _determinant(_minor(matrix, j, i)) / det for j in places] for i in places
    ]


def _places(matrix: Rows) -> range:
    return range(len(matrix))


def _sum_of_minors(matrix: Rows, order: int) -> Any:
    """e_k of the eigenvalues: the sum of the principal minors of size k."""
    subsets = itertools.combinations(_places(matrix), order)
    return sum(_determinant(_block(matrix, kept, kept)) for kept in subsets)


def _symmetric_sum(values: Sequence[Any], order: int) -> Any:
    """e_k of the values."""
    return sum(math.prod(chosen) for chosen in itertools.combinations(values, order))
