r"""Expected error of a student under a pruning rule, from its order parameters alone.

rule            kept        law of what is kept                        needs
random-node     k units     even                                       -
dpp-node        k units     k-DPP of the pre-activation Gram, L = Q    k <= rank Q
random-edge     c in 0..1   each edge with chance c                    N large
dpp-edge        c in 0..1   a fraction c a unit, odds w^2              N large, normal rows
magnitude-edge  c in 0..1   the largest |w| of each unit               N large, normal rows

Node rules are exact by N1; edge rules are exact for N large (E1). Refitted: of nodes the mean over
all listed sets, of edges the best output weights at the pruned order parameters. Sources: Acharyya
et al., arXiv 2006.16617, rules as in the authors' code [C]; N1, N2, E1 derived [D].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arrays import as_count
from .edges import as_fraction, dpp_edge_order, magnitude_edge_order, random_edge_order
from .generalization import generalization_error
from .order_parameters import OrderParameters
from .pruned import (
    check_rank,
    mean_pruned_error,
    mean_reweighted_error,
    output_moments,
    reweighted_error,
    uniform_inclusion,
)

RULES = ("random-node", "dpp-node", "random-edge", "dpp-edge", "magnitude-edge")
_EDGES: dict[str, Callable[[OrderParameters, float], OrderParameters]] = {
    "random-edge": random_edge_order,
    "dpp-edge": dpp_edge_order,
    "magnitude-edge": magnitude_edge_order,
}


def expected_pruned_error(
    order: OrderParameters,
    rule: str,
    kept: Any,
    *,
    activation: str = "erf",
    reweighted: bool = False,
) -> float:
    r"""Mean of eps = E(student - teacher)^2/2 over what a random rule keeps.

    Parameters
    ----------
    order : OrderParameters
        Q, R, T, v, A of the student before pruning and its teacher.
    rule : {"random-node", "dpp-node", "random-edge", "dpp-edge", "magnitude-edge"}
    kept : int or float
        Of node rules the number k of units kept; of edge rules the fraction c of edges.
    activation : {"erf", "linear", "relu", "sign"}
    reweighted : bool
        Whether the output weights are refitted to the teacher after pruning.

    Returns
    -------
    float

    Raises
    ------
    InapplicableError
        A k-DPP of more units than Q has rank (a replicated student); refitted nodes with more than
        200000 sets to list.
    ValueError
        Another rule or activation; a node rule given a fraction; an edge rule given a count.

    Notes
    -----
    Claims determinantal.PR-1, PR-4, PR-6, PR-11 [D].
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, but is {rule!r}")
    if rule in _EDGES:
        return _edge_error(order, rule, kept, activation, reweighted)
    size = len(order.v)
    try:
        k = as_count("kept", kept, least=0, most=size)
    except ValueError as error:
        raise ValueError(f"{error}; {rule} keeps a number of the {size} units") from None
    if k == 0:
        return 0.5 * output_moments(order, activation).teacher
    if rule == "dpp-node":
        check_rank(order.Q, k)
    if reweighted:
        kernel = order.Q if rule == "dpp-node" else None
        return mean_reweighted_error(order, k, kernel=kernel, activation=activation)
    if rule == "random-node":
        return mean_pruned_error(order, *uniform_inclusion(size, k), activation)
    from ..determinantal.inclusion import inclusion_probabilities

    return mean_pruned_error(order, *inclusion_probabilities(order.Q, k), activation)


def _edge_error(
    order: OrderParameters, rule: str, kept: Any, activation: str, reweighted: bool
) -> float:
    try:
        c = as_fraction("kept", kept)
    except ValueError as error:
        raise ValueError(f"{error}; {rule} keeps a fraction of each unit's edges") from None
    after = _EDGES[rule](order, c)
    if reweighted:
        return reweighted_error(after, range(len(order.v)), activation)
    return float(generalization_error(after, activation))
