r"""A layer whose rows keep their largest entries: its error bounded by soft sparsity (T7).

    E||D h||_2^2 <= lam_max(G) sum_i kappa_{s_i,d}(q_i, 2)^2 ||w_i||_q_i^2
                 <= lam_max(G) c_{q,2}^2 s^{1-2/q} sum_i ||w_i||_q^2      for s_i = s >= 1,

0 < q < 2, any q_i row by row; nothing for s_i = d. With the bias fixed from the mean of the
original inputs the covariance stands for G, and refitting only lowers the left-hand side (T3).
[derived]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import as_real, to_numpy
from ..bounds.bound import Bound
from .indices import as_order, log_norms
from .neuron import Floats, moment_of
from .stechkin import Q_GRID, log_kappa
from .top import top_entries


def soft_sparsity_bound(
    weight: Any,
    kept: Any,
    cov: Any,
    *,
    q: float | Sequence[float] | None = None,
    sizes: Any = None,
) -> Bound:
    r"""Bound on E||D h||_2^2 when row i keeps its s_i largest entries (T7, one layer).

    Parameters
    ----------
    weight : (rows, d) array
    kept : int or (rows,) array of int
        s_i, from 0 to d.
    cov : (d, d) array
        G; the covariance with the bias fixed.
    q : float or sequence, optional
        Orders in (0, 2), the best for each row; .05, .10, ..., 1.95 if not given.
    sizes : (d,) array, optional
        The rows keep their largest |u_ij| = |w_ij| sizes_j, sizes at least 0, and 0 only where
        `cov` is 0: then u stands for w and cov_ij/(sizes_i sizes_j) for cov. With sqrt(G_jj) that
        is T2'; with the bias fixed, cov may be the covariance and sizes still sqrt(G_jj).

    Returns
    -------
    Bound
        Trivial value E||W h||_2^2, the error of removing everything. Terms: largest_eigenvalue, and
        tails = the sum of the squared bounds on the rows' tails.

    Raises
    ------
    ValueError
        Shapes that do not fit, counts out of range, orders outside (0, 2).

    Notes
    -----
    Statement T7 [derived]; claim sparsity.I-4E.
    """
    rows = to_numpy(as_real("weight", weight, ndim=2))
    moment = moment_of(cov, rows.shape[1])
    counts = _counts(rows, kept)
    trivial = float(np.sum((rows @ moment) * rows))
    if sizes is not None:
        scale = _scales(sizes, moment)
        inverse = np.where(scale > 0.0, 1.0 / np.where(scale > 0.0, scale, 1.0), 0.0)
        rows, moment = rows * scale, moment * inverse[:, None] * inverse[None, :]
    tails = float(np.sum(np.exp(2.0 * log_tails(rows, counts, Q_GRID if q is None else q))))
    top = max(0.0, float(np.linalg.eigvalsh(moment)[-1]))
    note = "mean squared error of the layer's sums; certain"
    terms = {"largest_eigenvalue": top, "tails": tails}
    return Bound("sparsity.T7", top * tails, trivial, terms, note)


def log_tails(rows: Floats, counts: Any, q: float | Sequence[float]) -> Floats:
    """Least ln(kappa_{s_i,d}(q, 2) ||w_i||_q) over the q given, row by row; -inf at s_i = d."""
    d = rows.shape[1]
    best = np.full(rows.shape[0], np.inf)
    some, place = np.unique(counts, return_inverse=True)
    for order in np.atleast_1d(q):
        x = as_order(float(order), 2.0)
        kappas = [log_kappa(int(s), d, x, 2.0) if s < d else -math.inf for s in some]
        best = np.minimum(best, np.array(kappas)[place] + log_norms(rows, x))
    return best


def _scales(sizes: Any, moment: Floats) -> Floats:
    """Sizes of the inputs, checked against the moment that they scale."""
    scale = to_numpy(as_real("sizes", sizes, ndim=1))
    if scale.size != moment.shape[0]:
        raise ValueError(f"sizes must have {moment.shape[0]} entries, but has {scale.size}")
    if float(np.min(scale)) < 0.0 or np.any(np.diag(moment)[scale == 0.0] > 0.0):
        raise ValueError("sizes must be above 0 wherever an input varies; give sqrt(G_jj)")
    return scale


def _counts(rows: Floats, kept: Any) -> Any:
    """One count a row, checked as :func:`~pruneproof.theory.top_entries` does."""
    kept = to_numpy(kept)
    return np.sum(top_entries(rows, kept.item() if kept.ndim == 0 else kept), axis=1)
