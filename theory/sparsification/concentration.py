r"""Spectral error of random sparsifications with high probability: matrix Bernstein (S6).

Independent mean-zero X_k (m, n), ||X_k||_2 <= L, v = max(||sum E X X^T||, ||sum E X^T X||):

    P(||sum|| >= t) <= (m + n) exp(-t^2/2/(v + L t/3)),   E ||sum|| <= sqrt(2 v ln(m + n)) +
    L ln(m + n)/3,   t_delta = L l/3 + sqrt((L l/3)^2 + 2 v l),  l = ln((m + n)/delta)

with, 'lines' the largest sum over any row or column:

    B2  L = tau                              v = lines of |a| (tau - |a|)_+
    B3  L = b max(1, 1/p - 1)                v = (1 - p)/p lines of a^2
    B4  L = 2 b                              v = lines of b^2 - a^2
    B5  L = (max |a|/P + ||A||_2)/s          v = lines of a^2/P, over s

Of pure L2 draws max |a|/P = ||A||_F^2/min |a|: small entries make the bound say nothing, which is
why Drineas and Zouzias zero them first (B6).

Source: statement S6 (inequality Tropp 2012 [recalled], instances [derived]). NumPy and SciPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_probability, as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from ..errors import InapplicableError
from .samplers import as_share, drineas_zouzias_draws
from .second_moments import drawing_variances, quantised_variances
from .thresholds import poisson_threshold

Floats = NDArray[np.float64]

#: Largest entry up to which sums of w^2/P stay in the range of floats.
_SAFE = 1e130


@dataclass(frozen=True)
class BernsteinTerms:
    """What matrix Bernstein asks for.

    Attributes
    ----------
    size : float
        L, bound on the norm of every summand.
    variance : float
        v.
    shape : (int, int)
        (m, n).
    norm : float
        ||W||_2, the error of the zero matrix.
    """

    size: float
    variance: float
    shape: tuple[int, int]
    norm: float

    @property
    def mean(self) -> float:
        """Bound on E ||W - B||_2."""
        log_term = math.log(sum(self.shape))
        return math.sqrt(2.0 * self.variance * log_term) + self.size * log_term / 3.0

    def quantile(self, delta: float) -> float:
        """t with ||W - B||_2 <= t with probability at least 1 - delta."""
        log_term = math.log(sum(self.shape) / as_probability("delta", delta))
        half = self.size * log_term / 3.0
        return half + math.sqrt(half**2 + 2.0 * self.variance * log_term)

    def tail(self, t: float) -> float:
        """Bound on P(||W - B||_2 >= t), at most 1."""
        reach = as_ridge(t, name="t", positive=True)
        spread = self.variance + self.size * reach / 3.0
        if spread == 0.0:
            return 0.0
        return min(1.0, sum(self.shape) * math.exp(-(reach**2) / 2.0 / spread))


def threshold_poisson_terms(weight: Any, nonzeros: float) -> BernsteinTerms:
    """B2 at s expected non-zeros: L = tau, v = lines of |a| (tau - |a|)_+.

    Parameters
    ----------
    weight : (m, n) array
    nonzeros : float
        s.

    Raises
    ------
    ValueError
        As :func:`poisson_threshold`; no matrix.
    InapplicableError
        Entries whose squares leave the range of floats.

    Notes
    -----
    Statement S6 [derived].
    """
    w = _weight(weight)
    tau = poisson_threshold(w, nonzeros)
    return _terms(w, tau, np.abs(w) * np.maximum(tau - np.abs(w), 0.0))


def uniform_terms(weight: Any, keep: float) -> BernsteinTerms:
    """B3 at keeping probability p: L = b max(1, 1/p - 1), v = (1 - p)/p lines of a^2.

    Parameters
    ----------
    weight : (m, n) array
    keep : float
        p.

    Raises
    ------
    ValueError
        No matrix; p outside (0, 1].
    InapplicableError
        Entries whose squares leave the range of floats.

    Notes
    -----
    Statement S6 [derived].
    """
    w = _weight(weight)
    p = as_share(keep)
    size = float(np.max(np.abs(w))) * max(1.0, 1.0 / p - 1.0) if p < 1.0 else 0.0
    return _terms(w, size, (1.0 - p) / p * w**2)


def quantised_terms(weight: Any) -> BernsteinTerms:
    """B4: L = 2 b, v = lines of b^2 - a^2.

    Parameters
    ----------
    weight : (m, n) array

    Raises
    ------
    ValueError
        No matrix, empty or not finite.
    InapplicableError
        Entries whose squares leave the range of floats.

    Notes
    -----
    Statement S6 [derived].
    """
    w = _weight(weight)
    return _terms(w, 2.0 * float(np.max(np.abs(w))), quantised_variances(w))


def drawing_terms(weight: Any, draws: int, distribution: Any) -> BernsteinTerms:
    """B5, s draws ~ P: L = (max |a|/P + ||A||_2)/s, v = lines of a^2/P, over s.

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
        As :func:`drawing_variances`.
    InapplicableError
        Entries whose squares leave the range of floats.

    Notes
    -----
    Statement S6 [derived].
    """
    w = _weight(weight)
    s = as_count("draws", draws)
    squares = drawing_variances(w, 1, distribution) + w**2  # a^2/P
    p = to_numpy(as_real("distribution", distribution))
    there = w != 0.0
    largest = float(np.max(np.abs(w[there]) / p[there])) if there.any() else 0.0
    return _terms(w, (largest + float(np.linalg.norm(w, 2))) / s, squares / s)


def spectral_error_bound(terms: BernsteinTerms, *, delta: float = 0.1) -> Bound:
    """t_delta: ||W - B||_2 is at most this with probability 1 - delta; trivial ||W||_2 (of B = 0).

    `terms` hold the bound on the mean, L and v.

    Parameters
    ----------
    terms : BernsteinTerms
    delta : float
        Failure probability.

    Raises
    ------
    ValueError
        delta outside (0, 1).

    Notes
    -----
    Statement S6 [derived].
    """
    parts = {"mean": terms.mean, "size": terms.size, "variance": terms.variance}
    note = f"spectral norm of W - B w.p. >= 1 - {delta:g}"
    return Bound("sparsity.S6", terms.quantile(delta), terms.norm, parts, note)


def achlioptas_mcsherry_bound(weight: Any, keep: float) -> Bound:
    r"""B3, n x n: ||W - B||_2 <= 4 b sqrt(n/p) with high probability, if p >= (8 ln n)^4/n.

    Parameters
    ----------
    weight : (m, n) array
    keep : float
        p.

    Returns
    -------
    Bound
        `value` is infinite where the premise on p fails; `trivial` is ||W||_2. `terms` hold the
        form itself, the least p allowed, and, as "size", the n from which on that is at most 1:
        7.06e8. n is the larger side.

    Raises
    ------
    ValueError
        No matrix; p outside (0, 1].

    Notes
    -----
    Statement S6; Achlioptas and McSherry 2007 [recalled].
    """
    a = to_numpy(as_real("weight", weight, ndim=2))
    p = as_share(keep)
    n = max(a.shape)
    least = (8.0 * math.log(n)) ** 4 / n
    form = 4.0 * float(np.max(np.abs(a))) * math.sqrt(n / p)
    size = _size_where(lambda x: (8.0 * math.log(x)) ** 4 <= x, 100.0)
    terms = {"form": form, "least keep": least, "size": size}
    note = "spectral norm of W - B under uniform sampling, with high probability"
    value = form if p >= least else math.inf
    return Bound("sparsity.S6", value, float(np.linalg.norm(a, 2)), terms, note)


def drineas_zouzias_bound(weight: Any, eps: float) -> Bound:
    r"""Draws 24 n ln(sqrt 2 n) ||A||_F^2/eps^2 with ||A - B||_2 <= eps w.p. 1 - 1/n; trivial nnz.

    Parameters
    ----------
    weight : (n, n) array
    eps : float
        Spectral error aimed at.

    Returns
    -------
    Bound
        `value` the draws, `trivial` the non-zeros of A: keeping all is exact. `terms["size"]` is
        the n from which on a dense matrix of the same ||A||_F/eps has more entries than draws.

    Raises
    ------
    ValueError, InapplicableError
        As :func:`drineas_zouzias_draws`.

    Notes
    -----
    Statement S6 [derived].
    """
    a = to_numpy(as_real("weight", weight, ndim=2))
    draws = drineas_zouzias_draws(a, eps)
    n = a.shape[0]
    ratio = draws / (n * math.log(math.sqrt(2.0) * n)) if n > 1 else float(draws)
    size = _size_where(lambda x: ratio * math.log(math.sqrt(2.0) * x) <= x, 2.0)
    note = f"draws for a spectral error of {eps:g} w.p. >= 1 - 1/{n}"
    terms = {"size": size}
    return Bound("sparsity.S6", float(draws), float(np.count_nonzero(a)), terms, note)


def _weight(weight: Any) -> Floats:
    """Matrix of which the variances are floats, so that v is neither lost nor infinite."""
    w = to_numpy(as_real("weight", weight, ndim=2))
    largest = float(np.max(np.abs(w)))
    if largest != 0.0 and not 1.0 / _SAFE < largest < _SAFE:
        raise InapplicableError(
            f"the variances of sampling need a largest entry between {1.0 / _SAFE:g} and "
            f"{_SAFE:g}, but it is {largest:.3g}; scale the weight, and the bound back"
        )
    return w


def _terms(w: Floats, size: float, squares: Floats) -> BernsteinTerms:
    """L, and v as the largest row or column sum of the variances."""
    lines = max(float(squares.sum(axis=0).max()), float(squares.sum(axis=1).max()))
    norm = float(np.linalg.norm(w, 2))
    return BernsteinTerms(size, lines, (w.shape[0], w.shape[1]), norm)


def _size_where(holds: Callable[[float], bool], start: float) -> float:
    """Least whole n, searched upwards from `start`, from which on a monotone condition holds."""
    high = start
    while not holds(high):
        high *= 2.0
    low = high / 2.0 if high > start else start
    while high - low > 1.0:
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(math.ceil(high))
