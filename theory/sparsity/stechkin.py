r"""Sharp Stechkin estimates: what is left of a vector beyond its s largest entries.

    sigma_s(w)_p <= kappa_{s,d} ||w||_q <= c_{q,p} s^{1/p-1/q} ||w||_q,   0 < q < p <= inf   (T1)
    c_{q,p} = [(q/p)^{q/p} (1-q/p)^{1-q/p}]^{1/q},  c_{q,inf} = 1
    kappa_{s,d} = max_{K=s+1..d} (K-s)^{1/p} K^{-1/q}

Proof of the first: with alpha_i = a_i^q, maximise the convex sum_{i>s} alpha_i^{p/q} over
decreasing alpha of sum at most 1; the extreme points are flat on K entries. K real gives
K* = sp/(p-q) and the second. Equality in the first: flat vectors of K entries. Foucart and Rauhut,
Theorem 2.5 [recalled; derived anew]. Norms are compared by logarithms, so no q is too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import as_count, namespace, to_numpy
from ..bounds.bound import Bound
from .indices import as_orders, exponential, log_norms, magnitudes, norm

#: Orders q tried where none is given; below p they are all valid.
Q_GRID: tuple[float, ...] = tuple(round(0.05 * i, 2) for i in range(1, 40))


def stechkin_constant(
    q: float, p: float, *, kept: int | None = None, size: int | None = None
) -> float:
    r"""Sharp constant of T1: c_{q,p}, or with `kept` (and `size`) the exact kappa_{s,d}.

    Parameters
    ----------
    q, p : float
        0 < q < p <= inf.
    kept : int, optional
        s >= 0: the answer is then kappa with sigma_s(w)_p <= kappa ||w||_q for every w.
    size : int, optional
        d > s, the number of entries; not given, vectors of any length are meant.

    Raises
    ------
    ValueError
        Orders out of range, `size` without `kept` or not above it.

    Notes
    -----
    Statement T1 [derived]; claim sparsity.I-1a. The maximum over K is at one of the two whole
    numbers around sp/(p-q), as ln((K-s)^{1/p} K^{-1/q}) rises before and falls after it.
    """
    as_orders(q, p, ("q", "p"))
    if kept is None:
        if size is not None:
            raise ValueError("size is given but kept is not; give both, or neither for c_{q,p}")
        return math.exp(log_constant(q, p))
    s = as_count("kept", kept, least=0)
    d = math.inf if size is None else as_count("size", size, least=s + 1)
    return math.exp(log_kappa(s, d, q, p))


def log_constant(q: float, p: float) -> float:
    """ln c_{q,p}, at most 0; unchecked."""
    if p == math.inf:
        return 0.0
    share = q / p
    return (share * math.log(share) + (1.0 - share) * math.log1p(-share)) / q


def log_kappa(s: int, d: float, q: float, p: float) -> float:
    """ln kappa_{s,d} for s < d <= inf and q <= p; unchecked."""
    if p == math.inf:
        return -math.log(s + 1) / q
    if q == p:  # rises in K to its limit
        return 0.0 if d == math.inf else math.log1p(-s / d) / p
    best = s * p / (p - q)
    if not math.isfinite(best) or best > 2.0**53:  # K* beyond whole numbers
        best = min(d, best)
        return math.log(best - s) / p - math.log(best) / q
    around = {min(max(math.floor(best) + step, s + 1), d) for step in (0, 1)}
    return max(math.log(k - s) / p - math.log(k) / q for k in around)


def tail_norm(w: Any, kept: int, p: float) -> float:
    r"""sigma_s(w)_p, the l_p norm of all but the s = `kept` largest |w|; 0 from s = d on.

    Parameters
    ----------
    w : array of any shape
        All entries count.
    kept : int
        s >= 0.
    p : float
        In (0, inf]; inf gives a_{s+1}.

    Raises
    ------
    ValueError
        Entries that are not finite, a negative count, p not above 0.
    """
    if not float(p) > 0.0:
        raise ValueError(f"p must be above 0, but is {float(p):g}")
    sizes = magnitudes("w", w)
    flat = to_numpy(sizes).reshape(-1)
    s = as_count("kept", kept, least=0)
    if s >= flat.size:
        return 0.0
    return norm(np.partition(flat, flat.size - s - 1)[: flat.size - s], float(p))


def stechkin_bound(
    w: Any, kept: int, *, q: float | Sequence[float] | None = None, p: float = 2.0
) -> Bound:
    r"""Bound kappa_{s,d} ||w||_q on the tail sigma_s(w)_p (T1), the least over the q given.

    Parameters
    ----------
    w : array of any shape
    kept : int
        s, from 0 to d.
    q : float or sequence, optional
        Orders in (0, p); not given, .05, .10, ..., 1.95 below p. For l_2 they should not be
        restricted to q < 1: Gaussian rows at s/d = .05 are best at q = 1.8.
    p : float

    Returns
    -------
    Bound
        Trivial value ||w||_p; terms: `q`, the constant `kappa`, `norm` = ||w||_q, and `smooth` =
        c_{q,p} s^{1/p-1/q} ||w||_q (inf at s = 0).

    Raises
    ------
    ValueError
        As :func:`tail_norm`; a q outside (0, p), or none, as where p <= .05 and q is not given.
    """
    sizes = magnitudes("w", w)
    flat = namespace(sizes).reshape(sizes, (-1,))
    d = flat.shape[0]
    s = as_count("kept", kept, least=0, most=d)
    grid = [float(x) for x in (np.atleast_1d(Q_GRID if q is None else q))]
    orders = [x for x in grid if x < p] if q is None else grid
    if not orders:
        raise ValueError(f"q names no order below p = {float(p):g}; give one or more in (0, p)")
    for order in orders:
        as_orders(order, p, ("q", "p"))
    logs = {order: float(log_norms(flat, order)) for order in orders}
    found = {x: (log_kappa(s, d, x, p) if s < d else -math.inf) + logs[x] for x in orders}
    best = min(found, key=lambda x: found[x])
    smooth = math.inf if s == 0 else log_constant(best, p) + (1 / p - 1 / best) * math.log(s)
    terms = {
        "q": best,
        "kappa": math.exp(found[best] - logs[best]) if logs[best] > -math.inf else 0.0,
        "norm": exponential(logs[best]),
        "smooth": exponential(smooth + logs[best]) if s > 0 else math.inf,
    }
    note = "l_p norm of all but the s largest entries; certain, equality for flat vectors"
    return Bound("sparsity.T1", exponential(found[best]), norm(flat, p), terms, note)
