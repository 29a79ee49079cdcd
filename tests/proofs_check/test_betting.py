"""Betting: martingales in rationals, false alarms exactly and simulated, coverage at all times.

Simulated rates are compared by Clopper-Pearson limits at level 1e-9 each, so with free seeds these
tests would cry wolf less than once in 1e7 runs; the seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check.statistics import binomial
from pruneproof.proofs_check.statistics.betting import (
    ABOVE,
    BELOW,
    confidence_sequence,
    log_evidence_above,
    log_evidence_below,
    log_likelihood_ratio,
    p_value,
    trials_without_failure,
)

#: Of the simulated comparisons below.
BUDGET = 1e-9
Process = Callable[[Any, Any, Any], Any]
BOTH = pytest.mark.parametrize("process", [log_evidence_below, log_evidence_above])


def _alternatives(process: Process, c: Fraction) -> list[Fraction]:
    odds = BELOW if process is log_evidence_below else ABOVE
    multiples = [Fraction(k).limit_denominator(100) for k in odds]
    return [k * c / (1 - c + k * c) for k in multiples]


def _wealth(process: Process, n: int, s: int, c: Fraction) -> Fraction:
    """The mean of prod (1 + b (c - X)), or of prod (1 + b (X - c)), in rationals."""
    total = Fraction(0)
    for p1 in _alternatives(process, c):
        b = abs(c - p1) / (c * (1 - c))
        sign = 1 if process is log_evidence_below else -1
        assert 0 <= b <= (1 / (1 - c) if sign == 1 else 1 / c)
        total += (1 + sign * b * (c - 1)) ** s * (1 + sign * b * c) ** (n - s)
    return total / 4


@BOTH
@pytest.mark.parametrize("c", [Fraction(1, 100), Fraction(1, 15), Fraction(3, 5)])
def test_each_process_is_a_martingale_at_the_level_and_falls_under_its_hypothesis(
    process: Process, c: Fraction
) -> None:
    for n, s in [(0, 0), (1, 1), (7, 0), (7, 3), (40, 2), (40, 40)]:
        now = _wealth(process, n, s, c)
        assert float(process(n, s, float(c))) == pytest.approx(math.log(now), abs=1e-12 * (n + 1))
        failed, passed = _wealth(process, n + 1, s + 1, c), _wealth(process, n + 1, s, c)
        assert c * failed + (1 - c) * passed == now
        inside = c + (1 - c) / 3 if process is log_evidence_below else c / 3
        assert inside * failed + (1 - inside) * passed < now


def test_trial_counts_with_no_failure() -> None:
    def least(level: float, alternative: float) -> int:
        n = np.arange(1, 1000)
        return int(n[log_likelihood_ratio(n, 0, level, alternative) >= math.log(100)][0])

    assert (least(0.05, 0.0), least(0.01, 0.0)) == (90, 459)
    assert (binomial.trials_needed(0.05, 0.01), binomial.trials_needed(0.01, 0.01)) == (90, 459)
    assert (least(0.05, 0.005), least(0.01, 0.001)) == (100, 509)
    assert log_likelihood_ratio(10, 1, 0.05, 0.0) == -math.inf
    assert (trials_without_failure(0.05, 0.01), trials_without_failure(0.01, 0.01)) == (105, 535)
    for level, alpha in [(0.05, 0.01), (0.01, 0.01), (1e-3, 1e-6), (0.6, 1e-9), (0.999, 0.5)]:
        n = np.arange(1, 20000)
        decided = log_evidence_below(n, 0, level) >= -math.log(alpha)
        assert trials_without_failure(level, alpha) == n[decided][0]


@BOTH
def test_a_mixture_costs_at_most_ln_4(process: Process) -> None:
    n = np.arange(1, 200)[:, None]
    s = np.minimum(np.arange(60)[None, :], n)
    for level in (0.001, 0.07, 0.6):
        odds = BELOW if process is log_evidence_below else ABOVE
        alternatives = [k * level / (1 - level + k * level) for k in odds]
        best = np.max([log_likelihood_ratio(n, s, level, p1) for p1 in alternatives], axis=0)
        cost = best - process(n, s, level)
        rounding = 1e-12 * (1 + np.abs(best))
        assert np.all((cost >= -rounding) & (cost <= math.log(4) + rounding))


@pytest.mark.parametrize("level", [1e-3, 0.01, 1 / 15, 0.2, 0.6, 0.9])
def test_growth_is_near_the_fastest(level: float) -> None:
    def divergence(p: Any) -> Any:
        return p * np.log(p / level) + (1 - p) * (np.log1p(-p) - math.log1p(-level))

    many = 10**9  # mean growth of a trial is the log-likelihood ratio at s = p n, over n
    for odds, span, share in [(BELOW, (1e-9, 0.5), 0.86), (ABOVE, (1.5, 100.0), 0.74)]:
        multiples = np.geomspace(*span, 1000) * level / (1 - level)
        p = multiples / (1 + multiples)
        alternatives = [k * level / (1 - level + k * level) for k in odds]
        rates = [log_likelihood_ratio(many, many * p, level, p1) / many for p1 in alternatives]
        assert np.min(np.max(rates, axis=0) / divergence(p)) >= share


def _crossing(process: Process, level: float, alpha: float, p: float, most: int) -> float:
    """Probability that E reaches 1/alpha within so many trials: exactly, by recursion over n."""
    bar, crossed = -math.log(alpha), 0.0
    alive = np.array([1.0])
    for n in range(1, most + 1):
        alive = np.append(alive * (1 - p), 0.0) + np.append(0.0, alive * p)
        heavy = np.flatnonzero(alive)
        over = heavy[process(n, heavy, level) >= bar]
        crossed += float(np.sum(alive[over]))
        alive[over] = 0.0
    return crossed


@BOTH
@pytest.mark.parametrize(("level", "alpha"), [(0.2, 0.05), (0.05, 0.01), (0.6, 0.2)])
def test_false_alarms_over_the_whole_path_stay_below_alpha(
    process: Process, level: float, alpha: float
) -> None:
    at_level = _crossing(process, level, alpha, level, 800)
    assert alpha / 10 < at_level < alpha
    deeper = 1.3 * level if process is log_evidence_below else level / 1.3
    assert _crossing(process, level, alpha, deeper, 800) < at_level
    # and a true failure probability on the other side is told by the very same recursion
    beyond = level / 1.3 if process is log_evidence_below else 1.3 * level
    assert _crossing(process, level, alpha, beyond, 800) > alpha


def _paths(p: float, count: int, most: int, seed: int) -> Any:
    draws = np.random.default_rng(seed).random((count, most), dtype=np.float32)
    return np.cumsum(draws < np.float32(p), axis=1, dtype=np.int32)


@BOTH
def test_simulated_false_alarms(process: Process) -> None:
    level, alpha, count, most = 0.0625, 0.05, 4000, 2000  # a level that float32 has exactly
    table = np.arange(most + 1)
    crossed = np.zeros(count, dtype=bool)
    failures = _paths(level, count, most, seed=1)
    for n in range(1, most + 1):
        over = process(n, table[: n + 1], level) >= -math.log(alpha)
        crossed |= over[failures[:, n - 1]]
    alarms = int(np.sum(crossed))
    lower = binomial.lower_limit(alarms, count, alpha=BUDGET)
    upper = binomial.upper_limit(alarms, count, alpha=BUDGET)
    exact = _crossing(process, level, alpha, level, most)
    assert lower <= exact <= upper
    assert lower <= alpha
    assert exact < alpha


def test_near_a_large_level_too_it_comes_to_a_decision() -> None:
    assert _crossing(log_evidence_below, 0.6, 1e-4, 0.45, 800) > 0.99
    # where the nearest alternative c/2 loses: its mean growth is negative
    assert log_likelihood_ratio(100, 45, 0.6, 0.3) < 0


def test_power() -> None:
    """With true p = level/10 the decision comes within three times the least number of trials."""
    for level, alpha in [(0.05, 0.01), (1 / 15, 1e-4), (0.2, 1e-6)]:
        enough = 3 * trials_without_failure(level, alpha)
        assert _crossing(log_evidence_below, level, alpha, level / 10, enough) > 0.98
    # and twice the level is told by 1000 trials
    assert _crossing(log_evidence_above, 1 / 15, 1e-4, 2 / 15, 1000) > 0.99


def test_confidence_sequence_covers_at_all_times_at_once() -> None:
    p, alpha, count = 0.125, 0.05, 4000
    times = np.unique(np.geomspace(1, 1500, 24).astype(int))
    failures = _paths(p, count, int(times[-1]), seed=2)[:, times - 1]
    missed = np.zeros(count, dtype=bool)
    for column, n in enumerate(times):
        for s in np.unique(failures[:, column]):
            lower, upper = confidence_sequence(int(n), int(s), alpha=alpha)
            assert lower <= s / n <= upper
            outside = not lower < p < upper
            bar = -math.log(alpha)
            assert outside == bool(
                log_evidence_below(n, s, p) >= bar or log_evidence_above(n, s, p) >= bar
            )
            missed |= outside & (failures[:, column] == s)
    assert binomial.lower_limit(int(np.sum(missed)), count, alpha=BUDGET) <= 2 * alpha
    below = _crossing(log_evidence_below, p, alpha, p, 1500)
    above = _crossing(log_evidence_above, p, alpha, p, 1500)
    assert below + above <= 2 * alpha
    assert np.mean(missed) > 0  # the limits are not trivial


def test_confidence_limits_are_where_the_evidence_crosses() -> None:
    for n, s, alpha in [(400, 3, 1e-4), (90, 0, 0.01), (50, 50, 1e-3), (4000, 1000, 1e-6)]:
        bar = -math.log(alpha)
        lower, upper = confidence_sequence(n, s, alpha=alpha)
        if upper < 1.0:
            assert log_evidence_below(n, s, upper) >= bar
            assert log_evidence_below(n, s, upper * (1 - 1e-9)) < bar
        else:
            assert log_evidence_below(n, s, 1.0) < bar
        if lower > 0.0:
            assert log_evidence_above(n, s, lower) >= bar
            assert log_evidence_above(n, s, lower * (1 + 1e-9)) < bar
    assert confidence_sequence(0, 0, alpha=0.01) == (0.0, 1.0)
    assert confidence_sequence(5, 1, alpha=0.01)[0] == 0.0
    lower, upper = confidence_sequence(10**9, 10**6, alpha=1e-3)  # where it settles
    assert lower == pytest.approx(0.81e-3, rel=0.01)
    assert upper == pytest.approx(1.39e-3, rel=0.01)


def test_p_value_and_refusals() -> None:
    assert p_value(math.log(20)) == pytest.approx(0.05, rel=1e-12)
    assert p_value(-3.0) == 1.0
    with pytest.raises(ValueError, match="failures must be at least 0 and at most 3, but is 4"):
        confidence_sequence(3, 4, alpha=0.1)
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1, but is 1"):
        confidence_sequence(3, 1, alpha=1.0)
    with pytest.raises(ValueError, match="level must lie"):
        trials_without_failure(0.0, 0.1)
