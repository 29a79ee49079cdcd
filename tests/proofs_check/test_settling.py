"""Holm over the run: it decides what even shares left open, and never takes a decision back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check.run import Run
from pruneproof.proofs_check.settling import settle
from pruneproof.proofs_check.verdict import Verdict


def _verdict(name: str, word: str, below: list[float], above: list[float]) -> Verdict:
    instances = [{"p_value": p, "p_value_above": q} for p, q in zip(below, above, strict=True)]
    finding: dict[str, Any] = {"checker": "statistical", "details": {"instances": instances}}
    return Verdict(name, word, word != "REFUTED", "seen", 10, 0.5, None, None, 0, 0.0, (finding,))


def _run(hypotheses: int) -> Run:
    return Run("quick", 0, "betting", 0.05, hypotheses)


def test_holm_decides_what_even_shares_left_open() -> None:
    sure = [_verdict(f"a.{i}", "STATISTICAL", [1e-6], [1.0]) for i in range(8)]
    left = _verdict("a.9", "NOT FALSIFIED", [0.02], [1.0])  # .025 to itself once 8 are rejected
    found = settle([*sure, left], _run(9))
    assert [verdict.word for verdict in found] == ["STATISTICAL"] * 9
    assert "Holm" in found[-1].evidence
    assert found[:8] == sure


@pytest.mark.parametrize(
    ("below", "hypotheses"),
    [([0.026], 9), ([0.02, 0.5], 10), ([0.02], 10)],  # too large; one of two; one was not tried
)
def test_what_stays_open(below: list[float], hypotheses: int) -> None:
    sure = [_verdict(f"a.{i}", "STATISTICAL", [1e-6], [1.0]) for i in range(8)]
    left = _verdict("a.9", "NOT FALSIFIED", below, [1.0] * len(below))
    assert settle([*sure, left], _run(hypotheses))[-1] == left


def test_a_late_refutation() -> None:
    refuted = _verdict("a.0", "REFUTED", [1.0], [1e-9])
    late = _verdict("a.1", "NOT FALSIFIED", [1.0], [0.024])
    found = settle([refuted, late], _run(2))
    assert [(verdict.word, verdict.ok) for verdict in found] == [("REFUTED", False)] * 2


def test_others_are_left_alone() -> None:
    searched = Verdict("a.0", "NOT FALSIFIED", True, "held", 9, 0.5, 0.5, None, 0, 0.0)
    assert settle([searched], _run(0)) == [searched]


def test_the_error_level_of_the_run() -> None:
    """With 12 true nulls of uniform p-values a run errs with probability at most alpha/2 each way.

    20000 runs: the count of runs that err is at most that of a binomial of .025; its 1 - 1e-6
    quantile is 606.
    """
    rng = np.random.default_rng(0)
    wrong = 0
    for p in rng.random((20000, 12)):
        if np.min(p) > 0.05 / 12:
            continue  # Holm rejects nothing
        found = settle(
            [_verdict(f"a.{i}", "NOT FALSIFIED", [x], [1.0]) for i, x in enumerate(p)], _run(12)
        )
        wrong += any(verdict.word == "STATISTICAL" for verdict in found)
    assert 300 < wrong <= 606
