r"""Indices of soft sparsity, all through one effective number.

With pi_i = |w_i|^p / sum |w|^p and 0 < p < q,

    N_{p,q}(w) = (||w||_p/||w||_q)^{pq/(q-p)} = Hill number of order q/p of pi      [derived]
    I_{p,q}(w) = 1 - d^{1/q-1/p} ||w||_p/||w||_q = 1 - (N/d)^{1/p-1/q}              [seen, Def 1]
    TSI_q(w)   = ||w||_1/||w||_q = N_{q,1}^{1-1/q}, 0 < q < 1                       [seen]

N is computed from logarithms of |w|, never from 1 - I: three large entries of 10^6 at p = .1 have
I = 1 to rounding. The difference of logarithms that cancels near q = p is taken by log1p, so that
N loses no digits there. This module may import NumPy and theory.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..arrays import Array, as_real, is_numpy, namespace, to_numpy

#: From this p on, and this q/p, plain power sums are as exact as logarithms, and much faster.
_PLAIN_ORDER, _PLAIN_RATIO = 0.1, 1.5
#: Entries whose powers are summed together.
_BLOCK = 2**16
#: Above this e^x is infinite.
_LARGEST_LOG = math.log(sys.float_info.max)


def tail_sparsity_index(w: Any, q: float) -> float:
    r"""TSI_q(w) = ||w||_1/||w||_q for 0 < q < 1, in [d^{1-1/q}, 1]; larger is sparser.

    Parameters
    ----------
    w : array of any shape
        All entries count; not all of them 0.
    q : float

    Raises
    ------
    ValueError
        q outside (0, 1), entries that are not finite, no entry other than 0.

    Notes
    -----
    Yang, Wang and Ding, arXiv 2206.05604, as in a public note of its authors [seen]. Identity
    I_{q,1} = 1 - d^{1-1/q}/TSI_q (claim sparsity.I-8 [derived]).
    """
    as_orders(q, 1.0)
    return math.exp((1.0 - 1.0 / q) * log_effective_number(w, q, 1.0))


def pq_index(w: Any, p: float, q: float) -> float:
    r"""PQ index I_{p,q}(w) = 1 - d^{1/q-1/p} ||w||_p/||w||_q, in [0, 1 - d^{1/q-1/p}].

    0 for flat |w|, largest for one entry; every entry counts in d, zeros too.

    Parameters
    ----------
    w : array of any shape
    p, q : float
        0 < p < q <= inf.

    Raises
    ------
    ValueError
        Orders out of range, entries that are not finite, no entry other than 0.

    Notes
    -----
    Diao, Wang et al., ICLR 2023, Definition 1 [seen].
    """
    log_share = log_effective_number(w, p, q) - math.log(math.prod(np.shape(w)))
    return max(0.0, -math.expm1((1.0 / p - 1.0 / q) * log_share))


def effective_number(w: Any, p: float, q: float) -> float:
    r"""Effective number of entries N_{p,q}(w) = (||w||_p/||w||_q)^{pq/(q-p)}, in [1, ||w||_0].

    Parameters and errors as :func:`pq_index`. Zeros do not count, the scale does not matter; s
    entries of equal size have N = s.

    Notes
    -----
    Claim sparsity.I-8 [derived]: N = d (1 - I)^{pq/(q-p)}, the Hill number of order q/p of the
    shares |w_i|^p / sum |w|^p. Relative error of the order of eps ln d, whatever p and q.
    """
    found = math.exp(log_effective_number(w, p, q))
    return min(max(found, 1.0), float(np.count_nonzero(to_numpy(magnitudes("w", w)))))


def hill_number(probabilities: Any, order: float) -> float:
    r"""Hill number (sum pi^a)^{1/(1-a)} of order a, exp(entropy) at a = 1.

    Parameters
    ----------
    probabilities : array of any shape
        At least 0, of sum 1 up to rounding (1e-9).
    order : float
        a >= 0: 0 counts the support, inf gives 1/max.

    Raises
    ------
    ValueError
        No probabilities, or a negative order.

    Notes
    -----
    Hill 1973 [recalled]. Falls with a, from ||pi||_0 at a = 0.
    """
    shares = as_real("probabilities", probabilities)
    xp = namespace(shares)
    total = float(xp.sum(shares))
    if float(xp.min(shares)) < 0.0 or abs(total - 1.0) > 1e-9:
        raise ValueError(
            "probabilities must be at least 0 and sum to 1, but the smallest is "
            f"{float(xp.min(shares)):.3g} and the sum {total:.12g}; divide by the sum"
        )
    if not order >= 0.0:
        raise ValueError(f"order must be at least 0, but is {order:g}")
    return math.exp(float(_log_hill(_logs(xp.reshape(shares, (-1,))), order - 1.0)))


def log_effective_number(w: Any, p: float, q: float) -> float:
    """ln N_{p,q}(w); parameters and errors as :func:`effective_number`."""
    as_orders(p, q)
    sizes = magnitudes("w", w)
    xp = namespace(sizes)
    sizes = xp.reshape(sizes, (-1,))
    if float(xp.max(sizes)) == 0.0:
        raise ValueError("w has no entry other than 0, so its sparsity is undefined; leave it out")
    return float(log_effective_numbers(sizes, p, q))


def log_effective_numbers(sizes: Array, p: float, q: float) -> Array:
    """ln N along the last axis of |w|; -inf where all are 0. Unchecked."""
    xp = namespace(sizes)
    peak = xp.max(sizes, axis=-1, keepdims=True)
    safe = xp.where(peak > 0.0, peak, xp.ones_like(peak))
    if is_numpy(xp) and p >= _PLAIN_ORDER and _PLAIN_RATIO * p <= q < math.inf:
        with np.errstate(under="ignore", divide="ignore", invalid="ignore"):
            # entries that vanish beside the largest add less than 1e-30 each
            lower, upper = np.log(_power_sums(sizes, safe, p, q))
            return np.where(peak[..., 0] > 0.0, (q * lower - p * upper) / (q - p), -np.inf)
    logs = _logs(sizes) - xp.log(safe)
    log_shares = p * logs
    weights = xp.exp(log_shares)
    total = xp.sum(weights, axis=-1, keepdims=True)
    log_shares = log_shares - xp.log(xp.where(total > 0.0, total, xp.ones_like(total)))
    found = _log_hill(log_shares, (q - p) / p)
    return xp.where(peak[..., 0] > 0.0, found, -xp.inf)


def _log_hill(log_shares: Array, excess: float) -> Array:
    """Log of the Hill number of order 1 + `excess` along the last axis.

    ln N = -ln(sum pi e^{excess ln pi})/excess, by log1p where the sum is close to 1 (order near 1),
    else by log-sum-exp.
    """
    xp = namespace(log_shares)
    peak = xp.max(log_shares, axis=-1)
    peak = xp.where(peak > -xp.inf, peak, xp.zeros_like(peak))
    if excess == math.inf:
        return -peak
    present = log_shares > -xp.inf
    finite = xp.where(present, log_shares, xp.zeros_like(log_shares))
    shares = xp.where(present, xp.exp(finite), xp.zeros_like(finite))
    if excess == 0.0:
        return -xp.sum(shares * finite, axis=-1)
    powers = excess * finite
    drift = xp.sum(shares * xp.expm1(xp.minimum(powers, xp.ones_like(powers))), axis=-1)
    close = xp.abs(drift) < 0.5
    near = xp.log1p(xp.where(close, drift, xp.zeros_like(drift)))
    shift = xp.max(xp.where(present, powers, -xp.inf), axis=-1, keepdims=True)
    shift = xp.where(shift > -xp.inf, shift, xp.zeros_like(shift))
    total = xp.sum(shares * xp.exp(xp.where(present, powers - shift, 0.0)), axis=-1)
    far = shift[..., 0] + xp.log(xp.where(total > 0.0, total, xp.ones_like(total)))
    # powers above 1 (order 0 of tiny shares) were cut in the drift: it then holds no longer
    close = close & (shift[..., 0] <= 1.0)
    return -xp.where(close, near, far) / excess


def log_norms(w: Array, q: float) -> Array:
    r"""ln ||w||_q along the last axis, -inf where all entries are 0; q in (0, inf].

    Exact to a few units of rounding of ln||w||_q for any scale, also where |w|^q overflows.
    """
    xp = namespace(w)
    logs = _logs(xp.abs(w))
    peak = xp.max(logs, axis=-1, keepdims=True)
    shift = xp.where(peak > -xp.inf, peak, xp.zeros_like(peak))
    if q == math.inf:
        return peak[..., 0]
    total = xp.sum(xp.exp(q * (logs - shift)), axis=-1)
    found = shift[..., 0] + xp.log(xp.where(total > 0.0, total, xp.ones_like(total))) / q
    return xp.where(peak[..., 0] > -xp.inf, found, -xp.inf)


def norm(w: Array, q: float) -> float:
    """||w||_q of all entries, by :func:`log_norms`; 0 of no entries, inf beyond floats."""
    xp = namespace(w)
    if math.prod(w.shape) == 0:
        return 0.0
    return exponential(float(log_norms(xp.reshape(w, (-1,)), q)))


def exponential(x: float) -> float:
    """e^x, inf where it is beyond floats: ||w||_q of d equal entries is d^{1/q} times theirs."""
    return math.exp(x) if x < _LARGEST_LOG else math.inf


def as_orders(lower: float, upper: float, names: tuple[str, str] = ("p", "q")) -> None:
    """Refuse orders that are not 0 < lower < upper <= inf."""
    low, high = float(lower), float(upper)
    if not (0.0 < low < high):
        raise ValueError(
            f"orders must satisfy 0 < {names[0]} < {names[1]}, but {names[0]} = {low:g} and "
            f"{names[1]} = {high:g}"
        )


def as_order(q: float, most: float, name: str = "q") -> float:
    """An order strictly between 0 and `most`."""
    value = float(as_real(name, q, ndim=0))
    if not 0.0 < value < most:
        raise ValueError(f"{name} must lie strictly between 0 and {most:g}, but is {value:g}")
    return value


def magnitudes(name: str, w: Any) -> Array:
    """|w| in float64, at least one axis."""
    w = as_real(name, w)
    if w.ndim == 0:
        raise ValueError(f"{name} must be an array of weights, but is a single number; give [w]")
    return namespace(w).abs(w)


def _power_sums(sizes: Array, unit: Array, p: float, q: float) -> Array:
    """Sums of (|w|/unit)^p and (|w|/unit)^q along the last axis, by blocks that stay in cache."""
    sums = np.zeros((2, *sizes.shape[:-1]))
    for start in range(0, sizes.shape[-1], _BLOCK):
        scaled = sizes[..., start : start + _BLOCK] / unit
        sums[0] += np.sum(_power(scaled, p), axis=-1)
        sums[1] += np.sum(_power(scaled, q), axis=-1)
    return sums


def _power(scaled: Array, order: float) -> Array:
    if order == 1.0:
        return scaled
    if order == 0.5:
        return np.sqrt(scaled)
    return np.square(scaled) if order == 2.0 else scaled**order


def _logs(sizes: Array) -> Array:
    """ln of entries that are at least 0; -inf of 0, without a warning."""
    xp = namespace(sizes)
    positive = sizes > 0.0
    return xp.where(positive, xp.log(xp.where(positive, sizes, xp.ones_like(sizes))), -xp.inf)
