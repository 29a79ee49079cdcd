r"""Spectral errors of random sparsifications by matrix Bernstein (II-4, II-4m), and two that need
enormous matrices: uniform sampling (II-4a) and Drineas and Zouzias (II-4z).

Letters: B the sparsified W (m x n), L and v of Bernstein's inequality, b = max |w|; "lines" is the
largest sum over any row or column. L and v are worked out in `sampled_weights` from the entries.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sampled_weights import METHODS, SMALL, SampledWeight, monte_carlo, sampled_weight, weights
from ..sides import Floats, Sides, at_most, equal, together

LARGER = {
    **SMALL,
    "m": Whole(4, 24),
    "n": Whole(4, 24),
    "count": Whole(4, 200),
    "delta": Real(0.05, 0.5),
}
#: Every method but uniform draws; for L2 no entry is small, which would make its bound useless.
FROZEN = (
    {"family": "coherent", "method": "threshold-poisson", "m": 40, "n": 40, "count": 800},
    {"family": "gauss", "method": "uniform", "m": 20, "n": 30, "count": 200},
    {"family": "sparse", "method": "quantise", "m": 12, "n": 16, "count": 1, "delta": 0.2},
    {"family": "heavy", "method": "l1", "m": 20, "n": 20, "count": 150},
    {"family": "coherent", "method": "l2", "m": 24, "n": 24, "count": 300},
    {"family": "gauss", "method": "hybrid", "m": 16, "n": 24, "count": 200, "delta": 0.2},
    {"family": "tall", "method": "threshold-poisson", "n": 3, "count": 100},
)


def _quantile(
    case: SampledWeight,
    *,
    variance: float = 1.0,
    reach: float = 1.0,
    logarithm: bool = True,
    shorter: bool = False,
) -> float:
    """t_delta = L l/3 + sqrt((L l/3)^2 + 2 v l), l = log((m + n)/delta)."""
    size, spread = case.spread
    if shorter:  # the sums over the longer lines are left out
        entries = case.squares / case.count if case.drawn else case.variances
        spread = float(entries.sum(axis=int(np.argmax(entries.shape) == 0)).max())
    log_term = math.log(sum(case.weight.shape) / case.level) if logarithm else 1.0
    half = reach * size * log_term / 3
    return half + math.sqrt(half**2 + 2 * variance * spread * log_term)


@register(
    "sparsity.II-4",
    "probability",
    sampled_weight,
    LARGER,
    FROZEN,
    (
        Mutant("bound x 1/4", {"constant": 0.25}),
        Mutant("variance x 1/40 and L x 1/40", {"variance": 1 / 40, "reach": 1 / 40}),
        Mutant("log and L dropped", {"logarithm": False, "reach": 0.0}),
        Mutant("variance of the shorter lines only", {"shorter": True, "reach": 0.0}),
    ),
)
def spectral_errors(
    case: SampledWeight,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    variance: float = 1.0,
    reach: float = 1.0,
    logarithm: bool = True,
    shorter: bool = False,
) -> Sides:
    """Sampled weights are near in the spectral norm, with probability 1 - delta.

    Hypotheses
    ----------
    Truncated Poisson: L = tau, v = lines of a (tau - a)_+. Uniform p: L = b max(1, 1/p - 1),
    v = (1 - p)/p lines of a^2. Quantised: L = 2b, v = lines of b^2 - a^2. s draws from P:
    L = (max a/P + ||W||_2)/s, v = lines of a^2/P, over s.

    Statement
    ---------
    ||W - B||_2 <= L l/3 + sqrt((L l/3)^2 + 2 v l) with probability at least 1 - delta,
    l = log((m + n)/delta).

    Source
    ------
    Matrix Bernstein [R]; L and v derived [D].

    References
    ----------
    Tropp 2012; Achlioptas and McSherry 2007; Kundu and Drineas 2014
    """
    found = float(np.linalg.norm(case.weight - case.draw(rng), 2))
    claimed = _quantile(case)
    altered = _quantile(case, variance=variance, reach=reach, logarithm=logarithm, shorter=shorter)
    size = 4 * case.weight.size
    return together(
        at_most(found, constant * altered, scale=claimed, size=size, part="error"),
        equal(case.bound.value, claimed, scale=claimed, size=size, part="bound's value"),
    )


@register(
    "sparsity.II-4m",
    "expectation",
    sampled_weight,
    {**SMALL, "m": Whole(1, 12), "n": Whole(1, 12)},
    (
        *({"method": method} for method in METHODS),
        *FROZEN,
        {"family": "flat", "m": 1, "n": 1, "method": "l1"},
        {"family": "identity", "m": 2, "n": 2, "method": "uniform", "part": 0.1},
    ),
    (
        Mutant("bound x 1/3", {"constant": 1 / 3}),
        Mutant("bound x 1/2", {"constant": 0.5}, must_die=False),
        Mutant("log and L dropped", {"logarithm": False, "reach": 0.0}),
    ),
)
def mean_spectral_errors(
    case: SampledWeight, *, constant: float = 1.0, reach: float = 1.0, logarithm: bool = True
) -> Sides:
    """The mean spectral error of sampled weights.

    Hypotheses
    ----------
    L and v as in II-4.

    Statement
    ---------
    E ||W - B||_2 <= sqrt(2 v log(m + n)) + L log(m + n)/3. Exactly where all outcomes can be
    listed; else of 60 draws, less four standard errors.

    Source
    ------
    Matrix Bernstein [R]; L and v derived [D].

    References
    ----------
    Tropp 2012
    """
    if case.outcomes is not None:
        outcomes, chance = case.outcomes
        found = float(chance @ np.linalg.norm(case.weight - outcomes, 2, axis=(1, 2)))
    else:
        mean, error = monte_carlo(case, 60)
        found = max(0.0, mean - 4 * error)
    size, spread = case.spread
    log_term = math.log(sum(case.weight.shape))
    claimed = math.sqrt(2 * spread * log_term) + size * log_term / 3
    used = log_term if logarithm else 1.0
    altered = math.sqrt(2 * spread * used) + reach * size * used / 3
    # all outcomes have entries of at most L more than W's
    scale = claimed + size + case.largest
    parts = 1100 * case.weight.size
    return together(
        at_most(found, constant * altered, scale=scale, size=parts, part="mean error"),
        equal(case.terms.mean, claimed, scale=scale, size=parts, part="bound's value"),
    )


@dataclass(frozen=True, eq=False)
class Uniform:
    """A square weight of which every entry is kept with probability p."""

    weight: Floats
    share: float
    level: float = 0.05

    @functools.cached_property
    def bound(self) -> theory.Bound:
        """What the theory says."""
        return theory.achlioptas_mcsherry_bound(self.weight, self.share)

    @property
    def vacuous(self) -> bool:
        """Whether it says nothing."""
        return bool(self.bound.vacuous)

    @property
    def begins(self) -> str:
        """From where on it may say something."""
        return f", as its premise needs n > {self.bound.terms['size']:.3g}"


def uniform(
    rng: np.random.Generator, *, family: str = "gauss", n: int = 30, share: float = 0.3
) -> Uniform:
    """Weight (n, n) of a family."""
    return Uniform(weights(rng, family, n, n), share)


@register(
    "sparsity.II-4a",
    "probability",
    uniform,
    {
        "family": Choice(("gauss", "flat", "coherent")),
        "n": Whole(10, 60),
        "share": Real(0.1, 0.9),
        "seed": Whole(0, 65535),
    },
    ({}, {"family": "flat", "share": 0.1}, {"family": "coherent", "share": 0.5}),
    (
        Mutant("4 b -> b/4", {"constant": 0.25}),
        Mutant("(8 log n)^3 in the premise", {"power": 3.0}),
        Mutant("sqrt(n p) in place of sqrt(n/p)", {"inverse": False}),
    ),
)
def uniform_sampling(
    case: Uniform,
    rng: np.random.Generator,
    *,
    constant: float = 4.0,
    power: float = 4.0,
    inverse: bool = True,
) -> Sides:
    """Uniform sampling is near in the spectral norm, of matrices larger than any.

    Hypotheses
    ----------
    W n x n, each entry kept, as w/p, with probability p >= (8 log n)^4/n; so n > 7.06e8.

    Statement
    ---------
    ||W - B||_2 <= 4 b sqrt(n/p) with high probability. Where the premise fails the theorem says
    nothing; the form is tried all the same.

    Source
    ------
    Achlioptas and McSherry 2007 [R].

    References
    ----------
    Achlioptas and McSherry 2007
    """
    w, p, n = case.weight, case.share, len(case.weight)
    b = float(np.max(np.abs(w)))
    form = 4 * b * math.sqrt(n / p)
    altered = constant * b * math.sqrt(n / p if inverse else n * p)
    found = float(np.linalg.norm(w - theory.uniform_sample(w, p, rng=rng), 2))
    # the larger root of (8 log n)^power = n, in x = log n, by iteration
    x = 20.0
    for _ in range(80):
        x = power * math.log(8 * x)
    terms = case.bound.terms
    return together(
        at_most(found, altered, scale=form, size=n * n, part="error"),
        equal(terms["form"], form, scale=form, size=n, part="form"),
        equal(terms["least keep"], (8 * math.log(n)) ** 4 / n, scale=(8 * n) ** 4, size=1),
        equal(terms["size"], math.ceil(math.exp(x)), scale=1e9 * x, size=4, part="size"),
    )


@dataclass(frozen=True, eq=False)
class Zeroed:
    """A square weight, the error aimed at, and the draws asked for."""

    weight: Floats
    eps: float
    level: float

    @functools.cached_property
    def bound(self) -> theory.Bound:
        """What the theory asks for."""
        return theory.drineas_zouzias_bound(self.weight, self.eps)

    @property
    def vacuous(self) -> bool:
        """Whether keeping all entries is cheaper."""
        return bool(self.bound.vacuous)

    @property
    def begins(self) -> str:
        """From where on it saves anything."""
        return (
            f", as {self.bound.value:.3g} draws for {self.bound.trivial:.3g} entries; "
            f"at this eps/||W||_F it begins at n = {self.bound.terms['size']:.3g}"
        )


def zeroed(
    rng: np.random.Generator, *, family: str = "gauss", n: int = 12, share: float = 0.5
) -> Zeroed:
    """Weight (n, n) of a family; eps is `share` of its Frobenius norm, delta 1/n."""
    w = weights(rng, family, n, n)
    return Zeroed(w, share * float(np.linalg.norm(w)), 1 / n)


@register(
    "sparsity.II-4z",
    "probability",
    zeroed,
    {
        "family": Choice(("gauss", "flat", "coherent", "heavy")),
        "n": Whole(2, 20),
        "share": Real(0.2, 0.9),
        "seed": Whole(0, 65535),
    },
    ({}, {"family": "heavy", "n": 8}, {"family": "coherent", "n": 10, "share": 0.8}),
    (
        Mutant("draws x 1/200", {"constant": 24 / 200}),
        Mutant("log and n dropped, draws x 1/8", {"per_size": False, "constant": 3.0}),
        Mutant("1/eps in place of 1/eps^2, draws x 1/24", {"power": 1.0, "constant": 1.0}),
    ),
)
def drineas_and_zouzias(
    case: Zeroed,
    rng: np.random.Generator,
    *,
    constant: float = 24.0,
    power: float = 2.0,
    per_size: bool = True,
) -> Sides:
    """Draws by squared entries with the small ones zeroed are near in the spectral norm.

    Hypotheses
    ----------
    W n x n, A its entries above eps/(2n), eps <= ||A||_F, s >= 24 n log(sqrt 2 n) ||A||_F^2/eps^2
    draws in proportion to a^2.

    Statement
    ---------
    ||W - B||_2 <= eps with probability at least 1 - 1/n. Of small matrices s exceeds the entries.

    Source
    ------
    Drineas and Zouzias 2011 [R], constant 28; 24 derived [D].

    References
    ----------
    Drineas and Zouzias 2011
    """
    w, eps, n = case.weight, case.eps, len(case.weight)
    left = w[np.abs(w) > eps / (2 * n)]
    share = float(np.linalg.norm(left)) / eps
    size = n * math.log(math.sqrt(2) * n)
    claimed = math.ceil(24 * size * share**2)
    altered = math.ceil(constant * (size if per_size else 1.0) * share**power)
    stated = case.bound.value
    draws = None if altered == claimed else altered
    sampled = theory.drineas_zouzias(w, eps, draws, rng=rng)
    return together(
        at_most(float(np.linalg.norm(w - sampled, 2)), eps, scale=eps, size=n * n, part="error"),
        equal(stated, claimed, scale=1.0, size=1, part="draws"),
        equal(case.bound.trivial, np.count_nonzero(w), scale=1.0, size=1, part="entries"),
    )
