r"""Weights of which the small ones share a sign: what magnitude pruning drops has a mean.

An entry is small with probability `small`, then |w| is uniform on (0, .15) and positive with
probability (1 + kappa)/2; else it is N(0, 1). Dropping the small ones drops a matrix of mean
proportional to kappa, whose spectral norm grows with the size, that of noise only with its root.

Source: statement S9 of sparsification [derived]. NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_generator, as_real

#: Largest of the small weights.
MODEST = 0.15


def coherent_weights(
    coherence: float, *, size: int = 200, small: float = 0.9, rng: Any
) -> NDArray[np.float64]:
    """Square weights of which the small ones have the mean sign `coherence`.

    Parameters
    ----------
    coherence : float
        kappa, in [0, 1].
    size : int
        Rows and columns.
    small : float
        Share of small weights, in [0, 1].
    rng : Generator, seed or None

    Raises
    ------
    ValueError
        A coherence or share outside [0, 1], a size below 1.
    """
    n = as_count("size", size)
    for name, value in (("coherence", coherence), ("small", small)):
        if not 0.0 <= float(as_real(name, value, ndim=0)) <= 1.0:
            raise ValueError(f"{name} must lie in [0, 1], but is {value:g}")
    generator = as_generator(rng)
    signs = np.where(generator.random((n, n)) < (1.0 + coherence) / 2.0, 1.0, -1.0)
    modest = signs * generator.uniform(0.0, MODEST, (n, n))
    return np.where(generator.random((n, n)) < small, modest, generator.standard_normal((n, n)))
