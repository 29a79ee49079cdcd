r"""Norms of what a threshold drops (S4), and of samples (S7).

D holds the dropped entries, |D| <= tau, at most r of them in a row and c in a column:

    ||D||_2 <= (||D||_1 ||D||_inf)^{1/2} <= tau sqrt(r c)        (Schur's test)
    ||D||_2 <= ||D||_F <= tau sqrt(number dropped)

Each is attained by a constant block; neither is always the smaller: a cross of one row and one
column of a 10 x 10 matrix has sqrt(r c) = 10 but sqrt(19) = 4.36. Magnitude pruning has the least
||D||_F of its support size, not the least ||D||_2.

Source: statements S4, S7 [derived]. NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_real, as_ridge, frobenius_norm, to_numpy
from ..bounds.bound import Bound


def schur_test(matrix: Any) -> float:
    """(||D||_1 ||D||_inf)^{1/2}, at least the spectral norm: largest column and row sums of |D|.

    Parameters
    ----------
    matrix : (m, n) array
        D.

    Raises
    ------
    ValueError
        No matrix, empty or not finite.

    Notes
    -----
    Statement S4 [derived].
    """
    a = np.abs(to_numpy(as_real("matrix", matrix, ndim=2)))
    return math.sqrt(float(a.sum(axis=0).max())) * math.sqrt(float(a.sum(axis=1).max()))


def ky_fan_norms(matrix: Any) -> NDArray[np.float64]:
    """Sums of the k largest singular values, k = 1..min(m, n).

    Of an unbiased sparsification each has a mean of at least its value at W (S7, by Jensen):
    sampling inflates the spectrum on average.

    Parameters
    ----------
    matrix : (m, n) array

    Raises
    ------
    ValueError
        No matrix, empty or not finite.

    Notes
    -----
    Statement S7 [derived].
    """
    a = to_numpy(as_real("matrix", matrix, ndim=2))
    return np.asarray(np.cumsum(np.linalg.svd(a, compute_uv=False)))


def dropped_norm_bound(dropped: Any, threshold: float | None = None) -> Bound:
    r"""||D||_2 <= tau min(sqrt(r c), sqrt(number dropped)), r and c the most dropped in a line.

    Parameters
    ----------
    dropped : (m, n) array
        D = W - Wh; its non-zeros count as dropped.
    threshold : float, optional
        tau; the largest |D| if not given.

    Returns
    -------
    Bound
        `trivial` is tau sqrt(m n). `terms` hold both forms ("lines", "count") and, tau aside, the
        Schur test and the Frobenius norm.

    Raises
    ------
    ValueError
        No matrix; an entry above the threshold.

    Notes
    -----
    Statement S4 [derived].
    """
    d = np.abs(to_numpy(as_real("dropped", dropped, ndim=2)))
    largest = float(d.max())
    tau = largest if threshold is None else as_ridge(threshold, name="threshold")
    if largest > tau:
        raise ValueError(f"dropped has an entry {largest:g} above the threshold {tau:g}")
    there = d > 0.0
    lines = math.sqrt(float(there.sum(axis=0).max()) * float(there.sum(axis=1).max()))
    count = math.sqrt(float(there.sum()))
    terms = {
        "lines": tau * lines,
        "count": tau * count,
        "schur": schur_test(d),
        "frobenius": frobenius_norm(d),
    }
    value = tau * min(lines, count)
    note = "spectral norm of the dropped entries; certain"
    return Bound("sparsity.S4", value, tau * math.sqrt(d.size), terms, note)
