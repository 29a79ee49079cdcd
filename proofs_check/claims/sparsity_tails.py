r"""Tails of softly sparse vectors: sharp Stechkin estimates (I-1).

Letters: sigma_s(w)_p the l_p norm of all but the s largest entries, kappa_{s,d} and c_{q,p} the
constants.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together
from ..soft_vectors import (
    VECTORS,
    Vector,
    entries,
    log_kappa,
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
FLAT: tuple[dict[str, Any], ...] = (
    {},
    {"d": 16, "nonzeros": 8, "kept": 4, "p": 1.0},
    {"d": 16, "nonzeros": 12, "kept": 3, "share": 0.75, "p": 3.0},
)
MORE: tuple[dict[str, Any], ...] = (
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
