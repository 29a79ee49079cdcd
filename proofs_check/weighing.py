"""Weighing: from what the checkers found about a claim, and its mutants' fates, to one verdict.

One refutation refutes. Else the strongest word stands, and the evidence says what it rests on. A
lemma is there to be proved: without its prover it is INAPPLICABLE, whatever numbers say. A mutant
that must die and does not is a fault of the check, so the verdict is not as it should be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from .claim import Claim
from .evidence import Evidence
from .mutants import Fate
from .verdict import WORDS, Verdict


def weigh(
    claim: Claim,
    found: Mapping[str, Evidence],
    fates: Iterable[Fate],
    *,
    seed: int,
    seconds: float,
) -> Verdict:
    """Verdict of one claim from the evidence of each checker, by the checker's name."""
    fates = tuple(fates)
    chief = strongest(claim, found)
    evidence = found[chief]
    others = [e.sentence for name, e in found.items() if name != chief]
    lost = [fate.name for fate in fates if not fate.ok]
    if lost:
        others.append(f"NOT as it should be: mutants that must die survived: {', '.join(lost)}")
    worst, witness = _worst(claim, found), _witness(found, chief)
    return Verdict(
        claim=claim.id,
        word=evidence.word,
        ok=as_it_should_be(claim, evidence) and not lost,
        evidence="; ".join([evidence.sentence, *others]),
        instances=sum(e.instances for e in found.values()),
        worst_ratio=worst,
        tightness=_tightness(claim, worst, witness),
        witness=witness,
        seed=seed,
        seconds=seconds,
        findings=tuple(_finding(name, e) for name, e in found.items()),
        mutants=tuple(dataclasses.asdict(fate) for fate in fates),
    )


def strongest(claim: Claim, found: Mapping[str, Evidence]) -> str:
    """Name of the checker whose word stands."""
    refuting = [name for name, e in found.items() if e.word == "REFUTED"]
    if refuting:
        return refuting[0]
    if claim.kind == "lemma" and "proved" in found:
        return "proved"
    # words that say something come before those that do not; ties go to the first checker
    return min(found, key=lambda name: WORDS.index(found[name].word))


def as_it_should_be(claim: Claim, evidence: Evidence) -> bool:
    """Whether the word that stands is what one wants of the claim.

    A lemma whose prover is absent is no fault; one whose proof is not accepted is.
    """
    if claim.must_fail:
        return evidence.word == "REFUTED"
    if evidence.word == "INAPPLICABLE":
        return "missing" in evidence.details
    return evidence.word != "REFUTED"


def _worst(claim: Claim, found: Mapping[str, Evidence]) -> float | None:
    """Largest ratio; of an identity the search's, as others may decide orders besides."""
    sources = (
        [found["search"]] if claim.kind == "identity" and "search" in found else found.values()
    )
    return max((e.worst_ratio for e in sources if e.worst_ratio is not None), default=None)


def _tightness(
    claim: Claim, worst: float | None, witness: Mapping[str, object] | None
) -> float | None:
    """Any constant below the largest lhs/rhs seen is refuted by that instance.

    Of a statement about chance it is not: a trial may exceed its bound and be within its level.
    """
    equality = claim.kind == "identity" or (witness or {}).get("relation") == "="
    return None if equality or claim.by_trials or claim.must_fail else worst


def _witness(found: Mapping[str, Evidence], chief: str) -> dict[str, object] | None:
    """The chief's witness, else the first there is."""
    for evidence in (found[chief], *found.values()):
        if evidence.witness is not None:
            return dict(evidence.witness)
    return None


def _finding(checker: str, evidence: Evidence) -> dict[str, object]:
    return {
        "checker": checker,
        "word": evidence.word,
        "sentence": evidence.sentence,
        "instances": evidence.instances,
        "worst_ratio": evidence.worst_ratio,
        "details": dict(evidence.details),
    }
