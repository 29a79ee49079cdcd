"""Evidence of a search: what was tried and what was found, in words."""

from __future__ import annotations

from typing import Any

from ..claim import Claim, Parameters
from ..evidence import Evidence
from ..sides import Sides
from .search import Findings, search


def searched(claim: Claim, *, budget: str, seed: int) -> Evidence:
    """Search for a refutation of a claim about every instance; see :func:`.search.search`."""
    return evidence_of(claim, search(claim, budget, seed), budget)


def evidence_of(claim: Claim, findings: Findings, budget: str) -> Evidence:
    """NOT FALSIFIED with the effort, REFUTED with a witness, or INAPPLICABLE."""
    word, sentence, shown = _conclusion(claim, findings, budget)
    return Evidence(
        word=word,
        sentence=sentence,
        instances=findings.instances,
        worst_ratio=findings.worst[1].ratio if findings.worst else None,
        witness=_witness(shown),
        details={"refuted": findings.refuted, "outside the hypotheses": findings.inapplicable},
    )


def _conclusion(
    claim: Claim, findings: Findings, budget: str
) -> tuple[str, str, tuple[Parameters, Sides | Exception] | None]:
    """Word, the evidence in words, and the instance to show."""
    if findings.instances == 0:
        return "INAPPLICABLE", f"no instance met the hypotheses: {findings.reason}", None
    if findings.witness is not None:
        outcome = findings.witness[1]
        if isinstance(outcome, Exception):
            sentence = f"evaluating it raised {type(outcome).__name__}: {outcome}"
            return "REFUTED", sentence, findings.witness
        found = f"{'' if not outcome.part else outcome.part + ': '}{figures(outcome)}"
        if claim.must_fail:
            share = f"refuted by {findings.refuted} of {findings.instances} instances"
            return "REFUTED", f"false as it should be: {found}; {share}", findings.witness
        return "REFUTED", f"refuted: {found}", findings.witness
    effort = _effort(claim, findings, budget)
    held = "should fail, but held on" if claim.must_fail else "held on"
    return "NOT FALSIFIED", f"{held} {effort}", findings.worst


def _effort(claim: Claim, findings: Findings, budget: str) -> str:
    """How much was tried; an instance outside the hypotheses says nothing."""
    known = len(claim.examples)
    drawn = findings.instances + findings.inapplicable - known
    left_out = ""
    if findings.inapplicable:
        left_out = f", less {findings.inapplicable} outside the hypotheses"
    return (
        f"{findings.instances} instances ({known} known cases and {drawn} of a {budget} search"
        f"{left_out})"
    )


def figures(sides: Sides) -> str:
    """Both sides of a statement that does not hold, in words."""
    against = "differs from" if sides.relation == "=" else "exceeds"
    return f"{sides.lhs:.6g} {against} {sides.rhs:.6g} (rounding allows {sides.tolerance:.2g})"


def _witness(shown: tuple[Parameters, Sides | Exception] | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    parameters, outcome = shown
    if isinstance(outcome, Exception):
        return {"parameters": dict(parameters), "error": f"{type(outcome).__name__}: {outcome}"}
    return {
        "parameters": dict(parameters),
        "part": outcome.part,
        "lhs": outcome.lhs,
        "rhs": outcome.rhs,
        "relation": outcome.relation,
        "tolerance": outcome.tolerance,
    }
