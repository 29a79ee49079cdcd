r"""Gaussian integrals of a committee machine's activations.

Fields u ~ N(0, C), activations g:

    erf     g(u) = erf(u/sqrt 2)       linear  g(u) = u
    relu    g(u) = max(u, 0)           sign    g(u) = sign u  (sign 0 = 0; it has no gradient)

    I2(i, j) = E g(u_i) g(u_j)
        erf     (2/pi) asin(C_ij/sqrt((1 + C_ii)(1 + C_jj)))
        linear  C_ij
        relu    [sqrt(C_ii C_jj - C_ij^2) + C_ij (pi/2 + asin rho_ij)]/(2 pi)
        sign    (2/pi) asin rho_ij,    rho_ij = C_ij/sqrt(C_ii C_jj)
    I3(i, m, a) = E g'(u_i) u_m g(u_a)
    I4(i, k, a, b) = E g'(u_i) g'(u_k) g(u_a) g(u_b)
    J2(i, k) = E g'(u_i) g'(u_k)

in closed form but for I4 of relu, which needs one quadrature: the orthant of four fields.

Sources: Saad and Solla, Phys. Rev. E 52, 1995 [R] (erf); relu and sign derived [D].
This module may import NumPy and Numba only.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..arrays import as_symmetric, check_semidefinite, to_numpy
from ..errors import InapplicableError
from ..gaussian_kernels import arccosine_entries, arcsine_entries
from .order_parameters import Floats

ACTIVATIONS = ("erf", "linear", "relu", "sign")
#: Those with a gradient, which the equations of motion need.
DIFFERENTIABLE = ("erf", "linear", "relu")
#: Overlaps of copied units are singular, and products of rows of N inputs, of which their matrix
#: does not know: its least eigenvalue was found 1.4 eps ||C||_F n below 0 at N to 2e5.
ROUNDING = 4.0


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
    return second_moments(as_overlaps(cov), activation)


def as_overlaps(cov: Any) -> Floats:
    """Gate for overlaps: symmetric, eigenvalues above -:data:`ROUNDING` eps ||cov||_F n.

    Raises
    ------
    ValueError
        Not square, not finite, asymmetric, or indefinite beyond that; with the figure found.
    """
    c, rounding = as_symmetric(to_numpy(cov))
    c = to_numpy(c)
    check_semidefinite(float(np.linalg.eigvalsh(c)[0]), ROUNDING * rounding)
    return c


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


def gaussian_i3(cov: Any, activation: str = "erf") -> Floats:
    r"""I3(i, m, a) = E g'(u_i) u_m g(u_a) for u ~ N(0, cov).

    erf     (2/pi) [C_ma (1 + C_ii) - C_im C_ia]/((1 + C_ii) sqrt((1 + C_ii)(1 + C_aa) - C_ia^2))
    linear  C_ma
    relu    C_im sqrt(C_ii C_aa - C_ia^2)/(2 pi C_ii) + C_ma J2(i, a)

    Parameters
    ----------
    cov : (n, n) array
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    (n, n, n) array
        By i, m, a.

    Raises
    ------
    ValueError
        `cov` is no covariance; sign, which has no gradient.
    InapplicableError
        relu with a field of variance 0, where its gradient is not defined.
    """
    c, activation = _with_gradient(cov, activation)
    variance = np.diag(c)
    one, im, ma = variance[:, None, None], c[:, :, None], c[None, :, :]
    ia, aa = c[:, None, :], variance[None, None, :]
    if activation == "linear":
        return np.array(np.broadcast_to(ma, (len(c),) * 3))
    if activation == "erf":
        root = np.sqrt(1.0 + one + aa + (one * aa - ia**2))
        return np.asarray(2.0 / np.pi * (ma * (1.0 + one) - im * ia) / (root * (1.0 + one)))
    gap = np.sqrt(np.maximum(one * aa - ia**2, 0.0))
    return np.asarray(im * gap / (2.0 * np.pi * one) + ma * _both_positive(c)[:, None, :])


def gaussian_i4(cov: Any, activation: str = "erf") -> Floats:
    r"""I4(i, k, a, b) = E g'(u_i) g'(u_k) g(u_a) g(u_b) for u ~ N(0, cov).

    erf     (4/pi^2) asin(D_ab/sqrt((1 + D_aa)(1 + D_bb)))/sqrt(det(I + C_SS)) with S = {i, k} and
            D = C - C_:S (I + C_SS)^{-1} C_S:, the covariance tilted by both gradients
    linear  C_ab
    relu    by Stein's lemma from orthants of at most four fields, one of them by quadrature;
            fields of correlation within 1e-11 of +-1 count as one, which costs up to 1e-6

    Parameters
    ----------
    cov : (n, n) array
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    (n, n, n, n) array
        By i, k, a, b.

    Raises
    ------
    ValueError, InapplicableError
        As :func:`gaussian_i3`.
    """
    c, activation = _with_gradient(cov, activation)
    n = len(c)
    if activation == "linear":
        return np.array(np.broadcast_to(c, (n,) * 4))
    if activation == "relu":
        return _relu_i4(c)
    first = _damped(np.broadcast_to(c, (n, n, n)), c)  # by i, the fields tilted by g'(u_i)
    both = _damped(np.broadcast_to(first[:, None], (n,) * 4), first)  # by i and k
    spread = np.sqrt(1.0 + np.diagonal(both, axis1=2, axis2=3))
    sine = np.clip(both / (spread[..., :, None] * spread[..., None, :]), -1.0, 1.0)
    weight = (1.0 + np.diag(c)[:, None]) * (1.0 + np.diagonal(first, axis1=1, axis2=2))
    return np.asarray(4.0 / np.pi**2 * np.arcsin(sine) / np.sqrt(weight)[..., None, None])


def _damped(cov: Floats, rows: Floats) -> Floats:
    """C - C_:k C_k:/(1 + C_kk) of stacked cov (..., n, n, n), its third last axis k.

    rows (..., n, n) is the same covariance, of which row k is taken. As [C + (C C_kk - C_:k C_k:)]
    over 1 + C_kk, whose difference is 0 for copies of k: rounding costs eps |C|, not eps |C|^2.
    """
    own = np.diagonal(rows, axis1=-2, axis2=-1)[..., None, None]
    gap = cov * own - rows[..., :, :, None] * rows[..., :, None, :]
    return np.asarray((cov + gap) / (1.0 + own))


def gaussian_j2(cov: Any, activation: str = "erf") -> Floats:
    """J2(i, k) = E g'(u_i) g'(u_k) for u ~ N(0, cov), entrywise.

    erf     (2/pi)/sqrt((1 + C_ii)(1 + C_kk) - C_ik^2);  linear  1
    relu    1/4 + asin(rho_ik)/(2 pi)

    Parameters
    ----------
    cov : (n, n) array
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    (n, n) array

    Raises
    ------
    ValueError, InapplicableError
        As :func:`gaussian_i3`.
    """
    c, activation = _with_gradient(cov, activation)
    if activation == "linear":
        return np.ones_like(c)
    if activation == "relu":
        return _both_positive(c)
    one, two = np.diag(c)[:, None], np.diag(c)[None, :]
    return np.asarray(2.0 / np.pi / np.sqrt(1.0 + one + two + (one * two - c**2)))


def _with_gradient(cov: Any, activation: str) -> tuple[Floats, str]:
    """Covariance and activation, if its gradient is defined on every field."""
    if activation == "sign":
        raise ValueError("sign has no gradient; choose from " + ", ".join(DIFFERENTIABLE))
    activation = as_activation(activation, known=DIFFERENTIABLE)
    c = as_overlaps(cov)
    if activation == "relu":
        check_excited(c)
    return c, activation


def check_excited(c: Floats) -> None:
    """Refuse relu fields of variance 0, which sit on the kink."""
    silent = np.flatnonzero(np.diag(c) <= 0.0)
    if silent.size:
        raise InapplicableError(
            f"relu has no gradient at 0, but field {int(silent[0])} has the variance 0; "
            "leave that unit out"
        )


def _both_positive(c: Floats) -> Floats:
    """P(u_i > 0, u_k > 0)."""
    deviation = np.sqrt(np.diag(c))
    rho = np.clip(c / np.outer(deviation, deviation), -1.0, 1.0)
    np.fill_diagonal(rho, 1.0)
    return np.asarray(0.25 + np.arcsin(rho) / (2.0 * np.pi))


def _relu_i4(c: Floats) -> Floats:
    """I4 of relu, each value once for its four mirrored entries."""
    from ..kernels.committee_numba import relu_i4

    n = len(c)
    found = np.empty((n,) * 4)
    pairs = list(itertools.combinations_with_replacement(range(n), 2))
    for (i, k), (a, b) in itertools.product(pairs, pairs):
        value = relu_i4(c, i, k, a, b)
        for x, y in ((i, k), (k, i)):
            found[x, y, a, b] = found[x, y, b, a] = value
    return found
