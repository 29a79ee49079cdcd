r"""Degrees of freedom of power laws, between integrals (L5).

Letters: mu_j = j^{-a}, a > 1, f(t) = 1/(1 + lam t^a), N = sum_j f(j), C = (pi/a)/sin(pi/a). Sums
are added up; of all nodes those from j = J on, lam J^a >= 8, by Euler's and Maclaurin's formula,
int_J^inf f + f(J)/2 - f'(J)/12, on each power of the alternating series of f; of a power t^{-b} the
error is below the next term, b(b + 1)(b + 2) J^{-b-3}/720. F(x) = int_0^x f is summed by Gauss's
rule over panels of log t: there f is analytic in a strip around the real line, of width 2 pi/a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import ROUNDING, Floats, Sides, at_most, equal, together


@dataclass(frozen=True)
class PowerLaw:
    """a, lam and the number of nodes m; 0 stands for all nodes."""

    exponent: float
    ridge: float
    nodes: int

    @property
    def allowance(self) -> float:
        """Size of the terms of either end and of N, with the conditions of C and lam^{-1/a}."""
        a = self.exponent
        return float(2 * (a + 1 / (a - 1)) * self.ridge ** (-1 / a) + self.nodes)

    def values(self, j: Floats) -> Floats:
        """f(j)."""
        return np.asarray(1.0 / (1.0 + self.ridge * j**self.exponent))

    def integral(self, x: float) -> float:
        """F(x), without the share e^-40 x of it at most that lies below e^-40 x."""
        points, weights = np.polynomial.legendre.leggauss(20)
        ends = math.log(x) - np.arange(0.0, 40.0, 0.25)
        t = np.exp(ends[:, None] - 0.125 * (1.0 - points))
        return float(np.sum(0.125 * weights * t * self.values(t)))

    def all_nodes(self) -> tuple[float, float]:
        """N of all nodes, and the error allowed for by the terms left out."""
        a, lam = self.exponent, self.ridge
        last = float(max(30, math.ceil((8.0 / lam) ** (1 / a))))
        r = 1.0 / (lam * last**a)
        n = np.arange(1.0, 21.0)  # 8^-20 is below 1e-18
        signed, b = -((-r) ** n), a * n  # f(t) = -sum_n (-lam t^a)^-n
        beyond = last * np.sum(signed / (b - 1.0)) + np.sum(signed) / 2
        beyond += np.sum(signed * b) / (12.0 * last)
        omitted = np.sum(r**n * b * (b + 1.0) * (b + 2.0)) / (720.0 * last**3)
        return float(np.sum(self.values(np.arange(1.0, last))) + beyond), float(omitted)


def power_law(
    rng: np.random.Generator, *, exponent: float = 2.0, log10_ridge: float = -4.0, nodes: int = 0
) -> PowerLaw:
    """Nothing is random."""
    return PowerLaw(exponent, 10.0**log10_ridge, nodes)


#: Below every eigenvalue the ridge leaves both integrals no room.
TINY = {"nodes": 1, "log10_ridge": -12.0}
#: N is C lam^{-1/a} - 1/2 - lam zeta(-a) + ..., and zeta(-3) = 1/120.
CUBES = {"exponent": 3.0, "log10_ridge": -1.0}


@register(
    "laws.L5",
    "inequality",
    power_law,
    {"exponent": Real(1.2, 6.0), "log10_ridge": Real(-6.0, 3.0), "nodes": Whole(0, 400)},
    (
        {},
        {"exponent": 1.2},
        {"exponent": 4.0, "log10_ridge": -9.0},
        {"nodes": 100},
        {"exponent": 1.5, "nodes": 1000, "log10_ridge": -2.0},
        {"log10_ridge": 2.0},
        TINY,
    ),
    mutants=(
        Mutant("upper side x .95", {"upper": 0.95}),
        Mutant("lower side / .95", {"lower": 1 / 0.95}),
        Mutant("exponent x .95", {"exponent": 0.95}),
        Mutant("exponent / .95", {"exponent": 1 / 0.95}),
        Mutant("tail beyond the nodes dropped", {"tail": False}),
        Mutant("1 dropped from the lower side", {"first": 0.0}),
        Mutant("1 -> 1/2 on the lower side", {"first": 0.5}, examples=(CUBES,)),
    ),
)
def power_law_degrees(
    given: PowerLaw,
    *,
    upper: float = 1.0,
    lower: float = 1.0,
    exponent: float = 1.0,
    tail: bool = True,
    first: float = 1.0,
) -> Sides:
    """Degrees of freedom of power laws lie between two integrals that differ by less than one.

    Hypotheses
    ----------
    mu_j = j^{-a}, j = 1..m or all j; a > 1, lam > 0.

    Statement
    ---------
    F(m + 1) - F(1) <= N(lam) <= F(m), F(x) = int_0^x dt/(1 + lam t^a); of all nodes
    C lam^{-1/a} - 1 <= N(lam) <= C lam^{-1/a}, C = (pi/a)/sin(pi/a), and for a = 2
    N(lam) = (pi/(2 sqrt(lam))) coth(pi/sqrt(lam)) - 1/2.

    Source
    ------
    Derived [D] (integral test; partial fractions of coth).

    Equality cases
    --------------
    Finitely many nodes, lam far below the last eigenvalue: both sides.

    References
    ----------
    arXiv 1808.08558 (rates under power laws [R])
    """
    a, lam, m = given.exponent, given.ridge, given.nodes
    ends = theory.power_law_dof(exponent * a, lam, m if m and tail else None)
    stated = theory.power_law_dof(a, lam, m or None)
    size, scale = max(1, m), given.allowance
    first_node = given.integral(1.0)
    if m:
        least, most = given.integral(m + 1.0) - first_node, given.integral(m)
        j = np.arange(1.0, m + 1)
        dof = theory.degrees_of_freedom(j**-a, lam)
        parts = [equal(dof, np.sum(given.values(j)), scale=scale, size=size, part="N's value")]
    else:
        dof, omitted = given.all_nodes()
        scale += omitted / ROUNDING
        whole = (math.pi / a) / math.sin(math.pi / a) * lam ** (-1 / a)
        least, most = whole - first_node, whole
        parts = [
            at_most(whole - first, dof, scale=scale, size=size, part="lower side, all nodes"),
            at_most(dof, upper * whole, scale=scale, size=size, part="upper side, all nodes"),
        ]
        if a == 2.0:
            closed = theory.inverse_square_dof(lam)
            parts.append(equal(closed, dof, scale=scale, size=size, part="closed form's value"))
    return together(
        at_most(lower * ends.lower, dof, scale=scale, size=size, part="lower side"),
        at_most(dof, upper * ends.upper, scale=scale, size=size, part="upper side"),
        equal(stated.lower, least, scale=scale, size=size, part="lower side's value"),
        equal(stated.upper, most, scale=scale, size=size, part="upper side's value"),
        *parts,
    )
