r"""Risk of ridge regression on random features, without simulating it (laws.L7).

Letters: a kernel with eigenvalues mu_i and orthonormal eigenfunctions e_i; the target
f* = sum_i v_i e_i; n samples with noise of variance s^2; k Gaussian random features Psi (n x k),
ridge d on Psi Psi^T/k (no 1/n). With z(g) = sum mu/(mu + g), the two ridges g (of the kernel) and
kappa (of the features) solve

    n = z + d/kappa,    k = z + k kappa/g.

The second gives kappa = g (1 - z/k), so that one equation is left, g (k - z)(n - z) = k d, whose
left side rises from 0 to infinity over the g with z < min(n, k): one root, for every d >= 0.
With a = k - z, b = n - z, e = sum mu g/(mu + g)^2, all at least 0,

    risk = [sum g (g + mu e/(a + e))/(mu + g)^2 v^2 + s^2] n/(b + a e/(a + e)),

which is the formula of the literature, [sum (g/(mu+g) - kappa mu k/((mu+g)^2 (k-q))) v^2 + s^2] /
(1 - (q (k - 2z) + z^2)/(n (k - q))) with q = z - e, written without differences. k = infinity is
kernel ridge regression, a e/(a + e) = e.

Source: Simon et al., arXiv 2311.14646; Defilippis et al., arXiv 2405.15699; Bach, arXiv 2303.01372;
Atanasov et al., arXiv 2405.00592 [R]. A law for n and k large, not a bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import as_count, as_real, as_ridge, to_numpy


@dataclass(frozen=True)
class RandomFeatureLaw:
    """Predicted risk of ridge regression on random features, and the ridges behind it.

    Attributes
    ----------
    kernel_ridge : float
        g, units of the kernel's eigenvalues.
    feature_ridge : float
        kappa.
    degrees_of_freedom : float
        z(g), at most n and at most k.
    excess : float
        Mean squared error against f*, without the noise of the test point.
    risk : float
        excess + s^2. Infinite, as is `excess`, where an interpolating fit has no mean: at the
        interpolation threshold without ridge.
    """

    kernel_ridge: float
    feature_ridge: float
    degrees_of_freedom: float
    excess: float
    risk: float


def random_feature_law(
    eigenvalues: Any,
    coefficients: Any,
    ridge: float,
    samples: int,
    features: float = math.inf,
    *,
    noise: float = 0.0,
) -> RandomFeatureLaw:
    r"""Law of the test risk of ridge regression with k Gaussian random features.

    Parameters
    ----------
    eigenvalues : (m,) array
        mu_i >= 0 of the kernel, in any order.
    coefficients : (m,) array
        v_i, of the target in the same order.
    ridge : float
        d >= 0, on Psi Psi^T/k (for k infinite: on the kernel matrix). At 0 the least-norm fit.
    samples : int
        n.
    features : int or infinity
        k; infinite for the kernel itself.
    noise : float
        s^2 >= 0, variance of the noise in the targets.

    Raises
    ------
    ValueError
        An eigenvalue, a ridge or a noise below 0; lengths that differ; counts that are not whole
        and positive.

    Notes
    -----
    Measured risks of a few hundred samples lay within 3 % of it (laws.L7). Nearly without ridge and
    next to the interpolation threshold they lie above it by about 1/|n - k| of it: at n = 100 by
    10 % for k = 90 and 110, by 4 % for k = 70.
    """
    mu, v = as_target(eigenvalues, coefficients)
    d, s2 = as_ridge(ridge), as_ridge(noise, name="noise")
    n, k = as_count("samples", samples), as_features(features)
    positive = mu[mu > 0.0]
    rank, least = positive.size, min(n, k)

    def unspent(g: float, count: float) -> float:  # count - z(g), without cancellation
        return count - rank + float(np.sum(g / (positive + g)))

    if rank == 0 or (d == 0.0 and rank <= least):  # nothing to regularise
        g = d / n
    else:
        low = float(positive.min()) * (rank / least - 1.0) if d == 0.0 else d / n
        g = kernel_ridge(unspent, d, n, k, low=low, trace=float(positive.sum()))
    if g == 0.0:
        sums = SpectralSums(float(rank), 0.0, float(np.sum(v[mu == 0.0] ** 2)), 0.0)
    else:
        p, rest = mu / (mu + g), g / (mu + g)
        lost, kept = rest * v, p * v
        sums = SpectralSums(
            *(float(x @ y) for x, y in ((p, p), (p, rest), (lost, lost), (kept, lost)))
        )
    return predicted(g, unspent(g, max(n, k)), d, n, k, sums, s2)


class SpectralSums(NamedTuple):
    """What the law asks of spectrum and target at g."""

    squared: float
    """q = sum (mu/(mu + g))^2."""
    mixed: float
    """e = sum mu g/(mu + g)^2 = z - q."""
    bias: float
    """sum (g/(mu + g))^2 v^2."""
    mixed_bias: float
    """sum mu g/(mu + g)^2 v^2."""


def kernel_ridge(
    unspent: Callable[[float, float], float],
    ridge: float,
    samples: float,
    features: float,
    *,
    low: float,
    trace: float,
) -> float:
    r"""Root g of g (1 - z(g)/k)(1 - z(g)/n) = d/n, with z(g) < min(n, k); at d = 0 that of
    z(g) = min(n, k).

    `unspent` is c - z(g) at (g, c); `low` a lower bound of the root; `trace` such that
    z(g) <= trace/g. Both bracket ends may be decades away: the root is looked for in log(g), and
    has a relative error of about eps |log(g)|.
    """
    from scipy.optimize import brentq

    least, most = min(samples, features), max(samples, features)
    level = math.log(ridge) - math.log(samples) if ridge > 0.0 else -math.inf

    def excess(u: float) -> float:
        g = math.exp(u)
        left = unspent(g, least) / least
        if ridge == 0.0:
            return max(left, -1.0)
        if left <= 0.0:
            return -1.0
        other = 1.0 if math.isinf(most) else unspent(g, most) / most
        return max(u + math.log(left) + math.log(other) - level, -1.0)

    # at the upper end z <= min(n, k)/2, so that the left side is at least g/4
    ends = (
        math.log(max(low, 5e-324)),
        math.log(max(2.0 * trace / least, 4.0 * ridge / samples)) + 1e-9,
    )
    if excess(ends[0]) >= 0.0:  # the lower bound is the root itself, up to rounding
        return low
    return math.exp(float(brentq(excess, *ends, xtol=1e-15, rtol=8.9e-16, maxiter=500)))


def predicted(
    g: float,
    unspent: float,
    ridge: float,
    samples: float,
    features: float,
    sums: SpectralSums,
    noise: float,
) -> RandomFeatureLaw:
    """The law at the root g, where max(n, k) - z(g) = `unspent`.

    The smaller of a = k - z and b = n - z is taken from g a b = k d, as the difference would
    cancel at small ridges.
    """
    n, k, e, z = samples, features, sums.mixed, sums.squared + sums.mixed
    if math.isinf(k):
        a, b, kappa = math.inf, n - z if g == 0.0 else ridge / g, g
        kept, lost, dropped = 1.0, 0.0, 0.0  # a/(a+e), e/(a+e), e^2/(a+e)
    else:
        if g == 0.0:
            a, b = k - z, n - z
        elif n == k:
            a = b = math.sqrt(n * ridge / g)
        else:
            smaller = ridge / g * (k / unspent)
            a, b = (smaller, unspent) if k < n else (unspent, smaller)
        kappa = g * a / k
        kept = a / (a + e) if a + e > 0.0 else 0.0
        lost = 1.0 - kept if kept < 0.5 else e / (a + e)
        dropped = e * lost
    left = b + e * kept
    spread = sums.bias + lost * sums.mixed_bias
    spent = sums.squared + dropped  # n - left
    above = n * spread + noise * spent
    excess = above / left if left > 0.0 else (math.inf if above > 0.0 else 0.0)
    return RandomFeatureLaw(g, kappa, z, excess, excess + noise)


def as_features(features: float) -> float:
    """Number of features: whole and at least 1, or infinite."""
    if isinstance(features, float) and features == math.inf:
        return math.inf
    return as_count("features", features)


def as_target(
    eigenvalues: Any, coefficients: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, at least 0, and as many coefficients, on the host."""
    mu = to_numpy(as_real("eigenvalues", eigenvalues, ndim=1))
    v = to_numpy(as_real("coefficients", coefficients, ndim=1))
    if mu.shape != v.shape:
        raise ValueError(
            f"coefficients must have {mu.size} entries, one an eigenvalue, but has {v.size}"
        )
    if mu.min() < 0.0:
        raise ValueError(f"eigenvalues must be at least 0, but the smallest is {mu.min():g}")
    return mu, v
