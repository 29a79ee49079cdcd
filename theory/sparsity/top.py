r"""The largest entries: which they are, where their threshold lies, what ties do (A1).

Of equal |w_i| the lower index is kept first. The threshold of the s largest is the s-th of the
sorted |w|: everything above it is kept, and of what equals it as many as are missing. One partition
a row, O(d).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, as_count, as_real, is_numpy, namespace, to_numpy
from .indices import magnitudes

Floats = NDArray[np.float64]
#: Entries that are partitioned together (2 MiB).
_BLOCK = 2**18


def top_entries(w: Any, kept: Any) -> Array:
    """Mask of the `kept` largest |w| along the last axis, ties by lower index (A1).

    Parameters
    ----------
    w : (..., d) array
    kept : int or array of ints, shape w.shape[:-1]
        From 0 to d: one number for every row, or one a row. Zeros are kept, the first of them
        first, where more entries are asked for than differ from 0.

    Returns
    -------
    (..., d) array of bool
        Exactly `kept` entries a row.

    Raises
    ------
    ValueError
        Entries that are not finite, counts that are not whole or outside 0..d, one count too many.

    Notes
    -----
    For the largest entries of a whole matrix give ``w.reshape(-1)``.
    """
    w = as_real("w", w)
    if w.ndim == 0 or not is_numpy(namespace(w)):
        return _by_sorting(magnitudes("w", w), kept)
    d = w.shape[-1]
    flat = w.reshape(-1, d)
    if np.ndim(kept) == 0:
        mask = _one_count(flat, as_count("kept", kept, least=0, most=d))
    else:
        counts = _row_counts(kept, w.shape[:-1], d)
        mask = np.empty(flat.shape, dtype=bool)
        for count in np.unique(counts):  # one partition for all rows of equal count
            rows = counts == count
            mask[rows] = _one_count(flat[rows], int(count))
    return mask.reshape(w.shape)


def top_threshold(w: Any, kept: int) -> float:
    """The `kept`-th largest |w| of all entries: what is above it is kept for certain.

    Raises
    ------
    ValueError
        Entries that are not finite, a count outside 1..d.
    """
    sizes = to_numpy(magnitudes("w", w)).reshape(-1)
    count = as_count("kept", kept, most=sizes.size)
    return float(np.partition(sizes, sizes.size - count)[sizes.size - count])


def keep_top(w: Any, kept: Any) -> Array:
    """`w` with all but its largest entries along the last axis set to 0, as :func:`top_entries`."""
    mask = top_entries(w, kept)
    xp = namespace(mask)
    w = xp.astype(w, xp.float64) if not isinstance(w, (list, tuple)) else xp.asarray(w)
    return xp.where(mask, w, xp.zeros_like(w))


def _one_count(w: Floats, count: int) -> NDArray[np.bool_]:
    """Mask of the `count` largest |w| of each row, by blocks of rows that stay in cache."""
    rows, d = w.shape
    if count in (0, d):
        return np.full(w.shape, count == d)
    mask = np.empty(w.shape, dtype=bool)
    block = max(1, _BLOCK // d)
    for start in range(0, rows, block):
        mask[start : start + block] = _largest(np.abs(w[start : start + block]), count)
    return mask


def _largest(sizes: Floats, count: int) -> NDArray[np.bool_]:
    """Mask of the `count` largest of each row, 0 < count < d."""
    place = sizes.shape[1] - count
    threshold = np.partition(sizes, place, axis=1)[:, place, None]
    mask = sizes >= threshold
    tied = np.flatnonzero(np.count_nonzero(mask, axis=1) > count)
    if tied.size:
        above = sizes[tied] > threshold[tied]
        missing = count - np.count_nonzero(above, axis=1)
        equal = mask[tied] & ~above
        mask[tied] = above | (equal & (np.cumsum(equal, axis=1) <= missing[:, None]))
    return mask


def _row_counts(kept: Any, shape: tuple[int, ...], d: int) -> NDArray[Any]:
    counts = to_numpy(kept)
    if counts.shape != shape:
        raise ValueError(
            f"kept must be one number or have shape {shape}, one a row, not {counts.shape}"
        )
    if counts.dtype.kind not in "iu":
        raise ValueError(f"kept must hold whole numbers, but has entries of type {counts.dtype}")
    if counts.size and (counts.min() < 0 or counts.max() > d):
        wrong = int(counts.min() if counts.min() < 0 else counts.max())
        raise ValueError(f"kept must be at least 0 and at most {d}, but is {wrong} for one row")
    return counts.reshape(-1)


def _by_sorting(sizes: Array, kept: Any) -> Array:
    """The same mask for any library, by two stable sorts."""
    xp = namespace(sizes)
    d = sizes.shape[-1]
    rank = xp.argsort(xp.argsort(-sizes, axis=-1, stable=True), axis=-1, stable=True)
    if np.ndim(kept) == 0:
        return rank < as_count("kept", kept, least=0, most=d)
    counts = _row_counts(kept, tuple(sizes.shape[:-1]), d).reshape((*sizes.shape[:-1], 1))
    return rank < xp.asarray(counts)
