r"""Neurons on the sphere: coefficients of sigma(v.x) in spherical harmonics (statement K3).

x and v lie on S^{D-1}, D >= 2, Y_lm is orthonormal under the uniform probability, and there are
N(D,l) harmonics of degree l:

    sigma(v.x) = sum_l a_l sum_m Y_lm(v) Y_lm(x),       E_x sigma(v.x)^2 = sum_l N(D,l) a_l^2,
    a_l = c_D int_{-1}^1 sigma(t) P_l(t) (1-t^2)^{(D-3)/2} dt,   P_l(1) = 1,
    c_D = Gamma(D/2)/(sqrt(pi) Gamma((D-1)/2)),
    N(D,0) = 1,   N(D,l) = (2l+D-2)/l C(l+D-3, l-1).

By Rodrigues' formula, with B Euler's beta function [D],

    relu   |a_l| = B((l-1)/2, D/2+1)/(2 pi D) for even l >= 2, a_1 = 1/(2D), other odd l: 0
    sign   |a_l| = B(l/2, D/2)/pi for odd l, even l: 0,

signs alternating from one such degree to the next. The textbook form of the former, with powers of
2, factorials and a binomial coefficient, collapses to it by the duplication formula. Both a_l^2
fall with the degree, and N(D,l) a_l^2 falls as l^{-4} (relu) and l^{-2} (sign) beyond l ~ D.

This module may import NumPy and SciPy's special functions, inside functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count

Floats = NDArray[np.float64]

#: Gauss-Legendre nodes of a panel; a panel is a fraction of a quarter circle.
_NODES = 48
#: A degree beyond every float, whose coefficient is below every normal one.
_LARGEST = 10**308
#: From here on Stirling's series, to the power 1/x^13, is exact to rounding.
_STIRLING = 16.0
#: B_{2j}/(2j(2j-1)), j = 1..7.
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def harmonic_multiplicity(dimension: int, degree: int) -> int:
    """Number N(D,l) of harmonics of degree l on the sphere S^{D-1}, exactly (statement K3).

    Raises
    ------
    ValueError
        A dimension below 2, a degree below 0.
    """
    d, ell = as_count("dimension", dimension, least=2), as_count("degree", degree, least=0)
    if ell == 0:
        return 1
    return (2 * ell + d - 2) * math.comb(ell + d - 3, ell - 1) // ell


def relu_harmonic_coefficient(dimension: int, degree: int) -> float:
    r"""Coefficient a_l of max(v.x, 0) on the sphere S^{D-1} (statement K3).

    a_0 = c_D/(D-1), a_1 = 1/(2D), 0 for odd l >= 3, and for even l >= 2
    (-1)^{l/2-1} Gamma(D/2) Gamma((l-1)/2)/(4 pi Gamma((l+D+1)/2)).

    Parameters
    ----------
    dimension : int
        D >= 2.
    degree : int
        l >= 0.

    Returns
    -------
    float
        With a relative error of a few eps (1 + |ln a_l|); 0 where it lies below the smallest
        float.

    Raises
    ------
    ValueError
        A dimension below 2, a degree below 0.

    Notes
    -----
    Statement K3 [derived]: Rodrigues.
    """
    d, ell = as_count("dimension", dimension, least=2), as_count("degree", degree, least=0)
    if ell == 1:
        return 0.5 / d
    if ell % 2 or ell > _LARGEST:
        return 0.0
    if ell == 0:
        return math.exp(-float(log_gamma_ratio(0.5 * d, 0.5))) / (2.0 * math.sqrt(math.pi))
    return (-1.0) ** (ell // 2 - 1) * math.exp(float(log_relu_coefficient(d, ell)))


def sign_harmonic_coefficient(dimension: int, degree: int) -> float:
    r"""Coefficient a_l of sign(v.x) on the sphere S^{D-1}, arguments and errors as of the ReLU.

    0 for even l, and (-1)^{(l-1)/2} Gamma(D/2) Gamma(l/2)/(pi Gamma((l+D)/2)) for odd l
    (statement K3 [derived]).
    """
    d, ell = as_count("dimension", dimension, least=2), as_count("degree", degree, least=0)
    if ell % 2 == 0 or ell > _LARGEST:
        return 0.0
    return (-1.0) ** (ell // 2) * math.exp(float(log_sign_coefficient(d, ell)))


def harmonic_coefficients(function: Callable[[Floats], Any], dimension: int, degree: int) -> Floats:
    r"""Coefficients a_0..a_degree of function(v.x) on the sphere S^{D-1}, by quadrature.

    With t = cos(theta), Gauss-Legendre on panels on both sides of pi/2, where a neuron may have its
    kink.

    Parameters
    ----------
    function : callable
        sigma on [-1, 1], entrywise on an array; smooth but for the origin.
    dimension : int
        D >= 2.
    degree : int
        The largest degree.

    Returns
    -------
    (degree + 1,) array
        Each with an absolute error of order eps max |sigma|, where sigma is analytic but for the
        origin, and smooth over 1/(panels) of the segment (at least 8, and one more for each 8
        degrees).

    Raises
    ------
    ValueError
        A dimension below 2, a degree below 0, a function that is not finite or not entrywise.

    Notes
    -----
    Statement K3 [derived]; the closed forms are tested against it.
    """
    d, top = as_count("dimension", dimension, least=2), as_count("degree", degree, least=0)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    panels = 4 + (top + 2 * math.isqrt(d)) // 16  # of one half; the other is its mirror image
    angle = ((nodes + 1.0) / 2.0 + np.arange(panels)[:, None]).ravel() * (math.pi / 2 / panels)
    angle = np.concatenate([angle, math.pi - angle])
    weights = np.tile(weights, 2 * panels)
    t = np.cos(angle)
    value = np.asarray(function(t), dtype=np.float64)
    if value.shape != t.shape or not np.all(np.isfinite(value)):
        raise ValueError("function must map an array of [-1, 1] to finite values of its shape")
    density = weights * np.sin(angle) ** (d - 2)
    density *= value / float(np.sum(density))
    found, before, here = np.empty(top + 1), np.zeros_like(t), np.ones_like(t)
    for ell in range(top + 1):
        found[ell] = density @ here
        if d == 2:  # P_l = cos(l theta), where the recurrence loses digits near the poles
            here = np.cos((ell + 1) * angle)
            continue
        # (l+D-2) P_{l+1} = (2l+D-2) t P_l - l P_{l-1}
        rise = ((2 * ell + d - 2) * t * here - ell * before) / (ell + d - 2)
        before, here = here, rise
    return found


def log_relu_coefficient(dimension: int, degree: Any) -> Any:
    """ln |a_l| of the ReLU at even degrees, as a smooth function of l > 1 of any shape."""
    d = float(dimension)
    return log_beta(0.5 * (degree - 1.0), 0.5 * d + 1.0) - math.log(2.0 * math.pi * d)


def log_sign_coefficient(dimension: int, degree: Any) -> Any:
    """ln |a_l| of the sign at odd degrees, as a smooth function of l > 0 of any shape."""
    return log_beta(0.5 * degree, 0.5 * dimension) - math.log(math.pi)


def log_multiplicity(dimension: int, degree: Any) -> Any:
    """ln N(D,l) as a smooth function of l > 0, of any shape.

    N(D,l) = (2l+D-2)/((l+D-1)(l+D-2) B(l+1, D-1)).
    """
    d = float(dimension)
    share = (2.0 * degree + d - 2.0) / (degree + d - 2.0) / (degree + d - 1.0)
    return np.log(share) - log_beta(degree + 1.0, d - 1.0)


def log_beta(x: Any, y: Any) -> Any:
    r"""ln B(x, y) for x, y > 0 of any shapes, within a few eps of ln Gamma(min(x, y)) and itself.

    ln Gamma of the lesser argument, less ln Gamma(greater + lesser) - ln Gamma(greater) by
    :func:`log_gamma_ratio`; SciPy's loses digits where both are large.
    """
    from scipy.special import gammaln

    lesser, greater = np.minimum(x, y), np.maximum(x, y)
    return gammaln(lesser) - log_gamma_ratio(greater, lesser)


def log_gamma_ratio(x: Any, step: Any) -> Any:
    r"""ln Gamma(x + step) - ln Gamma(x) for x > 0 and step >= 0, without their cancellation.

    x is raised above 16, where ln Gamma is Stirling's series, whose leading terms are subtracted
    by hand: (x - 1/2) log1p(step/x) + step ln(x + step) - step.
    """
    x = np.asarray(x, dtype=np.float64)
    lift = np.maximum(np.ceil(_STIRLING - x), 0.0)
    low = x + lift
    high = low + step
    result = (low - 0.5) * np.log1p(step / low) + step * np.log(high) - step
    for j, factor in enumerate(_SERIES):
        result = result + factor * (high ** (-1.0 - 2 * j) - low ** (-1.0 - 2 * j))
    for i in range(int(np.max(lift, initial=0.0))):
        result = result - np.where(i < lift, np.log1p(step / (x + i)), 0.0)
    return result
