"""How often leverage sampling fails, exactly, on the family where it fails most simply (L4).

Letters: Sigma = mu I_M, lam = 1, so every node has the leverage l = mu/(mu + 1) and N = M l; c_j
counts the draws of node j among k. Probabilities of the theory are set against Poisson counts
convolved in floating point, and where failing begins against the residual itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pruneproof import theory

from ..generators import Choice, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together

#: Beyond this product of nodes and draws the exact probability takes seconds, its floor none.
LARGE = 10**6


@dataclass(frozen=True)
class Flat:
    """Sigma = odds I at lam = 1, and the failure probability asked for (times 3)."""

    nodes: int
    odds: int
    delta: float

    @property
    def leverage(self) -> Fraction:
        """l, exactly."""
        return Fraction(self.odds, self.odds + 1)

    def width(self, factor: float, logarithm: bool = True) -> int:
        """ceil(factor N log(16 N/delta)), written out."""
        dof = self.nodes * float(self.leverage)
        steep = math.log(16 * dof / self.delta) if logarithm else 1.0
        return max(1, math.ceil(factor * dof * steep))


def flat(rng: np.random.Generator, *, nodes: int = 20, odds: int = 99, delta: float = 0.2) -> Flat:
    """Nothing is random; leverage .99 by default."""
    return Flat(nodes, odds, delta)


#: Many nodes, each of which must be drawn often enough; and so many that half of 5 fails.
MANY = ({"nodes": 80}, {"nodes": 120})
HUGE = {"nodes": 891250, "odds": 999}


@register(
    "laws.L4",
    "inequality",
    flat,
    {"nodes": Whole(1, 30), "odds": Whole(1, 999), "delta": Choice((0.2, 0.5, 0.05, 0.9))},
    ({}, {"nodes": 80}, {"nodes": 2, "odds": 4}, {"nodes": 40, "odds": 999, "delta": 0.9}, HUGE),
    mutants=(
        Mutant("5 -> 1", {"factor": 1.0}, examples=MANY),
        Mutant("5 -> 1.25", {"factor": 1.25}, examples=MANY),
        Mutant("5 -> 1.5", {"factor": 1.5}, examples=MANY),
        Mutant("5 -> 2", {"factor": 2.0}, examples=(HUGE,)),
        Mutant("5 -> 2.5", {"factor": 2.5}, must_die=False),
        Mutant("log dropped", {"logarithm": False}),
        Mutant("4 -> 4/3", {"constant": 4 / 3}, examples=MANY),
    ),
)
def exact_failure(
    given: Flat, *, factor: float = 5.0, logarithm: bool = True, constant: float = 4.0
) -> Sides:
    """The width of the sampling lemma keeps its promise where the failure probability is known.

    Hypotheses
    ----------
    Sigma = mu I_M, leverage l = mu/(mu + lam), N = M l, k = ceil(5 N log(16 N/delta)) draws.

    Statement
    ---------
    S_J <= 4 lam H fails iff some c_j < k0 = ceil((l - 3/4) k/N), so with probability
    1 - k! [x^k] (sum_{i >= k0} (x/M)^i/i!)^M, which is at most delta/3. It is at least
    1 - (1 - P(Bin(k, 1/M) < k0))^M.

    Source
    ------
    Derived [D]; the floor by negative association (Joag-Dev and Proschan 1983). At l = .99,
    M = 20, delta = .2, k = 730: 1.5577765e-7. With 2 in place of 5 the promise of 1/15 breaks at
    M = 891250, l = .999: at least .0669.

    References
    ----------
    arXiv 1808.08558; Joag-Dev and Proschan 1983
    """
    m, leverage = given.nodes, given.leverage
    promised = theory.paper_width(np.full(m, float(given.odds)), 1.0, delta=given.delta)
    k = promised + given.width(factor, logarithm) - given.width(5.0)
    parts = [equal(promised, given.width(5.0), scale=1.0, size=1, part="width")]
    failed = theory.failure_floor(m, leverage, k, constant=constant)
    if m * k <= LARGE:
        exact = float(theory.failure_probability(m, leverage, k, constant=constant))
        above = max(0.0, failed - exact)  # as a number: a floor near the truth is no tightness
        parts += [equal(above, 0.0, scale=exact, size=1, part="floor"), *_checked(given)]
        failed = exact
    level = given.delta / 3
    return together(at_most(failed, level, scale=level, size=1, part="failure"), *parts)


def _checked(given: Flat) -> list[Sides]:
    """The theory's probability with a fifth of the draws, and where failing begins."""
    m, leverage, k = given.nodes, given.leverage, given.width(1.0)
    least = max(0, math.ceil((leverage - Fraction(3, 4)) * k / (m * leverage)))
    found = float(theory.failure_probability(m, leverage, k))
    # log k! errs by eps log k!, in each of M counts
    size, scale = m * k, 1.0 + math.log(k)
    parts = [
        equal(found, _poissonized(m, k, least), scale=scale, size=size, part="probability's value")
    ]
    for count, fails in ((least, False), (least - 1, True)):
        if 0 <= count <= k and m > 1:
            excess = _excess(given, k, count)  # exactly 0 is no failure
            sides = (-excess, 0.0) if fails else (excess, 0.0)
            name = "too few draws" if fails else "enough draws"
            parts.append(at_most(*sides, scale=float(given.odds), size=m, part=name))
    return parts


def _poissonized(m: int, k: int, least: int) -> float:
    """Poisson counts of mean k/M given their sum k are multinomial: convolve those >= k0."""
    counts = np.arange(k + 1)
    logs = np.array([math.lgamma(count + 1) for count in counts])
    one = np.exp(counts * math.log(k / m) - k / m - logs) * (counts >= least)
    total = np.eye(1, k + 1)[0]
    for _ in range(m):
        total = np.convolve(total, one)[: k + 1]
    return 1.0 - float(total[k]) / math.exp(k * math.log(k) - k - math.lgamma(k + 1))


def _excess(given: Flat, k: int, count: int) -> float:
    """Largest eigenvalue of S_J - 4 lam H where node 0 is drawn `count` times, others evenly."""
    m, mu, leverage = given.nodes, float(given.odds), float(given.leverage)
    counts = np.append(float(count), np.full(m - 1, (k - count) / (m - 1)))
    kept = np.flatnonzero(counts)
    s = theory.residual(mu * np.eye(m), kept, k / (m * counts[kept]))
    return float(np.linalg.eigvalsh(s - 4 * leverage * np.eye(m))[-1])
