r"""Losses of many node sets on the GPU: all sets are eliminated together, one pivot a step.

The array module is a parameter, so that the same lines run on CuPy and, in the tests, on NumPy.
Step t divides by the t-th pivot of every block, takes the squares of that row out of the loss, and
clears the rows below; a set whose pivot is lost in rounding gets NaN, which the caller repairs.
"""

from __future__ import annotations

from typing import Any


def factorised_losses(cov: Any, columns: Any, diagonal: Any, index: Any, tau: Any, xp: Any) -> Any:
    """Losses (b,) of the sets `index` (b, k) with ridges `tau` (b, k); NaN where singular.

    cov (m, m), columns (m, q), diagonal (q,), all arrays of `xp` (cupy, or numpy).
    """
    k = index.shape[1]
    block = cov[index[:, :, None], index[:, None, :]]
    steps = xp.arange(k)
    block[:, steps, steps] += tau
    size = block[:, steps, steps]
    scale = 1.0 / xp.sqrt(xp.where(size > 0, size, 1.0))
    block *= scale[:, :, None] * scale[:, None, :]
    rows = columns[index] * scale[:, :, None]
    left = xp.repeat(diagonal[None, :], index.shape[0], axis=0)
    good = xp.ones(index.shape[0], dtype=bool)
    threshold = k * 2.220446049250313e-16
    for t in range(k):
        pivot = block[:, t, t]
        good &= pivot > threshold
        root = xp.sqrt(xp.where(good, pivot, 1.0))
        line = rows[:, t, :] / root[:, None]
        left -= line * line
        factors = block[:, t + 1 :, t] / root[:, None]
        rows[:, t + 1 :, :] -= factors[:, :, None] * line[:, None, :]
        block[:, t + 1 :, t + 1 :] -= factors[:, :, None] * factors[:, None, :]
    return xp.where(good, xp.sum(xp.maximum(left, 0.0), axis=1), xp.nan)
