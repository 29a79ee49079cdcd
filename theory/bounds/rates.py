r"""Degrees of freedom without an eigenproblem: the min(1, mu/lam) sandwich and power laws, and
the rates in the number of samples n that power laws give.

    D4   (1/2) sum_j min(1, mu_j/lam) <= N(lam) <= sum_j min(1, mu_j/lam)
    X2   mu_j <= B j^{-a}, a > 1:  N(lam) <= C (B/lam)^{1/a},  C = (pi/a)/sin(pi/a)
         mu_j = j^{-a}, all j:     C^a (k+1)^{-a} <= lam_N(k)   <= C^a k^{-a}
                                   c^a (k+1)^{-a} <= lam_vol(k) <= c^a k^{-a},  c = a/(a-1)
    R1   min_k lam(k) + k^2/n              falls as n^{-a/(a+2)}       (bias and variance, fast)
         min_k sqrt(lam(k)) + k/sqrt(n)    falls as n^{-a/(2(a+2))}    (slow)

Integral tests, claims spectral.D4, spectral.X2 and spectral.R1 [D]; the form of the rates is that
of Suzuki et al., arXiv 1808.08558 [R]. Letters as in the other modules.
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


def fast_rate_sandwich(exponent: float, n: float) -> tuple[Interval, Interval]:
    r"""Least bias and variance min_k lam(k) + k^2/n over real k > 0, at lam = lam_N and lam_vol.

    With A = C^a or c^a, K = (a A n/2)^{1/(a+2)} and U = min_k A k^{-a} + k^2/n, which is attained
    at K and falls as n^{-a/(a+2)} exactly,

        (1 - 1/K)^{a/(a+2)} U - (K - 1)/n <= min_k lam(k) + k^2/n <= U,    K >= 1,

    so the ends differ by a factor of 1 - O(1/K).

    Parameters
    ----------
    exponent : float
        a > 1 of mu_j = j^{-a}, j = 1, 2, ... without end.
    n : float
        Number of samples, at least 1 (not necessarily whole).

    Returns
    -------
    pair of Interval
        For lam_N(k), then for lam_vol(k), both continued to real k. The lower ends are 0 where
        K < 1.

    Raises
    ------
    ValueError
        An exponent of at most 1, n below 1.

    Notes
    -----
    Claim spectral.R1 [D]: (k - 1)^2 >= (1 - s) k^2 - (1/s - 1) in the lower side of X2, s = 1/K.
    """
    a, count = _exponent(exponent), _samples(n)

    def ends(scale: float) -> Interval:
        width = (a * scale * count / 2.0) ** (1.0 / (a + 2.0))
        upper = scale * width**-a + width**2 / count
        if width < 1.0:
            return Interval(0.0, upper)
        lower = (1.0 - 1.0 / width) ** (a / (a + 2.0)) * upper - (width - 1.0) / count
        return Interval(max(lower, 0.0), upper)

    return ends(_sharp(a) ** a), ends((a / (a - 1.0)) ** a)


def slow_rate_sandwich(exponent: float, n: float) -> tuple[Interval, Interval]:
    r"""Least of min_k sqrt(lam(k)) + k/sqrt(n) over real k > 0, at lam = lam_N and lam_vol.

    With U = min_k sqrt(A) k^{-a/2} + k/sqrt(n), which falls as n^{-a/(2(a+2))} exactly,

        U - 1/sqrt(n) <= min_k sqrt(lam(k)) + k/sqrt(n) <= U.

    Parameters, result and errors as :func:`fast_rate_sandwich`; claim spectral.R1 [D].
    """
    a, root = _exponent(exponent), math.sqrt(_samples(n))

    def ends(scale: float) -> Interval:
        width = (a / 2.0 * math.sqrt(scale) * root) ** (2.0 / (a + 2.0))
        upper = math.sqrt(scale) * width ** (-a / 2.0) + width / root
        return Interval(max(upper - 1.0 / root, 0.0), upper)

    return ends(_sharp(a) ** a), ends((a / (a - 1.0)) ** a)


def _samples(n: float) -> float:
    count = float(as_real("n", n, ndim=0))
    if not count >= 1.0:
        raise ValueError(f"n must be at least 1, but is {count:g}")
    return count


def _exponent(exponent: float) -> float:
    a = float(as_real("exponent", exponent, ndim=0))
    if not a > 1.0:
        raise ValueError(f"exponent must be above 1, or the eigenvalues have no sum; it is {a:g}")
    return a


def _sharp(a: float) -> float:
    return (math.pi / a) / math.sin(math.pi * min(1.0, a - 1.0) / a)  # sin(pi - x) = sin(x)
