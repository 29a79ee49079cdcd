r"""What the PQ index says about pruning, in both directions (T9 to T10').

With M_r the r entries kept and eta_r = sum_{i not in M_r} |w|^p / sum_{M_r} |w|^p,

    r >= N_{p,q} (1+eta_r)^{-q/(q-p)}                                      (T10) [seen, Theorem 2]
      >= the same times (||w||_q/||w_{M_r}||_q)^{pq/(q-p)} on the right      refined [derived]
    r >= N_{u,p} c_{u,p}^{pu/(p-u)} (eta/(1+eta))^{-u/(p-u)} largest entries
         leave eta_r <= eta,   0 < u < p                                      (T10') [derived]

T10 (Hoelder on M_r; equality for flat M_r and zeros elsewhere) is necessary only: pruning to its
right-hand side leaves more than eta. T10' is sufficient, and the least r with eta_r <= eta lies
between the two. Transfers of weight (T9) stand at the end. All powers are taken in logarithms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_count, as_kept, as_real, as_ridge, to_numpy
from ..bounds.directions import LowerBound
from ..errors import InapplicableError
from .indices import as_order, as_orders, exponential, log_effective_number, log_norms, magnitudes
from .neuron import Floats
from .stechkin import log_constant


def retained_mass(w: Any, kept: Any, p: float) -> float:
    r"""eta_r = sum of |w|^p lost over that retained by the entries `kept`; inf if they are all 0.

    Parameters
    ----------
    w : array of any shape
        Read as one long vector.
    kept : distinct indices
    p : float
        Above 0.

    Raises
    ------
    ValueError
        Entries that are not finite, indices out of range or repeated, no entry other than 0, p not
        above 0 or infinite.
    """
    p = as_order(p, math.inf, "p")
    sizes, index = _vector(w), as_kept(kept, np.size(w))
    lost = np.delete(sizes, index)
    inside = float(log_norms(sizes[index], p))
    outside = float(log_norms(lost, p)) if lost.size else -math.inf
    return exponential(p * (outside - inside)) if inside > -math.inf else math.inf


def retained_bound(w: Any, kept: Any, p: float, q: float, *, refined: bool = False) -> LowerBound:
    r"""Bound from below on the number r of entries `kept`: N_{p,q} (1 + eta_r)^{-q/(q-p)} (T10).

    Parameters
    ----------
    w : array of any shape
    kept : distinct indices
        M_r, not all of them zeros.
    p, q : float
        0 < p < q <= inf.
    refined : bool
        Times (||w||_q/||w_{M_r}||_q)^{pq/(q-p)}, still at most r.

    Returns
    -------
    LowerBound
        On r; trivial value 1. Terms: eta, N.

    Raises
    ------
    ValueError
        Orders out of range, indices out of range or repeated, only zeros kept.

    Notes
    -----
    Statement T10, Diao et al., ICLR 2023, Theorem 2 [seen]; refinement [derived].
    """
    as_orders(p, q)
    sizes, index = _vector(w), as_kept(kept, np.size(w))
    if not np.any(sizes[index]):
        raise ValueError("kept holds only entries that are 0, so no mass is retained; keep others")
    eta = retained_mass(w, kept, p)
    power = 1.0 / (1.0 - p / q)  # q/(q-p), 1 at q = inf
    log_number = log_effective_number(w, p, q)
    value = log_number - power * math.log1p(eta)
    if refined:
        value += p * power * float(log_norms(sizes, q) - log_norms(sizes[index], q))
    terms = {"eta": eta, "N": math.exp(log_number)}
    note = "number of entries that retain this p-mass; certain, necessary and not sufficient"
    return LowerBound("sparsity.T10", math.exp(value), 1.0, terms, note)


def necessary_count(w: Any, eta: float, p: float, q: float) -> float:
    r"""N_{p,q}(w) (1 + eta)^{-q/(q-p)}: fewer entries cannot leave eta_r <= eta (T10).

    Parameters
    ----------
    w : array of any shape
    eta : float
        Lost over retained p-mass, at least 0.
    p, q : float
        0 < p < q <= inf.

    Raises
    ------
    ValueError
        Orders out of range, a negative eta, no entry other than 0.
    """
    slack = math.log1p(as_ridge(eta, name="eta"))
    return math.exp(log_effective_number(w, p, q) - slack / (1.0 - p / q))


def sufficient_count(w: Any, eta: float, u: float, p: float) -> int:
    r"""So many of the largest entries leave eta_r <= eta, by soft sparsity in l_u (T10').

    min(d, ceil of N_{u,p} c_{u,p}^{pu/(p-u)} (eta/(1+eta))^{-u/(p-u)}), at least 1.

    Parameters
    ----------
    w : array of any shape
    eta : float
        Lost over retained p-mass, above 0.
    u, p : float
        0 < u < p < inf.

    Raises
    ------
    ValueError
        Orders out of range, eta not above 0, no entry other than 0.

    Notes
    -----
    Statement T10' [derived]; claim sparsity.I-7b.
    """
    as_orders(u, p, ("u", "p"))
    slack = as_ridge(eta, name="eta", positive=True)
    if p == math.inf:
        raise ValueError("p must be finite, but is inf: sums of |w|^p are compared")
    log_share = math.log(slack) - math.log1p(slack)
    log_count = log_effective_number(w, u, p) + u / (p - u) * (p * log_constant(u, p) - log_share)
    d = np.size(w)
    return d if log_count >= math.log(d) else max(1, math.ceil(math.exp(log_count)))


def least_count(w: Any, eta: float, p: float) -> int:
    """Least number r of largest entries with eta_r <= eta, by sorting; at least 1.

    Lies between :func:`necessary_count` for every q and :func:`sufficient_count` for every u.
    Parameters and errors as there; eta may be 0.
    """
    p, slack = as_order(p, math.inf, "p"), as_ridge(eta, name="eta")
    sizes = np.sort(_vector(w))
    logs = p * (np.log(np.where(sizes > 0, sizes, 1.0)) - math.log(sizes[-1]))
    tails = np.cumsum(np.where(sizes > 0, np.exp(logs), 0.0))  # smallest first: no digits are lost
    lost = np.concatenate([[0.0], tails[:-1]])
    droppable = np.flatnonzero(lost * (1.0 + slack) <= slack * tails[-1])
    return int(sizes.size - droppable[-1])


def robin_hood(w: Any, rich: int, poor: int, amount: float) -> Floats:
    r"""Weights |w| after `amount` <= (w_rich - w_poor)/2 moves between two entries (D1 of T9).

    Raises no PQ index with p <= 1 <= q; outside it may: (10, 2, 1) to
    (10, 1.5, 1.5) raises I_{2,4} from .2217 to .2235.

    Raises
    ------
    ValueError
        Indices out of range, an amount that is negative or above half of the difference.

    Notes
    -----
    Statement T9 [derived]; claimed for all 0 < p < q in the authors' slides [seen], which is false.
    """
    sizes = _vector(w).copy()
    i, j = (as_count("index", k, least=0, most=sizes.size - 1) for k in (rich, poor))
    moved, most = as_ridge(amount, name="amount"), (sizes[i] - sizes[j]) / 2
    if moved > most:
        raise ValueError(f"amount must be at most half the difference, {most:g}, but is {moved:g}")
    sizes[i] -= moved
    sizes[j] += moved
    return sizes


def bill_gates_threshold(w: Any, index: int, p: float, q: float) -> float:
    r"""beta_i = max(0, (R_q/R_p)^{1/(q-p)} - |w_i|), R_r = sum_{k != i} |w_k|^r (P1 of T9).

    The PQ index rises in |w_i| beyond |w_i| + beta_i.

    Raises
    ------
    InapplicableError
        All other entries are 0: I is then constant in w_i.
    ValueError
        Orders out of range or infinite, an index out of range.
    """
    as_orders(p, q)
    if q == math.inf:
        raise ValueError("q must be finite, but is inf")
    sizes = _vector(w)
    i = as_count("index", index, least=0, most=sizes.size - 1)
    others = np.delete(sizes, i)
    if not np.any(others):
        raise InapplicableError("all other entries are 0, so the index does not depend on this one")
    # (q ln||.||_q - p ln||.||_p)/(q - p), without the cancellation near q = p
    level = float(log_norms(others, q)) - p / (q - p) * float(
        log_norms(others, p) - log_norms(others, q)
    )
    return max(0.0, math.exp(level) - float(sizes[i]))


def _vector(w: Any) -> Floats:
    sizes = np.asarray(to_numpy(magnitudes("w", as_real("w", w)))).reshape(-1)
    if not np.any(sizes):
        raise ValueError("w has no entry other than 0, so no mass is lost or retained")
    return sizes
