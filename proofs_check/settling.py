"""Settling: the statistical verdicts of a run judged together, by Holm's step-down method.

Each frozen instance was tested at its even share of the run's error level and stopped there. Holm
rejects whatever those even shares (Bonferroni) reject and maybe more, at the same error level of
the run: so when all verdicts are in, one left undecided may still become STATISTICAL, or REFUTED.
The p-values are 1/sup E, valid whenever the betting stopped, or exact binomial ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from .run import Run
from .statistics.multiplicity import holm
from .verdict import Verdict


def settle(found: Sequence[Verdict], run: Run) -> list[Verdict]:
    """Verdicts with those that Holm decides over the whole run put right.

    Half the run's error level goes to each direction. Instances that were not tried count, with a
    p-value of 1.
    """
    confirmed = _decided(found, run, "p_value")
    refuted = _decided(found, run, "p_value_above")
    return [
        _settled(verdict, confirmed[number], refuted[number])
        for number, verdict in enumerate(found)
    ]


def _decided(found: Sequence[Verdict], run: Run, which: str) -> list[list[bool]]:
    """Of each verdict and each of its frozen instances, whether Holm rejects."""
    values = [[entry[which] for entry in _instances(verdict)] for verdict in found]
    flat = [p for row in values for p in row]
    if not flat:
        return [[] for _ in values]
    untried = max(run.hypotheses - len(flat), 0)
    adjusted = iter(holm([*flat, *[1.0] * untried]) <= run.alpha / 2)
    return [[bool(next(adjusted)) for _ in row] for row in values]


def _instances(verdict: Verdict) -> Sequence[dict[str, Any]]:
    """Figures of the frozen instances of a statement about chance; none of another."""
    for finding in verdict.findings:
        if finding["checker"] == "statistical":
            return list(finding["details"].get("instances", ()))
    return ()


def _settled(verdict: Verdict, confirmed: list[bool], refuted: list[bool]) -> Verdict:
    if verdict.word != "NOT FALSIFIED" or not confirmed:
        return verdict
    if any(refuted):
        return _with(verdict, "REFUTED", ok=False)
    return _with(verdict, "STATISTICAL", ok=verdict.ok) if all(confirmed) else verdict


def _with(verdict: Verdict, word: str, *, ok: bool) -> Verdict:
    evidence = f"{word} by Holm's method over all of the run; alone {verdict.evidence}"
    return dataclasses.replace(verdict, word=word, ok=ok, evidence=evidence)
