r"""Random weight matrices whose small entries share a sign.

    entry = +-u, u uniform on (0, .15), with probability `small`, the sign + with probability
            (1 + coherence)/2; else N(0, 1)

so that the small entries have the mean sign `coherence`. Dropping them leaves in W - Wh a rank-one
mean, and with it a spectral norm, that grows with the coherence while sizes stay as they are.

Source: the model of statement S9 [derived]. This module may import theory and NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_generator, as_ridge

#: Small entries are below this.
SMALL = 0.15


def coherent_weights(
    coherence: float, *, size: int = 200, small: float = 0.9, rng: Any
) -> NDArray[np.float64]:
    """Square matrix of independent entries, most of them small with the mean sign `coherence`.

    Parameters
    ----------
    coherence : float
        Mean sign of the small entries, from 0 to 1.
    size : int
        Rows, and columns.
    small : float
        Probability of a small entry, from 0 to 1.
    rng : seed or Generator

    Returns
    -------
    (size, size) array

    Raises
    ------
    ValueError
        A coherence or a probability outside [0, 1], a size that is not whole and positive.

    Notes
    -----
    Statement S9 [derived].
    """
    rng, n = as_generator(rng), as_count("size", size)
    sign, share = _fraction("coherence", coherence), _fraction("small", small)
    signs = np.where(rng.random((n, n)) < (1.0 + sign) / 2.0, 1.0, -1.0)
    modest = signs * rng.uniform(0.0, SMALL, (n, n))
    return np.asarray(np.where(rng.random((n, n)) < share, modest, rng.standard_normal((n, n))))


def _fraction(name: str, value: float) -> float:
    found = as_ridge(value, name=name)
    if found > 1.0:
        raise ValueError(f"{name} must be from 0 to 1, but is {found:g}")
    return float(found)
