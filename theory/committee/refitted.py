r"""Replicated students with refitted output weights: the order of the rules turns round (T3, X1).

Letters as in :mod:`.replicated`, A_m = A, tau = E g^2. For odd g, c = k/K and any scales of rows,

    edge >= (M A^2 tau/2)(1-c)/(1+(z-1)c) >= (M A^2 tau/2)(1-c)^z
         >= random node (M A^2 tau/2) C(K-z, k)/C(K, k) >= DPP node (A^2 tau/2)(M-k)_+.

False for ReLU. Derived [D]. This module may import theory only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_count
from ..errors import InapplicableError
from .replicated import as_strengths, edge_fields, unit_moments


def _odd_scale(groups: int, strengths: Any, activation: str) -> tuple[float, float]:
    """sum A_m^2 tau/2, and tau, of an odd activation."""
    tau, square = unit_moments(activation)
    if square > 0:
        raise InapplicableError(
            f"refitted rules are in closed form for odd activations, but {activation} has mean "
            f"{math.sqrt(square):.3g}; use mean_reweighted_error for nodes"
        )
    a = as_strengths(strengths, as_count("groups", groups))
    return float(np.sum(a * a)) * tau / 2, tau


def refitted_node_error(
    groups: int,
    copies: int,
    kept: int,
    rule: str = "random-node",
    *,
    strengths: Any = 1.0,
    activation: str = "erf",
) -> float:
    r"""Mean error of k kept units with their best output weights, odd activation (T3 [D]).

    A group counts as lost where no unit of it is kept: (S2 tau/2) C(K-z, k)/C(K, k) for even draws,
    (S2 tau/2)(1 - k/M)_+ for DPP nodes (L = Q, or its limit for k > M).

    Raises
    ------
    InapplicableError
        An activation that is not odd.
    ValueError
        Numbers out of range; a rule other than random-node and dpp-node.
    """
    scale, _ = _odd_scale(groups, strengths, activation)
    size = groups * as_count("copies", copies)
    k = as_count("kept", kept, least=0, most=size)
    if rule == "dpp-node":
        return scale * max(groups - k, 0) / groups
    if rule == "random-node":
        return scale * (math.comb(size - copies, k) / math.comb(size, k))
    raise ValueError(f"a refitted node rule is random-node or dpp-node, but this is {rule!r}")


def refitted_edge_error(
    groups: int,
    copies: int,
    fraction: float,
    rule: str = "random-edge",
    *,
    strengths: Any = 1.0,
    activation: str = "erf",
) -> float:
    r"""Error of edge-pruned units with their best output weights, N large, odd activation (T3 [D]).

    (S2/2)[tau - rho^2/gamma], rho = E g(unit) g(teacher), gamma = E g^2(unit)/z
    + (1 - 1/z) E g(unit) g(copy): the best weights of copies are alike.

    Raises
    ------
    InapplicableError
        An activation that is not odd.
    ValueError
        Numbers out of range, another rule.
    """
    scale, tau = _odd_scale(groups, strengths, activation)
    z = as_count("copies", copies)
    moment = edge_fields(rule, fraction, activation)
    within = float(moment[0, 0] / z + (1 - 1 / z) * moment[0, 1])
    if within == 0.0:  # no edge kept
        return scale
    return scale * (1 - float(moment[0, 3]) ** 2 / within / tau)


def refitting_chain(
    groups: int, copies: int, kept: int, *, strengths: Any = 1.0, activation: str = "erf"
) -> tuple[float, ...]:
    """The five sides of X1 [D] at c = k/K, descending: edge, the two between, random, DPP node."""
    scale, _ = _odd_scale(groups, strengths, activation)
    c = as_count("kept", kept, least=0, most=groups * copies) / (groups * copies)
    given: dict[str, Any] = {"strengths": strengths, "activation": activation}
    return (
        refitted_edge_error(groups, copies, c, **given),
        scale * (1 - c) / (1 + (copies - 1) * c),
        scale * (1 - c) ** copies,
        refitted_node_error(groups, copies, kept, "random-node", **given),
        refitted_node_error(groups, copies, kept, "dpp-node", **given),
    )
