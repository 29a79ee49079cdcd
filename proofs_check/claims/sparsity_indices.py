r"""What raises and lowers the PQ index (I-6).

Letters: I_{p,q} the PQ index of d entries, R_r the sum of the r-th powers of all but one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import (
    VECTORS,
    entries,
    index,
    log_norm,
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
