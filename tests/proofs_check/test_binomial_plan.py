"""Trials fixed before running: the whole table, ties decided exactly, limits against rationals."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from pruneproof.proofs_check.statistics.binomial import (
    Plan,
    at_least_probability,
    at_most_probability,
    fixed_plan,
    interval,
    lower_limit,
    trials_needed,
    upper_limit,
)

#: level: trials for 0, 1, 2, 5 failures at alpha = .05; at .01; for none at 1e-3.
TABLE = {
    0.2: ((14, 22, 30, 50), (21, 31, 39, 62), 31),
    0.05: ((59, 93, 124, 208), (90, 130, 165, 259), 135),
    0.01: ((299, 473, 628, 1049), (459, 662, 838, 1307), 688),
    1e-3: ((2995, 4742, 6294, 10511), (4603, 6636, 8403, 13105), 6905),
}


def _tail(n: int, k: int, p: Fraction) -> Fraction:
    """P(Bin(n, p) <= k) in rationals."""
    terms = (math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(min(k, n) + 1))
    return sum(terms, Fraction(0))


@pytest.mark.parametrize("level", TABLE)
def test_the_table_of_trials(level: float) -> None:
    loose, strict, strictest = TABLE[level]
    assert tuple(trials_needed(level, 0.05, k) for k in (0, 1, 2, 5)) == loose
    assert tuple(trials_needed(level, 0.01, k) for k in (0, 1, 2, 5)) == strict
    assert trials_needed(level, 1e-3) == strictest


def test_counts_are_least_in_rationals() -> None:
    for level in (Fraction(1, 15), Fraction(3, 5), Fraction(9, 10), Fraction(1, 1000)):
        for alpha in (Fraction(1, 2), Fraction(1, 100), Fraction(1, 10**5)):
            for k in (0, 1, 5):
                if level < Fraction(1, 100) and alpha < Fraction(1, 100):
                    continue  # long numbers, and nothing new
                n = trials_needed(level, alpha, k)
                assert _tail(n, k, level) <= alpha < _tail(n - 1, k, level)


def test_ties_are_decided_exactly() -> None:
    assert trials_needed(0.5, 2.0**-10) == 10
    assert trials_needed(0.5, 2.0**-10 * (1 - 2.0**-53)) == 11
    for n in (7, 50, 300):
        alpha = Fraction(9, 10) ** n
        assert trials_needed(Fraction(1, 10), alpha) == n
        assert trials_needed(Fraction(1, 10), alpha * Fraction(10**30 - 1, 10**30)) == n + 1
    # three dozen trials of 1/3 with at most two failures, met with equality
    assert trials_needed(Fraction(1, 3), _tail(36, 2, Fraction(1, 3)), 2) == 36


def test_the_plan_allows_the_most_failures_that_fit() -> None:
    assert fixed_plan(0.05, 0.01, 400) == Plan(259, 5)
    assert fixed_plan(0.05, 0.01, 200) == Plan(165, 2)
    assert fixed_plan(0.05, 0.01, 90) == Plan(90, 0)
    assert fixed_plan(0.05, 0.01, 89) is None
    assert fixed_plan(1e-3, 0.01, 13105) == Plan(13105, 5)


@pytest.mark.parametrize(("failures", "trials"), [(0, 90), (1, 7), (5, 259), (40, 41), (3, 2000)])
def test_limits_solve_their_equations(failures: int, trials: int) -> None:
    alpha = 0.01
    upper = Fraction(upper_limit(failures, trials, alpha=alpha))
    assert float(_tail(trials, failures, upper)) == pytest.approx(alpha, rel=1e-9, abs=0)
    assert interval(failures, trials, alpha=2 * alpha)[1] == float(upper)
    lower = Fraction(lower_limit(failures, trials, alpha=alpha))
    if failures == 0:
        assert lower == 0
    else:
        at_least = 1 - _tail(trials, failures - 1, lower)
        assert float(at_least) == pytest.approx(alpha, rel=1e-9, abs=0)
    assert interval(failures, trials, alpha=2 * alpha)[0] == float(lower)


def test_limits_cover() -> None:
    """Of every p, by summing over all counts: P(limit on the right side) >= 1 - alpha."""
    n, alpha = 25, 0.1
    uppers = [upper_limit(s, n, alpha=alpha) for s in range(n + 1)]
    lowers = [lower_limit(s, n, alpha=alpha) for s in range(n + 1)]
    for p in [j / 97 for j in range(1, 97)]:
        chance = [math.comb(n, s) * p**s * (1 - p) ** (n - s) for s in range(n + 1)]
        assert sum(c for c, u in zip(chance, uppers) if u >= p) >= 1 - alpha - 1e-12
        assert sum(c for c, low in zip(chance, lowers) if low <= p) >= 1 - alpha - 1e-12


def test_plan_limits_and_p_values_agree() -> None:
    level, alpha = 0.05, 0.01
    plan = fixed_plan(level, alpha, 400)
    assert plan is not None
    for s in range(40):
        accepted = s <= plan.failures
        assert (upper_limit(s, plan.trials, alpha=alpha) <= level) == accepted
        assert (at_most_probability(s, plan.trials, level) <= alpha) == accepted
        refuted = lower_limit(s, plan.trials, alpha=alpha) > level
        assert refuted == (at_least_probability(s, plan.trials, level) < alpha)
        exact = _tail(plan.trials, s, Fraction(level))
        found = at_most_probability(s, plan.trials, level)
        assert found == pytest.approx(float(exact), rel=1e-11, abs=0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1, but is 3/2"):
        trials_needed(Fraction(3, 2), 0.05)
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1, but is 0"):
        trials_needed(0.1, 0.0)
    with pytest.raises(ValueError, match="failures must be at least 0"):
        trials_needed(0.1, 0.1, -1)
    with pytest.raises(ValueError, match="failures must be at least 0 and at most 3"):
        lower_limit(4, 3, alpha=0.1)
