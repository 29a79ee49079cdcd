r"""Compiled passes over the entries of a matrix for the threshold of truncated Poisson sampling.

Sums go in blocks, so that their rounding grows with the block and not with the matrix. The order of
the additions inside a block is free, which lets the compiler use the vector unit.
Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_BLOCK = 4096


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def support(entries: NDArray[np.float64]) -> tuple[int, float]:
    """Number of non-zeros and the largest |entry|."""
    count = 0
    largest = 0.0
    for x in entries:
        a = abs(x)
        count += a > 0.0
        largest = max(largest, a)
    return count, largest


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def split(entries: NDArray[np.float64], threshold: float) -> tuple[int, float]:
    """Number of |entries| above `threshold`, and the sum of all others."""
    above = 0
    total = 0.0
    for start in range(0, entries.size, _BLOCK):
        block = entries[start : start + _BLOCK]
        part = 0.0
        count = 0
        for i in range(block.size):
            a = abs(block[i])
            large = a > threshold
            count += large
            part += 0.0 if large else a
        above += count
        total += part
    return above, total
