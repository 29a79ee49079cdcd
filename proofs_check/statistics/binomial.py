r"""Trials fixed before running: how many, with how many failures allowed, and exact limits.

Clopper and Pearson (1934): of n independent trials s fail.

    upper limit   the largest p with P(Bin(n, p) <= s) >= alpha
    lower limit   the least p with P(Bin(n, p) >= s) >= alpha
    plan          least n with P(Bin(n, level) <= k) <= alpha

so with at most k failures in n trials the upper limit is at most the level. The plan is decided
exactly: where floating point is within 1e-9 of a tie, in whole numbers. Trials and allowed failures
are fixed BEFORE running; to stop when the evidence suffices, bet (see :mod:`.betting`).

This module may import theory (its held-out bound) only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pruneproof.theory.arrays import as_count, as_probability
from pruneproof.theory.bounds.held_out import held_out_bound

#: Numbers of failures that a plan may allow.
ALLOWED = (0, 1, 2, 5)
#: Relative distance from a tie beyond which floating point decides; its own error is below 1e-11.
_TIE = 1e-9


@dataclass(frozen=True)
class Plan:
    """So many trials, of which so many may fail, for the upper limit to be at most the level."""

    trials: int
    failures: int


def trials_needed(level: float | Fraction, alpha: float | Fraction, failures: int = 0) -> int:
    """Least n with P(Bin(n, level) <= failures) <= alpha.

    Parameters
    ----------
    level, alpha : float or Fraction
        In (0, 1), taken exactly as given (a float as the dyadic number that it is).
    failures : int
        Allowed failures k.

    Raises
    ------
    ValueError
        A level or alpha outside (0, 1), a negative count.
    """
    p, bar = _exact("level", level), _exact("alpha", alpha)
    k = as_count("failures", failures, least=0)
    least, most = k, 2 * k + 2  # P(Bin(k, p) <= k) = 1 > alpha
    while not _rare(most, k, p, bar):
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        if _rare(middle, k, p, bar):
            most = middle
        else:
            least = middle
    return most


def fixed_plan(
    level: float | Fraction,
    alpha: float | Fraction,
    most: int,
    *,
    allowed: Iterable[int] = ALLOWED,
) -> Plan | None:
    """Plan with the most failures allowed that needs at most so many trials; None if none does.

    Errors as :func:`trials_needed`.
    """
    plans = [Plan(trials_needed(level, alpha, k), k) for k in allowed]
    fitting = [plan for plan in plans if plan.trials <= most]
    return max(fitting, key=lambda plan: plan.failures, default=None)


def upper_limit(failures: int, trials: int, *, alpha: float) -> float:
    """Clopper-Pearson upper limit, by :func:`pruneproof.theory.held_out_bound`."""
    return held_out_bound(failures, trials, delta=alpha).value


def lower_limit(failures: int, trials: int, *, alpha: float) -> float:
    """Clopper-Pearson lower limit: one less the upper limit of the trials that do not fail."""
    n = as_count("trials", trials)
    s = as_count("failures", failures, least=0, most=n)
    return 1.0 - upper_limit(n - s, n, alpha=alpha)


def interval(failures: int, trials: int, *, alpha: float) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of coverage at least 1 - alpha."""
    half = as_probability("alpha", alpha) / 2
    return lower_limit(failures, trials, alpha=half), upper_limit(failures, trials, alpha=half)


def at_most_probability(failures: int, trials: int, level: float) -> float:
    """P(Bin(trials, level) <= failures): the p-value of p >= level."""
    from scipy.stats import binom

    return float(binom.cdf(failures, trials, level))


def at_least_probability(failures: int, trials: int, level: float) -> float:
    """P(Bin(trials, level) >= failures): the p-value of p <= level."""
    from scipy.stats import binom

    return float(binom.sf(failures - 1, trials, level))


def _exact(name: str, p: float | Fraction) -> Fraction:
    if not isinstance(p, Fraction):
        return Fraction(as_probability(name, p))
    if not 0 < p < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, but is {p}")
    return p


def _rare(n: int, k: int, p: Fraction, alpha: Fraction) -> bool:
    """Whether P(Bin(n, p) <= k) <= alpha."""
    chance, rest = math.log(p), _log_complement(p)
    logs = [math.log(math.comb(n, i)) + i * chance + (n - i) * rest for i in range(min(k, n) + 1)]
    top = max(logs)
    excess = top + math.log(math.fsum(math.exp(x - top) for x in logs)) - math.log(alpha)
    if abs(excess) > _TIE * max(1.0, -math.log(alpha)):
        return excess < 0.0
    a, d = p.numerator, p.denominator
    total = sum(math.comb(n, i) * a**i * (d - a) ** (n - i) for i in range(min(k, n) + 1))
    return bool(total * alpha.denominator <= alpha.numerator * d**n)


def _log_complement(p: Fraction) -> float:
    """ln(1 - p), to full relative precision for small and for large p."""
    return math.log1p(-float(p)) if p < Fraction(1, 2) else math.log(1 - p)
