r"""Copied units: the chain of refitted rules, any activation, spread and retraining (X-1 to X-5).

Letters: M groups of z units, K = zM, n_m of group m kept, A_m the teacher's outputs, S_p = sum
A_m^p, c = k/K, tau = E g^2, mu = E g. Left sides list all sets, and all ways to deal units out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..committees import ANY, LISTED, MEANS, ODD, SMALL, Copies, copies
from ..generators import Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together


@register(
    "determinantal.X-1",
    "inequality",
    copies,
    ODD,
    (*LISTED, {"groups": 1, "copies": 1, "kept": 0, "activation": "linear"}),
    mutants=(
        Mutant("z in place of z - 1", {"spare": 0}),
        Mutant("(1-c)^{z-1}", {"power": -1}),
        Mutant("every side x .95", {"constant": 0.95}),
    ),
)
def chain_of_refitted_rules(
    seen: Copies, *, constant: float = 1.0, spare: int = 1, power: int = 0
) -> Sides:
    """Between refitted edges and nodes lie two simple functions of the kept fraction.

    Hypotheses
    ----------
    As PR-9; rows of the edge-pruned units may have any scales.

    Statement
    ---------
    eps*_edge >= (S2 tau/2)(1-c)/(1+(z-1)c) >= (S2 tau/2)(1-c)^z >= E eps*_random >= eps*_DPP.

    Source
    ------
    Derived [D]: Hermite coefficients of the masked fields, Cauchy-Schwarz, Bernoulli's inequality.

    Equality cases
    --------------
    The first: linear units. The second: z = 1. All at c = 0 and c = 1.

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    given = {"strengths": seen.strengths, "activation": seen.activation}
    c, half = k / seen.size, float(np.sum(seen.strengths**2)) * MEANS[seen.activation][0] / 2
    edge, _, second, random, dpp = theory.refitting_chain(m, z, k, **given)
    # rows of one scale for all units of each group, erf of which is another odd function
    length = float(np.random.default_rng(seen.seed).uniform(0.2, 5.0))
    order = theory.replicated_order(m, z, seen.strengths)
    scaled = theory.OrderParameters(
        length**2 * order.Q, length * order.R, order.T, order.v, order.A
    )
    at_scale = theory.expected_pruned_error(
        scaled, "random-edge", c, activation=seen.activation, reweighted=True
    )
    one = half * (1 - c) / (1 + (z - spare) * c)
    two = half * (1 - c) ** max(z + power, 0)
    scale = seen.scale * (1 + length**-2) * seen.size
    sides = [("edge", edge, one), ("scaled edge", at_scale, one), ("fraction", one, two)]
    sides += [("power", second, random), ("random node", random, dpp)]
    parts = [
        at_most(low, constant * high, scale=scale, size=16, part=part) for part, high, low in sides
    ]
    return together(*parts)


@register(
    "determinantal.X-2",
    "identity",
    copies,
    ANY,
    (*({"activation": name, "uneven": True} for name in MEANS), *LISTED),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant(
            "mean of the activation dropped", {"as_odd": True}, examples=({"activation": "relu"},)
        ),
        Mutant("DPP variance for even draws", {"by_volume": True}),
    ),
)
def any_activation(
    seen: Copies, *, constant: float = 1.0, as_odd: bool = False, by_volume: bool = False
) -> Sides:
    """The error of copied units under any rule alike for all groups needs one variance.

    Hypotheses
    ----------
    z copies a group, any activation, outputs left as they are; J even, or the DPP of kernel Q.

    Statement
    ---------
    E eps = {(tau-mu^2) S2 [(1-c)^2 + V/z^2] + mu^2 [S1^2 (1-c)^2 + (V/z^2)(M S2 - S1^2)/(M-1)]}/2,
    V = Var n_m: k(1/M)(1-1/M)(K-k)/(K-1) for even draws; for the DPP (k/M)(1-k/M), or beyond k = M
    ((k-M)/M)(1-1/M)(K-k)/(K-M-1).

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    errors, even, dpp = seen.listed()
    given = {"strengths": seen.strengths, "activation": "erf" if as_odd else seen.activation}
    factor = constant * (3 * MEANS[seen.activation][0] if as_odd else 1.0)
    rule = "dpp-node" if by_volume else "random-node"
    stated = [theory.replicated_node_error(m, z, k, name, **given) for name in (rule, "dpp-node")]
    found = [float(even @ errors), float(dpp @ errors)]
    return equal(found, factor * np.array(stated), scale=seen.scale, size=len(errors))


@register(
    "determinantal.X-3",
    "identity",
    copies,
    SMALL,
    (*LISTED, {"groups": 2, "copies": 3, "kept": 4}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("DPP varies as even draws do", {"by_volume": False}),
    ),
)
def spread_of_the_error(seen: Copies, *, constant: float = 1.0, by_volume: bool = True) -> Sides:
    """How much the error of copied units varies from draw to draw; of DPP nodes up to k = M not.

    Hypotheses
    ----------
    erf, equal outputs A, outputs left as they are.

    Statement
    ---------
    Var eps_J = (A^2/6z^2)^2 W(M, z, k, K), W = M {z_4 k_4/K_4 + 4 z_3 k_3/K_3 + 2 z_2 k_2/K_2}
    + M(M-1) z_2^2 k_4/K_4 - (M z_2 k_2/K_2)^2, with falling factorials and 0/0 = 0; of the DPP 0
    for k <= M, else W(M, z-1, k-M, K-M).

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    errors, even, dpp = seen.listed()
    chances = (even, dpp)
    found = [float(p @ (errors - p @ errors) ** 2) for p in chances]
    rules = ("random-node", "dpp-node" if by_volume else "random-node")
    stated = [theory.replicated_error_variance(m, z, k, rule) for rule in rules]
    return equal(found, constant * np.array(stated), scale=seen.scale**2, size=len(errors))


@register(
    "determinantal.X-4",
    "identity",
    copies,
    {"groups": Whole(1, 3), "copies": Whole(1, 2), "kept": Whole(0, 6), "seed": Whole(0, 65535)},
    ({"groups": 2, "copies": 2, "kept": 2}, {"groups": 3, "copies": 2, "kept": 2}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("copies as if in one group", {"apart": False}),
        Mutant("ties broken by group", {"exchangeable": False}),
    ),
)
def rules_by_output_weights(
    seen: Copies, *, constant: float = 1.0, apart: bool = True, exchangeable: bool = True
) -> Sides:
    """A rule that looks at output weights only, which are alike for all groups, needs two sums.

    Hypotheses
    ----------
    erf, copied units, output weights v_k exchangeable over the units, teacher outputs A = 1; the
    rule keeps units by v only (here the largest, signs and all, as in the authors' code [C]).

    Statement
    ---------
    E eps = E[M A^2 - 2 A S1 + S2 + ((z-1)/(K-1))(S1^2 - S2)]/6, S1 and S2 the sums of the kept v
    and v^2. Where all v are equal it is the random node.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    values = np.random.default_rng(seen.seed).standard_normal(seen.size) + 1.0 / z
    kept = np.sort(values)[::-1][:k]
    errors = []
    for places in itertools.permutations(range(seen.size), k):  # units that the kept values go to
        group = np.array(places if exchangeable else range(k), dtype=int) // z
        errors.append(np.sum((1.0 - np.bincount(group, kept, minlength=m)) ** 2) / 6)
    first, second = float(np.sum(kept)), float(np.sum(kept**2))
    stated = theory.value_rule_error(m, z if apart else seen.size, first, second)
    tied = theory.value_rule_error(m, z, k / z, k / z**2)
    random = theory.replicated_node_error(m, z, k)
    scale = m + (1 + float(np.sum(np.abs(values)))) ** 2
    return together(
        equal(np.mean(errors), constant * stated, scale=scale, size=len(errors), part="mean"),
        equal(tied, constant * random, scale=scale, size=16, part="ties"),
    )


@dataclass(frozen=True, eq=False)
class Retrained:
    """Units left of each group, the teacher's outputs, and the rate and noise of training."""

    sizes: tuple[int, ...]
    strength: float
    learning_rate: float
    noise: float
    order: theory.OrderParameters


def retrained(
    rng: np.random.Generator,
    *,
    groups: int = 2,
    most: int = 2,
    learning_rate: float = 0.05,
    noise: float = 0.02,
    strength: float = 1.0,
) -> Retrained:
    """Groups of 1, 2, ..., `most`, 1, ... units; nothing is random."""
    sizes = tuple(1 + m % most for m in range(groups))
    member = np.repeat(np.eye(groups), sizes, axis=0)
    v = strength / np.repeat(sizes, sizes)
    order = theory.OrderParameters(
        member @ member.T, member, np.eye(groups), v, np.full(groups, strength)
    )
    return Retrained(sizes, strength, learning_rate, noise, order)


@register(
    "determinantal.X-5",
    "rate",
    retrained,
    {
        "groups": Whole(1, 3),
        "most": Whole(1, 3),
        "learning_rate": Real(0.01, 0.1),
        "strength": Real(0.5, 1.5),
        "seed": Whole(0, 65535),
    },
    ({"learning_rate": 0.01}, {"groups": 1, "most": 1, "learning_rate": 0.02}, {"groups": 3}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("as many units in each group", {"uneven": False}),
        Mutant("slope 1/sqrt 3 dropped", {"constant": 3**0.5}),
        Mutant("outputs come to rest x .95", {"refit": 0.95}),
    ),
)
def floor_of_retraining(
    seen: Retrained, *, constant: float = 1.0, uneven: bool = True, refit: float = 1.0
) -> Sides:
    """Retrained with label noise, a pruned student rests at an error that counts 1/n_m by group.

    Hypotheses
    ----------
    erf, T = I, every n_m >= 1, equations of motion of online descent of both layers, small noise
    s and rate eta (eta A^2 <= .25, s = .02). For the second part the first layer is held.

    Statement
    ---------
    At rest |eps/((eta s^2/(2 pi sqrt 3)) sum_m A_m^2/n_m) - 1| <= eta A^2 + 20 s^2. With the first
    layer held, dv/dt = eta_v (b - G v): v comes to rest at G^+ b, where eps is eps*_J.

    Source
    ------
    Derived [D] to leading order; the constants 1 and 20 of the remainder are observed.

    References
    ----------
    Goldt et al. 2019; Saad and Solla 1995
    """
    eta, noise, order = seen.learning_rate, seen.noise, seen.order
    rates = {"learning_rate": eta, "noise": noise}
    rest = theory.sgd_fixed_point(order, output_learning_rate=eta, **rates)
    given = seen.sizes if uneven else (1,) * len(seen.sizes)
    floor = constant * theory.retrained_floor(seen.strength, given, **rates)
    off = abs(theory.generalization_error(rest) / floor - 1)
    moved = theory.OrderParameters(0.7 * order.Q, 0.6 * order.R, order.T, order.v, order.A)
    best = refit * theory.reweighted_weights(moved, range(len(order.v)))
    still = theory.OrderParameters(moved.Q, moved.R, moved.T, best, moved.A)
    speed = theory.sgd_motion(still, output_learning_rate=1.0, learning_rate=eta)[2]
    scale = seen.strength * len(order.v) * 10  # the pseudo-inverse amplifies by at most 10 here
    left = theory.generalization_error(still)
    lost = theory.reweighted_error(moved, range(len(order.v)))
    return together(
        at_most(off, eta * seen.strength**2 + 20 * noise**2, scale=1.0, size=1, part="floor"),
        equal(speed, np.zeros(len(order.v)), scale=scale, size=16, part="rest of the outputs"),
        equal(left, lost, scale=scale**2, size=16, part="error at rest"),
    )
