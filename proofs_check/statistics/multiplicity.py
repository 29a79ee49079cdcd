r"""Many hypotheses at once: Holm's procedure on p-values, e-BH on e-values.

    Holm (1979)                p_(1) <= ... <= p_(M): reject 1..k for the largest k such that
                               (M - i + 1) p_(i) <= alpha for all i <= k. The probability of any
                               false rejection is at most alpha.
    e-BH (Wang, Ramdas 2022)   e_(1) >= ... >= e_(M): reject 1..k for the largest k such that
                               k e_(k) >= M/alpha. The mean share of false ones among the rejected
                               is at most alpha.

Both hold under any dependence. A betting process stopped at any time is an e-value, and 1/sup E a
p-value. Each function returns, for every hypothesis, the least alpha at which it is rejected.

This module may import NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p_values: Any) -> Floats:
    """Adjusted p-values of Holm's procedure: reject those of at most alpha.

    Parameters
    ----------
    p_values : (M,) array
        In [0, 1].

    Returns
    -------
    (M,) array
        max over j <= i of (M - j + 1) p_(j), at most 1, in the order given.

    Raises
    ------
    ValueError
        Not a vector; NaN or numbers outside [0, 1].
    """
    p = _vector("p_values", p_values)
    if not np.all((p >= 0.0) & (p <= 1.0)):
        raise ValueError("p_values must lie in [0, 1]")
    order = np.argsort(p, kind="stable")
    steps = p[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def e_bh(log_e_values: Any) -> Floats:
    """Least alpha at which e-BH rejects each hypothesis, at most 1.

    Parameters
    ----------
    log_e_values : (M,) array
        ln e, as a process may pass the range of floats; -inf and inf are allowed.

    Returns
    -------
    (M,) array
        min over j >= i of M/(j e_(j)), at most 1, in the order given.

    Raises
    ------
    ValueError
        Not a vector; NaN.
    """
    log_e = _vector("log_e_values", log_e_values)
    order = np.argsort(-log_e, kind="stable")
    ranks = np.arange(1, len(log_e) + 1)
    logs = (math.log(len(log_e)) if len(log_e) else 0.0) - np.log(ranks) - log_e[order]
    least = np.minimum.accumulate(logs[::-1])[::-1]
    adjusted = np.empty_like(log_e)
    adjusted[order] = np.exp(np.minimum(least, 0.0))
    return adjusted


def _vector(name: str, values: Any) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or np.any(np.isnan(found)):
        raise ValueError(f"{name} must be a vector of numbers (no NaN), but is {values!r}")
    return found
