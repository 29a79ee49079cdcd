r"""Degrees of freedom of power laws, without asymptotics and without a slope to fit (laws.L5).

Letters: mu_j = j^{-a}, a > 1, so N(lam) = sum_j f(j) with f(t) = 1/(1 + lam t^a), which decreases.
The integral test pins the sum over j = 1..m, or over all j, between integrals of f,

    F(m + 1) - F(1) <= N(lam) <= F(m),      F(x) = int_0^x f(t) dt,    F(1) <= 1,
    F(inf) = C lam^{-1/a},  C = (pi/a)/sin(pi/a),

so of all nodes C lam^{-1/a} - 1 <= N(lam) <= C lam^{-1/a}. With s = lam x^a/(1 + lam x^a),
F(x) = F(inf) B_s(1/a, 1 - 1/a), the regularised incomplete beta function. For a = 2 the sum itself
is (pi/(2 sqrt(lam))) coth(pi/sqrt(lam)) - 1/2. Derived [D].

This module may import NumPy and SciPy's special functions, inside functions.
"""

from __future__ import annotations

import math

from .arrays import as_count, as_ridge
from .bounds.rates import Interval, power_law_dof_bound


def power_law_dof(exponent: float, ridge: float, nodes: int | None = None) -> Interval:
    r"""Sandwich of N(lam) for mu_j = j^{-a}, j = 1..m, or all j >= 1 where `nodes` is None.

    Parameters
    ----------
    exponent : float
        a > 1.
    ridge : float
        lam > 0, in units of mu_1.
    nodes : int, optional
        m.

    Returns
    -------
    Interval
        F(m + 1) - F(1) and F(m), which differ by less than 1; each within a few
        (a + 1/(a - 1)) eps lam^{-1/a} of its exact value.

    Raises
    ------
    ValueError
        An exponent of at most 1, a ridge not above 0, a number of nodes that is not whole and
        positive.

    Notes
    -----
    Claim laws.L5 [D]. For m nodes it is sharper than the sandwich of all nodes less the missing
    tail, C lam^{-1/a} - 1 - I(m) and C lam^{-1/a} - I(m + 1) with I(x) = F(inf) - F(x).
    """
    first = _integral(exponent, ridge, 1.0)
    if nodes is None:
        whole = power_law_dof_bound(exponent, ridge).value
        return Interval(whole - first, whole)
    m = as_count("nodes", nodes)
    return Interval(_integral(exponent, ridge, m + 1.0) - first, _integral(exponent, ridge, m))


def inverse_square_dof(ridge: float) -> float:
    r"""N(lam) of mu_j = j^{-2}, all j >= 1: (x coth x - 1)/2 with x = pi/sqrt(lam).

    Raises
    ------
    ValueError
        A ridge not above 0.

    Notes
    -----
    Partial fractions of coth; claim laws.L5 [D].
    """
    lam = as_ridge(ridge, positive=True)
    if lam > 40.0:  # there x coth x and 1 cancel: 1/(lam j^2 + 1) as a geometric series, summed
        from scipy.special import zeta

        # alternating and falling: the terms left out are below 40^-11 of the first
        return float(sum(-zeta(2 * n) * (-1.0 / lam) ** n for n in range(11, 0, -1)))
    x = math.pi / math.sqrt(lam)
    return (x / math.tanh(x) - 1.0) / 2.0


def _integral(exponent: float, ridge: float, x: float) -> float:
    """F(x), by whichever of s and 1 - s keeps its digits."""
    from scipy.special import betainc, expit

    whole = power_law_dof_bound(exponent, ridge).value
    a = float(exponent)
    odds = math.log(ridge) + a * math.log(x)  # s/(1 - s) = lam x^a, which may overflow
    rest = float(expit(-odds))
    if rest < min(0.5, (a - 1.0) / a):
        return whole * (1.0 - float(betainc((a - 1.0) / a, 1.0 / a, rest)))
    return whole * float(betainc(1.0 / a, (a - 1.0) / a, float(expit(odds))))
