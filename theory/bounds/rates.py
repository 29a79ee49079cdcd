r"""Degrees of freedom without an eigenproblem: the min(1, mu/lam) sandwich and power laws.

    D4   (1/2) sum_j min(1, mu_j/lam) <= N(lam) <= sum_j min(1, mu_j/lam)
    X2   mu_j <= B j^{-a}, a > 1:  N(lam) <= C (B/lam)^{1/a},  C = (pi/a)/sin(pi/a)
         mu_j = j^{-a}, all j:     C^a (k+1)^{-a} <= lam_N(k)   <= C^a k^{-a}
                                   c^a (k+1)^{-a} <= lam_vol(k) <= c^a k^{-a},  c = a/(a-1)

Integral tests, claims spectral.D4 and spectral.X2 [D]. Letters as in the other modules.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..arrays import as_count, as_real, as_ridge, namespace
from ..spectrum import as_spectrum
from .bound import Bound


class Interval(NamedTuple):
    """Lower and upper end of a sandwich."""

    lower: float
    upper: float


def dof_sandwich(spectrum_or_cov: Any, ridge: float) -> Interval:
    """Sandwich s/2 <= N(lam) <= s, s = sum_j min(1, mu_j/lam) (claim spectral.D4 [D]).

    Raises
    ------
    ValueError
        A ridge that is not above 0, not a spectrum.
    """
    mu = as_spectrum(spectrum_or_cov).eigenvalues
    lam = as_ridge(ridge, positive=True)
    total = float(namespace(mu).sum(namespace(mu).clip(mu / lam, None, 1.0)))
    return Interval(total / 2.0, total)


def power_law_dof_bound(exponent: float, ridge: float, scale: float = 1.0) -> Bound:
    r"""Degrees of freedom of any spectrum with mu_j <= B j^{-a}: C (B/lam)^{1/a}.

    Parameters
    ----------
    exponent : float
        a > 1.
    ridge : float
        lam > 0.
    scale : float
        B > 0.

    Returns
    -------
    Bound
        Of X2, with the looser constant a/(a-1) of D4 among the terms; the trivial value is
        infinite, as the number of nodes is not used.

    Raises
    ------
    ValueError
        An exponent of at most 1 (no bound holds: the sum diverges), ridge or scale not above 0.
    """
    a = _exponent(exponent)
    size = (as_ridge(scale, name="scale", positive=True) / as_ridge(ridge, positive=True)) ** (
        1 / a
    )
    terms = {"sharp": _sharp(a) * size, "simple": a / (a - 1.0) * size}
    note = f"N(lam) of every spectrum with mu_j <= {scale:g} j^-{a:g}; certain"
    return Bound("spectral.X2", terms["sharp"], math.inf, terms, note)


def power_law_ridge_sandwich(exponent: float, width: int) -> tuple[Interval, Interval]:
    """Sandwiches of lam_N(k) and of lam_vol(k) for mu_j = j^{-a}, j = 1, 2, ... without end.

    Raises
    ------
    ValueError
        An exponent of at most 1, a width that is not a whole number of at least 1.

    Notes
    -----
    With m nodes both ridges are smaller than with infinitely many, so the upper ends stand.
    """
    a, k = _exponent(exponent), as_count("width", width)
    narrow, wide = math.pow(k, -a), math.pow(k + 1, -a)
    dof, volume = _sharp(a) ** a, (a / (a - 1.0)) ** a
    return Interval(dof * wide, dof * narrow), Interval(volume * wide, volume * narrow)


def _exponent(exponent: float) -> float:
    a = float(as_real("exponent", exponent, ndim=0))
    if not a > 1.0:
        raise ValueError(f"exponent must be above 1, or the eigenvalues have no sum; it is {a:g}")
    return a


def _sharp(a: float) -> float:
    return (math.pi / a) / math.sin(math.pi * min(1.0, a - 1.0) / a)  # sin(pi - x) = sin(x)
