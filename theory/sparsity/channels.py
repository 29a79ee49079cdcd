r"""Whole inputs of a layer removed: column j of W, scored by v_j = ||W_{:,j}||_2 sqrt(G_jj) (X3).

    E||W_C h_C||^2 <= lam_max(R) sum_C v_j^2 <= lam_max(R) kappa(q, 2)^2 ||v||_q^2,   0 < q < 2
    E^{1/2}||W_C h_C||^2 <= sum_C v_j <= kappa(q, 1) ||v||_q,                         0 < q < 1

when the s largest v are kept; the second also for blocks of inputs, v_g = (E||W_g h_g||^2)^{1/2}.
Removing OUTPUT neurons costs exactly the sum of their E y_i^2. All [derived].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import as_count, as_real, to_numpy
from ..bounds.bound import Bound
from .neuron import Floats, absolute_bound, moment_of, normalised
from .stechkin import Q_GRID, stechkin_bound


def channel_scores(weight: Any, cov: Any) -> Floats:
    """Scores v_j = ||W_{:,j}||_2 sqrt(G_jj) of the inputs of a layer, (d,).

    Parameters
    ----------
    weight : (rows, d) array
    cov : (d, d) array
        Second moment of the inputs; the covariance where the bias is fixed.

    Raises
    ------
    ValueError
        Shapes that do not fit, no second-moment matrix.

    Notes
    -----
    Statement X3 [derived].
    """
    matrix = to_numpy(as_real("weight", weight, ndim=2))
    moment = moment_of(cov, matrix.shape[1])
    return np.asarray(np.linalg.norm(matrix, axis=0) * np.sqrt(np.diag(moment)))


def channel_bound(
    weight: Any, kept: int, cov: Any, *, q: float | Sequence[float] | None = None
) -> Bound:
    """Bound on E||W_C h_C||^2 when the `kept` inputs of largest v_j stay (X3).

    Terms: `dropped` = lam_max(R) sum_C v_j^2, `smooth` = lam_max(R) c_{q,2}^2 s^{1-2/q} ||v||_q^2.
    Parameters and errors as
    :func:`channel_scores`; q in (0, 2), the best of .05, ..., 1.95 if not given.
    """
    scores = channel_scores(weight, cov)
    kept = as_count("kept", kept, least=0, most=scores.size)
    correlation, _ = normalised(moment_of(cov, scores.size))
    top = max(0.0, float(np.linalg.eigvalsh(correlation)[-1]))
    tail = stechkin_bound(scores, kept, q=Q_GRID if q is None else q, p=2.0)
    dropped = np.sort(scores)[: scores.size - kept]
    smooth = tail.terms["smooth"]
    terms = {
        **tail.terms,
        "largest_eigenvalue": top,
        "smooth": top * (smooth * smooth),
        "dropped": top * float(dropped @ dropped),
    }
    note = "mean squared error of the layer's sums; certain"
    return Bound(
        "sparsity.X3",
        top * (tail.value * tail.value),
        top * (tail.trivial * tail.trivial),
        terms,
        note,
    )


def absolute_channel_bound(
    weight: Any, kept: int, cov: Any, *, q: float | Sequence[float] | None = None
) -> Bound:
    """Bound on E^{1/2}||W_C h_C||^2 with no spectrum, sum_C v_j <= kappa(q, 1) ||v||_q (X3).

    Parameters and errors as :func:`channel_scores`; q in (0, 1).
    """
    return absolute_bound("sparsity.X3", channel_scores(weight, cov), kept, q)
