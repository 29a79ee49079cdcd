r"""How the PQ index and the effective number react to noise on the weights (X5).

(a) e^{-t} <= |w'_i/w_i| <= e^t for all i: |ln((1-I')/(1-I))| <= 2t, |ln(N'/N)| <= 2t pq/(q-p).
(b) w' = w + e, p <= 1 <= q, P = ||w||_p^p, u = ||e||_p^p:

    (P-u)_+^{1/p}/(||w||_q+||e||_q) <= ||w'||_p/||w'||_q <= (P+u)^{1/p}/(||w||_q-||e||_q),

the upper one if ||e||_q < ||w||_q; 1 - I' is d^{1/q-1/p} times the ratio. [derived]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_ridge, to_numpy
from .indices import as_orders, exponential, log_norms, magnitudes


def relative_noise_bounds(t: float, p: float, q: float) -> tuple[float, float]:
    """Largest |ln((1-I')/(1-I))| = 2t and |ln(N'/N)| = 2t pq/(q-p) under factors in [e^-t, e^t].

    Parameters
    ----------
    t : float
        At least 0.
    p, q : float
        0 < p < q <= inf.

    Raises
    ------
    ValueError
        A negative t, orders out of range.

    Notes
    -----
    Statement X5 (a) [derived].
    """
    as_orders(p, q)
    size = as_ridge(t, name="t")
    return 2.0 * size, 2.0 * size * p / (1.0 - p / q)


def noisy_index_interval(
    w: Any, noise_p: float, noise_q: float, p: float, q: float
) -> tuple[float, float]:
    """Interval that holds I_{p,q}(w + e) for every e with ||e||_p, ||e||_q as given.

    Parameters
    ----------
    w : array of any shape
    noise_p, noise_q : float
        ||e||_p and ||e||_q, at least 0, or bounds on them.
    p, q : float
        0 < p <= 1 <= q <= inf, p < q.

    Returns
    -------
    (low, high)
        Cut to the range [0, 1 - d^{1/q-1/p}] of the index.

    Raises
    ------
    ValueError
        Orders out of range (for p > 1 or q < 1 the triangle inequalities fail), negative norms.

    Notes
    -----
    Statement X5 (b) [derived].
    """
    as_orders(p, q)
    if p > 1.0 or q < 1.0:
        raise ValueError(f"orders must satisfy p <= 1 <= q, but p = {p:g} and q = {q:g}")
    lower = as_ridge(noise_p, name="noise_p")
    upper = as_ridge(noise_q, name="noise_q")
    flat = np.reshape(to_numpy(magnitudes("w", w)), -1)
    peak = float(np.max(flat))
    if peak == 0.0:
        raise ValueError("w has no entry other than 0, so its sparsity is undefined; leave it out")
    # units of the largest entry, and P rather than ||w||_p: nothing overflows, however small p
    mass = math.exp(p * float(log_norms(flat / peak, p)))
    size = math.exp(float(log_norms(flat / peak, q)))
    noise, rest = (lower / peak) ** p, size - upper / peak
    d = flat.size

    def spread(total: float) -> float:
        """d^{1/q-1/p} total^{1/p}."""
        return exponential(math.log(total / d) / p) * float(d ** (1.0 / q))

    least = spread(mass - noise) / (size + upper / peak) if mass > noise else 0.0
    most = spread(mass + noise) / rest if rest > 0.0 else math.inf
    return max(0.0, 1.0 - most), min(1.0 - spread(1.0), 1.0 - least)
