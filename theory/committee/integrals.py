r"""Gaussian integrals of a committee machine's activations.

Fields u ~ N(0, C), activations g:

    erf     g(u) = erf(u/sqrt 2)       linear  g(u) = u
    relu    g(u) = max(u, 0)           sign    g(u) = sign u  (sign 0 = 0; it has no gradient)

    I2(i, j) = E g(u_i) g(u_j)
        erf     (2/pi) asin(C_ij/sqrt((1 + C_ii)(1 + C_jj)))
        linear  C_ij
        relu    [sqrt(C_ii C_jj - C_ij^2) + C_ij (pi/2 + asin rho_ij)]/(2 pi)
        sign    (2/pi) asin rho_ij,    rho_ij = C_ij/sqrt(C_ii C_jj)

Sources: Saad and Solla, Phys. Rev. E 52, 1995 [R] (erf); relu and sign derived [D].
This module may import NumPy and SciPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_covariance, to_numpy
from ..gaussian_kernels import arccosine_entries, arcsine_entries
from .order_parameters import Floats

ACTIVATIONS = ("erf", "linear", "relu", "sign")
#: Those with a gradient, which the equations of motion need.
DIFFERENTIABLE = ("erf", "linear", "relu")


def as_activation(activation: Any, *, known: tuple[str, ...] = ACTIVATIONS) -> str:
    """Name of a known activation.

    Raises
    ------
    ValueError
        Another name.
    """
    if activation not in known:
        raise ValueError(f"activation must be one of {', '.join(known)}, but is {activation!r}")
    return str(activation)


def gaussian_i2(cov: Any, activation: str = "erf") -> Floats:
    """I2(i, j) = E g(u_i) g(u_j) for u ~ N(0, cov), entrywise.

    Parameters
    ----------
    cov : (n, n) array
        C. A field of variance 0 (a pruned unit) has I2 = 0.
    activation : {"erf", "linear", "relu", "sign"}

    Returns
    -------
    (n, n) array

    Raises
    ------
    ValueError
        `cov` is no covariance, or another activation.
    """
    return second_moments(to_numpy(as_covariance(cov)), activation)


def second_moments(c: Floats, activation: str) -> Floats:
    """:func:`gaussian_i2` of a matrix that is a covariance up to the error of a solver."""
    activation = as_activation(activation)
    variance = np.maximum(np.diag(c), 0.0)
    row, column = variance[:, None], variance[None, :]
    if activation == "linear":
        return np.array(c)
    if activation == "erf":
        return np.asarray(arcsine_entries(c / 2.0, row / 2.0, column / 2.0))
    size = np.sqrt(row) * np.sqrt(column)
    rho = np.clip(c / np.where(size > 0.0, size, 1.0), -1.0, 1.0)
    np.fill_diagonal(rho, np.where(variance > 0.0, 1.0, 0.0))
    if activation == "relu":
        return np.asarray(arccosine_entries(rho, size))
    return np.asarray(2.0 / np.pi * np.arcsin(rho))
