"""Degrees of freedom of a sample and rates: they hold, their mutants die, and sabotage shows.

Trials have fixed seeds; ALARM is the error level of each direction on each frozen instance.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import Claim
from pruneproof.proofs_check.checkers.mutation import mutation
from pruneproof.proofs_check.checkers.search import search
from pruneproof.proofs_check.checkers.searched import searched
from pruneproof.proofs_check.checkers.statistical import statistical
from pruneproof.proofs_check.claims.concentration import COINS
from pruneproof.proofs_check.registry import claims

ALARM = 1e-4


def _claim(name: str) -> Claim:
    (found,) = claims(f"spectral.{name}")
    return found


def test_words_are_earned() -> None:
    found = statistical(_claim("X10"), budget="quick", seed=1, alpha=ALARM)
    assert found.word == "STATISTICAL", found.sentence
    for name in ("X10e", "R1"):
        evidence = searched(_claim(name), budget="quick", seed=1)
        assert evidence.word == "NOT FALSIFIED", evidence.sentence
        assert evidence.worst_ratio is not None
        assert 0.999 < evidence.worst_ratio <= 1.0  # attained, or nearly


@pytest.mark.parametrize("name", ["X10", "X10e", "R1"])
def test_mutants_meet_their_fate(name: str) -> None:
    claim = _claim(name)
    fates = mutation(claim, budget="quick", seed=1, alpha=ALARM)
    assert sum(fate.must_die for fate in fates) >= 6
    for fate in fates:
        assert fate.died == fate.must_die, (fate.name, fate.evidence)
        assert "raised" not in fate.evidence, fate.evidence


def test_the_mean_is_exact() -> None:
    """By binomials, by counts and by a coin each, against the sum over all sequences."""
    claim = _claim("X10")
    for law, (p, n) in itertools.product(("points", "axes", "own"), ((1, 3), (2, 5), (3, 4))):
        case = claim.instance({"law": law, "p": p, "n": n, "spread": 1.0, "seed": n})
        total = 0.0
        for which in itertools.product(range(p), repeat=n):
            x = case.points[list(which)] / math.sqrt(n)
            if law == "own":
                x = np.diag(np.linalg.norm(x, axis=1))
            squares = np.linalg.svd(x, compute_uv=False) ** 2
            chance = math.prod(case.chances[list(which)])
            total += chance * float(np.sum(squares / (squares + case.ridge)))
        assert case.mean == pytest.approx(total, rel=1e-12)


def test_trials_average_to_the_mean() -> None:
    for parameters in _claim("X10").examples:
        case = _claim("X10").instance(parameters)
        rng = np.random.default_rng(4)
        found = []
        for _ in range(200):
            rows = case.sample(rng)
            squares = np.linalg.svd(rows, compute_uv=False) ** 2
            found.append(float(np.sum(squares / (squares + case.ridge))))
        # the variance is at most E: five standard errors of 200 trials, at 6e-7 each
        assert abs(np.mean(found) - case.mean) < 5 * math.sqrt(case.mean / 200)


def test_levels_are_those_of_one_side() -> None:
    for parameters in _claim("X10").examples:
        assert _claim("X10").instance(parameters).level == parameters.get("delta", 0.05)


Original = Any


def _scaled(**factors: float) -> Callable[[Original], Any]:
    """Fields of what is given back, by their factors."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            found = original(*args, **options)
            changed = {name: c * getattr(found, name) for name, c in factors.items()}
            if dataclasses.is_dataclass(found) and not isinstance(found, type):
                return dataclasses.replace(found, **changed)
            return found._replace(**changed)

        return wrong

    return sabotage


def _times(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


@pytest.mark.parametrize(
    ("name", "sabotage", "part"),
    [
        ("dof_deviation", _scaled(above=0.2), "deviations"),
        ("dof_deviation", _scaled(above=-1.0), "above"),
        ("dof_deviation", _scaled(below=0.2), "deviations"),
        ("dof_deviation", _scaled(below=-1.0), "below"),
        ("dof_deviation", _scaled(above=1.02), "deviations"),
        ("dof_upper_tail", _times(0.5), "tail"),
        ("dof_lower_tail", _times(0.5), "tail"),
        ("degrees_of_freedom", _times(0.98), "N_hat"),
    ],
)
def test_sabotage_of_the_tails(
    monkeypatch: pytest.MonkeyPatch, name: str, sabotage: Callable[[Original], Any], part: str
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    claim = _claim("X10")
    cases = [{**COINS, "delta": 0.01, "side": side} for side in ("above", "below")]
    if part in ("above", "below"):
        cases = [case for case in cases if case["side"] == part]
    found = statistical(
        dataclasses.replace(claim, examples=tuple(cases)), budget="quick", seed=1, alpha=ALARM
    )
    assert found.word == "REFUTED", found.sentence
    assert found.witness is not None
    assert found.witness["part"] == part


@pytest.mark.parametrize(
    ("claim", "name", "sabotage", "part"),
    [
        ("X10e", "dof_variance_bound", _scaled(value=0.5), "variance bound's value"),
        ("X10e", "population_leverage", _times(1.02), "N_inf"),
        ("X10e", "expected_dof_sandwich", _scaled(lower=1.02), "ends"),
        ("X10e", "expected_dof_sandwich", _scaled(upper=0.5), "ends"),
        (
            "R1",
            "fast_rate_sandwich",
            lambda original: lambda a, n: original(a, n)[::-1],
            "its ends",
        ),
        ("R1", "fast_rate_sandwich", lambda original: lambda a, n: original(a, 2 * n), "its ends"),
        ("R1", "slow_rate_sandwich", lambda original: lambda a, n: original(a, n / 2), "its ends"),
        ("R1", "degrees_of_freedom", _times(0.9), "lower end"),
        ("R1", "degrees_of_freedom", _times(1.1), "upper end"),
        ("R1", "dof_sandwich", _scaled(upper=0.9), "lower end"),
    ],
)
def test_sabotage_of_means_and_rates(
    monkeypatch: pytest.MonkeyPatch,
    claim: str,
    name: str,
    sabotage: Callable[[Original], Any],
    part: str,
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    found = search(_claim(claim), "quick", 1)
    assert found.witness is not None
    assert getattr(found.witness[1], "part", None) == part


def test_leverage_too_small_is_refused_by_the_theory() -> None:
    """A sup taken too small cannot pass: it falls below its mean, or leaves its own value."""
    case = _claim("X10e").instance({"p": 1, "n": 1})
    sigma = case.points.T @ case.points
    whole = theory.population_leverage(sigma, case.points, case.ridge)
    with pytest.raises(ValueError, match="its mean over the population"):
        theory.expected_dof_sandwich(sigma, case.ridge, 1, whole / 2)
