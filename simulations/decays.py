r"""Decays of a spectrum: eigenvalues mu_1 >= ... >= mu_m prescribed to a teacher.

power law    mu_j = s j^{-a}
exponential  mu_j = e^{-r (j-1)}
step         mu_j = high for j <= k, low beyond
spiked       mu = the spikes, then the bulk

Each is a (m,) float64 array in descending order. This module may import theory and NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_real, as_ridge


def power_law(m: int, exponent: float, scale: float = 1.0) -> NDArray[np.float64]:
    """Eigenvalues scale * j^-exponent, j = 1..m (the capacity condition; claim laws.L5 [D]).

    Raises
    ------
    ValueError
        m is not whole and positive, a negative exponent, a scale not above 0.
    """
    a = as_ridge(exponent, name="exponent")
    s = as_ridge(scale, name="scale", positive=True)
    return s * np.arange(1.0, as_count("m", m) + 1.0) ** -a


def exponential(m: int, rate: float) -> NDArray[np.float64]:
    """Eigenvalues exp(-rate (j - 1)), j = 1..m, so that mu_1 = 1.

    Raises
    ------
    ValueError
        m is not whole and positive, a negative rate.
    """
    return np.asarray(np.exp(-as_ridge(rate, name="rate") * np.arange(as_count("m", m))))


def step(m: int, rank: int, high: float = 1.0, low: float = 0.0) -> NDArray[np.float64]:
    """Eigenvalues `high`, `rank` times, then `low`: rank m or low = high is the flat spectrum.

    Raises
    ------
    ValueError
        m or rank is not whole and positive, rank > m, or not high >= low >= 0.
    """
    m = as_count("m", m)
    k = as_count("rank", rank, most=m)
    top, rest = as_ridge(high, name="high"), as_ridge(low, name="low")
    if rest > top:
        raise ValueError(f"low must be at most high = {top:g}, but is {rest:g}; exchange them")
    return np.where(np.arange(m) < k, top, rest)


def spiked(m: int, spikes: Sequence[float], bulk: float = 1.0) -> NDArray[np.float64]:
    """The spikes in descending order, then `bulk` up to m eigenvalues (laws.L9 [R]).

    Raises
    ------
    ValueError
        More spikes than m, a spike below the bulk, a negative bulk.
    """
    m = as_count("m", m)
    top = np.sort(as_real("spikes", spikes, ndim=1, empty=True))[::-1]
    low = as_ridge(bulk, name="bulk")
    if len(top) > m:
        raise ValueError(f"{len(top)} spikes do not fit into {m} eigenvalues; give a larger m")
    if len(top) and top[-1] < low:
        raise ValueError(
            f"spikes must be at least the bulk {low:g}, but the smallest is {top[-1]:g}"
        )
    return np.concatenate([top, np.full(m - len(top), low)])
