r"""Adaptive pruning round by round, without training between the rounds (I-10).

Letters: d_t weights left before round t, N_{p,q} their effective number, theta the threshold.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, equal, together
from ..soft_vectors import VECTORS, entries, log_number


@dataclass(frozen=True, eq=False)
class Rounds:
    """Weights, two orders, and the rate of pruning.

    Attributes
    ----------
    weights : (d,) array
    lower, upper : float
        p < q.
    gamma, beta : float
        In [0, 1] with few binary digits, so that their products with counts are exact.
    """

    weights: Floats
    lower: float
    upper: float
    gamma: float
    beta: float

    def needed(self, left: Floats, *, number: float = 1.0, whole: bool = True) -> int:
        """ceil(N); the authors' N of flat weights is whole but for rounding."""
        found = number * math.exp(log_number(left, self.lower, self.upper)) * (1 - 1e-9)
        return min(int(left.size), math.ceil(found) if whole else math.floor(found))

    def pruned(self, left: Floats, *, capped: bool = True, **altered: Any) -> int:
        """Number c_t of the weights left that a round means to prune."""
        most = self.beta * left.size if capped else math.inf
        return math.floor(min(self.gamma * (left.size - self.needed(left, **altered)), most))

    def path(self, *, ties: bool = True, **altered: Any) -> list[Floats]:
        """Weights left, in order of size, before each round until one prunes nothing."""
        left = [np.sort(np.abs(self.weights))]
        while True:
            before = left[-1]
            level = before[min(self.pruned(before, **altered), before.size - 1)]
            after = (
                before[before >= level] if ties or level == before[0] else before[before > level]
            )
            if after.size in (0, before.size):
                return left
            left.append(after)


def rounds(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 30,
    nonzeros: int = 60,
    p: float = 0.5,
    ratio: float = 2.0,
    gamma: float = 1.0,
    beta: float = 0.875,
) -> Rounds:
    """Weights of one law; q = ratio p."""
    return Rounds(entries(rng, law, d, nonzeros), p, ratio * p, gamma, beta)


@register(
    "sparsity.I-10",
    "identity",
    rounds,
    {
        **VECTORS,
        "d": Whole(1, 60),
        "nonzeros": Whole(1, 60),
        "p": Real(0.2, 2.0),
        "ratio": Real(1.05, 4.0),
        "gamma": Choice((1.0, 0.75, 0.5, 0.25, 0.0)),
        "beta": Choice((0.875, 0.5, 1.0, 0.25)),
    },
    (
        {},
        {"law": "tied", "gamma": 0.5},
        {"law": "flat"},
        {"law": "flat", "nonzeros": 7, "beta": 0.25},
        {"law": "cauchy", "p": 1.0, "beta": 0.5},
        {"law": "steep", "gamma": 0.75},
        {"law": "power-law", "d": 2},
        {"d": 1},
    ),
    (
        Mutant("N x 1.05", {"number": 1.05}),
        Mutant("N rounded down", {"whole": False}),
        Mutant("no largest share beta", {"capped": False}),
        Mutant("ties with the threshold pruned too", {"ties": False}),
        Mutant("stops one weight earlier", {"early": 1}),
    ),
)
def rounds_of_adaptive_pruning(
    case: Rounds,
    *,
    number: float = 1.0,
    whole: bool = True,
    capped: bool = True,
    ties: bool = True,
    early: int = 0,
) -> Sides:
    """Without training, adaptive pruning flattens the weights and stops where it can take no more.

    Hypotheses
    ----------
    0 < p < q; no slack (eta = 0); 0 <= gamma, beta <= 1; weights not all 0; no training.

    Statement
    ---------
    Round t prunes |w| < theta, the (c_t + 1)-th smallest |w| of the d_t left, c_t =
    floor(d_t min(gamma (1 - ceil(N)/d_t), beta)). Each round prunes c_t weights, or fewer where
    some equal theta; d_t never falls below 1; the rounds end exactly where no |w| < theta. With
    gamma = 1, d_t beta >= 1 and no ties that is where ceil(N) = d_t.

    Source
    ------
    Algorithm 1 and the authors' code [C]; where it stops derived [D]: 1 <= N <= d_t.

    References
    ----------
    Diao et al. 2023
    """
    left = case.path()
    altered = case.path(number=number, whole=whole, capped=capped, ties=ties)
    stated = [part.size for part in altered]
    settings = {"p": case.lower, "q": case.upper, "gamma": case.gamma, "beta": case.beta}
    found = theory.sap_path(case.weights, 10 * case.weights.size, **settings)
    # the same rounds by masks, one more than there should be
    masks = [np.ones((1, case.weights.size), dtype=bool)]
    sizes = [case.weights.size]
    for _ in left:
        masks = theory.sap_step([case.weights[None, :]], masks, **settings)
        sizes.append(int(np.count_nonzero(masks[0])))
    last = left[-1]
    threshold = last[case.pruned(last)] if case.pruned(last) < last.size else math.inf
    below = np.count_nonzero(last < threshold)
    rest = 0.0
    if case.gamma == 1.0 and last.size * case.beta >= 1 and np.unique(last).size == last.size:
        rest = last.size - early - case.needed(last)
    counted = [case.pruned(part) for part in left[:-1]]
    taken = [before.size - after.size for before, after in itertools.pairwise(left)]
    excess = [max(0, many - most) for many, most in zip(taken, counted)]
    untied = [np.unique(part).size == part.size for part in left[:-1]]
    missing = [most - many for many, most, free in zip(taken, counted, untied) if free]
    return together(
        equal(found, stated, scale=0.0, size=1, part="weights left"),
        equal(sizes, [*stated, stated[-1]], scale=0.0, size=1, part="by masks"),
        equal(below, 0, scale=0.0, size=1, part="below the last threshold"),
        equal(rest, 0, scale=0.0, size=1, part="where it stops"),
        equal(excess, np.zeros(len(excess)), scale=0.0, size=1, part="pruned in a round"),
        equal(missing, np.zeros(len(missing)), scale=0.0, size=1, part="pruned without ties"),
    )
