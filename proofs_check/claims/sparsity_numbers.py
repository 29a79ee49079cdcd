r"""Effective numbers of entries, and what noise does to them (I-8, X5).

Letters: N_{p,q} the effective number, I_{p,q} the PQ index, TSI_q = ||w||_1/||w||_q, pi_i =
|w_i|^p/||w||_p^p.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import (
    VECTORS,
    Vector,
    amplified,
    entries,
    log_norm,
    log_number,
    norm,
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
