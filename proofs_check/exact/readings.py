r"""False readings of the sampling lemma, and of greedy selection, refuted without rounding.

    F1   one node, Sigma = 1, lam = 1/1000, k = 22 draws merged to a set with tau = k lam:
         L^A = tau/(1 + tau) against 4 lam N.
    F2   Sigma = I_1000, lam = 199, N = 5, any 150 draws: every node kept has tau <= 150 (lam/1000)
         and costs least when distinct, so L^A >= 850 + 150 t/(1 + t), t = 29.85, against 4 lam.
    F3   Sigma = diag(1, 1e-9, ..), m = 400, lam = 1e-4, 23 distinct nodes with tau_j = 23 lam q_j.
    F4   [[1, r, 0], [r, 1, 0], [0, 0, 1]], r = 1/2: the first version's ratio falls.
    A2   greedy selection above the bound of D6: 36/5 against 95/18.

This module may import NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .decided import Decided
from .layers import RationalLayer
from .rational import matrix, rational, residual
from .statements import logfree_loss


def merged_set() -> Decided:
    """F1: repeats merged, the ridge left as it is."""
    lam, draws = Fraction(1, 1000), 22
    tau, dof = draws * lam, 1 / (1 + lam)
    return _more("input loss", tau / (1 + tau), 4 * lam * dof)


def trace_without_degrees() -> Decided:
    """F2: L^A <= 4 lam, without N.

    c_j copies of node j have together tau_j = lam k q_j/c_j, and the loss 1 - 1/(1 + tau_j) is
    convex in c_j with its steepest fall from 0 to 1, so k distinct nodes lose the least.
    """
    m, lam, draws = 1000, Fraction(199), 150
    tau = lam * draws / m
    return _more("input loss", m - draws + draws * tau / (1 + tau), 4 * lam)


def distinct_set() -> Decided:
    """F3: some k distinct nodes with the ridges of sampling; the nodes do not interact."""
    strong, weak, m, lam, k = Fraction(1), Fraction(1, 10**9), 400, Fraction(1, 10**4), 23
    dof = strong / (strong + lam) + (m - 1) * weak / (weak + lam)
    saved = [mu**2 / (mu + k * lam * mu / (mu + lam) / dof) for mu in (strong, weak)]
    loss = strong + (m - 1) * weak - max(k * saved[1], saved[0] + (k - 1) * saved[1])
    return _more("input loss of the best set", loss, 4 * lam * dof)


def first_version_ratio() -> Decided:
    """F4: the explained ratio over the complement of J does not fall as J grows."""
    r = Fraction(1, 2)
    sigma = matrix([[1, r, 0], [r, 1, 0], [0, 0, 1]], plain=True)

    def ratio(count: int) -> Fraction:
        left, s = range(count, 3), residual(sigma, range(count))
        total = sum((sigma[j][j] for j in left), Fraction(0))
        return Fraction(sum((sigma[j][j] - s[j][j] for j in left), Fraction(0)) / total)

    return _more("ratio", ratio(1), ratio(2))


def greedy_trap() -> Decided:
    """A2: greedy selection meets the bound of D6."""
    mu = tuple(rational(value) for value in (36, 4, 1))
    sigma = matrix([[20, 0, 16], [0, 1, 0], [16, 0, 20]])
    layer = RationalLayer("trap", sigma, rational(0), matrix([[1, -1, -1]]), mu)
    (part,) = logfree_loss(layer, 2, selector="greedy")
    return part


def _more(part: str, lhs: Fraction, rhs: Fraction) -> Decided:
    return Decided(part, lhs, rhs, lhs <= rhs)


#: The reading's claim, and its sides where it fails.
READINGS: dict[str, Callable[[], Decided]] = {
    "spectral.F1": merged_set,
    "spectral.F2": trace_without_degrees,
    "spectral.F3": distinct_set,
    "spectral.F4": first_version_ratio,
    "spectral.A2": greedy_trap,
}
