r"""Students that copy each teacher unit z times: nodes against edges (PR-7 to PR-10).

Letters: M groups of z units, K = zM, n_m of group m kept, A_m the teacher's outputs, S_p = sum
A_m^p, c = k/K, tau = E g^2, mu = E g. Left sides list all sets; of the DPP with kernel Q, which has
rank M, beyond k = M in the limit of a vanishing jitter, where det L_JJ goes as the product of n_m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..committees import LISTED, MEANS, ODD, SMALL, Copies, copies, copies_drawn
from ..generators import Choice, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together


@register(
    "determinantal.PR-7",
    "identity",
    copies,
    {**SMALL, "uneven": Choice((False, True))},
    (*LISTED, {"groups": 3, "copies": 3, "kept": 5, "uneven": True}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("the k <= M branch for every k", {"one_branch": True}),
        Mutant("DPP drawn evenly", {"by_volume": False}),
    ),
)
def dpp_nodes_gain(
    seen: Copies, *, constant: float = 1.0, one_branch: bool = False, by_volume: bool = True
) -> Sides:
    """Of copied units DPP nodes beat random nodes, by an amount known exactly.

    Hypotheses
    ----------
    z equal copies a group, erf, outputs left as they are; 1 <= k <= K.

    Statement
    ---------
    E eps_random - E eps_DPP = (S2/M) k(k-1)(K-M)/(6 z^2 M (K-1)) for k <= M, else
    (S2/M)(M-1)(K-k)(K-1-k)/(6 z^2 (K-1)(K-M-1)), and 0 at k >= K-1.

    Source
    ------
    Derived [D]; the sign is the paper's first assertion [R].

    Equality cases
    --------------
    k = 1, K - 1, K: both sides 0.

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, max(seen.kept, 1)
    at = Copies(m, z, k, seen.strengths, "erf", seen.seed)
    errors, even, dpp = at.listed()
    gap = float((even - (dpp if by_volume else even)) @ errors)
    stated = theory.dpp_advantage(m, z, k, at.strengths)
    if one_branch and z > 1:
        square = float(np.mean(at.strengths**2))
        stated = square * k * (k - 1) * (at.size - m) / (6 * z * z * m * (at.size - 1))
    return equal(gap, constant * stated, scale=at.scale, size=len(errors))


@dataclass(frozen=True)
class Number:
    """Copies z of each unit."""

    copies: int


def number(rng: np.random.Generator, *, copies: int = 10) -> Number:
    """Nothing is random."""
    return Number(copies)


@register(
    "determinantal.PR-8",
    "rate",
    number,
    {"copies": Whole(1, 2000)},
    tuple({"copies": z} for z in (1, 2, 3, 4, 10, 100, 1000, 10_000)),
    mutants=(
        Mutant("limit x .95", {"limit": 0.95}),
        Mutant("limit 6", {"limit": 6 / 6.3735}),
        Mutant("edges win for z = 2 as well", {"least": 2}),
        Mutant("z^2 (1 - c*) bounded", {"power": 2}),
    ),
)
def edges_win_below_the_crossover(
    seen: Number, *, limit: float = 1.0, least: int = 3, power: int = 1
) -> Sides:
    """Random edges beat balanced nodes below a crossover only, which tends to 1 as 1 - 6.37/z.

    Hypotheses
    ----------
    erf, copied units, outputs left as they are, equal kept fractions c; nodes balanced (n_m = cz).

    Statement
    ---------
    No c in (0, 1) has edges below nodes for z <= 2; for z >= 3 those with c < c*(z) do, and
    L - 3.1 L^2/z <= z (1 - c*) <= L = 4/(2 pi/sqrt 3 - 3) = 6.3735.

    Source
    ------
    Derived [D]; corrects the paper's second assertion, which has no condition [R]. The constant
    3.1 of the lower end is observed for z <= 10000, not derived.

    References
    ----------
    arXiv 2006.16617
    """
    z = seen.copies
    grid = np.linspace(0.01, 0.99, 99)
    gaps = np.array([theory.replicated_edge_error(1, z, c) - (1 - c) ** 2 / 6 for c in grid])
    if z < least:  # edges are above nodes everywhere
        return at_most(-float(np.min(gaps)), 0.0, scale=1.0, size=8, part="nodes win")
    crossover = theory.edge_crossover(z)
    if crossover is None:
        return equal(0.0, 1.0, scale=1.0, size=1, part="crossover")
    below = float(np.max(gaps[grid < crossover], initial=-np.inf))
    above = float(np.min(gaps[grid > crossover], initial=np.inf))
    end = limit * 4 / (2 * np.pi / np.sqrt(3) - 3)
    found = z**power * (1 - crossover)
    # the root errs by the error 1e-15 of the gap over its slope, about 1/z at the root
    return together(
        at_most(found, end, scale=z, size=8, part="upper end"),
        at_most(end - 3.1 * end**2 / z, found, scale=end**2, size=8, part="lower end"),
        at_most(below, 0.0, scale=1.0, size=8, part="edges win"),
        at_most(-above, 0.0, scale=1.0, size=8, part="nodes win"),
    )


@register(
    "determinantal.PR-9",
    "inequality",
    copies,
    ODD,
    (*LISTED, {"groups": 3, "copies": 1, "kept": 1, "activation": "linear"}, {"kept": 0}),
    mutants=(
        Mutant("random <= .95 edge", {"constant": 0.95}),
        Mutant("DPP <= .95 random", {"volume": 0.95}),
        Mutant("outputs left as they were", {"refit": False}),
    ),
)
def refitting_turns_the_order(
    seen: Copies, *, constant: float = 1.0, volume: float = 1.0, refit: bool = True
) -> Sides:
    """With refitted outputs DPP nodes beat random nodes, which beat random edges.

    Hypotheses
    ----------
    Copied units, odd activation, best output weights after pruning, c = k/K, N large.

    Statement
    ---------
    eps*_DPP <= E eps*_random <= eps*_edge, with eps*_DPP = (S2 tau/2)(1 - k/M)_+,
    E eps*_random = (S2 tau/2) C(K-z, k)/C(K, k), eps*_edge = (S2/2)[tau - rho^2/gamma].

    Source
    ------
    Derived [D]; the reverse of the paper's second assertion.

    Equality cases
    --------------
    k = 0 and k = K; linear units with z = 1.

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    given = {"strengths": seen.strengths, "activation": seen.activation}
    if not refit:
        edge = theory.replicated_edge_error(m, z, k / seen.size, **given)
        random = theory.replicated_node_error(m, z, k, **given)
        dpp = theory.replicated_node_error(m, z, k, "dpp-node", **given)
        return together(
            at_most(random, edge, scale=seen.scale, size=8, part="edges"),
            at_most(dpp, random, scale=seen.scale, size=8, part="nodes"),
        )
    edge, _, _, random, dpp = theory.refitting_chain(m, z, k, **given)
    counts, even, volumes = copies_drawn(m, z, k)
    half = MEANS[seen.activation][0] / 2
    lost = half * np.sum(seen.strengths**2 * (counts == 0), axis=1)
    condition = float(seen.size)
    return together(
        at_most(random, constant * edge, scale=seen.scale * condition, size=8, part="edges"),
        at_most(dpp, volume * random, scale=seen.scale, size=8, part="nodes"),
        equal(random, even @ lost, scale=seen.scale, size=len(lost), part="random node"),
        equal(dpp, volumes @ lost, scale=seen.scale, size=len(lost), part="DPP node"),
    )


@register(
    "determinantal.PR-10",
    "inequality",
    copies,
    {**SMALL, "groups": Whole(1, 30), "copies": Whole(1, 30), "kept": Whole(0, 900)},
    (*LISTED, {"copies": 1, "groups": 4, "kept": 2}),
    mutants=(
        Mutant("erf", {"activation": "erf"}, examples=({"kept": 1},)),
        Mutant("ReLU", {"activation": "relu"}, examples=({"kept": 2},)),
        Mutant("random <= .95 edge", {"constant": 0.95}),
        Mutant("DPP <= .95 random", {"volume": 0.95}),
    ),
)
def linear_edges_lose(
    seen: Copies, *, activation: str = "linear", constant: float = 1.0, volume: float = 1.0
) -> Sides:
    """Of copied linear units, random edges are worse than random nodes, and these than DPP nodes.

    Hypotheses
    ----------
    Linear copied units, outputs left as they are, c = k/K.

    Statement
    ---------
    E eps_DPP <= E eps_random <= E eps_edge at every k; over balanced nodes the excess is, in units
    of S2 c(1-c)/2, (M-1)/(K-1) for random nodes and M/K for random edges.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    z = 1; k = 0 and k = K.

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    given = {"strengths": seen.strengths, "activation": activation}
    edge = theory.replicated_edge_error(m, z, k / seen.size, **given)
    random = theory.replicated_node_error(m, z, k, **given)
    dpp = theory.replicated_node_error(m, z, k, "dpp-node", **given)
    parts = [
        at_most(random, constant * edge, scale=seen.scale, size=8, part="edges"),
        at_most(dpp, volume * random, scale=seen.scale, size=8, part="nodes"),
    ]
    if activation == "linear" and seen.size > 1:
        c = k / seen.size
        balanced = theory.replicated_node_error(m, z, k, "balanced-node", **given)
        unit = float(np.sum(seen.strengths**2)) * c * (1 - c) / 2
        excess = [random - balanced, edge - balanced]
        stated = [unit * (m - 1) / (seen.size - 1), unit * m / seen.size]
        parts.append(equal(excess, stated, scale=seen.scale, size=8, part="excess"))
    return together(*parts)
