r"""Tails of softly sparse vectors: sharp Stechkin estimates and effective numbers (I-1, I-8, X5).

Letters: sigma_s(w)_p the l_p norm of all but the s largest entries, kappa_{s,d} and c_{q,p} the
constants, N_{p,q} effective numbers, I_{p,q} the PQ index, TSI_q = ||w||_1/||w||_q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import (
    VECTORS,
    Vector,
    amplified,
    entries,
    log_kappa,
    log_norm,
    log_number,
    log_smooth,
    norm,
)


def tailed(
    rng: np.random.Generator,
    *,
    law: str = "flat",
    d: int = 12,
    nonzeros: int = 6,
    kept: int = 3,
    share: float = 0.5,
    p: float = 2.0,
    log10_scale: int = 0,
) -> Vector:
    """Vector with orders q = share p and p; q = 2 share at p = inf, given as 0."""
    top = p or math.inf
    weights = 10.0**log10_scale * entries(rng, law, d, nonzeros)
    return Vector(weights, min(kept, d - 1), share * (p or 2.0), top)


TAILS = {
    **VECTORS,
    "kept": Whole(1, 15),
    "share": Real(0.05, 0.95),
    "p": Choice((2.0, 1.0, 0.5, 3.0, 0.0)),
    "log10_scale": Choice((0, 150, -150)),
}
#: Flat on K* = sp/(p-q) entries, where both estimates are attained; then what else there is.
FLAT = (
    {},
    {"d": 16, "nonzeros": 8, "kept": 4, "p": 1.0},
    {"d": 16, "nonzeros": 12, "kept": 3, "share": 0.75, "p": 3.0},
)
MORE = (
    *({"law": law, "nonzeros": 12} for law in ("normal", "cauchy", "tied", "steep")),
    {"p": 0.0, "nonzeros": 4},
    {"log10_scale": 150, "share": 0.05},
    {"d": 2, "nonzeros": 1, "kept": 1},
)


def _tail(case: Vector) -> float:
    smallest = np.sort(np.abs(case.weights))[: case.weights.size - case.kept]
    return norm(smallest, case.upper)


@register(
    "sparsity.I-1a",
    "inequality",
    tailed,
    {**TAILS, "kept": Whole(0, 15)},
    (*FLAT, *MORE, {"kept": 0}, {"d": 8, "nonzeros": 7, "kept": 5}),
    (
        Mutant("kappa x .95", {"constant": 0.95}),
        Mutant("K - s - 1 in place of K - s", {"spare": 1}),
        Mutant("q 5 % smaller in kappa alone", {"order": 0.95}),
    ),
)
def stechkin(case: Vector, *, constant: float = 1.0, spare: int = 0, order: float = 1.0) -> Sides:
    """What is left beyond the s largest of d entries, by the best constant there is.

    Hypotheses
    ----------
    0 < q < p <= inf, 0 <= s < d.

    Statement
    ---------
    sigma_s(w)_p <= kappa_{s,d} ||w||_q, kappa_{s,d} = max_{s < K <= d} (K - s)^{1/p} K^{-1/q}.

    Source
    ------
    Theorem 2.5 [R] with its constant for finite d derived [D]: a convex function of |w_i|^q is
    largest at flat vectors.

    Equality cases
    --------------
    Flat on the K entries of the maximum.

    References
    ----------
    Foucart and Rauhut 2013; arXiv 2206.05604
    """
    w, s, q, p = case.weights, case.kept, case.lower, case.upper
    d, tail, size = w.size, _tail(case), norm(w, q)
    kappa = math.exp(log_kappa(s, d, q, p))
    altered = math.exp(log_kappa(s, d, order * q, p, spare=spare))
    scale, terms = kappa * size * (1 + 1 / q), 8 * d
    found = theory.stechkin_bound(w, s, q=q, p=p).value
    found_kappa = theory.stechkin_constant(q, p, kept=s, size=d)
    return together(
        at_most(tail, constant * altered * size, scale=scale, size=terms, part="tail"),
        equal(theory.tail_norm(w, s, p), tail, scale=scale, size=terms, part="tail's value"),
        equal(found, kappa * size, scale=scale, size=terms, part="bound's value"),
        equal(found_kappa, kappa, scale=kappa * (1 + 1 / q), size=terms, part="kappa's value"),
    )


@register(
    "sparsity.I-1b",
    "inequality",
    tailed,
    TAILS,
    (*FLAT, *MORE),
    (
        Mutant("c x .95", {"constant": 0.95}),
        Mutant("second factor of c squared", {"power": 2.0}),
        Mutant("s + 1 in place of s", {"more": 1}),
    ),
)
def smooth_stechkin(
    case: Vector, *, constant: float = 1.0, power: float = 1.0, more: int = 0
) -> Sides:
    """What is left beyond the s largest entries falls as a power of s.

    Hypotheses
    ----------
    0 < q < p <= inf, 1 <= s < d.

    Statement
    ---------
    sigma_s(w)_p <= c_{q,p} s^{1/p-1/q} ||w||_q, c_{q,p} = [(q/p)^{q/p} (1-q/p)^{1-q/p}]^{1/q},
    c_{q,inf} = 1.

    Source
    ------
    Theorem 2.5 [R]; from I-1a [D] with K real.

    Equality cases
    --------------
    Flat on K = s p/(p-q) entries, where that is whole.

    References
    ----------
    Foucart and Rauhut 2013; arXiv 2206.05604
    """
    w, s, q, p = case.weights, case.kept, case.lower, case.upper
    tail, size = _tail(case), norm(w, q)
    factor = math.exp(log_smooth(s, q, p))
    altered = constant * math.exp(log_smooth(s + more, q, p, power=power))
    found = theory.stechkin_bound(w, s, q=q, p=p).terms["smooth"]
    found_c = theory.stechkin_constant(q, p) * s ** (1 / p - 1 / q)
    scale, terms = factor * size * (1 + 1 / q), 8 * w.size
    return together(
        at_most(tail, altered * size, scale=scale, size=terms, part="tail"),
        equal(found, factor * size, scale=scale, size=terms, part="bound's value"),
        equal(found_c, factor, scale=factor * (1 + 1 / q), size=terms, part="constant's value"),
    )


def ordered(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 12,
    nonzeros: int = 16,
    p: float = 0.5,
    ratio: float = 2.0,
) -> Vector:
    """Vector with orders p and q = ratio p."""
    return Vector(entries(rng, law, d, nonzeros), 0, p, ratio * p)


@register(
    "sparsity.I-8",
    "identity",
    ordered,
    {**VECTORS, "p": Real(0.1, 2.0), "ratio": Real(1.05, 4.0)},
    (
        *({"law": law} for law in ("flat", "normal", "cauchy", "tied", "steep")),
        {"law": "flat", "d": 300, "nonzeros": 3, "p": 0.03, "ratio": 33.0},
        {"law": "flat", "nonzeros": 1},
        {"p": 1.0},
    ),
    (
        Mutant("number x .95", {"constant": 0.95}),
        Mutant("Hill number of order p/q", {"inverted": True}),
        Mutant("exponent pq/(q-p) halved at 1 - I", {"exponent": 0.5}),
        Mutant("d^{1/q-1} at TSI", {"root": -1.0}),
    ),
)
def effective_numbers(
    case: Vector,
    *,
    constant: float = 1.0,
    inverted: bool = False,
    exponent: float = 1.0,
    root: float = 1.0,
) -> Sides:
    """The PQ index, the tail sparsity index and Hill numbers count the same effective entries.

    Hypotheses
    ----------
    0 < p < q, w not 0; where 1 - I falls below the digits of 1, I says nothing of N.

    Statement
    ---------
    N_{p,q} = (||w||_p/||w||_q)^{pq/(q-p)} = d (1 - I_{p,q})^{pq/(q-p)} = (sum pi_i^a)^{1/(1-a)},
    a = q/p, pi_i = |w_i|^p/||w||_p^p. For q < 1: I_{q,1} = 1 - d^{1-1/q}/TSI_q.

    Source
    ------
    Derived [D]; indices as in the sources.

    References
    ----------
    Diao et al. 2023; arXiv 2206.05604; Hill 1973
    """
    w, p, q = case.weights, case.lower, case.upper
    d, power = w.size, amplified(p, q)
    number = math.exp(log_number(w, p, q))
    logs = p * (np.log(np.abs(w[w != 0])) - log_norm(w, p))
    order = p / q if inverted else q / p
    hill = math.exp(math.log(float(np.sum(np.exp(order * logs)))) / (1 - order))
    shares = np.zeros(d)
    shares[w != 0] = np.exp(logs)
    scale, size = number * (1 + power + q / (q - p)) * (1 + 1 / p), 8 * d
    parts = [
        equal(number, constant * hill, scale=scale, size=size, part="Hill"),
        equal(theory.effective_number(w, p, q), number, scale=scale, size=size, part="number"),
        equal(
            theory.hill_number(shares, q / p), number, scale=scale, size=size, part="Hill's value"
        ),
    ]
    rest = 1 - theory.pq_index(w, p, q)
    if d ** (1 / q - 1 / p) > 1e-6:
        counted = d * rest ** (exponent * power)
        parts.append(equal(counted, number, scale=scale / rest, size=size, part="index"))
    if p < 1:  # its own orders are p and 1
        tsi = theory.tail_sparsity_index(w, p)
        both = d ** (1 - 1 / p) / tsi if root > 0 else d ** (1 / p - 1) / tsi
        stated = math.exp((1 - 1 / p) * math.log(d) + log_norm(w, p) - log_norm(w, 1.0))
        parts.append(equal(both, stated, scale=stated * (1 + 1 / p), size=size, part="TSI"))
    return together(parts[0], *parts[1:])


@dataclass(frozen=True, eq=False)
class Noisy:
    """A vector, the same with relative noise, and one with noise added.

    Attributes
    ----------
    weights, factors, noise : (d,) arrays
        w' is w e^{t factors}, factors in [-1, 1]; or w + noise.
    t, lower, upper : float
        Size of the relative noise; p <= 1 <= q.
    """

    weights: Floats
    factors: Floats
    noise: Floats
    t: float
    lower: float
    upper: float


def noisy(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 8,
    nonzeros: int = 8,
    p: float = 0.5,
    q: float = 2.0,
    t: float = 0.1,
    log10_noise: float = -2.0,
    crowd: str = "",
) -> Noisy:
    """Vector with noise; one large entry among a "crowd", which the noise raises or lowers."""
    if crowd:
        weights = np.concatenate([[1.0], np.full(d, 0.01)])
        away = 1.0 if crowd == "raised" else -1.0
        factors = np.concatenate([[-away], np.full(d, away)])
        # added noise takes entries of the crowd away, or puts new ones in empty places
        weights = np.concatenate([weights, np.zeros(d)])
        factors = np.concatenate([factors, np.zeros(d)])
        noise = np.zeros(weights.size)
        if crowd == "raised":
            noise[d + 1 :] = 0.01
        else:
            noise[1 : d // 2] = -0.01
        return Noisy(weights, factors, noise, t, p, q)
    weights = entries(rng, law, d, nonzeros)
    noise = 10.0**log10_noise * np.max(np.abs(weights)) * rng.standard_normal(d)
    return Noisy(weights, rng.uniform(-1.0, 1.0, size=d), noise, t, p, q)


@register(
    "sparsity.X5",
    "inequality",
    noisy,
    {
        **VECTORS,
        "p": Real(0.2, 1.0),
        "q": Choice((2.0, 1.5, 4.0)),
        "t": Real(0.0, 1.0),
        "log10_noise": Real(-6.0, 0.5),
        "crowd": Choice(("", "raised", "lowered")),
    },
    (
        {"crowd": "raised", "d": 800, "q": 4.0, "t": 0.05},
        {"crowd": "lowered", "d": 800, "q": 4.0, "t": 0.05},
        {"crowd": "raised", "d": 800, "q": 4.0, "p": 1.0},
        {"crowd": "lowered", "d": 800, "q": 4.0, "p": 1.0},
        {},
        {"t": 1.0, "log10_noise": 0.0},
        {"t": 0.0, "log10_noise": -6.0, "law": "cauchy"},
    ),
    (
        Mutant("2t -> 1.9t", {"constant": 0.95}),
        Mutant("exponent pq/(q-p) dropped", {"exponent": 0.0}),
        Mutant("lost mass x .9", {"lost": 0.9}),
        Mutant("gained mass x .9", {"gained": 0.9}),
    ),
)
def noise_on_the_index(
    case: Noisy,
    *,
    constant: float = 1.0,
    exponent: float = 1.0,
    lost: float = 1.0,
    gained: float = 1.0,
) -> Sides:
    """Noise on the weights moves the PQ index and the effective number by stated factors at most.

    Hypotheses
    ----------
    (a) e^{-t} <= |w'_i/w_i| <= e^t, 0 < p < q. (b) w' = w + e, p <= 1 <= q, P = ||w||_p^p,
    u = ||e||_p^p.

    Statement
    ---------
    (a) |ln((1-I')/(1-I))| <= 2t, |ln(N'/N)| <= 2t pq/(q-p). (b) (P-u)_+^{1/p}/(||w||_q+||e||_q) <=
    ||w'||_p/||w'||_q <= (P+u)^{1/p}/(||w||_q-||e||_q), the last if ||e||_q < ||w||_q.

    Source
    ------
    Derived [D]: norms scale at most by e^t, and x^p is subadditive for p <= 1.

    Equality cases
    --------------
    None; one large entry in a crowd of small ones comes near all of them.

    References
    ----------
    Diao et al. 2023
    """
    w, p, q, t = case.weights, case.lower, case.upper, case.t
    d, e, power = w.size, case.noise, amplified(p, q)
    size, scale = 8 * d, 1 + 1 / p
    shaken = w * np.exp(t * case.factors)
    moved = abs(log_number(shaken, p, q) - log_number(w, p, q))
    found = theory.relative_noise_bounds(t, p, q)
    allowed = 2 * t * (1 + exponent * (power - 1))
    mass, crumbs = norm(w, p) ** p, norm(e, p) ** p if np.any(e) else 0.0
    whole, rest = norm(w, q), norm(e, q) if np.any(e) else 0.0
    ratio = norm(w + e, p) / norm(w + e, q)

    def ends(low: float, high: float) -> tuple[float, float]:
        least = max(mass - low * crumbs, 0.0) ** (1 / p) / (whole + rest)
        most = (mass + high * crumbs) ** (1 / p) / (whole - rest) if rest < whole else math.inf
        return least, most

    least, most = ends(lost, gained)
    spread = d ** (1 / q - 1 / p)
    value = theory.noisy_index_interval(w, crumbs ** (1 / p), rest, p, q)
    true_least, true_most = ends(1.0, 1.0)
    stated = np.clip([1 - spread * true_most, 1 - spread * true_least], 0.0, 1 - spread)
    # P - u and ||w|| - ||e|| lose digits where the two are near
    poor = 1 + whole / max(abs(whole - rest), 1e-6 * whole) + mass / max(abs(mass - crumbs), 1e-6)
    parts = [
        at_most(moved / power, constant * 2 * t, scale=scale, size=size, part="factors, I"),
        at_most(moved, constant * allowed, scale=scale * power, size=size, part="factors, N"),
        at_most(least, ratio, scale=scale * ratio * poor, size=size, part="sum, below"),
        equal(found[0], 2 * t, scale=scale, size=size, part="factor's value, I"),
        equal(found[1], 2 * t * power, scale=power, size=size, part="factor's value, N"),
        equal(value, stated, scale=scale * poor, size=size, part="interval's value"),
    ]
    if most < math.inf:
        parts.append(at_most(ratio, most, scale=scale * most * poor, size=size, part="sum, above"))
    return together(parts[0], *parts[1:])
