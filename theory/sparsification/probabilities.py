r"""Probabilities with which the samplers keep or draw entries, zero exactly where an entry is zero.

B2  keep    min(1, |w|/tau)
B3  keep    p on the support
B5  draw    L1 |w|/|W|_1;   L2 w^2/||W||_F^2;   hybrid a L1 + (1 - a) L2 (Kundu, Drineas);
            row-L1 rho_i |w_ij|/r_i, r_i = ||w_i||_1 (Achlioptas, Karnin, Liberty), with
            rho_i = (alpha r_i/(2z) + sqrt((alpha r_i/(2z))^2 + beta r_i/z))^2,  sum rho_i = 1

Row-L1 makes alpha r_i/sqrt(rho_i) + beta r_i/rho_i = z in every row, the two terms of Bernstein's
inequality for the row: alpha = sqrt(log((m + n)/delta)/s), beta = log((m + n)/delta)/(3 s). Few
draws give rho_i ~ r_i, many rho_i ~ r_i^2.

Source: statements B2, B3, B5 (alpha and beta [recalled], the form [derived]). Imports NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_probability, as_real, as_ridge, to_numpy
from .thresholds import poisson_threshold

Floats = NDArray[np.float64]


def poisson_probabilities(weight: Any, nonzeros: float) -> Floats:
    r"""B2: keeping probabilities min(1, |w|/tau) of sum `nonzeros`; 1 where all fits.

    Parameters
    ----------
    weight : array
        Any shape.
    nonzeros : float
        s.

    Raises
    ------
    ValueError
        As :func:`poisson_threshold`.

    Notes
    -----
    Statement B2 [derived].
    """
    w = np.abs(to_numpy(as_real("weight", weight)))
    tau = poisson_threshold(w, nonzeros)
    return np.asarray(np.minimum(1.0, w / tau) if tau > 0.0 else w > 0.0, dtype=np.float64)


def uniform_probabilities(weight: Any, nonzeros: float) -> Floats:
    """B3: the same keeping probability p = nonzeros/nnz, at most 1, on the support.

    Parameters
    ----------
    weight : array
        Any shape.
    nonzeros : float
        Above 0.

    Raises
    ------
    ValueError
        A weight that is empty or not finite; `nonzeros` not above 0.

    Notes
    -----
    Statement B3 [derived].
    """
    w = to_numpy(as_real("weight", weight))
    s = as_ridge(nonzeros, name="nonzeros", positive=True)
    support = (w != 0.0).astype(np.float64)
    return np.asarray(support * min(1.0, s / max(1.0, float(support.sum()))))


def l1_distribution(weight: Any) -> Floats:
    r"""P = |w|/|W|_1, the drawing distribution of least E ||W - B||_F^2 (S5).

    Parameters
    ----------
    weight : array
        Any shape.

    Raises
    ------
    ValueError
        A weight that is empty, not finite or all zero.

    Notes
    -----
    Statements B5, S5 [derived].
    """
    a = _scaled(weight)
    return np.asarray(a / a.sum())


def l2_distribution(weight: Any) -> Floats:
    r"""P = w^2/||W||_F^2; entries below 1e-154 of the largest are never drawn.

    Parameters
    ----------
    weight : array
        Any shape.

    Raises
    ------
    ValueError
        As :func:`l1_distribution`.

    Notes
    -----
    Statement B5 [derived].
    """
    a = _scaled(weight)
    return a**2 / np.sum(a**2)


def hybrid_distribution(weight: Any, share: float = 0.5) -> Floats:
    r"""P = a |w|/|W|_1 + (1 - a) w^2/||W||_F^2 with the share 0 < a < 1 of L1.

    Parameters
    ----------
    weight : array
        Any shape.
    share : float
        a.

    Raises
    ------
    ValueError
        As :func:`l1_distribution`; a share outside (0, 1).

    Notes
    -----
    Kundu and Drineas (statement B5): bounds max |w|/P by |W|_1/a, unlike pure L2.
    """
    a = as_probability("share", share)
    return a * l1_distribution(weight) + (1.0 - a) * l2_distribution(weight)


def row_l1_distribution(weight: Any, draws: int, *, delta: float = 0.1) -> Floats:
    r"""P_ij = rho_i |w_ij|/r_i, rows shared so that Bernstein's bound is the same for each.

    Parameters
    ----------
    weight : (m, n) array
    draws : int
        s, the number of draws that will be made.
    delta : float
        Failure probability in (0, 1).

    Returns
    -------
    (m, n) array
        Sum 1; rows of zeros 0.

    Raises
    ------
    ValueError
        As :func:`l1_distribution`; no matrix, draws below 1, delta outside (0, 1).

    Notes
    -----
    Achlioptas, Karnin and Liberty 2013 (statement B5). Controls the variances of rows only.
    """
    a = _scaled(as_real("weight", weight, ndim=2))
    s = as_count("draws", draws)
    log_term = math.log((a.shape[0] + a.shape[1]) / as_probability("delta", delta))
    alpha, beta = math.sqrt(log_term / s), log_term / (3.0 * s)
    sizes = a.sum(axis=1)
    rho = row_shares(sizes / sizes.max(), alpha, beta)
    return a * (rho / np.where(sizes > 0.0, sizes, 1.0))[:, None]


def row_shares(sizes: Floats, alpha: float, beta: float) -> Floats:
    """rho_i(z) at the root of sum rho_i(z) = 1, by bisection in log z; `sizes` of maximum 1."""

    def shares(z: float) -> Floats:
        half = alpha * sizes / (2.0 * z)
        return np.asarray((half + np.sqrt(half**2 + beta * sizes / z)) ** 2)

    low = high = 1.0
    while shares(high).sum() > 1.0:
        high *= 2.0
    while shares(low).sum() < 1.0:
        low /= 2.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        if shares(middle).sum() > 1.0:
            low = middle
        else:
            high = middle
    rho = shares(high)
    return np.asarray(rho / rho.sum())


def _scaled(weight: Any) -> Floats:
    """|W| over its largest entry."""
    a = np.abs(to_numpy(as_real("weight", weight)))
    largest = float(a.max())
    if largest == 0.0:
        raise ValueError("weight has no non-zero entry, so there is nothing to draw from")
    return np.asarray(a / largest)


#: Drawing distributions by name; each takes the weight and the number of draws.
DISTRIBUTIONS: dict[str, Callable[[Any, int], Floats]] = {
    "l1": lambda weight, draws: l1_distribution(weight),
    "l2": lambda weight, draws: l2_distribution(weight),
    "hybrid": lambda weight, draws: hybrid_distribution(weight),
    "row-l1": row_l1_distribution,
}
