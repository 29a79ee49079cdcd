r"""Anytime-valid tests of a failure probability by betting, and their confidence sequence.

Independent trials X_1, X_2, ... in {0, 1}, 1 a failure, of probability p; after n trials s have
failed. One bets against a level c:

    H0: p >= c     E = prod (1 + b (c - X)),  b = (c - p1)/(c (1 - c)),  p1 < c,  0 <= b <= 1/(1-c)
    H0: p <= c     E = prod (1 + b (X - c)),  b = (p1 - c)/(c (1 - c)),  p1 > c,  0 <= b <= 1/c

Either product is the likelihood ratio of p1 against c,

    E = (p1/c)^s ((1 - p1)/(1 - c))^(n - s),

a martingale where p = c and a supermartingale under H0, as the factors have mean 1 + b (c - p), or
1 + b (p - c); so is the mean of several, with E_0 = 1. By Ville's inequality (1939) the probability
under H0 that E ever reaches 1/alpha is at most alpha: one may look after every trial and stop when
one likes, and 1/sup E is a p-value at any time.

    below   for H0: p >= c   odds of p1 = 1/100, 1/10, 1/4, 1/2 of those of c, p1/(1 - p1)
    above   for H0: p <= c   odds of p1 = 3/2, 3, 10, 100 times those of c

A mean of four costs at most ln 4 in ln E against the best of them. For c <= .9 the best grows at no
less than .86 of the fastest rate (the divergence of p from c) for odds of p up to half those of c,
and no less than .74 of it for odds between 3/2 and 100 times those of c. For small c the first four
are p1 = c/100, c/10, c/4, c/2; odds because multiples of c may exceed 1, and because with c = .6
the nearest alternative c/2 = .3 would leave a true p = .45 undecided for ever. With odds k times
those of c,

    E = k^s / (1 + (k - 1) c)^n.

Confidence sequence: all c that neither test has rejected. Below c the evidence rises with c, above
it falls, so these c are an interval, found by bisection; c = p stays in it for ever with
probability at least 1 - 2 alpha. So the interval and the tests never contradict each other: p >= c
is rejected just where the upper limit is at most c. It does not shrink to a point: with small p and
many trials it settles at [.81 p, 1.39 p], where no bet of the mixtures gains.

Waudby-Smith and Ramdas 2024 (arXiv 2010.09686) on betting; Robbins 1970 on mixtures. This module
may import NumPy and the gates of theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_probability

#: Odds of the alternatives to p >= c, as multiples of those of c.
BELOW = (0.01, 0.1, 0.25, 0.5)
#: Odds of the alternatives to p <= c.
ABOVE = (1.5, 3.0, 10.0, 100.0)

Floats = NDArray[np.float64]


def log_likelihood_ratio(trials: Any, failures: Any, level: Any, alternative: Any) -> Floats:
    """ln of (p1/c)^s ((1-p1)/(1-c))^(n-s), p1 the alternative to the level c.

    Parameters
    ----------
    trials, failures : int or integer arrays
        n and s <= n; all arguments broadcast.
    level : float or array
        c in (0, 1).
    alternative : float or array
        p1 in [0, 1). At p1 = 0 it is the largest bet, which one failure ruins (-inf).
    """
    n, s = np.asarray(trials), np.asarray(failures)
    c, p1 = np.asarray(level, dtype=float), np.asarray(alternative, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        failed = np.where(s > 0, s * np.log(p1 / c), 0.0)
    return np.asarray(failed + (n - s) * (np.log1p(-p1) - np.log1p(-c)))


def log_evidence_below(trials: Any, failures: Any, level: Any) -> Floats:
    """ln E against p >= level: large where the failures are too few for it.

    Parameters
    ----------
    trials, failures : int or integer arrays
        n and s <= n, of one shape.
    level : float
        c in [0, 1].
    """
    return _log_mixture(trials, failures, level, BELOW)


def log_evidence_above(trials: Any, failures: Any, level: Any) -> Floats:
    """ln E against p <= level: large where the failures are too many for it.

    Parameters as :func:`log_evidence_below`.
    """
    return _log_mixture(trials, failures, level, ABOVE)


def _log_mixture(trials: Any, failures: Any, level: Any, odds: tuple[float, ...]) -> Floats:
    """ln of the mean of k^s / (1 + (k - 1) c)^n."""
    n, s = np.asarray(trials), np.asarray(failures)
    logs = [s * math.log(k) - n * np.log1p((k - 1.0) * level) for k in odds]
    return np.asarray(np.logaddexp.reduce(logs) - math.log(len(logs)))


def p_value(log_evidence: float) -> float:
    """Anytime-valid p-value 1/sup E, from the largest ln E so far; at most 1."""
    return math.exp(-max(log_evidence, 0.0))


def trials_without_failure(level: float, alpha: float) -> int:
    """Least n at which n trials, none failing, reject p >= level at error level alpha.

    Raises
    ------
    ValueError
        A level or alpha outside (0, 1).
    """
    c, bar = as_probability("level", level), -math.log(as_probability("alpha", alpha))
    rate = -math.log1p((BELOW[0] - 1.0) * c)  # the fastest of the four
    least = math.floor(bar / rate)
    most = math.ceil((bar + math.log(len(BELOW))) / rate)
    while most - least > 1:
        middle = (least + most) // 2
        if log_evidence_below(middle, 0, c) >= bar:
            most = middle
        else:
            least = middle
    return most


def confidence_sequence(trials: int, failures: int, *, alpha: float) -> tuple[float, float]:
    """Limits of the failure probability that hold at all times at once.

    Parameters
    ----------
    trials, failures : int
        So far.
    alpha : float
        Error level of each limit: both hold for ever with probability at least 1 - 2 alpha.

    Returns
    -------
    lower, upper : float
        Rounded outwards.

    Raises
    ------
    ValueError
        Counts out of range, alpha outside (0, 1).
    """
    n = as_count("trials", trials, least=0)
    s = as_count("failures", failures, least=0, most=n)
    bar = -math.log(as_probability("alpha", alpha))
    lower, upper = 0.0, 1.0
    if log_evidence_above(n, s, 0.0) >= bar:
        lower, _ = _crossing(lambda c: bool(log_evidence_above(n, s, c) < bar))
    if log_evidence_below(n, s, 1.0) >= bar:
        _, upper = _crossing(lambda c: bool(log_evidence_below(n, s, c) >= bar))
    return lower, upper


def _crossing(beyond: Callable[[float], bool]) -> tuple[float, float]:
    """Neighbouring floats of (0, 1) between which `beyond` turns true for good."""
    low, high = 0.0, 1.0
    while low < (middle := 0.5 * (low + high)) < high:
        if beyond(middle):
            high = middle
        else:
            low = middle
    return low, high
