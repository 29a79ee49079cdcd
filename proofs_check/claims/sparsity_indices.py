r"""What the PQ index does, and what it says about pruning (I-6, I-7).

Letters: I_{p,q} the PQ index, N_{p,q} the effective number of entries, a_1 >= a_2 >= ... the |w_i|
in decreasing order, M_r the r entries kept, eta_r their lost over their retained p-mass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import (
    VECTORS,
    amplified,
    entries,
    index,
    largest,
    log_norm,
    log_number,
    log_smooth,
)


@dataclass(frozen=True, eq=False)
class Changed:
    """A vector to be changed, and how.

    Attributes
    ----------
    weights : (d,) array
    lower, upper : float
        p < q.
    one, two : int
        Entries, |w_one| >= |w_two|.
    part : float
        In [0, 1]: what moves of half of their difference; sizes of other changes.
    """

    weights: Floats
    lower: float
    upper: float
    one: int
    two: int
    part: float


def changed(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 6,
    nonzeros: int = 16,
    p: float = 0.5,
    q: float = 1.0,
    part: float = 0.5,
    weights: Sequence[float] = (),
    crumbs: int = 0,
) -> Changed:
    """Vector of a law; or the weights given, and so many crumbs of 1e-6 beside them."""
    w = np.concatenate([np.array(weights, dtype=float), np.full(crumbs, 1e-6)])
    if not weights:
        w = entries(rng, law, d, nonzeros)
    one, two = rng.permutation(w.size)[:2]
    if weights:
        one, two = len(weights) - 2, len(weights) - 1
    if abs(w[one]) < abs(w[two]):
        one, two = two, one
    return Changed(w, p, max(q, 1.05 * p), int(one), int(two), part)


CHANGES = {
    **VECTORS,
    "p": Real(0.2, 2.0),
    "q": Choice((1.0, 1.5, 2.0, 4.0)),
    "part": Real(0.0, 1.0),
}


def _moved(case: Changed, share: float = 1.0) -> Floats:
    """|w| after a part of half of the difference went from the larger to the smaller entry."""
    sizes = np.abs(case.weights)
    amount = share * case.part * (sizes[case.one] - sizes[case.two]) / 2
    sizes[case.one] -= amount
    sizes[case.two] += amount
    return sizes


def _grown(w: Floats, place: int, size: float) -> Floats:
    found = np.abs(w)
    found[place] = size
    return found


@register(
    "sparsity.I-6a",
    "inequality",
    changed,
    CHANGES,
    (
        {"law": "flat", "nonzeros": 1},
        {"law": "flat"},
        {},
        {"law": "cauchy", "part": 1.0},
        {"weights": (3.0, 0.0, 2.0, 1.0, 0.0)},
        {"weights": (1.0, 1.0, 3.0, 0.0), "p": 1.0, "q": 2.0},
        {"law": "tied", "d": 2},
    ),
    (
        Mutant("range x .95", {"constant": 0.95}),
        Mutant("a falling tide lowers it", {"tide": -1.0}),
        Mutant("an average entry appended raises it", {"baby": 1.0}),
        Mutant("rises from w_i itself on", {"beyond": 0.0}),
        Mutant("three times half the difference may move", {"share": 3.0}),
    ),
)
def index_under_changes(
    case: Changed,
    *,
    constant: float = 1.0,
    tide: float = 1.0,
    baby: float = 0.0,
    beyond: float = 1.0,
    share: float = 1.0,
) -> Sides:
    """The PQ index: its range, and what raises or lowers it.

    Hypotheses
    ----------
    0 < p < q, w not 0; the transfer needs p <= 1 <= q.

    Statement
    ---------
    0 <= I <= 1 - d^{1/q-1/p}. I(c w) = I(w) = I((w, w)); I(|w| + c) <= I(w), c > 0; I((w, 0)) >=
    I(w); I rises in |w_i| beyond |w_i| + beta_i, beta_i = max(0, (R_q/R_p)^{1/(q-p)} - |w_i|),
    R_r = sum_{k != i} |w_k|^r, unless all others are 0. For p <= 1 <= q, moving t <= (|w_i| -
    |w_j|)/2 from entry i to entry j does not raise I.

    Source
    ------
    Properties D1 to D4, P1, P2 [C]; beta and the orders of D1 derived [D]: for p <= 1 <= q the
    p-norm is Schur concave and the q-norm Schur convex.

    Equality cases
    --------------
    The range: one entry, and flat vectors.

    References
    ----------
    Diao et al. 2023; Hurley and Rickard 2009
    """
    w, p, q = case.weights, case.lower, case.upper
    d, found = w.size, index(w, p, q)
    scale, size = 1 + 1 / p, 8 * d
    sizes = np.abs(w)
    peak = float(np.max(sizes))
    risen = sizes + tide * (case.part * peak if tide > 0 else np.min(sizes) * case.part)
    mean = baby * float(np.mean(sizes))
    longer = index(np.append(w, mean), p, q)
    checks = [
        at_most(found, constant * (1 - d ** (1 / q - 1 / p)), scale=scale, size=size, part="range"),
        at_most(0.0, found, scale=scale, size=size, part="range, below"),
        equal(index(-1e9 * w, p, q), found, scale=scale, size=size, part="scaled"),
        equal(index(np.tile(w, 2), p, q), found, scale=scale, size=size, part="cloned"),
        at_most(index(risen, p, q), found, scale=scale, size=size, part="rising tide"),
        at_most(found, longer, scale=scale, size=size, part="zero appended"),
    ]
    others = np.delete(sizes, case.two)
    if np.any(others):
        level = (q * log_norm(others, q) - p * log_norm(others, p)) / (q - p)
        beta = max(0.0, math.exp(level) - sizes[case.two])
        start = float(sizes[case.two] + beyond * beta)
        before = index(_grown(w, case.two, start), p, q)
        after = index(_grown(w, case.two, start + case.part * (beta + peak / 10)), p, q)
        stated = theory.bill_gates_threshold(w, case.two, p, q)
        room = peak * (1 + (p + q) / (q - p)) * (1 + 1 / p)
        checks += [
            at_most(before, after, scale=scale, size=size, part="richer"),
            equal(stated, beta, scale=room, size=size, part="threshold's value"),
        ]
    if p <= 1 <= q:
        given = case.part * (sizes[case.one] - sizes[case.two]) / 2
        transfer = theory.robin_hood(w, case.one, case.two, given)
        after = index(_moved(case, share), p, q)
        checks += [
            at_most(after, found, scale=scale, size=size, part="transfer"),
            equal(transfer, _moved(case), scale=peak, size=size, part="transfer's value"),
        ]
    checks.append(equal(theory.pq_index(w, p, q), found, scale=scale, size=size, part="I's value"))
    return together(checks[0], *checks[1:])


@register(
    "sparsity.I-6b",
    "must-fail",
    changed,
    {
        **VECTORS,
        "p": Real(0.2, 3.0),
        "q": Choice((0.9, 4.0, 5.0)),
        "part": Real(0.0, 1.0),
    },
    (
        {"weights": (10.0, 2.0, 1.0), "p": 2.0, "q": 4.0, "part": 1.0},
        {"weights": (2.0, 1.0), "crumbs": 100000, "p": 0.3, "q": 0.9, "part": 1.0},
    ),
)
def robin_hood_everywhere(case: Changed) -> Sides:
    """FALSE: moving weight from a larger to a smaller entry never raises the PQ index.

    Hypotheses
    ----------
    Any 0 < p < q.

    Statement
    ---------
    I(w') <= I(w) for w' with t <= (|w_i| - |w_j|)/2 moved from entry i to entry j.

    Source
    ------
    Theorem 1 of the authors' slides [C]; true for p <= 1 <= q only (I-6a), refuted here [D]:
    p = 2, q = 4 and (10, 2, 1) -> (10, 1.5, 1.5) raise I from .2217 to .2235; p = .3, q = .9 and
    (2, 1, 10^5 crumbs of 1e-6) -> (1.5, 1.5, the same) from .9030 to .9035.

    References
    ----------
    Diao et al. 2023
    """
    w, p, q = case.weights, case.lower, case.upper
    sizes = np.abs(w)
    given = case.part * float(sizes[case.one] - sizes[case.two]) / 2
    after = theory.pq_index(theory.robin_hood(w, case.one, case.two, given), p, q)
    before = theory.pq_index(w, p, q)
    # N = d (1 - I)^{pq/(q-p)} sets the accuracy of I, whose own rounding is of 1e-16 (1/p - 1/q)
    return at_most(after, before, scale=1 + 1 / p, size=8)


@dataclass(frozen=True, eq=False)
class Retained:
    """A vector, entries of it kept, and three orders.

    Attributes
    ----------
    weights : (d,) array
    kept : (r,) array of int
        Not all of them zeros.
    least, lower, upper : float
        u < p < q.
    eta : float
        Slack of the lost mass.
    """

    weights: Floats
    kept: np.ndarray
    least: float
    lower: float
    upper: float
    eta: float


def retained(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 10,
    nonzeros: int = 16,
    kept: int = 4,
    top: bool = True,
    p: float = 1.0,
    ratio: float = 2.0,
    share: float = 0.5,
    eta: float = 1.0,
) -> Retained:
    """The largest entries, or some among which is the largest; u = share p, q = ratio p."""
    w = entries(rng, law, d, nonzeros)
    scores = np.abs(w) if top else rng.random(d) + (np.abs(w) == np.max(np.abs(w)))
    chosen = np.flatnonzero(largest(scores, min(kept, d)))
    return Retained(w, chosen, share * p, p, ratio * p, eta)


RETAINED = {
    **VECTORS,
    "kept": Whole(1, 16),
    "top": Choice((True, False)),
    "p": Real(0.2, 2.0),
    "ratio": Real(1.05, 4.0),
    "share": Real(0.1, 0.95),
    "eta": Real(0.01, 4.0),
}


@register(
    "sparsity.I-7a",
    "inequality",
    retained,
    RETAINED,
    (
        {"law": "flat", "nonzeros": 4},
        {"law": "flat", "nonzeros": 4, "p": 0.5, "ratio": 4.0},
        {},
        {"law": "cauchy", "top": False},
        {"law": "flat", "kept": 2, "nonzeros": 10},
        {"law": "steep", "kept": 1},
    ),
    (
        Mutant("bound x 1.05", {"constant": 1.05}),
        Mutant("lost mass left out", {"mass": 0.0}),
        Mutant("exponent q/(q-p) halved", {"mass": 0.5}),
        Mutant("refinement squared", {"refinement": 2.0}),
    ),
)
def retained_entries(
    case: Retained, *, constant: float = 1.0, mass: float = 1.0, refinement: float = 1.0
) -> Sides:
    """So few entries cannot retain so much: how many it takes by the PQ index.

    Hypotheses
    ----------
    0 < p < q, any r entries M_r kept, not all 0.

    Statement
    ---------
    r >= N_{p,q} (1 + eta_r)^{-q/(q-p)}, N_{p,q} = d (1 - I_{p,q})^{pq/(q-p)}; even times
    (||w||_q/||w_{M_r}||_q)^{pq/(q-p)}. Necessary for a lost mass eta_r, not sufficient.

    Source
    ------
    Theorem 2 [C]; the refinement derived [D]: Hoelder's inequality on M_r.

    Equality cases
    --------------
    Flat on M_r and 0 elsewhere; the refinement: flat on M_r.

    References
    ----------
    Diao et al. 2023
    """
    w, p, q, kept = case.weights, case.lower, case.upper, case.kept
    power = q / (q - p)
    inside = log_norm(w[kept], p)
    log_mass = p * (log_norm(w, p) - inside)  # ln(1 + eta)
    logs = log_number(w, p, q) - power * log_mass
    finer = amplified(p, q) * (log_norm(w, q) - log_norm(w[kept], q))
    r, size = len(kept), 8 * w.size
    scale = r * (1 + power * (1 + 1 / p))
    bound = math.exp(log_number(w, p, q) - mass * power * log_mass)
    fine = math.exp(logs + refinement * finer)
    found = theory.retained_bound(w, kept, p, q)
    refined = theory.retained_bound(w, kept, p, q, refined=True)
    share = theory.retained_mass(w, kept, p)
    lost = math.expm1(log_mass)
    needed = theory.necessary_count(w, share, p, q)
    stated = math.exp(logs)
    return together(
        at_most(constant * bound, r, scale=scale, size=size, part="number"),
        at_most(constant * fine, r, scale=scale, size=size, part="number, refined"),
        equal(found.value, stated, scale=scale, size=size, part="bound's value"),
        equal(needed, stated, scale=scale, size=size, part="count's value"),
        equal(refined.value, math.exp(logs + finer), scale=scale, size=size, part="finer value"),
        equal(share, lost, scale=1 + lost, size=size, part="mass's value"),
    )


@register(
    "sparsity.I-7b",
    "inequality",
    retained,
    RETAINED,
    (
        {"law": "flat", "d": 400, "nonzeros": 200},
        {"law": "flat", "d": 400, "nonzeros": 400, "p": 2.0, "share": 0.25, "eta": 1 / 3},
        {},
        {"law": "cauchy", "d": 60, "nonzeros": 60, "eta": 0.1},
        {"law": "steep", "d": 60, "nonzeros": 60, "p": 0.5},
        {"law": "flat", "nonzeros": 1},
    ),
    (
        Mutant("number x .95", {"constant": 0.95}),
        Mutant("eta in place of eta/(1+eta)", {"total": False}),
        Mutant("exponent u/(p-u) halved", {"exponent": 0.5}),
    ),
)
def sufficient_entries(
    case: Retained, *, constant: float = 1.0, total: bool = True, exponent: float = 1.0
) -> Sides:
    """So many of the largest entries do retain that much, by soft sparsity.

    Hypotheses
    ----------
    0 < u < p < q, eta > 0, eta' = eta/(1 + eta).

    Statement
    ---------
    Whole r >= N_{u,p} c_{u,p}^{pu/(p-u)} eta'^{-u/(p-u)} leaves sum_{i > r} a_i^p <= eta'
    ||w||_p^p, that is eta_r <= eta. The least such r is at least N_{p,q} (1 + eta)^{-q/(q-p)}.

    Source
    ------
    Derived [D] from I-1b and I-7a.

    Equality cases
    --------------
    Flat on r/(1 - u/p) entries, eta' = u/p.

    References
    ----------
    arXiv 2206.05604; Diao et al. 2023
    """
    w, u, p, q = case.weights, case.least, case.lower, case.upper
    d, eta = w.size, case.eta
    part = eta / (1 + eta)
    a = np.sort(np.abs(w))[::-1] ** p
    factor = log_number(w, u, p) + amplified(u, p) * log_smooth(1, u, p)
    logs = factor - u / (p - u) * math.log(part)
    used = factor - exponent * u / (p - u) * math.log(part if total else eta)
    slack = 1 - 1e-11 * (1 + u / (p - u)) * (1 + 1 / u)  # a whole number, but for rounding
    r = min(d, max(1, math.ceil(constant * math.exp(min(used, math.log(2 * d))) * slack)))
    stated = min(d, max(1, math.ceil(math.exp(min(logs, math.log(2 * d))) * slack)))
    rest, mass = float(np.sum(a[r:])), float(np.sum(a))
    found, least = theory.sufficient_count(w, eta, u, p), theory.least_count(w, eta, p)
    needed = theory.necessary_count(w, eta, p, q)
    # the least r by the definition, a tail within rounding of eta' ||w||_p^p counted either way
    tails = mass - np.cumsum(a)
    close = 1e-11 * mass
    low = int(np.argmax(tails <= part * mass + close)) + 1
    high = int(np.argmax(tails <= part * mass - close)) + 1 if np.any(tails < part * mass) else d
    size, scale = 8 * d, mass * (1 + 1 / u)
    return together(
        at_most(rest, part * mass, scale=scale, size=size, part="lost"),
        at_most(needed, least, scale=needed * (1 + amplified(p, q)), size=size, part="needed"),
        at_most(least, found, scale=0.0, size=1, part="sandwich"),
        at_most(stated, found, scale=0.0, size=1, part="sufficient value"),
        at_most(found, stated + 1, scale=0.0, size=1, part="sufficient value"),
        at_most(low, least, scale=0.0, size=1, part="least value"),
        at_most(least, max(high, low), scale=0.0, size=1, part="least value"),
    )
