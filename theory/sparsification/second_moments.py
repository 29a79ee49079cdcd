r"""Mean squared errors of random sparsifications (S5), and what a layer's output sees of them (S8).

Var B_ij    independent keeping, p_ij: a^2 (1/p - 1);  B4: b^2 - a^2;  s draws ~ P: (a^2/P - a^2)/s
E ||W - B||_F^2 is their sum: (|W|_1^2 - ||W||_F^2)/s of L1 draws, the least of any P; of L2 draws
(nnz - 1) ||W||_F^2/s, exactly that of uniform draws; of B2 the sum of |a| (tau - |a|) over
|a| < tau, more than dropping the entry where 0 < |a| < tau/2.

With G = E x x^T, mu = E x, Cov = G - mu mu^T:

    E ||D x||^2 = ||D Cov^{1/2}||_F^2 + ||D mu||^2           any D; b + D mu takes the last term off
    E_B E_x ||(W - B) x||^2 = sum_ij Var_ij G_jj             independent entries
                            = (sum_ij a_ij^2/P_ij G_jj - tr W G W^T)/s     with replacement

Source: statements S5, S8, II-10 [derived]. NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_covariance, as_real, namespace, to_numpy

Floats = NDArray[np.float64]


def keeping_variances(weight: Any, probabilities: Any) -> Floats:
    """Var B_ij = w^2 (1/p - 1) of entries kept, as w/p, by coins of their own; (m, n).

    Parameters
    ----------
    weight : array
    probabilities : array
        p in [0, 1], above 0 where the weight is not 0; such as :func:`poisson_probabilities`.

    Raises
    ------
    ValueError
        Shapes that differ; a p outside [0, 1], or 0 at a non-zero entry.

    Notes
    -----
    Statement S5 [derived].
    """
    w, p = _pair(weight, probabilities, "probabilities")
    if p.max() > 1.0:
        raise ValueError(f"probabilities must be at most 1, but the largest is {p.max():g}")
    return np.where(w != 0.0, w**2 * (1.0 - p) / np.where(p > 0.0, p, 1.0), 0.0)


def quantised_variances(weight: Any) -> Floats:
    """Var B_ij = b^2 - w^2 of B4, b the largest |w|.

    Parameters
    ----------
    weight : array
        Any shape.

    Raises
    ------
    ValueError
        A weight that is empty or not finite.

    Notes
    -----
    Statements S5, S6 [derived].
    """
    w = to_numpy(as_real("weight", weight))
    return np.asarray(np.max(np.abs(w)) ** 2 - w**2)


def drawing_variances(weight: Any, draws: int, distribution: Any) -> Floats:
    """Var B_ij = (w^2/P - w^2)/s of s draws with replacement; the entries are not independent.

    Parameters
    ----------
    weight : (m, n) array
    draws : int
        s.
    distribution : (m, n) array
        P, above 0 wherever the weight is not 0.

    Raises
    ------
    ValueError
        Shapes that differ; a P that is negative, or 0 at a non-zero entry; draws below 1.

    Notes
    -----
    Statement S5 [derived].
    """
    w, p = _pair(weight, distribution, "distribution")
    s = as_count("draws", draws)
    return np.where(w != 0.0, w**2 * (1.0 - p) / np.where(p > 0.0, p, 1.0), 0.0) / s


def layer_error(dropped: Any, cov: Any, mean: Any = None) -> float:
    r"""E ||D x||^2 = ||D Cov^{1/2}||_F^2 + ||D mu||^2 of inputs with this covariance and mean.

    Parameters
    ----------
    dropped : (out, in) array
        D = W - Wh.
    cov : (in, in) array
        Covariance of the inputs; or their second moment, without a mean.
    mean : (in,) array, optional
        mu; leave it out for the error after the bias fix b + D mu.

    Raises
    ------
    ValueError
        Not a covariance; shapes that do not fit.

    Notes
    -----
    Statement S8 [derived].
    """
    d = as_real("dropped", dropped, ndim=2)
    sigma = _moment("cov", cov, d.shape[1])
    xp = namespace(d)
    spread = float(xp.sum((d @ sigma) * d))
    if mean is None:
        return spread
    mu = as_real("mean", mean, ndim=1)
    if mu.shape[0] != d.shape[1]:
        raise ValueError(f"mean must have {d.shape[1]} entries, but has {mu.shape[0]}")
    return spread + float(xp.sum((d @ mu) ** 2))


def sampled_layer_error(variances: Any, second_moment: Any) -> float:
    """E_B E_x ||(W - B) x||^2 = sum_ij Var_ij G_jj of independent unbiased entries.

    Parameters
    ----------
    variances : (out, in) array
        Such as :func:`keeping_variances`.
    second_moment : (in, in) array
        G = E x x^T.

    Raises
    ------
    ValueError
        A negative variance; not a second moment; shapes that do not fit.

    Notes
    -----
    Statement II-10 [derived].
    """
    v = as_real("variances", variances, ndim=2)
    g = _moment("second_moment", second_moment, v.shape[1])
    xp = namespace(v)
    least = float(xp.min(v))
    if least < 0.0:
        raise ValueError(f"variances must be at least 0, but the smallest is {least:g}")
    return float(xp.sum(v @ xp.linalg.diagonal(g)))


def drawn_layer_error(weight: Any, draws: int, distribution: Any, second_moment: Any) -> float:
    """E_B E_x ||(W - B) x||^2 = (sum a^2/P G_jj - tr W G W^T)/s of s draws with replacement.

    Parameters
    ----------
    weight : (out, in) array
    draws : int
        s.
    distribution : (out, in) array
        P, above 0 wherever the weight is not 0.
    second_moment : (in, in) array
        G = E x x^T.

    Raises
    ------
    ValueError
        As :func:`drawing_variances`; not a second moment.

    Notes
    -----
    Beside statement II-10 [derived]: cov(B_ij, B_ik) = -w_ij w_ik/s.
    """
    w, p = _pair(weight, distribution, "distribution")
    s = as_count("draws", draws)
    g = to_numpy(_moment("second_moment", second_moment, w.shape[1]))
    squares = np.where(w != 0.0, w**2 / np.where(p > 0.0, p, 1.0), 0.0)
    return float(np.sum(squares @ np.diag(g)) - np.sum((w @ g) * w)) / s


def _pair(weight: Any, other: Any, name: str) -> tuple[Floats, Floats]:
    """Weight, and probabilities in its shape which are above 0 where it is not 0."""
    w, p = to_numpy(as_real("weight", weight)), to_numpy(as_real(name, other))
    if w.shape != p.shape:
        raise ValueError(f"{name} must have the shape {w.shape} of weight, but has {p.shape}")
    if p.min() < 0.0 or np.any((p == 0.0) & (w != 0.0)):
        raise ValueError(f"{name} must be above 0 wherever weight is not 0, and nowhere negative")
    return w, p


def _moment(name: str, cov: Any, width: int) -> Any:
    """Second moment of the inputs of a layer."""
    sigma = as_covariance(cov, name=name)
    if sigma.shape[0] != width:
        raise ValueError(f"{name} must have shape ({width}, {width}), but has {sigma.shape}")
    return sigma
