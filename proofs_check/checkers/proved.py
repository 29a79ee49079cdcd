"""Proofs: what a decision procedure or a proof checker closed, and for which statement.

A proof counts for the very statement it proves: one for two eigenvalues is none for any number of
them, so the small cases are claims of their own, whose statements give the size. Nothing is random
here, and no effort is bounded by time where the answer could depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence import Evidence
from ..proofs import coq, smt, symbolic


def proved(claim_id: str) -> Evidence | None:
    """What the provers say of a claim; None where nobody wrote a proof.

    PROVED, with the prover, its version and the scope; REFUTED by a decision procedure that found
    numbers against the statement; else INAPPLICABLE with the reason.
    """
    if claim_id in smt.LEMMAS:
        return _by_z3(claim_id)
    if claim_id in symbolic.LEMMAS:
        return _by_sympy(claim_id)
    if claim_id in coq.THEOREMS:
        return _by_coq(coq.THEOREMS[claim_id])
    return None


def _by_z3(claim_id: str) -> Evidence:
    try:
        answer = smt.decide(claim_id)
    except ImportError:
        return _absent("z3-solver", "pip install 'pruneproof[prove]'")
    details = {"prover": "z3", "version": answer.version, "answer": answer.word}
    by = f"z3 {answer.version}"
    if answer.word == "unsat":
        sentence = f"proved for all real numbers of the size stated: {by} finds its negation unsat"
        return Evidence("PROVED", sentence, details=details)
    if answer.word == "sat":
        return _refuted(by, dict(answer.model), details)
    if answer.word == "void":
        return Evidence("INAPPLICABLE", f"nothing is proved: {answer.reason}", details=details)
    reason = f"{by} gave up within its effort ({answer.reason}), so nothing is proved"
    return Evidence("INAPPLICABLE", reason, details=details)


def _by_sympy(claim_id: str) -> Evidence:
    try:
        found = symbolic.difference(claim_id)
    except ImportError:
        return _absent("sympy", "pip install 'pruneproof[prove]'")
    except ValueError as reason:
        return Evidence("INAPPLICABLE", f"nothing is proved: {reason}")
    details = {"prover": "sympy", "version": found.version, "identities": found.identities}
    by = f"sympy {found.version}"
    if found.model:
        return _refuted(by, dict(found.model), details)
    sentence = (
        f"proved for all real matrices of the size stated: the sides of all {found.identities} "
        f"identities have one normal form as fractions of polynomials, by {by}"
    )
    return Evidence("PROVED", sentence, details=details)


def _by_coq(theorem: coq.Theorem) -> Evidence:
    try:
        found = coq.checked(theorem.file)
    except coq.Absent as reason:
        return Evidence(
            "INAPPLICABLE", f"not proved here: {reason}", details={"missing": "Coq with MathComp"}
        )
    except coq.NotChecked as reason:
        return Evidence("INAPPLICABLE", f"not proved here: {reason}")
    details = {
        "prover": "Coq",
        "version": found.version,
        "file": theorem.file,
        "theorem": theorem.name,
        "sha256": found.sha256,
        "kept": found.kept,
    }
    by = f"Coq {found.version} with MathComp"
    if not found.closed.get(theorem.name, False):
        sentence = (
            f"not proved: {theorem.name} of {theorem.file} compiles in {by}, but is not reported "
            "as closed under the global context, so it rests on something that is not proved"
        )
        return Evidence("INAPPLICABLE", sentence, details=details)
    kept = " (not compiled now: kept in the cache from an earlier run)" if found.kept else ""
    sentence = (
        f"proved for {theorem.scope}: {by} accepts {theorem.name} of {theorem.file}, closed under "
        f"the global context{kept}"
    )
    return Evidence("PROVED", sentence, details=details)


def _refuted(by: str, model: dict[str, str], details: Mapping[str, object]) -> Evidence:
    numbers = ", ".join(f"{name} = {value}" for name, value in model.items())
    return Evidence("REFUTED", f"refuted by {by} at {numbers}", details={**details, "model": model})


def _absent(what: str, install: str) -> Evidence:
    reason = f"not proved here, as {what} is not installed: {install}"
    return Evidence("INAPPLICABLE", reason, details={"missing": what})
