"""Summaries against closed forms, and their intervals' coverage against binomial sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from pruneproof.simulations.studies import summarise
from pruneproof.simulations.studies.summary import exact_interval, t_interval


def flat(values: list[object], **parameters: object) -> list[dict[str, object]]:
    return [{**parameters, "replicate": i, "x": value} for i, value in enumerate(values)]


def test_mean_error_and_interval_of_a_known_sample() -> None:
    """1, 2, 3, 4: mean 2.5, s^2 = 5/3; for 3 degrees of freedom the t quantile solves a formula."""
    (found,) = summarise(flat([1.0, 2.0, 3.0, 4.0], width=3), ["width"])
    assert (found.parameters, found.entry, found.replicates) == ({"width": 3}, "x", 4)
    assert found.mean == 2.5
    error = math.sqrt(5 / 12)
    # relative error of a handful of roundings
    assert found.standard_error == pytest.approx(error, rel=1e-14, abs=0)
    reach = (found.upper - found.lower) / 2 / error
    # Student's law of 3 degrees: F(t) = 1/2 + (atan(u) + u / (1 + u^2)) / pi, u = t / sqrt(3)
    u = reach / math.sqrt(3)
    assert 0.5 + (math.atan(u) + u / (1 + u * u)) / math.pi == pytest.approx(
        0.975, rel=1e-10, abs=0
    )


def test_two_values_have_cauchys_quantile() -> None:
    """With one degree of freedom the quantile is tan(pi (p - 1/2))."""
    lower, upper = t_interval([0.0, 2.0], 0.9)
    reach = math.tan(math.pi * 0.45)
    assert upper == pytest.approx(1 + reach, rel=1e-10, abs=0)
    assert lower == pytest.approx(1 - reach, rel=1e-10, abs=0)


def test_one_replicate_says_nothing() -> None:
    (found,) = summarise(flat([1.0]), [])
    assert found.mean == 1.0
    assert math.isnan(found.standard_error)
    assert (found.lower, found.upper) == (-math.inf, math.inf)


@pytest.mark.parametrize("n", [1, 7, 20])
def test_truth_values_have_the_exact_interval(n: int) -> None:
    """At its ends the binomial tails are exactly half the error level."""
    for k in range(n + 1):
        (found,) = summarise(flat([i < k for i in range(n)]), [])
        assert found.mean == pytest.approx(k / n, rel=1e-14, abs=0)
        if k:
            assert binom.sf(k - 1, n, found.lower) == pytest.approx(0.025, rel=1e-8, abs=0)
        else:
            assert found.lower == 0.0
        if k < n:
            assert binom.cdf(k, n, found.upper) == pytest.approx(0.025, rel=1e-8, abs=0)
        else:
            assert found.upper == 1.0


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.97])
def test_the_exact_interval_covers_at_least_its_level(share: float) -> None:
    """Coverage is a binomial sum over all outcomes: no sampling in this test."""
    n = 15
    covered = 0.0
    for k in range(n + 1):
        lower, upper = exact_interval([i < k for i in range(n)], 0.9)
        covered += binom.pmf(k, n, share) * (lower <= share <= upper)
    assert covered >= 0.9


def test_the_t_interval_covers_at_its_level() -> None:
    """4000 normal samples of 5: the share covered within 5 standard errors of .95."""
    rng = np.random.default_rng(7)
    samples = rng.normal(3.0, 2.0, (4000, 5))
    covered = 0
    for sample in samples:
        lower, upper = t_interval(list(sample), 0.95)
        covered += lower <= 3.0 <= upper
    assert abs(covered / 4000 - 0.95) <= 5 * math.sqrt(0.95 * 0.05 / 4000)


def test_conditions_stay_apart_and_other_entries_out() -> None:
    records = [
        {
            "a": a,
            "shape": [1, a],
            "replicate": r,
            "x": float(a + r),
            "t": "text",
            "l": [1.0],
            "n": 2,
        }
        for a in (1, 2)
        for r in range(3)
    ]
    found = summarise(records, ["a", "shape"])
    assert [(e.parameters["a"], e.entry, e.mean) for e in found] == [
        (1, "x", 2.0), (1, "n", 2.0), (2, "x", 3.0), (2, "n", 2.0),
    ]  # fmt: skip
    assert summarise([], ["a"]) == []


def test_what_is_not_finite_shows() -> None:
    for bad in (math.nan, math.inf):
        (found,) = summarise(flat([1.0, bad]), [])
        assert not math.isfinite(found.mean)
        assert math.isnan(found.standard_error)


def test_a_confidence_that_is_none() -> None:
    with pytest.raises(ValueError, match="confidence"):
        summarise(flat([1.0]), [], confidence=1.0)
