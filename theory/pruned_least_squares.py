r"""Risk of least squares whose weights are pruned after fitting (laws.L8).

Letters: n samples x ~ N(0, diag(mu)) of p > n coordinates, y = beta.x + noise of variance s^2; the
least-norm interpolator beta_hat. With g the root of sum mu/(mu + g) = n (in the literature
xi = 1/g) and q = sum (mu/(mu + g))^2,

    gamma = (s^2 + sum mu beta^2 (g/(mu + g))^2) / (1 - q/n)      (the risk before pruning),

beta_hat behaves coordinate by coordinate, to functions of one coordinate at a time, as

    X_i = mu_i/(mu_i + g) (beta_i + sqrt(gamma/(n mu_i)) H_i)     with H_i ~ N(0, 1) independent.

Keeping a fraction of the weights of largest |X_i| (magnitude) or sqrt(mu_i) |X_i| (Hessian, or
Optimal Brain Damage) is keeping those above a level t, at which that fraction is expected; the
pruned risk is s^2 + sum mu_i E(beta_i - X_i 1{kept})^2. The law of the eigenvalues and weights is
that of the p pairs given, and H_i is integrated in closed form: nothing is sampled.

Source: Chang, Li, Oymak and Thrampoulidis, arXiv 2012.08749 [R]. A law for n and p large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .arrays import as_count, as_real, as_ridge
from .errors import InapplicableError
from .random_features import as_target, random_feature_law


@dataclass(frozen=True)
class PrunedLaw:
    """Predicted risk of pruned least squares.

    Attributes
    ----------
    risk : float
        Squared test error after pruning, the noise included.
    unpruned_risk : float
        gamma, before pruning.
    xi : float
        1/g.
    level : float
        Weights are kept whose |X_i|, or sqrt(mu_i) |X_i|, is at least this; 0 where all are kept.
    """

    risk: float
    unpruned_risk: float
    xi: float
    level: float


def pruned_least_squares_law(
    eigenvalues: Any,
    coefficients: Any,
    samples: int,
    kept: float,
    *,
    noise: float = 0.0,
    method: Literal["magnitude", "hessian"] = "magnitude",
) -> PrunedLaw:
    r"""Law of the test risk of least-norm least squares after pruning its weights.

    Parameters
    ----------
    eigenvalues : (p,) array
        mu_i > 0, variances of the coordinates.
    coefficients : (p,) array
        beta_i in the same order.
    samples : int
        n < p.
    kept : float
        Fraction of the weights that is kept, in (0, 1].
    noise : float
        s^2 >= 0.
    method : str
        ``magnitude`` keeps the largest |beta_hat_i|, ``hessian`` the largest
        sqrt(mu_i) |beta_hat_i|.

    Raises
    ------
    InapplicableError
        As many samples as coordinates or more: least squares is then another law.
    ValueError
        An eigenvalue not above 0; lengths that differ; a fraction outside (0, 1]; a noise below
        0; another method.

    Notes
    -----
    laws.L8: risks measured at p = 1200, n = 600 lay within 4 % of it.
    """
    mu, beta = as_target(eigenvalues, coefficients)
    n, share = as_count("samples", samples), float(as_real("kept", kept, ndim=0))
    s2 = as_ridge(noise, name="noise")
    if float(mu.min()) == 0.0:
        raise ValueError("eigenvalues must be above 0, but one is 0; leave that coordinate out")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"kept must be a fraction in (0, 1], but is {share:g}")
    if method not in ("magnitude", "hessian"):
        raise ValueError(f"method must be 'magnitude' or 'hessian', not {method!r}")
    if n >= mu.size:
        raise InapplicableError(
            f"the law is of more coordinates than samples, but there are {mu.size} and {n}; take "
            "fewer samples"
        )
    whole = random_feature_law(mu, np.sqrt(mu) * beta, 0.0, n, noise=s2)
    g, gamma = whole.kernel_ridge, whole.risk
    shrunk = mu / (mu + g)
    mean, deviation = shrunk * beta, shrunk * np.sqrt(gamma / (n * mu))
    scale = np.sqrt(mu) if method == "hessian" else np.ones_like(mu)
    level = 0.0 if share == 1.0 else _level(scale * mean, scale * deviation, share)
    errors = _squared_errors(beta, mean, deviation, level / scale)
    return PrunedLaw(s2 + float(mu @ errors), gamma, 1.0 / g, level)


def _exceedance(
    mean: NDArray[np.float64], deviation: NDArray[np.float64], level: Any
) -> NDArray[np.float64]:
    """P(|X| >= t) of X ~ N(mean, deviation^2)."""
    from scipy.special import ndtr

    if not np.any(deviation):
        return np.asarray(np.abs(mean) >= level, dtype=np.float64)
    return np.asarray(ndtr((mean - level) / deviation) + ndtr((-mean - level) / deviation))


def _level(mean: NDArray[np.float64], deviation: NDArray[np.float64], share: float) -> float:
    """Level which |X_i| exceeds in the fraction `share` of the coordinates, on average."""
    from scipy.optimize import brentq

    if not np.any(deviation):  # nothing is random: keep the largest
        return float(np.sort(np.abs(mean))[::-1][math.ceil(share * mean.size) - 1])
    # at 40 deviations beyond the largest mean nothing is kept in floating point
    top = float(np.max(np.abs(mean) + 40.0 * deviation))
    return float(
        brentq(
            lambda t: float(np.mean(_exceedance(mean, deviation, t))) - share,
            0.0,
            top,
            xtol=1e-14 * top,
        )
    )


def _squared_errors(
    beta: NDArray[np.float64],
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    level: NDArray[np.float64],
) -> NDArray[np.float64]:
    r"""E(beta - X 1{|X| >= t})^2 of X ~ N(mean, deviation^2).

    It is beta^2 P(|X| < t) + E[(beta - X)^2; |X| >= t]; with X = m + c H the second is
    ((beta - m)^2 + c^2) P + c (up - low) terms, by E[H; H > u] = phi(u), E[H^2; H > u] =
    u phi(u) + P(H > u).
    """
    kept = _exceedance(mean, deviation, level)
    off, spread = beta - mean, np.where(deviation > 0.0, deviation, 1.0)
    up, low = (level - mean) / spread, (-level - mean) / spread
    phi_up, phi_low = (np.exp(-(u**2) / 2.0) / math.sqrt(2.0 * math.pi) for u in (up, low))
    first = phi_up - phi_low  # E[H; kept]
    second = kept + up * phi_up - low * phi_low  # E[H^2; kept]
    inside = off**2 * kept - 2.0 * off * deviation * first + deviation**2 * second
    return np.asarray(beta**2 * (1.0 - kept) + inside)
