r"""Rates in the number of samples: bias against variance at the best width (R1).

Letters: mu_j = j^{-a} for all j >= 1, lam_N(k) and lam_vol(k) the roots lam of N(lam) = k and of
sum_j min(1, mu_j/lam) = k, for real k > 0. As k and lam determine each other, the least over k is
one over lam,

    fast   min_lam lam + N(lam)^2/n,         slow   min_lam sqrt(lam) + N(lam)/sqrt(n),

with no root to find. Counts over all j are sums of the theory over j <= m and an integral,
which leaves the count between two figures less than 1/(1 + lam m^a) apart.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Space
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: Nodes summed one by one, over the best width: what is left uncertain is 1/(1 + 16^a) of a node.
SHARE = 16
#: Ridges tried before the search between two of them.
TRIED = 24


@dataclass(frozen=True, eq=False)
class Balance:
    """Power law of exponent a, n samples, which curve and which ridge."""

    a: float
    n: float
    curve: str
    ridge: str

    @functools.cached_property
    def mu(self) -> Floats:
        """Eigenvalues summed one by one: as many as matter at the best width, n^{1/(a+2)}."""
        constant = self.a / (self.a - 1)
        width = (self.a * constant**self.a * self.n) ** (1 / (self.a + 2))
        return np.arange(1.0, 100 + SHARE * width) ** -self.a

    def count(self, lam: float) -> tuple[float, float]:
        """Bounds on k(lam) over all j."""
        m = len(self.mu)
        if self.ridge == "lam_vol":
            found = theory.dof_sandwich(self.mu, lam).upper
            first, second = (_plain_tail(self.a, lam, x) for x in (m, m + 1))
        else:
            found = float(theory.degrees_of_freedom(self.mu, lam))
            first, second = (_smooth_tail(self.a, lam, x) for x in (m, m + 1))
        return found + second, found + first

    def least(self) -> tuple[float, float]:
        """Bounds on the least of the curve, but for the search's own error.

        That lies above the least: an error of 1e-6 in log lam is squared where the curve is smooth,
        and counts once at a kink of lam_vol.
        """
        from scipy.optimize import minimize_scalar

        def value(log_lam: float, end: int) -> float:
            lam = math.exp(log_lam)
            k = self.count(lam)[end]
            if self.curve == "fast":
                return lam + k**2 / self.n
            return math.sqrt(lam) + k / math.sqrt(self.n)

        grid = np.linspace(math.log(self.mu[-1]), 5.0, TRIED)
        start = int(np.argmin([value(x, 0) for x in grid]))
        ends = (grid[max(start - 1, 0)], grid[min(start + 1, TRIED - 1)])
        found = minimize_scalar(
            value, args=(0,), bounds=ends, method="bounded", options={"xatol": 1e-6}
        )
        return float(found.fun), value(float(found.x), 1)


def _smooth_tail(a: float, lam: float, x: float) -> float:
    """Integral of 1/(1 + lam t^a) over t >= x."""
    from scipy.special import hyp2f1

    u = lam * math.pow(x, a)
    return float(math.pow(x, 1 - a) / ((a - 1) * lam) * hyp2f1(1, 1 - 1 / a, 2 - 1 / a, -1 / u))


def _plain_tail(a: float, lam: float, x: float) -> float:
    """Integral of min(1, t^{-a}/lam) over t >= x."""
    edge = math.pow(lam, -1 / a)
    whole = max(edge - x, 0.0)
    return whole + math.pow(max(x, edge), 1 - a) / ((a - 1) * lam)


def balance(
    rng: np.random.Generator,
    *,
    a: float = 2.0,
    log10_n: float = 6.0,
    curve: str = "fast",
    ridge: str = "lam_N",
) -> Balance:
    """One power law and a number of samples, at most 1e12. Nothing is random."""
    return Balance(a, 10.0**log10_n, curve, ridge)


BALANCES: Space = {
    "a": Real(1.25, 5.0),
    "log10_n": Real(0.0, 12.0),
    "curve": Choice(("fast", "slow")),
    "ridge": Choice(("lam_N", "lam_vol")),
}


#: Many samples, where both ends of the sandwich meet; few, where they do not.
MANY = tuple(
    {"log10_n": 12.0, "curve": curve, "ridge": ridge}
    for curve in ("fast", "slow")
    for ridge in ("lam_N", "lam_vol")
)
FEW = ({"log10_n": 1.0}, {"log10_n": 0.0, "curve": "slow"}, {"a": 1.25}, {"a": 5.0, "log10_n": 9.0})


@register(
    "spectral.R1",
    "rate",
    balance,
    BALANCES,
    (*MANY, *FEW),
    (
        Mutant("upper end x .95", {"upper": 0.95}),
        Mutant("lower end / .95", {"lower": 1 / 0.95}),
        Mutant("exponent of n x 1.02", {"steeper": 1.02}),
        Mutant("exponent of n x .98", {"steeper": 0.98}),
        Mutant("rate n^{-a/(a+1)}", {"added": 1.0}),
        Mutant("C and c swapped", {"swapped": True}),
        Mutant("one node to spare left out", {"spare": 0.0}),
        Mutant("one node to spare -> 1/4", {"spare": 0.25}),
        # sums lag integrals by half a node, so the whole one is never needed at large n
        Mutant("one node to spare x .9", {"spare": 0.9}, must_die=False),
    ),
)
def rates(
    case: Balance,
    *,
    upper: float = 1.0,
    lower: float = 1.0,
    steeper: float = 1.0,
    added: float = 2.0,
    swapped: bool = False,
    spare: float = 1.0,
) -> Sides:
    """Bias and variance at the best width fall as fixed powers of n, between two ends that meet.

    Hypotheses
    ----------
    mu_j = j^{-a} for all j >= 1, a > 1; n >= 1; k > 0 real, lam(k) the root of N(lam) = k
    (A = C^a, C = (pi/a)/sin(pi/a)) or of sum_j min(1, mu_j/lam) = k (A = c^a, c = a/(a-1)).

    Statement
    ---------
    With U = min_k A k^{-a} + k^2/n, a constant times n^{-a/(a+2)}, at K = (a A n/2)^{1/(a+2)},
    (1 - 1/K)^{a/(a+2)} U - (K - 1)/n <= min_k lam(k) + k^2/n <= U (lower end for K >= 1);
    with V = min_k A^{1/2} k^{-a/2} + k/n^{1/2}, a constant times n^{-a/(2(a+2))},
    V - n^{-1/2} <= min_k lam(k)^{1/2} + k/n^{1/2} <= V.

    Source
    ------
    Derived [D] from claim spectral.X2; the form of the rates is the paper's [R].

    Equality cases
    --------------
    The ratio of both ends tends to 1 as n does to infinity.

    References
    ----------
    arXiv 1808.08558
    """
    found = case.least()
    stated = _ends(case, case.n)
    # altered ends: as stated, but moved as another power of n would move them
    power = case.a / (case.a + added) - case.a / (case.a + 2)
    power += (steeper - 1.0) * case.a / (case.a + 2)
    moved = case.n ** (-power / (1 if case.curve == "fast" else 2))
    low, high = (moved * x for x in _ends(case, case.n, swapped=swapped, spare=spare))
    sandwich = theory.fast_rate_sandwich if case.curve == "fast" else theory.slow_rate_sandwich
    given = sandwich(case.a, case.n)[0 if case.ridge == "lam_N" else 1]
    # a sum of positive terms that meets closed tails; the search's own error lies above the least
    scale, size = found[1], len(case.mu)
    return together(
        at_most(found[0], upper * high, scale=scale, size=size, part="upper end"),
        at_most(lower * low, found[1], scale=scale, size=size, part="lower end"),
        equal(given, stated, scale=stated[1], size=8, part="its ends"),
    )


def _ends(
    case: Balance, n: float, *, swapped: bool = False, spare: float = 1.0
) -> tuple[float, float]:
    """Ends of the statement: the least of the curve, by its closed form, and less a node."""
    a = case.a
    sharp = (case.ridge == "lam_N") != swapped
    constant = (math.pi / a / math.sin(math.pi / a)) if sharp else a / (a - 1)
    if case.curve == "fast":
        width = (a * constant**a * n / 2) ** (1 / (a + 2))
        high = (1 + 2 / a) * width**2 / n  # bias over variance is 2/a at the best width
        share = spare / width
        low = (1 - share) ** (a / (a + 2)) * high - spare * (width - 1) / n if width >= 1 else 0.0
    else:
        width = (a / 2 * constant ** (a / 2) * math.sqrt(n)) ** (2 / (a + 2))
        high = (1 + 2 / a) * width / math.sqrt(n)
        low = high - spare / math.sqrt(n)
    return max(low, 0.0), high
