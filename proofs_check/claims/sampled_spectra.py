r"""k-DPPs on a spectrum: between two ridges, without subtraction, at a temperature (X-6 to X-8).

Letters: G the kernel, lam_n its eigenvalues, e_k their elementary symmetric polynomials, N(lam) =
Tr G (G + lam)^{-1}. Left sides list all subsets by least squares, or count in fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pruneproof import theory

from ..generators import SMALL_LAYERS, STRUCTURED, Choice, Layer, Real, Whole, ranked_layer
from ..mutants import Mutant
from ..oracles import all_subsets, degrees, eigenvalues, mean_scale
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, loewner, together

#: One large eigenvalue, which k - 1 = 2 of 15 equal ones leave out: within 2/3 of X-6's bound.
ONE_LARGE = {"shape": {"log10_spectrum": [3.0] + [0.0] * 15}, "k": 3}


@register(
    "determinantal.X-6",
    "expectation",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED,
    mutants=(
        Mutant("r_hi x .95", {"high": 0.95}),
        Mutant("r_lo x 1.05", {"low": 1.05}),
        Mutant("k + 1 in place of k", {"spare": 1}),
        Mutant("bound x .5", {"constant": 0.5}, examples=(ONE_LARGE,)),
    ),
)
def between_two_ridges(
    sampled: Layer, *, high: float = 1.0, low: float = 1.0, spare: int = 0, constant: float = 1.0
) -> Sides:
    """A k-DPP leaves out between what two ridges leave out, in every direction.

    Hypotheses
    ----------
    1 <= k <= rank G, J from the k-DPP of kernel G, G/G_J the Schur complement. r_n = e_k/e_{k-1} of
    the eigenvalues without lam_n; r_lo, r_hi at the largest and the smallest eigenvalue.

    Statement
    ---------
    r_lo G(G + r_lo)^{-1} <= E[G/G_J] <= r_hi G(G + r_hi)^{-1} in the positive semidefinite order,
    N(r_hi) <= k <= N(r_lo), and E v'(G/G_J)v <= |v|^2 min_{0<=s<k} sum_{j>s} lam_j/(k-s).

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Flat G, on its range; k = rank. The last part in the limit of one large eigenvalue and many
    equal ones, k large.

    References
    ----------
    Kulesza and Taskar 2012
    """
    x, k = sampled.features, len(sampled.kept)
    cov, mu = theory.second_moment(x), eigenvalues(x)
    if k == 0:
        raise theory.InapplicableError("a k-DPP of at least one node is needed, but k is 0")
    lower, upper = theory.fusion_ridges(cov, k)
    lower, upper = low * lower, high * upper
    mean, scale, size = all_subsets(x, k).mean, mean_scale(sampled, k), sampled.size
    limits = [ridge * np.asarray(theory.smoother(cov, ridge)) for ridge in (lower, upper)]
    top = float(np.linalg.eigvalsh(mean)[-1])
    volume = constant * theory.volume_ridge(cov, k)
    parts = [
        loewner(mean, limits[1], scale=scale, size=size, part="upper ridge"),
        loewner(limits[0], mean, scale=scale, size=size, part="lower ridge"),
        at_most(top, volume, scale=scale, size=size, part="directions"),
    ]
    if upper > 0:  # N at 0 is the rank, which rounding hides
        steep = sampled.m * (1 + sampled.scale / lower)
        count = k + spare
        parts += [
            at_most(degrees(mu, upper), k, scale=steep, size=size, part="N(r_hi) <= k"),
            at_most(count, degrees(mu, lower), scale=steep, size=size, part="k <= N(r_lo)"),
        ]
    return together(*parts)


@dataclass(frozen=True, eq=False)
class Decay:
    """Eigenvalues, descending, and a size k."""

    mu: Floats
    kept: int


def decay(
    rng: np.random.Generator, *, m: int = 30, kept: int = 10, rate: float = 2.0, law: str = "power"
) -> Decay:
    """mu_j = j^-rate or exp(-rate j), or even draws of 0..1 to the power of `rate`."""
    j = np.arange(1.0, m + 1)
    laws = {"power": j**-rate, "exponential": np.exp(-rate * j), "flat": np.ones(m)}
    mu = laws[law] if law in laws else np.sort(rng.random(m) ** rate + 1e-12)[::-1]
    return Decay(np.asarray(mu), min(kept, m))


DECAYS = {
    "m": Whole(1, 30),
    "kept": Whole(1, 30),
    "rate": Real(0.25, 6.0),
    "law": Choice(("power", "exponential", "random")),
    "seed": Whole(0, 65535),
}


@register(
    "determinantal.X-7",
    "inequality",
    decay,
    DECAYS,
    ({}, {"m": 60, "kept": 30}, {"m": 40, "kept": 40, "rate": 4.0}, {"law": "random", "m": 80}),
    mutants=(
        Mutant("m eps/50", {"constant": 0.01}),
        Mutant("by subtraction", {"subtract": True}),
    ),
)
def ratios_without_subtraction(
    seen: Decay, *, constant: float = 1.0, subtract: bool = False
) -> Sides:
    """Ratios of elementary symmetric polynomials are found to full relative precision.

    Hypotheses
    ----------
    Positive eigenvalues; r_j = e_j/e_{j-1} from r_j <- r_{j-1} (r_j + x)/(r_{j-1} + x), r_1 <-
    r_1 + x, one eigenvalue x at a time, in floating point of unit roundoff u.

    Statement
    ---------
    |computed r_j - r_j| <= 4 m u r_j (1 + o(1)) for all j <= k: here 4 m u (1 + 8 m u). Taking an
    eigenvalue out by subtraction, e_j - x e_{j-1}, has no such bound.

    Source
    ------
    Derived [D]: nothing cancels, and sensitivities sum to at most 1.

    References
    ----------
    Kulesza and Taskar 2012
    """
    mu, k, unit = seen.mu, seen.kept, 2.0**-53
    exact = _fractions(mu, k)
    if subtract:
        computed = _downdated(mu, k)
    else:
        # eigenvalues within a Spectrum's noise would count as 0: go below the gate
        from pruneproof.theory.elementary import ratios

        computed = [Fraction(float(r)) for r in ratios(mu, k)]
    errors = [abs(r / e - 1) for r, e in zip(computed, exact, strict=True)]
    bound = 4 * len(mu) * unit * (1 + 8 * len(mu) * unit)
    return at_most(float(max(errors)), constant * bound, scale=0.0, size=1)


def _fractions(mu: Floats, order: int) -> list[Fraction]:
    """e_j/e_{j-1} for j = 1..order, exactly."""
    sums = [Fraction(1)] + [Fraction(0)] * order
    for value in mu:
        x = Fraction(float(value))
        for j in range(order, 0, -1):
            sums[j] += x * sums[j - 1]
    return [sums[j] / sums[j - 1] for j in range(1, order + 1)]


def _downdated(mu: Floats, order: int) -> list[Fraction]:
    """The same in floating point, with one more eigenvalue of 1 put in and taken out again."""
    sums = np.zeros(order + 1)
    sums[0] = 1.0
    for value in [*mu, 1.0]:
        sums[1:] = sums[1:] + value * sums[:-1]
    left = np.ones(order + 1)
    for j in range(1, order + 1):
        left[j] = sums[j] - left[j - 1]
    safe = np.where(left == 0, 1.0, left)
    return [Fraction(float(left[j])) / Fraction(float(safe[j - 1])) for j in range(1, order + 1)]


@register(
    "determinantal.X-8",
    "inequality",
    decay,
    {**DECAYS, "m": Whole(2, 30)},
    ({"law": "flat"}, {"law": "flat", "m": 60, "kept": 1}, {}, {"law": "exponential", "rate": 1.0}),
    mutants=(
        Mutant("k lam x .95", {"constant": 0.95}),
        Mutant("root below .95 trace/k", {"end": 0.95}),
        Mutant("convex by 5 %", {"bend": 0.95}),
        Mutant("concave", {"sign": -1}),
    ),
)
def temperature(
    seen: Decay, *, constant: float = 1.0, end: float = 1.0, bend: float = 1.0, sign: int = 1
) -> Sides:
    """A k-DPP loses no more than the DPP of expected size k; its loss is convex in k (conjecture).

    Hypotheses
    ----------
    1 <= k < rank; lam the root of N(lam) = k, f(k) = (k+1) e_{k+1}/e_k, f(0) = Tr G.

    Statement
    ---------
    There is one root, 0 < lam <= Tr G/k; f(k) <= k lam, the mean loss of the DPP of kernel G/lam;
    and f(k) <= (f(k-1) + f(k+1))/2.

    Source
    ------
    Derived [D]; f(k) <= k lam follows from spectral.X1. That f is convex is a conjecture, found by
    search and not proved.

    Equality cases
    --------------
    Flat G, of the last two.

    References
    ----------
    Kulesza and Taskar 2012
    """
    mu = seen.mu[seen.mu > 1e-9 * seen.mu[0]]
    k = min(seen.kept, len(mu) - 1)
    if k < 1:
        raise theory.InapplicableError("a size below the rank is needed, but the rank is 1")
    ridge = theory.ridge_for_degrees_of_freedom(mu, k)
    before, at, after = (_loss(mu, size) for size in (k - 1, k, k + 1))
    trace, size = float(np.sum(mu)), 4 * len(mu)
    counted = len(mu) * (1 + mu[0] / ridge)
    mean = (before + after) / 2
    return together(
        at_most(at, constant * k * ridge, scale=trace, size=size, part="mean loss"),
        at_most(ridge, end * trace / k, scale=trace, size=size, part="root"),
        at_most(sign * at, sign * bend * mean, scale=trace, size=size, part="convex"),
        equal(degrees(mu, ridge), k, scale=counted, size=size, part="N = k"),
        equal(at, theory.volume_loss(mu, k), scale=trace, size=size, part="value"),
    )


def _loss(mu: Floats, size: int) -> float:
    """(k+1) e_{k+1}/e_k by adding products of positive numbers, e_1 for k = 0."""
    sums = np.zeros(size + 2)
    sums[0] = 1.0
    for value in mu / mu[0]:
        sums[1:] = sums[1:] + value * sums[:-1]
    return float((size + 1) * sums[size + 1] / sums[size] * mu[0])
