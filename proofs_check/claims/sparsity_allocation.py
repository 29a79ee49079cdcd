r"""How many weights each row keeps: global threshold, optimal shares, tolerances (I-5).

Letters: rows w_i with gains A_i, g_j^2 = G_jj, S weights in all, s_i those of row i, B_i = (c_{q,2}
A_i ||w_i||_q)^2, d_i caps, n_l rows of layer l. Optimal shares under caps come from bisection on
their common factor, the best set of weights from trying all.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import ROWS, Rows, largest, log_norm, log_smooth, norm, rows


@register(
    "sparsity.I-5a",
    "identity",
    rows,
    ROWS,
    (
        *({"law": law, "seed": seed} for law in ("normal", "tied", "steep") for seed in (0, 1)),
        {"d": 3, "count": 3},
        {"part": 1.0},
    ),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("sizes of inputs left out", {"sized": False}),
        Mutant("gains left out", {"gained": False}),
        Mutant("scores relative to the largest of a row", {"even": True}),
    ),
)
def global_threshold(
    case: Rows,
    *,
    constant: float = 1.0,
    sized: bool = True,
    gained: bool = True,
    even: bool = False,
) -> Sides:
    """With uncorrelated inputs one threshold over all rows picks the best set of weights.

    Hypotheses
    ----------
    G diagonal; the error sum_i A_i^2 sum_j g_j^2 w_ij^2 over what is dropped.

    Statement
    ---------
    The S largest A_i |w_ij| g_j are the S weights whose keeping leaves the least error.

    Source
    ------
    Derived [D]: exchange. For correlated inputs the best set may be better by any factor (X2).

    References
    ----------
    arXiv 2206.05604
    """
    gains, sizes = case.gains[:, None], case.sizes[None, :]
    costs = (gains * sizes * case.weights) ** 2
    scores = np.abs(case.weights) * (sizes if sized else 1.0) * (gains if gained else 1.0)
    if even:
        scores = scores / np.max(scores, axis=1, keepdims=True)
    flat, total = costs.reshape(-1), float(np.sum(costs))
    best = min(
        total - float(np.sum(flat[list(chosen)]))
        for chosen in itertools.combinations(range(flat.size), case.budget)
    )
    mask = largest(scores.reshape(-1), case.budget)
    left = float(np.sum(flat[~mask]))
    (found,) = theory.global_threshold(
        [case.weights], case.budget, gains=[case.gains], sizes=[case.sizes]
    )
    value = float(np.sum(costs[~found]))
    size = 4 * flat.size
    return together(
        equal(left, constant * best, scale=total, size=size, part="least error"),
        equal(value, best, scale=total, size=size, part="theory's"),
        equal(float(np.sum(found)), case.budget, scale=0.0, size=1, part="number"),
    )


def _capped(weights: Floats, caps: Floats, total: float) -> Floats:
    """min(d_i, lambda v_i) of the wanted sum, by bisection on ln lambda."""
    if total >= float(np.sum(caps)):
        return caps.astype(float)
    low, high = -800.0, 800.0
    logs = np.log(weights)
    for _ in range(200):
        middle = (low + high) / 2
        found = np.exp(np.minimum(np.log(caps), middle + logs))
        low, high = (middle, high) if float(np.sum(found)) < total else (low, middle)
    return found


def _value(logs: Floats, exponent: float, shares: Floats) -> float:
    """sum of exp(logs) shares^exponent."""
    return float(np.sum(np.exp(logs + exponent * np.log(shares))))


def _capped_parts(
    case: Rows, logs_b: Floats, logs_n: Floats, constant: float, filled: bool
) -> list[Sides]:
    """Shares under caps, real and whole; logarithms of B_i and of a_l n_l^{1/q-1/2}."""
    q, total, count = case.order, float(case.budget), len(case.gains)
    size, turned = 64 * count, 2 * q / (q + 2)
    n = np.arange(1, count + 1)
    v = np.exp(q / 2 * (logs_b - np.max(logs_b)))
    caps = np.count_nonzero(case.weights, axis=1).astype(float)
    level = _capped(v, caps, total)
    even = _capped(np.ones(count), caps, total)
    mixed = level + min(1.0, abs(float(case.other[0]))) * (caps * total / np.sum(caps) - level)
    capped = _value(logs_b, 1 - 2 / q, level if filled else even)
    least = _value(logs_b, 1 - 2 / q, level)
    other = _value(logs_b, 1 - 2 / q, mixed)
    room = (other + least) * (1 + 2 / q)
    value = theory.quadratic_optimum(np.exp(logs_b), total, q, caps=caps)[1]
    whole = theory.allocate(case.weights, case.gains, case.budget, q)
    edges = theory.layer_budgets(np.exp(case.logs), case.budget, q, caps=caps.astype(int), rows=n)
    wanted = _capped(np.exp(turned * (logs_n - np.max(logs_n))), caps, total)
    parts = [
        at_most(constant * capped, other, scale=room, size=size, part="capped"),
        equal(value, least, scale=room, size=size, part="capped value"),
    ]
    for found, shares in ((whole, level), (edges, wanted)):
        gap = float(np.max(np.abs(found - shares)))
        parts += [
            at_most(gap, 1.0, scale=total, size=size, part="whole value"),
            equal(float(np.sum(found)), total, scale=0.0, size=1, part="sum of whole value"),
        ]
    return parts


@register(
    "sparsity.I-5b",
    "inequality",
    rows,
    {
        **ROWS,
        "d": Whole(1, 12),
        "nonzeros": Whole(1, 12),
        "count": Whole(1, 6),
        "q": Choice((1.0, 0.2, 0.5, 1.5, 1.9)),
        "spread": Real(0.0, 1.0),
    },
    (
        {"count": 3, "d": 6},
        {"count": 4, "d": 8, "spread": 0.5},
        {"law": "cauchy", "count": 5, "d": 6, "q": 0.5, "part": 0.7},
        {"law": "flat", "nonzeros": 1, "count": 1},
        {"part": 1.0, "count": 3, "q": 1.5},
    ),
    (
        Mutant("optimum x 1.05", {"constant": 1.05}),
        Mutant("s_i prop. B_i^q", {"power": 2.0}),
        Mutant("s_l prop. a_l^{q/(q+2)}", {"linear": 0.5}),
        Mutant("n_l left out", {"grouped": False}),
        Mutant("equal shares under caps", {"filled": False}),
    ),
)
def optimal_shares(
    case: Rows,
    *,
    constant: float = 1.0,
    power: float = 1.0,
    linear: float = 1.0,
    grouped: bool = True,
    filled: bool = True,
) -> Sides:
    """How a budget is best shared between rows, or layers, by soft sparsity.

    Hypotheses
    ----------
    0 < q < 2, S > 0, real s_i > 0 of sum S.

    Statement
    ---------
    sum B_i s_i^{1-2/q} >= S^{1-2/q} (sum B_i^{q/2})^{2/q}, at s_i prop. B_i^{q/2}; the Stechkin
    bound of the long vector (A_i w_i). With s_i <= d_i least at min(d_i, lambda B_i^{q/2}). sum a_i
    s_i^{1/2-1/q} >= S^{1/2-1/q} (sum a_i^{2q/(q+2)})^{(q+2)/(2q)}, at s_i prop. a_i^{2q/(q+2)};
    with equal numbers S_l/n_l in n_l rows a_l n_l^{1/q-1/2} stands for a_l. Whole shares differ
    from these by less than one.

    Source
    ------
    Derived [D]: Hoelder; the conditions of Karush, Kuhn and Tucker.

    Equality cases
    --------------
    The shares named.

    References
    ----------
    arXiv 2206.05604
    """
    q, total, count = case.order, float(case.budget), len(case.gains)
    logs_b = 2 * (log_smooth(1, q, 2.0) + case.logs)
    logs_a, steep = case.logs, 0.5 - 1 / q
    v = np.exp(q / 2 * (logs_b - np.max(logs_b)))

    def best(weights: Floats) -> Floats:
        return total * weights / np.sum(weights)

    def away(shares: Floats) -> Floats:
        found = shares * np.exp(case.other)
        return total * found / np.sum(found)

    other = _value(logs_b, 1 - 2 / q, away(best(v)))
    least = _value(logs_b, 1 - 2 / q, best(v**power))
    long = (case.gains[:, None] * case.weights).reshape(-1)
    stechkin = math.exp(2 * (log_smooth(case.budget, q, 2.0) + log_norm(long, q)))
    scale, size = other * (1 + 2 / q), 64 * count
    shares, value = theory.quadratic_optimum(np.exp(logs_b), total, q)
    parts = [
        at_most(constant * least, other, scale=scale, size=size, part="squares"),
        equal(value, stechkin, scale=scale, size=size, part="closed form"),
        equal(shares, best(v), scale=total * (1 + q), size=size, part="shares' value"),
    ]
    # layers whose bounds add: rows in groups of 1, 2, ...
    n = np.arange(1.0, count + 1)
    logs_n = logs_a + (1 / q - 0.5) * np.log(n)
    turned = 2 * q / (q + 2)
    for name, logs, counted in (("sums", logs_a, logs_a), ("groups", logs_n, logs_n)):
        used = logs_a if name == "groups" and not grouped else counted
        u = np.exp(turned * (logs - np.max(logs)))
        least = _value(logs, steep, best(np.exp(linear * turned * (used - np.max(used)))))
        other = _value(logs, steep, away(best(u)))
        closed = math.exp(
            steep * math.log(total) + float(np.max(logs)) + math.log(float(np.sum(u))) / turned
        )
        shares, value = theory.linear_optimum(np.exp(logs), total, q)
        parts += [
            equal(shares, best(u), scale=total * (1 + q), size=size, part=f"{name}, shares' value"),
            at_most(constant * least, other, scale=other * (1 + 1 / q), size=size, part=name),
            equal(value, closed, scale=closed * (1 + 1 / q), size=size, part=f"{name}, closed"),
        ]
    parts += _capped_parts(case, logs_b, logs_n, constant, filled)
    return together(parts[0], *parts[1:])


@register(
    "sparsity.I-5c",
    "inequality",
    rows,
    {
        **ROWS,
        "d": Whole(1, 12),
        "nonzeros": Whole(1, 12),
        "count": Whole(1, 4),
        "level": Real(0.01, 1.25),
        "q": Choice((1.0, 0.2, 0.5, 1.5, 1.9)),
    },
    (
        {"law": "flat", "d": 60, "nonzeros": 40, "level": 0.5**0.5, "gains": 0.0},
        {"law": "flat", "d": 60, "nonzeros": 40, "level": 0.25**0.5, "gains": 2.0, "q": 0.5},
        {},
        {"law": "cauchy", "d": 30, "count": 3, "gains": 2.0, "level": 0.1},
        {"law": "steep", "level": 1.0},
        {"law": "tied", "d": 30, "level": 0.2, "q": 1.9},
    ),
    (
        Mutant("number x .95", {"constant": 0.95}),
        Mutant("gains left out", {"gained": False}),
        Mutant("exponent 2q/(2-q) halved", {"exponent": 0.5}),
    ),
)
def tolerated_tails(
    case: Rows, *, constant: float = 1.0, gained: bool = True, exponent: float = 1.0
) -> Sides:
    """So many weights keep every row within its tolerance.

    Hypotheses
    ----------
    0 < q < 2, tolerances eps_i > 0.

    Statement
    ---------
    s_i = ceil((c_{q,2} A_i ||w_i||_q/eps_i)^{2q/(2-q)}), at most d, or 0 if A_i ||w_i||_2 <= eps_i,
    has A_i sigma_{s_i}(w_i)_2 <= eps_i, for every q; so has the least over several q, which is
    never below the number found by sorting.

    Source
    ------
    Derived [D] from I-1b.

    Equality cases
    --------------
    Flat on s/(1-q/2) entries.

    References
    ----------
    arXiv 2206.05604
    """
    q, d = case.order, case.weights.shape[1]
    whole = case.gains * np.array([norm(row, 2.0) for row in case.weights])
    eps = case.level * whole
    power = exponent * 2 * q / (2 - q)
    rounding = 1 - 1e-11 * (1 + power) * (1 + 1 / q)  # a whole number, but for rounding
    found = theory.neuron_budget(case.weights, case.gains, eps, q=q)
    several = theory.neuron_budget(case.weights, case.gains, eps)
    exact = theory.exact_budget(case.weights, case.gains, eps)
    parts = []
    size = 8 * d
    for i, row in enumerate(case.weights):
        room = math.log(case.gains[i]) if gained else 0.0
        logs = power * (log_smooth(1, q, 2.0) + room + log_norm(row, q) - math.log(eps[i]))
        s = min(d, max(1, math.ceil(constant * math.exp(min(logs, 9.0)) * rounding)))
        if case.level >= 1:
            s = 0
        a = np.sort(np.abs(row))[::-1]
        tails = case.gains[i] * np.sqrt(np.append(np.cumsum(a[::-1] ** 2)[::-1], 0.0))
        least = int(np.argmax(tails <= eps[i] * (1 + 1e-12)))
        scale = float(whole[i] + eps[i]) * (1 + 1 / q)
        theirs = int(min(found[i], several[i]))
        parts += [
            at_most(float(tails[s]), float(eps[i]), scale=scale, size=size, part="tail"),
            at_most(
                float(tails[theirs]), float(eps[i]), scale=scale, size=size, part="tail's value"
            ),
            at_most(least, theirs, scale=0.0, size=1, part="number found"),
            at_most(least, exact[i], scale=0.0, size=1, part="exact value"),
            at_most(
                float(tails[exact[i]]), float(eps[i]), scale=scale, size=size, part="exact value"
            ),
        ]
        if constant == exponent == 1.0 and gained and case.level != 1.0:
            parts += [
                at_most(found[i], s + 1, scale=0.0, size=1, part="number's value"),
                at_most(s, found[i], scale=0.0, size=1, part="number's value"),
                at_most(exact[i], least + 1, scale=0.0, size=1, part="exact value"),
            ]
    return together(parts[0], *parts[1:])
