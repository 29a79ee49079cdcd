r"""Few terms of any dictionary: existence, the printed proof, the greedy algorithm (I-2, I-9).

Letters: f = sum c_j f_j, t = (sum (|c_j| ||f_j||)^q)^{1/q}, K(q,m) the constant of m terms, D the
l_1 mass of the dropped |c_j| ||f_j||, "rest" the sum of the dropped c_j f_j.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from pruneproof import theory

from ..expansions import ATOMS, EXPANSIONS, Expansion, expansion
from ..generators import Choice, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together
from ..soft_vectors import largest, norm


@register(
    "sparsity.I-2a",
    "identity",
    expansion,
    EXPANSIONS,
    (
        *({"family": family, "law": "normal"} for family in ATOMS),
        {"terms": 3, "kept": 1, "law": "cauchy", "family": "coherent"},
        {"terms": 1, "law": "power-law", "family": "uneven"},
        {"nonzeros": 1},
    ),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("||rest||^2 not taken off", {"rest": 0.0}),
        Mutant("m in place of m - k", {"all_draws": True}),
    ),
)
def drawn_terms(
    case: Expansion, *, constant: float = 1.0, rest: float = 1.0, all_draws: bool = False
) -> Sides:
    """The error of drawing the small terms of a combination, over all outcomes of the draws.

    Hypotheses
    ----------
    The k largest |c_j| ||f_j|| kept, m - k independent draws D sign(c_j) f_j/||f_j|| with
    probability |c_j| ||f_j||/D among the others, averaged.

    Statement
    ---------
    E ||f - f_m||^2 = (D^2 - ||rest||^2)/(m - k).

    Source
    ------
    Derived [D]: the variance of a mean; the step that Maurey's lemma is made of.

    References
    ----------
    Gao, Ing and Yang 2013
    """
    m, k = case.terms, case.kept
    dropped = np.flatnonzero(~largest(case.sizes, k) & (case.sizes > 0))
    kept = case.atoms[:, largest(case.sizes, k)] @ case.coefficients[largest(case.sizes, k)]
    mass = float(np.sum(case.sizes[dropped]))
    found = 0.0
    if dropped.size:
        chance = case.sizes[dropped] / mass
        lengths = np.linalg.norm(case.atoms[:, dropped], axis=0)
        steps = mass * case.atoms[:, dropped] * np.sign(case.coefficients[dropped]) / lengths
        for outcome in itertools.product(range(dropped.size), repeat=m - k):
            mean = np.mean(steps[:, list(outcome)], axis=1)
            error = case.target - kept - mean
            found += float(np.prod(chance[list(outcome)]) * (error @ error))
    left = case.target - kept
    stated = (mass**2 - rest * float(left @ left)) / (m if all_draws else m - k)
    value = theory.sampled_error(case.gram, case.coefficients, m, k)
    scale = float(np.sum(case.sizes)) ** 2
    size = 8 * case.atoms.size
    return together(
        equal(found, constant * stated, scale=scale, size=size, part="error"),
        equal(value, found, scale=scale, size=size, part="theory's"),
    )


@register(
    "sparsity.I-2am",
    "law",
    expansion,
    EXPANSIONS,
    (
        {"family": "normal", "law": "normal", "terms": 3},
        {"family": "coherent", "law": "power-law", "terms": 4, "kept": 1},
    ),
    (
        Mutant("error x .7", {"constant": 0.7}),
        Mutant("||rest||^2 not taken off", {"rest": 0.0}),
    ),
)
def sampler_of_terms(
    case: Expansion, rng: np.random.Generator, *, constant: float = 1.0, rest: float = 1.0
) -> Sides:
    """The sampler of terms as it is errs on average as I-2a says.

    Hypotheses
    ----------
    Independent draws, the mean of 80 squared errors a replicate; tolerance 25 %.

    Statement
    ---------
    The mean comes to (D^2 - ||rest||^2)/(m - k).

    Source
    ------
    Derived [D].

    References
    ----------
    Gao, Ing and Yang 2013
    """
    norms = np.linalg.norm(case.atoms, axis=0)
    draws = np.array(
        [
            theory.sampled_terms(case.coefficients, norms, case.terms, case.kept, rng=rng)
            for _ in range(80)
        ]
    )
    errors = np.sum(((case.coefficients - draws) @ case.atoms.T) ** 2, axis=1)
    dropped = ~largest(case.sizes, case.kept)
    left = case.atoms[:, dropped] @ case.coefficients[dropped]
    mass = float(np.sum(case.sizes[dropped]))
    stated = (mass**2 - rest * float(left @ left)) / (case.terms - case.kept)
    return equal(float(np.mean(errors)), constant * stated, scale=stated, size=1)


def _constant(q: float, m: int, *, split: int | None = None, spare: float = 0.0) -> float:
    """K(q, m), every K tried; with `split` only that many terms kept."""
    least = math.inf
    for k in range(m) if split is None else (split,):
        if k == 0 or q == 1.0:
            kappa = 1.0
        else:
            many = np.arange(k + 1, math.ceil(k / (1 - q)) + 2)
            kappa = float(np.max((many - k) * np.exp(-np.log(many) / q)))
        least = min(least, kappa / math.sqrt(m - k + spare))
    return float(m ** (1 / q - 0.5) * least)


@register(
    "sparsity.I-2b",
    "inequality",
    expansion,
    EXPANSIONS,
    (
        {"family": "opposite", "q": 1.0},
        {"family": "opposite", "q": 0.9051, "d": 2},
        *({"family": family, "law": law} for family in ATOMS for law in ("normal", "flat")),
        {"nonzeros": 2, "terms": 1, "q": 0.1},
        {"nonzeros": 2, "terms": 1, "q": 1.0},
        {"terms": 3, "kept": 1, "q": 0.25},
    ),
    (
        Mutant("K x .95", {"constant": 0.95}),
        Mutant("m - k + 1 draws", {"spare": 1.0}),
        Mutant("K <= 1.07", {"largest": 1.07}),
        # the best terms are at most half of it on orthonormal flat combinations, q = 1
        Mutant("best terms within .49 of it", {"best": 0.49}),
    ),
)
def few_terms(
    case: Expansion,
    *,
    constant: float = 1.0,
    spare: float = 0.0,
    largest: float = 1.0754,
    best: float = 1.0,
) -> Sides:
    """Few terms of any dictionary, however correlated, come near a softly sparse combination.

    Hypotheses
    ----------
    A Hilbert space, 0 < q <= 1, m >= 1.

    Statement
    ---------
    Some m terms have an error of at most K(q,m) t m^{1/2-1/q}, K(q,m) = m^{1/q-1/2} min_{k < m}
    kappa_k/(m-k)^{1/2}, kappa_0 = 1, kappa_k = sup_{K > k} (K-k) K^{-1/q}; the root mean square
    error of drawn terms (I-2a) is at most that for the best k. K(1,m) = K(q,1) = 1; K(q,2) <=
    2^{x-1} = 1.07534, x = ln(10 sqrt 2)/ln 11; K <= 1.0754 wherever tried, which is no proof.

    Source
    ------
    Theorem 2 [R] with the constant 2; this constant derived [D].

    Equality cases
    --------------
    Drawn terms: q = 1 and terms that cancel.

    References
    ----------
    Gao, Ing and Yang 2013
    """
    m, q, c = case.terms, case.order, case.coefficients
    f, size = case.target, 8 * case.atoms.size
    t = norm(case.sizes, q)
    factor = _constant(q, m)
    bound = factor * t * m ** (0.5 - 1 / q)
    altered = constant * _constant(q, m, spare=spare) * t * m ** (0.5 - 1 / q)
    drawn = math.sqrt(min(case.squared_error(k) for k in range(m)))
    errors = []
    for chosen in itertools.combinations(range(c.size), min(m, c.size)):
        part = case.atoms[:, list(chosen)]
        fit = np.linalg.lstsq(part, f, rcond=None)[0]
        errors.append(float(np.linalg.norm(f - part @ fit)))
    found = theory.dictionary_bound(c, np.linalg.norm(case.atoms, axis=0), m, q)
    scale = (t + float(np.sum(case.sizes))) * (1 + 1 / q)
    # the supremum over q of K(q, 2), where k = 0 and k = 1 tie
    top = _constant(math.log(11) / math.log(10 * math.sqrt(2)), 2)
    return together(
        at_most(drawn, altered, scale=scale, size=size, part="drawn terms"),
        at_most(min(errors), best * altered, scale=scale, size=size, part="best terms"),
        at_most(max(top, factor), largest, scale=1.0, size=8, part="K"),
        equal(found.value, bound, scale=scale, size=size, part="bound's value"),
        equal(theory.dictionary_constant(q, m), factor, scale=1 + 1 / q, size=size, part="K value"),
    )


@register(
    "sparsity.I-2c",
    "must-fail",
    expansion,
    {
        **EXPANSIONS,
        "d": Whole(2, 40),
        "nonzeros": Whole(1, 40),
        "terms": Whole(1, 40),
        "q": Choice((0.05, 0.1, 0.2)),
    },
    (
        {"d": 14, "nonzeros": 7, "terms": 10, "q": 0.1},
        {"d": 40, "nonzeros": 22, "terms": 40, "q": 0.1},
        {"d": 40, "nonzeros": 22, "terms": 40, "q": 0.05},
    ),
)
def half_drawn(case: Expansion) -> Sides:
    """FALSE: half of the terms kept and half drawn err by at most twice t m^{1/2-1/q}, any q.

    Hypotheses
    ----------
    A Hilbert space, 0 < q <= 1: the terms of the printed proof, m - floor((m+1)/2) kept exactly
    and floor((m+1)/2) drawn.

    Statement
    ---------
    Their root mean square error is at most 2 t m^{1/2-1/q}.

    Source
    ------
    Theorem 2 prints this constant [R]; its proof, with m/2 for m, loses a factor 2^{1/q-1/2},
    which grows without bound as q -> 0: refuted here [D] by seven equal orthonormal terms, m = 10,
    q = .1. The printed constant is true all the same, with the best split (I-2b).

    References
    ----------
    Gao, Ing and Yang 2013
    """
    m, q = case.terms, case.order
    kept = m - (m + 1) // 2
    found = math.sqrt(theory.sampled_error(case.gram, case.coefficients, m, kept))
    bound = 2 * norm(case.sizes, q) * m ** (0.5 - 1 / q)
    best = math.sqrt(min(case.squared_error(k) for k in range(m)))
    claimed = theory.dictionary_bound(
        case.coefficients, np.linalg.norm(case.atoms, axis=0), m, q
    ).value
    size = 8 * case.atoms.size
    if not best <= claimed * (1 + 1e-9):  # the true statement has to stand where this one falls
        return at_most(best, claimed, scale=0.0, size=1, part="best split")
    return at_most(found, bound, scale=bound * (1 + 1 / q), size=size)


@register(
    "sparsity.I-9",
    "inequality",
    expansion,
    {**EXPANSIONS, "terms": Whole(1, 6)},
    (
        {"nonzeros": 1},
        *({"family": family, "law": "normal", "terms": 4} for family in ATOMS),
        {"terms": 3, "d": 6, "nonzeros": 5},
        {"terms": 5, "d": 6, "nonzeros": 6},
    ),
    (
        Mutant("||c||_1 x .95", {"constant": 0.95}),
        Mutant("m + 2 in place of m + 1", {"more": 2.0}),
        Mutant("power 1 in place of 1/2", {"power": 1.0}),
    ),
)
def greedy_terms(
    case: Expansion, *, constant: float = 1.0, more: float = 1.0, power: float = 0.5
) -> Sides:
    """The orthogonal greedy algorithm errs by ||c||_1 (m+1)^{-1/2} after m steps.

    Hypotheses
    ----------
    Unit atoms, f = sum c_j f_j.

    Statement
    ---------
    ||f - G_m|| <= ||c||_1 (m+1)^{-1/2} for every m >= 0, G_m the projection of f on the m atoms
    each of which had the largest inner product with the residual before it.

    Source
    ------
    DeVore and Temlyakov [R].

    Equality cases
    --------------
    m = 0, one term; m + 1 equal orthonormal terms.

    References
    ----------
    DeVore and Temlyakov 1996; Gao, Ing and Yang 2013
    """
    f, steps = case.target, min(case.terms, case.coefficients.size)
    mass, size = float(np.sum(case.sizes)), 8 * case.atoms.size
    lengths = np.linalg.norm(case.atoms, axis=0)
    unit = case.atoms / np.where(lengths > 0, lengths, 1.0)
    found = theory.orthogonal_greedy(case.atoms, f, steps)
    parts = []
    residual = f
    for m in range(len(found.kept) + 1):
        if m:
            chosen = unit[:, found.kept[:m]]
            scores = np.abs(residual @ unit)
            best = float(scores[found.kept[m - 1]])
            top = float(np.max(scores))
            # near ties differ by rounding of residuals
            parts.append(at_most(top, best, scale=mass, size=64 * size, part="greedy step"))
            residual = f - chosen @ np.linalg.lstsq(chosen, f, rcond=None)[0]
        error = float(np.linalg.norm(residual))
        bound = constant * mass * (m + more) ** -power
        value = theory.greedy_bound(mass, m).value
        parts.insert(0, at_most(error, bound, scale=mass, size=size, part="error"))
        parts.append(
            equal(float(found.errors[m]), error, scale=mass, size=64 * size, part="error's value")
        )
        parts.append(
            equal(value, mass / math.sqrt(m + 1), scale=mass, size=size, part="bound's value")
        )
    last = case.atoms[:, found.kept] @ found.coefficients
    parts.append(equal(f - last, residual, scale=mass, size=64 * size, part="coefficients"))
    return together(parts[0], *parts[1:])
