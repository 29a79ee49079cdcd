r"""Scaling of ridge regression's risk with samples, on power laws without end (laws.L10).

Letters: eigenvalues mu_i = i^{-alpha} (capacity alpha > 1), target v_i^2 = i^{-(1 + 2 alpha r)}
(source r > 0), i = 1, 2, ... without end; n samples, noise s^2 > 0. At the best ridge the excess
risk falls as

    n^{-2 alpha min(r, 1)/(2 alpha min(r, 1) + 1)},

with a logarithm besides at r = 1. The excess risk itself is that of :mod:`.random_features`, whose
sums over the spectrum are, with y_i = g i^alpha,

    S(c, p) = sum_i i^{-c} y_i^p/(1 + y_i)^2,

and are summed here to rounding at a cost that depends on no n: their first terms one by one, the
others by Euler's and Maclaurin's formula, in the form of the midpoint rule,

    sum_{i > N} f(i) = int_{N + 1/2}^inf f dt + (f(N + 1) - f(N))/24 + O(f'''),

where the last term is of relative order N^{-4}. The integral is taken in log(t), by Gauss's rule
on panels far shorter than the distance to the poles of f, up to where only a power is left, which
has a closed form.

Source: laws.L10 [R] (Caponnetto and De Vito 2007; Cui et al., arXiv 2105.15004).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import as_real, as_ridge
from .random_features import RandomFeatureLaw, SpectralSums, as_features, kernel_ridge, predicted

#: Terms summed one by one; the next ones are smooth to (alpha/1000)^4.
_TERMS = 1000
_LOG_POWER = 37.0  # 1 + e^37 = e^37 in float64


def scaling_exponent(capacity: float, source: float) -> float:
    r"""Exponent 2 alpha min(r, 1)/(2 alpha min(r, 1) + 1) of 1/n in the excess risk, noise > 0.

    Parameters
    ----------
    capacity : float
        alpha > 1.
    source : float
        r > 0.

    Raises
    ------
    ValueError
        A capacity of at most 1, a source of at most 0.

    Notes
    -----
    laws.L10 [R]: at the best ridge; beyond r = 1 ridge regression gains nothing (saturation).
    """
    smooth = 2.0 * _capacity(capacity) * min(_source(source), 1.0)
    return smooth / (smooth + 1.0)


def power_law_risk(
    capacity: float,
    source: float,
    ridge: float,
    samples: float,
    features: float = math.inf,
    *,
    noise: float = 0.0,
) -> RandomFeatureLaw:
    r"""Law of the risk of (random-feature) ridge regression on power laws without end.

    Parameters
    ----------
    capacity : float
        alpha > 1, mu_i = i^{-alpha}.
    source : float
        r > 0, v_i^2 = i^{-(1 + 2 alpha r)}.
    ridge : float
        d >= 0 on the kernel matrix; d/n is the ridge of the mean.
    samples : float
        n >= 1, not necessarily whole; 1e12 costs as much as 10.
    features : int or infinity
    noise : float
        s^2 >= 0.

    Raises
    ------
    ValueError
        A capacity of at most 1, a source of at most 0, samples below 1, features that are not
        whole, ridge or noise below 0; a ridge g that float64 cannot hold, about n^-alpha.
    """
    alpha, r, n = _capacity(capacity), _source(source), _samples(samples)
    d, k, s2 = as_ridge(ridge), as_features(features), as_ridge(noise, name="noise")
    whole = (math.pi / alpha) / math.sin(math.pi * min(1.0, alpha - 1.0) / alpha)

    def unspent(g: float, count: float) -> float:
        return count - _spent(alpha, g)

    # claim laws.L5: C g^{-1/alpha} - 1 <= z(g), and sum mu_i <= alpha/(alpha - 1)
    low = d / n if d > 0.0 else (whole / (min(n, k) + 1.0)) ** alpha
    if low == 0.0:
        raise ValueError(
            f"the least eigenvalue that {min(n, k):g} samples or features resolve is about "
            f"{min(n, k):g}^-{alpha:g}, below the range of float64; ask for fewer, or for a ridge"
        )
    g = kernel_ridge(unspent, d, n, k, low=low, trace=alpha / (alpha - 1.0))
    return predicted(g, unspent(g, max(n, k)), d, n, k, _sums(alpha, r, g), s2)


def tuned_power_law_risk(
    capacity: float, source: float, samples: float, *, noise: float
) -> tuple[float, RandomFeatureLaw]:
    r"""Best ridge d of kernel ridge regression on power laws without end, and the law at it.

    With k infinite the excess risk (n B(g) + s^2 q(g))/(n - q(g)) is a function of g alone, on the
    range g >= g_0 of d >= 0, where z(g_0) = n; it is minimised over log(g), and d = g (n - z(g)).

    Parameters
    ----------
    capacity, source, samples
        As :func:`power_law_risk`.
    noise : float
        s^2 > 0.

    Returns
    -------
    ridge : float
        d; 0 where no ridge helps, which happens at little noise: the tail of the spectrum acts as
        one already.
    law : RandomFeatureLaw

    Raises
    ------
    ValueError
        As :func:`power_law_risk`; a noise not above 0.
    """
    from scipy.optimize import minimize_scalar

    s2 = as_ridge(noise, name="noise", positive=True)
    none = power_law_risk(capacity, source, 0.0, samples, noise=s2)
    alpha, r, n = float(capacity), float(source), float(samples)

    def excess(u: float) -> float:
        sums = _sums(alpha, r, math.exp(u))
        return math.log((n * sums.bias + s2 * sums.squared) / (n - sums.squared))

    # far above Tr and s^2 the excess risk gains 2 sum mu v^2/g >= 2/g by a smaller g and loses
    # s^2 q/n with q <= 1.7/g^2: it is least at a g of their order or below
    top = 1e3 * (alpha / (alpha - 1.0) + s2)
    ends = math.log(none.kernel_ridge), math.log(top)
    grid = np.linspace(*ends, 41)
    best = int(np.argmin([excess(float(u)) for u in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(
        excess,
        bounds=(float(around[0]), float(around[1])),
        method="bounded",
        options={"xatol": 1e-9},
    )
    g = math.exp(float(found.x))
    ridge = max(g * (n - _spent(alpha, g)), 0.0)
    law = power_law_risk(alpha, r, ridge, n, noise=s2)
    return (0.0, none) if none.excess <= law.excess else (ridge, law)


def power_law_sum(exponent: float, capacity: float, ridge: float, power: int) -> float:
    r"""S(c, p) = sum_{i >= 1} i^{-c} y^p/(1 + y)^2, y = g i^alpha.

    Parameters
    ----------
    exponent : float
        c, with c + (2 - p) alpha > 1 so that the sum exists.
    capacity : float
        alpha > 1.
    ridge : float
        g > 0.
    power : int
        p: 0, 1 or 2.

    Returns
    -------
    float
        With a relative error of some eps times the logarithm of its terms, or 1e-13.

    Raises
    ------
    ValueError
        A sum that diverges, a capacity of at most 1, a ridge not above 0, another power.
    """
    alpha, g = _capacity(capacity), as_ridge(ridge, positive=True)
    c = float(as_real("exponent", exponent, ndim=0))
    if power not in (0, 1, 2):
        raise ValueError(f"power must be 0, 1 or 2, not {power!r}")
    fall = c + (2 - power) * alpha - 1.0
    if not fall > 0.0:
        raise ValueError(
            f"the sum of i^-{c:g} y^{power}/(1 + y)^2 diverges: c + (2 - p) alpha must be above 1, "
            f"but is {fall + 1.0:g}"
        )
    log_g, start = math.log(g), math.log(_TERMS + 0.5)

    def terms(log_t: NDArray[np.float64]) -> NDArray[np.float64]:
        y = log_g + alpha * log_t  # logarithms: y itself may overflow
        return np.asarray(np.exp(power * y - c * log_t - 2.0 * np.logaddexp(0.0, y)))

    first = terms(_log_integers())
    end = max(start, (_LOG_POWER - log_g) / alpha)
    panels = math.ceil((end - start) * alpha / 2.0)
    integral = float(terms(np.array([end]))[0]) * math.exp(end) / fall
    if panels:
        nodes, weights = _gauss()
        half = (end - start) / panels / 2.0
        log_t = start + half * (2.0 * np.arange(panels)[:, None] + 1.0 + nodes)
        integral += half * float(np.sum(terms(log_t) * np.exp(log_t) @ weights))
    # the terms N and N + 1 stand last; N is part of the sum, N + 1 only of the correction
    return float(np.sum(first[:-1])) + integral + float(first[-1] - first[-2]) / 24.0


@functools.cache
def _log_integers() -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.arange(1.0, _TERMS + 2))
    logs.flags.writeable = False
    return logs


@functools.cache
def _gauss() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(16)
    return nodes, weights


def _spent(alpha: float, g: float) -> float:
    """z(g) = sum 1/(1 + y)."""
    return power_law_sum(0.0, alpha, g, 0) + power_law_sum(0.0, alpha, g, 1)


def _sums(alpha: float, r: float, g: float) -> SpectralSums:
    target = 1.0 + 2.0 * alpha * r
    return SpectralSums(
        power_law_sum(0.0, alpha, g, 0),
        power_law_sum(0.0, alpha, g, 1),
        power_law_sum(target, alpha, g, 2),
        power_law_sum(target, alpha, g, 1),
    )


def _capacity(capacity: Any) -> float:
    alpha = float(as_real("capacity", capacity, ndim=0))
    if not alpha > 1.0:
        raise ValueError(f"capacity must be above 1, or the kernel has no trace; it is {alpha:g}")
    return alpha


def _source(source: Any) -> float:
    return as_ridge(source, name="source", positive=True)


def _samples(samples: Any) -> float:
    n = float(as_real("samples", samples, ndim=0))
    if not n >= 1.0:
        raise ValueError(f"samples must be at least 1, but is {n:g}")
    return n
