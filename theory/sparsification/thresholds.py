r"""Thresholds on the entries of a matrix: hard (B1) and of truncated Poisson sampling (B2).

Letters: a_1 >= a_2 >= .. the |w_ij| in decreasing order, s the non-zeros wanted. B2 keeps entry a
with probability min(1, a/tau), where tau is the unique root of

    sum min(1, a_i/tau) = s:   tau = tau_k = (sum_{i>k} a_i)/(s - k), least k with a_{k+1} <= tau_k

In u = 1/tau the left side is concave and increasing, so that Newton's steps from any start, after
the first, approach the root from one side and meet it after finitely many: a step is
tau <- (sum of a <= tau)/(s - number of a > tau), one pass over the entries and no sorting.

Source: statements B1, B2 [derived]. Imports NumPy and the compiled passes only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, as_real, as_ridge, namespace, to_numpy

Floats = NDArray[np.float64]

#: Entries from which on a start from a sample saves more passes than it costs.
_LARGE = 2**16
_SAMPLE_STEP = 61
#: Passes after which the entries are sorted instead: a spectrum with hundreds of octaves.
_PASSES = 24
#: Range in which sums of a few billion entries neither overflow nor lose digits.
_SAFE = 2.0**900


def hard_threshold(weight: Any, threshold: float) -> Array:
    r"""B1: entries with |w| > tau, the others 0; shape and library of `weight`.

    Parameters
    ----------
    weight : array
        Any shape.
    threshold : float
        tau, at least 0.

    Raises
    ------
    ValueError
        A weight that is empty or not finite; a negative threshold.

    Notes
    -----
    Statement B1 [derived].
    """
    w = as_real("weight", weight)
    tau = as_ridge(threshold, name="threshold")
    xp = namespace(w)
    return xp.where(xp.abs(w) > tau, w, xp.zeros_like(w))


def poisson_threshold(weight: Any, nonzeros: float) -> float:
    r"""B2: tau with sum_ij min(1, |w_ij|/tau) = s; 0 where s is at least the number of non-zeros.

    Exact up to the rounding of one blocked sum; expected O(N), worst case O(N log N).

    Parameters
    ----------
    weight : array
        Any shape.
    nonzeros : float
        s > 0, the non-zeros wanted in expectation; need not be whole.

    Returns
    -------
    float
        In units of the entries.

    Raises
    ------
    ValueError
        A weight that is empty or not finite; s not above 0.

    Notes
    -----
    Statement B2 [derived].
    """
    entries = to_numpy(as_real("weight", weight)).ravel()
    s = as_ridge(nonzeros, name="nonzeros", positive=True)
    from ..kernels.threshold_numba import support

    count, largest = support(entries)
    if s >= count:
        return 0.0
    if not 1.0 / _SAFE < largest < _SAFE:
        scale = math.frexp(largest)[1]
        return math.ldexp(poisson_threshold(np.ldexp(entries, -scale), s), scale)
    return _newton(entries, s)


def _newton(entries: Floats, s: float) -> float:
    """The root, started from that of a sample where there are many entries."""
    from ..kernels.threshold_numba import split

    tau = math.inf
    if entries.size > _LARGE:
        sample = np.ascontiguousarray(entries[::_SAMPLE_STEP])
        tau = threshold_by_sorting(sample, s * sample.size / entries.size) or math.inf
    approached = False  # from above, as after the first step
    for _ in range(_PASSES):
        above, below = split(entries, tau)
        if above >= s:  # a start below the root, or rounding at the root
            if approached:
                return tau
            tau, approached = math.inf, False
            continue
        step = below / (s - above)
        if approached and step >= tau:
            return tau
        tau, approached = step, True
    return threshold_by_sorting(entries, s)


def threshold_by_sorting(entries: Floats, s: float) -> float:
    """Plain twin of :func:`poisson_threshold`, by the least k with a_{k+1} <= tau_k."""
    a = np.sort(np.abs(entries))[::-1]
    if s >= np.count_nonzero(a):
        return 0.0
    tails = np.cumsum(a[::-1])[::-1]
    k = np.arange(math.ceil(s))  # tau_k of k < s
    tau = tails[k] / (s - k)
    return float(tau[np.argmax(a[k] <= tau)])
