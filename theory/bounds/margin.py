r"""Error rates from the slow bound: the ramp loss of the margin.

With margin_i = f_y - max_{j != y} f_j and gamma > 0 fixed before the data are seen,

    1[margin_i <= 0] <= ramp = min(1, max(0, 1 - margin_i/gamma)),   (sqrt 2/gamma)-Lipschitz in f,

so claim spectral.G1 with M = 1 and rho = sqrt 2/gamma bounds the error rate [D].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array, as_real, as_ridge, namespace, to_numpy
from .bound import Bound
from .generalization import slow_bound
from .network_class import NetworkClass


def ramp_loss(logits: Any, labels: Any, margin: float) -> Array:
    r"""Ramp loss min(1, max(0, 1 - margin_i/gamma)) of each sample, (n,).

    margin_i = f_y - max_{j != y} f_j; at least 1 wherever the label is missed, so its mean bounds
    the error rate. It is (sqrt 2/gamma)-Lipschitz in f: the margin moves by at most
    |df_y| + |df_j| <= sqrt 2 ||df||; see :func:`ramp_lipschitz`.

    Parameters
    ----------
    logits : (n, classes) array
        At least two classes.
    labels : (n,) array of int
    margin : float
        gamma > 0, fixed before the data are seen.

    Raises
    ------
    ValueError
        One class, labels that are not whole or out of range, lengths that differ.
    """
    scores = as_real("logits", logits, ndim=2)
    xp = namespace(scores)
    gamma = as_ridge(margin, name="margin", positive=True)
    n, classes = scores.shape
    truth = to_numpy(labels)
    if classes < 2:
        raise ValueError("logits need at least two classes, but there is one column")
    if truth.shape != (n,) or truth.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {n} whole numbers, one a row of logits, but have shape {truth.shape} "
            f"and type {truth.dtype}"
        )
    if truth.min() < 0 or truth.max() >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, the columns of logits")
    right = xp.asarray(truth[:, None] == np.arange(classes))
    own = xp.sum(xp.where(right, scores, xp.zeros_like(scores)), axis=1)
    rival = xp.max(xp.where(right, xp.full_like(scores, -xp.inf), scores), axis=1)
    return xp.clip(1.0 - (own - rival) / gamma, 0.0, 1.0)


def ramp_lipschitz(margin: float) -> float:
    """Lipschitz constant sqrt(2)/gamma of :func:`ramp_loss` in the logits."""
    return math.sqrt(2.0) / as_ridge(margin, name="margin", positive=True)


def classification_bound(
    logits: Any,
    labels: Any,
    network_class: NetworkClass,
    *,
    margin: float = 1.0,
    delta: float = 0.05,
    compression_error: float = 0.0,
) -> Bound:
    r"""Error rate of every f of the class by G1 with the ramp loss; the trivial value is 1.

    Parameters
    ----------
    logits, labels
        Outputs and labels on the n training samples: of the network itself, or of the one it was
        compressed from with `compression_error`, a bound on ||f^ - f#||_n.
    network_class : NetworkClass
        Holds the network whose error is bounded.
    margin : float
        gamma, fixed before the data are seen.
    delta, compression_error : float

    Raises
    ------
    ValueError
        As :func:`ramp_loss` and :func:`slow_bound`.
    """
    losses = ramp_loss(logits, labels, margin)
    rho = ramp_lipschitz(margin)
    n = int(losses.shape[0])
    risk = float(namespace(losses).mean(losses))
    risk += rho * as_ridge(compression_error, name="compression_error")
    return slow_bound(risk, network_class, n, lipschitz=rho, delta=delta)
