r"""Exact failure probabilities at flat second moments, as evidence for P1 and L4.

P1 promises delta/3 = 1/15 (delta = 1/5) at k = ceil(5 N log(16 N/delta)). Here it is decided at
Sigma = mu I_M, l = .99, M = 20, 80, 120, and with a smaller factor in place of 5: which of these
altered statements the family kills. Where the probability itself is long to compute, a rational
upper or lower bound of it decides.

This module may import the theory (its own evaluation, to be compared) only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..evidence import Evidence
from .rational import has_flint
from .sampling import failure_floor, failure_probability, least_draws, paper_width, union_bound

LEVERAGE = Fraction(99, 100)
DELTA = Fraction(1, 5)
PROMISED = DELTA / 3
#: Factors in place of 5, and the nodes each is tried at.
FACTORS = {
    "5 -> 1": Fraction(1),
    "5 -> 1.25": Fraction(5, 4),
    "5 -> 1.5": Fraction(3, 2),
    "5 -> 2": Fraction(2),
}
NODES = (80, 120)
#: Where "5 -> 2" dies: M and l.
FAR = (891250, Fraction(999, 1000))
#: Bits of the remainders' product up to which the probability itself is computed.
BITS = {"quick": 7000, "standard": 16000, "deep": 40000}


@dataclass(frozen=True)
class Failure:
    """Failure probability of one flat instance, itself or between two rationals."""

    nodes: int
    leverage: Fraction
    width: int
    low: Fraction
    high: Fraction

    @property
    def known(self) -> bool:
        """Whether the two are one."""
        return self.low == self.high

    @property
    def details(self) -> dict[str, Any]:
        """JSON-able figures."""
        return {
            "nodes": self.nodes,
            "leverage": float(self.leverage),
            "width": self.width,
            "least_draws": least_draws(self.nodes, self.leverage, self.width, Fraction(4)),
            "probability": float(self.low) if self.known else [float(self.low), float(self.high)],
            "promised": float(PROMISED),
            "kept": _kept(self),
        }


def _kept(found: Failure) -> bool | None:
    """Whether P1's promise is kept; None where the bounds leave it open."""
    if found.high <= PROMISED:
        return True
    return False if found.low > PROMISED else None


@functools.cache
def failure(nodes: int, leverage: Fraction, width: int, budget: str) -> Failure:
    """The probability, or bounds where it takes too long at this budget."""
    if has_flint() and width * nodes.bit_length() <= BITS[budget]:
        found = failure_probability(nodes, leverage, width)
        return Failure(nodes, leverage, width, found, found)
    low = failure_floor(nodes, leverage, width)
    # the union bound is exact, but not at millions of draws, where 1 says enough
    high = union_bound(nodes, leverage, width) if width < 10**5 else Fraction(1)
    return Failure(nodes, leverage, width, low, high)


def promise(budget: str) -> list[Failure]:
    """P1's own instances: factor 5."""
    return [_at(nodes, LEVERAGE, Fraction(5), budget) for nodes in (20, *NODES)]


def mutants(budget: str) -> dict[str, list[Failure]]:
    """Altered factors, by the names of the claim's mutants."""
    found = {
        name: [_at(nodes, LEVERAGE, factor, budget) for nodes in NODES]
        for name, factor in FACTORS.items()
    }
    found["5 -> 2"].append(_at(*FAR, Fraction(2), budget))
    return found


def _at(nodes: int, leverage: Fraction, factor: Fraction, budget: str) -> Failure:
    width = paper_width(nodes, leverage, factor=factor, delta=DELTA)
    return failure(nodes, leverage, width, budget)


def failures(claim_id: str, budget: str) -> Evidence | None:
    """Evidence for P1 (its promise is kept) and L4 (the theory's probabilities are right)."""
    if claim_id == "spectral.P1":
        return _promise(budget)
    if claim_id == "laws.L4":
        return _law(budget)
    return None


def _promise(budget: str) -> Evidence:
    kept, altered = promise(budget), mutants(budget)
    details = {
        "flat": [found.details for found in kept],
        "mutants": {name: [f.details for f in found] for name, found in altered.items()},
    }
    broken = [found for found in kept if _kept(found) is not True]
    if broken:
        worst = broken[0]
        return Evidence(
            "REFUTED" if _kept(worst) is False else "NOT FALSIFIED",
            f"failure probability {_figure(worst)} at {_where(worst)}, promised {PROMISED}",
            instances=len(kept),
            witness=worst.details,
            details=details,
        )
    killed = [name for name, found in altered.items() if any(_kept(one) is False for one in found)]
    return Evidence(
        "EXACT",
        f"failure probability at flat Sigma, l = .99, M = 20, 80, 120, at most "
        f"{float(max(f.high for f in kept)):.7e} against delta/3 = {PROMISED}, in rational "
        f"arithmetic; the same family kills {', '.join(killed)}",
        instances=len(kept),
        details=details,
    )


def _law(budget: str) -> Evidence:
    """Powers of polynomials modulo primes against the theory's recursion."""
    if not has_flint():
        return Evidence(
            "INAPPLICABLE", "python-flint is not installed; pip install pruneproof[certify]"
        )
    found = [*promise(budget), *(one for some in mutants(budget).values() for one in some)]
    exactly = [one for one in found if one.known]
    stated = theory_probabilities(exactly)
    wrong = [
        one for one, value in zip(exactly, stated, strict=True) if value not in (None, one.low)
    ]
    details = {"instances": [one.details for one in found], "compared": None not in stated}
    first = exactly[0]
    if wrong:
        return Evidence(
            "REFUTED",
            f"the theory's failure probability is not {_figure(wrong[0])} at {_where(wrong[0])}",
            instances=len(found),
            witness=wrong[0].details,
            details=details,
        )
    return Evidence(
        "EXACT",
        f"failure probability {_figure(first)} at {_where(first)}, "
        f"{'equal to the theory' if details['compared'] else 'evaluated'} to the last digit on "
        f"{len(exactly)} instances; {len(found) - len(exactly)} more between rational bounds",
        instances=len(found),
        worst_ratio=0.0,
        details=details,
    )


def theory_probabilities(wanted: list[Failure]) -> list[Fraction | None]:
    """What the theory says of the same instances; None where it has no such function."""
    try:
        from pruneproof.theory import failure as stated
    except ImportError:
        return [None] * len(wanted)
    return [stated.failure_probability(f.nodes, f.leverage, f.width) for f in wanted]


def _figure(found: Failure) -> str:
    """Probability in eight digits."""
    if found.known:
        return f"{float(found.low):.7e}"
    return f"between {float(found.low):.7e} and {float(found.high):.7e}"


def _where(found: Failure) -> str:
    return f"M = {found.nodes}, l = {float(found.leverage):g}, k = {found.width}"
