r"""What removing weights at random costs: the baselines of every other rule (X8).

g = sum_j w_j^2 G_jj, F = w^T G w, d >= 2:

    m uniformly random removals       (m/d) g + m(m-1)/(d(d-1)) (F - g)
    independent, kept w.p. pi         (1-pi)^2 F + pi (1-pi) g
    the same, kept ones times 1/pi    ((1-pi)/pi) g

Mean squared errors, exact; G may be the covariance with the bias fixed. [derived]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_count, as_real, to_numpy
from .neuron import moment_of


def random_removal_error(weight: Any, cov: Any, removals: int) -> float:
    """Mean squared error after a uniformly random set of `removals` weights is removed.

    Parameters
    ----------
    weight : (d,) array
    cov : (d, d) array
    removals : int
        m, from 0 to d.

    Raises
    ------
    ValueError
        Shapes that do not fit, a number out of range.

    Notes
    -----
    Statement X8 [derived].
    """
    diagonal, full, d = _forms(weight, cov)
    m = as_count("removals", removals, least=0, most=d)
    pairs = m * (m - 1) / (d * (d - 1)) if d > 1 else 0.0
    return m / d * diagonal + pairs * (full - diagonal)


def random_mask_error(weight: Any, cov: Any, keep: float, *, rescaled: bool = False) -> float:
    """Mean squared error of independent masks that keep each weight with probability `keep`.

    Parameters
    ----------
    weight : (d,) array
    cov : (d, d) array
    keep : float
        pi in (0, 1].
    rescaled : bool
        Kept weights are divided by pi, which makes the sum unbiased.

    Raises
    ------
    ValueError
        Shapes that do not fit, a probability outside (0, 1].

    Notes
    -----
    Statement X8 [derived].
    """
    diagonal, full, _ = _forms(weight, cov)
    pi = float(as_real("keep", keep, ndim=0))
    if not 0.0 < pi <= 1.0:
        raise ValueError(f"keep must be above 0 and at most 1, but is {pi:g}")
    if rescaled:
        return (1.0 - pi) / pi * diagonal
    return (1.0 - pi) ** 2 * full + pi * (1.0 - pi) * diagonal


def _forms(weight: Any, cov: Any) -> tuple[float, float, int]:
    w = to_numpy(as_real("weight", weight, ndim=1))
    moment = moment_of(cov, w.size)
    return float(np.sum(w * w * np.diag(moment))), float(w @ moment @ w), w.size
