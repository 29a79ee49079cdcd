r"""Prunability: the smallest kept share that does not hurt the training loss (statement K8).

Loss is not monotone in the number kept: for y = 0, weights (1, .9) and features (x, -x) the squared
loss is .01, 1 and 0 times E x^2 with 2, 1 and 0 weights kept. So all numbers are looked at, in
place of bisection. What a sparse predictor says of new samples is Occam's bound
(:func:`~pruneproof.theory.occam_bound`), which holds for all numbers kept at once.

Source: Kuhn et al., arXiv 2103.06002 (the notion [seen, abstract]); statements [derived]. This
module may import NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from ..bounds.held_out import occam_bound
from .harmonics import Floats


def pruning_losses(weights: Any, features: Any, targets: Any) -> Floats:
    r"""Mean squared training loss with the s largest |w_j| kept, s = 0..d, (d+1,).

    Parameters
    ----------
    weights : (d,) array
        w of the linear predictor; ties are kept by lower index.
    features : (n, d) array
    targets : (n,) array

    Raises
    ------
    ValueError
        Shapes that do not fit.
    """
    w = to_numpy(as_real("weights", weights, ndim=1))
    h = to_numpy(as_real("features", features, ndim=2))
    y = to_numpy(as_real("targets", targets, ndim=1))
    if h.shape != (len(y), len(w)):
        raise ValueError(f"features must have shape ({len(y)}, {len(w)}), but have {h.shape}")
    order = np.argsort(-np.abs(w), kind="stable")
    outputs = np.cumsum(h[:, order] * w[order], axis=1)
    residuals = np.concatenate([y[:, None], y[:, None] - outputs], axis=1)
    return np.asarray(np.mean(residuals**2, axis=0))


def prunability(losses: Any, *, tolerance: float = 0.0) -> float:
    """Smallest kept share s/d whose loss is at most that of all weights plus a tolerance (K8).

    Parameters
    ----------
    losses : (d+1,) array
        Training loss with s = 0..d weights kept; of :func:`pruning_losses`, or measured.
    tolerance : float
        At least 0, in units of the loss.

    Returns
    -------
    float
        Between 0 and 1. Numbers kept above it may hurt: the loss is not monotone.

    Raises
    ------
    ValueError
        Fewer than two losses, a negative tolerance.
    """
    loss = to_numpy(as_real("losses", losses, ndim=1))
    if len(loss) < 2:
        raise ValueError("losses must be of 0 to d weights kept, at least two, but there is one")
    allowed = loss[-1] + as_ridge(tolerance, name="tolerance")
    return int(np.flatnonzero(loss <= allowed)[0]) / (len(loss) - 1)


def best_occam_bound(risks: Any, n: int, *, bits: float, delta: float = 0.05) -> tuple[int, Bound]:
    """Number of weights kept with the least Occam bound, and the bound (statement K8).

    The choice costs nothing more: the bound holds for all numbers kept at once.

    Parameters
    ----------
    risks : (d+1,) array
        Empirical risk in [0, 1] with s = 0..d weights kept, each of `bits` bits.
    n : int
        Samples of the risk.
    bits, delta : float

    Raises
    ------
    ValueError
        Risks outside [0, 1], figures out of range.
    """
    risk = to_numpy(as_real("risks", risks, ndim=1))
    given: dict[str, Any] = {"size": len(risk) - 1, "bits": bits, "delta": delta}
    found = [occam_bound(float(r), n, nonzeros=s, **given) for s, r in enumerate(risk)]
    best = min(range(len(found)), key=lambda s: found[s].value)
    return best, found[best]
