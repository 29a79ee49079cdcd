"""Weighing: one refutation refutes, else the strongest word stands; mutants count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check import Claim, Sides
from pruneproof.proofs_check.evidence import Evidence
from pruneproof.proofs_check.mutants import Fate
from pruneproof.proofs_check.run import judge, prepared
from pruneproof.proofs_check.sides import at_most
from pruneproof.proofs_check.weighing import weigh


def _claim(kind: Any) -> Claim:
    def holds(instance: float, *, constant: float = 1.0) -> Sides:
        """Stands for a claim.

        Hypotheses
        ----------
        None.

        Statement
        ---------
        As evaluated.

        Source
        ------
        Made up [D].

        References
        ----------
        None.
        """
        return at_most(instance, constant, scale=1.0, size=1)

    def make(rng: np.random.Generator, *, x: float = 0.5) -> float:
        return x

    return Claim("test.claim", kind, holds, make, {}, ({},))


def _weighed(kind: Any, words: dict[str, str], fates: tuple[Fate, ...] = ()) -> tuple[str, bool]:
    """Verdict and whether it is ok; "ABSENT" is INAPPLICABLE as the checker's tool is missing."""
    found = {
        name: Evidence("INAPPLICABLE", f"{name} is missing", details={"missing": name})
        if word == "ABSENT"
        else Evidence(word, f"{name} says {word}", 1)
        for name, word in words.items()
    }
    verdict = weigh(_claim(kind), found, fates, seed=0, seconds=0.0)
    for evidence in found.values():
        assert evidence.sentence in verdict.evidence
    return verdict.word, verdict.ok


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("inequality", {"search": "NOT FALSIFIED"}, ("NOT FALSIFIED", True)),
        ("inequality", {"search": "NOT FALSIFIED", "certified": "CERTIFIED"}, ("CERTIFIED", True)),
        (
            "inequality",
            {"search": "NOT FALSIFIED", "exact": "EXACT", "certified": "CERTIFIED"},
            ("EXACT", True),
        ),
        ("inequality", {"search": "NOT FALSIFIED", "exact": "REFUTED"}, ("REFUTED", False)),
        ("inequality", {"search": "REFUTED", "proved": "PROVED"}, ("REFUTED", False)),
        (
            "inequality",
            {"search": "NOT FALSIFIED", "certified": "ABSENT"},
            ("NOT FALSIFIED", True),
        ),
        ("inequality", {"search": "INAPPLICABLE"}, ("INAPPLICABLE", False)),  # nothing was tried
        ("probability", {"statistical": "STATISTICAL"}, ("STATISTICAL", True)),
        ("probability", {"statistical": "VACUOUS"}, ("VACUOUS", True)),
        ("law", {"consistent": "CONSISTENT"}, ("CONSISTENT", True)),
        ("lemma", {"search": "NOT FALSIFIED", "proved": "PROVED"}, ("PROVED", True)),
        # a lemma is there to be proved: no prover, no verdict, and no fault
        ("lemma", {"search": "NOT FALSIFIED", "proved": "ABSENT"}, ("INAPPLICABLE", True)),
        # but a proof that its prover does not accept is a fault
        ("lemma", {"search": "NOT FALSIFIED", "proved": "INAPPLICABLE"}, ("INAPPLICABLE", False)),
        ("must-fail", {"search": "REFUTED"}, ("REFUTED", True)),
        ("must-fail", {"search": "NOT FALSIFIED"}, ("NOT FALSIFIED", False)),
    ],
)
def test_which_word_stands(kind: Any, words: dict[str, str], expected: tuple[str, bool]) -> None:
    assert _weighed(kind, words) == expected


def test_a_mutant_that_must_die_and_survives_is_a_fault() -> None:
    died, survived = Fate("x 1/2", True, True, "died"), Fate("x .9", False, False, "survived")
    lost = Fate("tau dropped", True, False, "survived")
    words = {"search": "NOT FALSIFIED"}
    assert _weighed("inequality", words, (died, survived)) == ("NOT FALSIFIED", True)
    assert _weighed("inequality", words, (died, lost)) == ("NOT FALSIFIED", False)


def test_a_judged_claim_has_the_findings_of_its_checkers() -> None:
    claim = _claim("inequality")
    verdict = judge(claim, prepared([claim]))
    assert [finding["checker"] for finding in verdict.findings] == ["search"]
    assert verdict.worst_ratio == verdict.tightness == pytest.approx(0.5, abs=1e-12)
