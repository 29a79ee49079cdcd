r"""What the PQ index says about pruning, in both directions (I-7).

Letters: N_{p,q} the effective number of entries, a_1 >= a_2 >= ... the |w_i| in decreasing order,
M_r the r entries kept, eta_r their lost over their retained p-mass.
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
    amplified,
    entries,
    largest,
    log_norm,
    log_number,
    log_smooth,
)


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
