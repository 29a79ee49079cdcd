r"""How many weights each neuron and layer keeps: tolerance, budget, threshold (A2-A4, T8).

Rows w_i, gains A_i >= 0: the weight of row i in the total error. With B_i = (c A_i ||w_i||_q)^2,

    min sum B_i s_i^{1-2/q}, sum s_i = S:      s_i prop. B_i^{q/2},
                                               value S^{1-2/q} (sum B_i^{q/2})^{2/q}      (T8 ii)
    with caps s_i <= d_i:                      s_i = min(d_i, lambda B_i^{q/2})
    min sum a_i s_i^{1/2-1/q}, sum s_i = S:    s_i prop. a_i^{2q/(q+2)},
                                               value S^{1/2-1/q} (sum a^{2q/(q+2)})^{(q+2)/(2q)}
                                                                                         (T8 iii)

so that sharing by A3 attains the Stechkin bound of the long vector (A_i w_i): adaptive allocation
is global soft sparsity. All [derived]. This module may import NumPy and theory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, to_numpy
from .indices import as_order, log_norms
from .stechkin import Q_GRID, log_constant, tail_norm
from .top import top_entries

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def neuron_budget(
    rows: Any, gains: Any, tolerance: Any, *, q: float | Sequence[float] | None = None
) -> Counts:
    r"""Entries that every row must keep for A_i sigma_s(w_i)_2 <= eps_i, by soft sparsity (A2).

    s(q) = ceil((c_{q,2} A_i ||w_i||_q/eps_i)^{2q/(2-q)}), at most d and at least 1, the least over
    the q given: each is sufficient by T1. 0 where A_i ||w_i||_2 <= eps_i already.

    Parameters
    ----------
    rows : (rows, d) or (d,) array
    gains, tolerance : float or (rows,) array
        A_i >= 0 and eps_i > 0.
    q : float or sequence, optional
        Orders in (0, 2); not given, .05, .10, ..., 1.95.

    Returns
    -------
    (rows,) array of int
        Beside it, :func:`exact_budget` is what sorting finds.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative gains, tolerances that are not positive, q outside (0, 2).

    Notes
    -----
    Algorithm A2 and statement T8 (iv) [derived]; claim sparsity.I-5c.
    """
    w, a, eps = _toleranced(rows, gains, tolerance)
    d = w.shape[1]
    with np.errstate(divide="ignore"):
        room = np.log(a) - np.log(eps)
    best = np.full(w.shape[0], math.log(d) if d > 1 else 0.0)
    for order in np.atleast_1d(Q_GRID if q is None else q):
        x = as_order(float(order), 2.0)
        best = np.minimum(best, 2 * x / (2 - x) * (log_constant(x, 2.0) + room + log_norms(w, x)))
    # exp(log d) may round above d
    found = np.clip(np.ceil(np.exp(best)), 1, d).astype(np.int64)
    return np.where(room + log_norms(w, 2.0) <= 0.0, 0, found)


def exact_budget(rows: Any, gains: Any, tolerance: Any) -> Counts:
    """Least s with A_i sigma_s(w_i)_2 <= eps_i for every row, by one sort.

    Parameters and errors as :func:`neuron_budget`.
    """
    w, a, eps = _toleranced(rows, gains, tolerance)
    peak = np.max(np.abs(w), axis=1, keepdims=True)
    scaled = np.sort(np.abs(w) / np.where(peak > 0.0, peak, 1.0), axis=1)
    tails = a[:, None] * peak * np.sqrt(np.cumsum(scaled * scaled, axis=1))
    return np.asarray(w.shape[1] - np.sum(tails <= eps[:, None], axis=1), dtype=np.int64)


def allocate(rows: Any, gains: Any, budget: int, q: float) -> Counts:
    r"""Share a budget of S entries between rows by soft sparsity: water filling (A3).

    s_i proportional to A_i^q ||w_i||_q^q but at most d_i, the entries of row i other than 0 (0 if
    A_i = 0), rounded down, with the missing units to the largest remainders (ties: lower index).

    Parameters
    ----------
    rows : (rows, d) array, or sequence of (d_i,) arrays of any lengths
    gains : float or (rows,) array
        A_i >= 0.
    budget : int
        S >= 0; from sum d_i on, everything is kept.
    q : float
        In (0, 2).

    Returns
    -------
    (rows,) array of int
        Sum min(S, sum d_i). A row with 0 entries contributes A_i ||w_i||_2, not the bound of T1.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative gains, a budget that is not whole, q outside (0, 2).

    Notes
    -----
    Algorithm A3; statement T8 (ii) with caps (KKT) [derived]; claim sparsity.I-5b.
    """
    order = as_order(q, 2.0)
    vectors = _vectors(rows)
    a = _per_row("gains", gains, len(vectors), least=0.0)
    total = as_count("budget", budget, least=0)
    caps = np.array([np.count_nonzero(w) if g > 0 else 0 for w, g in zip(vectors, a)], dtype=int)
    with np.errstate(divide="ignore"):
        logs = order * (np.log(a) + np.array([float(log_norms(w, order)) for w in vectors]))
    return rounded(water_levels(logs, caps, total), caps, total)


def water_levels(log_weights: Floats, caps: Counts, budget: float) -> Floats:
    """Reals min(d_i, lambda v_i) of sum `budget` (or all caps), v given by its logarithms."""
    if budget >= float(np.sum(caps)):
        return np.asarray(caps, dtype=float)
    peak = np.max(np.where(caps > 0, log_weights, -np.inf), initial=-np.inf)
    weights = np.where(caps > 0, np.exp(log_weights - (peak if peak > -np.inf else 0.0)), 0.0)
    active = weights > 0.0
    out, left = np.zeros(weights.size), float(budget)
    while np.any(active):
        share = left * weights / float(np.sum(weights[active]))
        over = active & (share >= caps)
        out[active] = share[active]
        if not np.any(over):
            break
        out[over] = caps[over]
        left -= float(np.sum(caps[over]))
        active &= ~over
    return out


def rounded(shares: Floats, caps: Counts, budget: int) -> Counts:
    """Whole numbers of sum min(budget, sum caps): floors, then one unit to largest remainders."""
    whole = np.minimum(np.floor(shares), caps).astype(np.int64)
    missing = min(budget, int(np.sum(caps))) - int(np.sum(whole))
    while missing > 0:  # once, unless rounding lost a unit at a cap
        remainder = np.where(whole < caps, shares - whole, -np.inf)
        chosen = np.argsort(-remainder, kind="stable")[:missing]
        chosen = chosen[whole[chosen] < caps[chosen]]
        whole[chosen] += 1
        missing -= chosen.size
    return whole


def global_threshold(
    weights: Sequence[Any],
    budget: int,
    *,
    gains: Sequence[Any] | None = None,
    sizes: Sequence[Any] | None = None,
) -> list[NDArray[np.bool_]]:
    r"""Keep exactly the S largest scores A_i |w_ij| g_j over all rows and layers (A4).

    Parameters
    ----------
    weights : sequence of (rows, d) arrays
        One a layer.
    budget : int
        S, from 0 to the number of weights.
    gains : sequence of (rows,) arrays, optional
        A_i of every row of every layer; 1 if not given.
    sizes : sequence of (d,) arrays, optional
        g_j = sqrt(G_jj), or sqrt(Cov_jj) with the bias fix; 1 if not given.

    Returns
    -------
    list of masks
        Ties in the order of layer, row, column.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative gains or sizes, a budget out of range.

    Notes
    -----
    Statement T8 (i) [derived]: optimal for diagonal G only; for correlated features the best set
    may be better by any factor (see :func:`~pruneproof.theory.magnitude_guarantee`).
    """
    for name, given in (("gains", gains), ("sizes", sizes)):
        if given is not None and len(given) != len(weights):
            raise ValueError(
                f"{name} must have one entry a layer, {len(weights)}, but has {len(given)}"
            )
    if len(weights) == 0:
        raise ValueError("weights is empty; give at least one layer")
    scores = []
    for place, weight in enumerate(weights):
        w = np.abs(to_numpy(as_real(f"weights[{place}]", weight, ndim=2)))
        a = _per_row("gains", 1.0 if gains is None else gains[place], w.shape[0], least=0.0)
        g = _per_row("sizes", 1.0 if sizes is None else sizes[place], w.shape[1], least=0.0)
        scores.append(a[:, None] * w * g[None, :])
    return top_of_all(scores, budget)


def top_of_all(scores: Sequence[Floats], budget: int) -> list[NDArray[np.bool_]]:
    """Masks of the `budget` largest scores of several arrays, ties in their order."""
    mask = top_entries(np.concatenate([s.reshape(-1) for s in scores]), budget)
    ends = np.cumsum([s.size for s in scores])[:-1]
    return [part.reshape(s.shape) for part, s in zip(np.split(mask, ends), scores)]


def layer_budgets(norms: Any, budget: int, q: float, *, caps: Any, rows: Any = None) -> Counts:
    r"""Share S edges between layers whose error bounds ADD (T8 iii).

    With A3 inside each layer its bound is a_l S_l^{1/2-1/q}, a_l = A_l ||vec W_l||_q, and S_l is
    proportional to a_l^{2q/(q+2)}. With equal numbers S_l/n_l in each of its n_l rows it is
    a_l (S_l/n_l)^{1/2-1/q}, a_l = A_l (sum_i ||w_i||_q^2)^{1/2}, and S_l is proportional to
    (a_l n_l^{1/q-1/2})^{2q/(q+2)}; leaving n_l out costs up to 32 %.

    Parameters
    ----------
    norms : (layers,) array
        a_l >= 0; A_l holds c_{q,2} sqrt(lam_max(G)) and the norms of the layers after it.
    budget : int
        S >= 0.
    q : float
        In (0, 2).
    caps : (layers,) array of int
        Edges that each layer has.
    rows : (layers,) array of int, optional
        n_l, for equal numbers in each row.

    Returns
    -------
    (layers,) array of int
        Sum min(S, sum of caps).

    Raises
    ------
    ValueError
        Shapes that do not fit, negative norms, q outside (0, 2).
    """
    order = as_order(q, 2.0)
    limits = to_numpy(as_real("caps", caps, ndim=1))
    most = _per_row("caps", limits, limits.size, least=0.0).astype(np.int64)
    if np.any(most != limits):
        raise ValueError("caps must hold whole numbers, but one is not; round them down")
    a = _per_row("norms", norms, most.size, least=0.0)
    with np.errstate(divide="ignore"):
        logs = np.log(a)
    if rows is not None:
        logs = logs + (1 / order - 0.5) * np.log(_per_row("rows", rows, most.size, least=1.0))
    total = as_count("budget", budget, least=0)
    most = np.where(a > 0.0, most, 0)
    return rounded(water_levels(2 * order / (order + 2) * logs, most, total), most, total)


def quadratic_optimum(
    weights: Any, budget: float, q: float, *, caps: Any = None
) -> tuple[Floats, float]:
    r"""Real s_i that minimise sum B_i s_i^{1-2/q} at sum s_i = S, and the value (T8 ii).

    Parameters
    ----------
    weights : (rows,) array
        B_i > 0.
    budget : float
        S > 0, at most the sum of the caps.
    q : float
        In (0, 2).
    caps : (rows,) array, optional
        d_i; then s_i = min(d_i, lambda B_i^{q/2}).

    Raises
    ------
    ValueError
        Weights or budget that are not positive, q outside (0, 2).
    """
    order = as_order(q, 2.0)
    return _optimum(weights, budget, order / 2, 1 - 2 / order, caps)


def linear_optimum(weights: Any, budget: float, q: float) -> tuple[Floats, float]:
    r"""Real s_i that minimise sum a_i s_i^{1/2-1/q} at sum s_i = S, and the value (T8 iii).

    Parameters and errors as :func:`quadratic_optimum`.
    """
    order = as_order(q, 2.0)
    return _optimum(weights, budget, 2 * order / (order + 2), 0.5 - 1 / order, None)


def _optimum(
    weights: Any, budget: float, power: float, exponent: float, caps: Any
) -> tuple[Floats, float]:
    b = to_numpy(as_real("weights", weights, ndim=1))
    if float(np.min(b)) <= 0.0 or not float(budget) > 0.0:
        raise ValueError(
            f"weights and budget must be above 0, but the smallest weight is {np.min(b):g} and "
            f"the budget {float(budget):g}"
        )
    logs = power * np.log(b)
    limits = np.full(b.size, np.inf)
    if caps is not None:
        limits = _per_row("caps", caps, b.size, least=0.0)
        if float(np.min(limits)) == 0.0:
            raise ValueError("caps must be above 0, but one is 0; leave that row out")
    if float(budget) > float(np.sum(limits)):
        raise ValueError(f"budget {budget:g} is above the sum {np.sum(limits):g} of the caps")
    shares = water_levels(logs, limits, float(budget))
    return shares, float(np.sum(np.exp(np.log(b) + exponent * np.log(shares))))


def attained(rows: Any, counts: Any) -> Floats:
    """Tails sigma_{s_i}(w_i)_2 that the counts of an allocation leave, (rows,)."""
    return np.array([tail_norm(w, int(s), 2.0) for w, s in zip(_vectors(rows), to_numpy(counts))])


def _vectors(rows: Any) -> list[Floats]:
    if hasattr(rows, "shape"):  # some libraries' arrays do not iterate
        rows = to_numpy(rows)
    found = [to_numpy(as_real(f"rows[{i}]", row, ndim=1)) for i, row in enumerate(rows)]
    if not found:
        raise ValueError("rows is empty; give at least one row")
    return found


def _toleranced(rows: Any, gains: Any, tolerance: Any) -> tuple[Floats, Floats, Floats]:
    w = np.atleast_2d(to_numpy(as_real("rows", rows)))
    if w.ndim != 2:
        raise ValueError(f"rows must have shape (rows, d), but has shape {w.shape}")
    a = _per_row("gains", gains, w.shape[0], least=0.0)
    eps = _per_row("tolerance", tolerance, w.shape[0], least=0.0)
    if float(np.min(eps)) == 0.0:
        raise ValueError("tolerance must be above 0; at 0 every entry other than 0 is kept")
    return w, a, eps


def _per_row(name: str, values: Any, count: int, *, least: float) -> Floats:
    found = to_numpy(as_real(name, values))
    if found.ndim == 0:
        found = np.full(count, float(found))
    if found.shape != (count,):
        raise ValueError(f"{name} must be one number or have shape ({count},), not {found.shape}")
    if float(np.min(found)) < least:
        raise ValueError(f"{name} must be at least {least:g}, but one is {np.min(found):g}")
    return found
