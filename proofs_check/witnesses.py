"""Witnesses in files: the instance that refutes a claim, or a mutant of it, and what it showed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pruneproof.simulations.files import written_whole
from pruneproof.theory.errors import InapplicableError

from .claim import Claim
from .registry import matching
from .sealed import opened, sealed
from .sides import Sides

SCHEMA = "pruneproof.witness/1"
#: Tolerances by which rounding may miss a statement that holds exactly.
ROUNDING_EXPLAINS = 1000.0


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a place that cannot be written, before the search that it is for.

    Raises
    ------
    ValueError
        The folder is missing or may not be written, or the place is a folder.
    """
    place = Path(path)
    folder = place.resolve().parent
    if place.is_dir():
        raise ValueError(f"cannot write {place}: it is a folder; name a file in it")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"cannot write {place}; name a folder that exists and may be written")


def save_witness(
    path: str | os.PathLike[str],
    claim_id: str,
    parameters: Mapping[str, Any],
    outcome: Sides | Exception | None,
    mutant: str | None = None,
    exact: Mapping[str, Any] | None = None,
) -> None:
    """Write a witness with what the statement showed there, and its exact decision.

    Raises
    ------
    ValueError
        The file cannot be written.
    """
    content = {
        "claim": claim_id,
        "mutant": mutant,
        "parameters": dict(parameters),
        "outcome": _outcome(outcome),
        "exact": None if exact is None else dict(exact),
    }
    document = sealed(SCHEMA, content)
    with written_whole(path) as file:
        file.write(document)


def replay_witness(path: str | os.PathLike[str]) -> tuple[str, bool, str]:
    """Claim (with its mutant), whether the file's witness still refutes it, and both sides.

    Raises
    ------
    ValueError
        The file is damaged, or names a claim, a mutant or parameters that there are not.
    """
    document = opened(path, (SCHEMA,))
    mutant, parameters = document.get("mutant"), document.get("parameters")
    claim = named(str(document.get("claim")), mutant)
    stated = document.get("outcome")
    stated = stated if isinstance(stated, dict) else {}
    if not isinstance(parameters, dict):
        raise ValueError(f"{path} has no parameters; write it again")
    try:
        instance = claim.instance(parameters)
    except InapplicableError as error:
        return claim.id, False, f"the instance is outside the hypotheses: {error}"
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise ValueError(f"{path}: {claim.id} has no such instance ({error})") from None
    try:
        outcome = claim.check(instance)
        decided = decided_exactly(claim.id.partition("~")[0], mutant, parameters)
    except InapplicableError as error:
        return claim.id, False, f"the instance is outside the hypotheses: {error}"
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"{path}: {claim.id} has no such instance ({error})") from None
    except ValueError as error:
        raised = f"evaluating it raised {type(error).__name__}: {error}"
        return claim.id, stated.get("message") == str(error), raised
    sides = f"{outcome.lhs:.10g} against {outcome.rhs:.10g}, ratio {outcome.ratio:.6g}"
    exactly = "" if decided is None else f"; {decided['sentence']}"
    if outcome.hold or (decided is not None and decided["decided"] == "holds"):
        return claim.id, False, f"not refuted by this witness: {sides}{exactly}"
    same = stated.get("lhs") == outcome.lhs and stated.get("rhs") == outcome.rhs
    how = "to the last digit" if same else f"the file says {stated.get('lhs')}"
    return claim.id, True, f"refuted again: {sides} ({how}){exactly}"


def decided_exactly(
    claim_id: str, mutant: str | None, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Exact decision of the statement at a witness, None where there is no exact form.

    It knows the statement alone, not what the theory computes: where floating point is off by more
    than rounding explains, that the statement holds exactly clears nothing, and all is undecided.
    """
    from .exact.witness import decide

    claim = named(claim_id, mutant)
    changes = {one.name: one.changes for one in named(claim_id).mutants}
    found = decide(claim_id, parameters, None if mutant is None else changes[mutant])
    if found is None or found["decided"] != "holds":
        return found
    sides = claim.check(claim.instance(parameters))
    excess = sides.lhs - sides.rhs if sides.relation == "<=" else abs(sides.lhs - sides.rhs)
    if sides.hold or excess <= ROUNDING_EXPLAINS * sides.tolerance:
        return found
    what = f"{sides.part or 'the claim'} off by {excess:.3g}, which is more than rounding"
    return {**found, "decided": "undecided", "sentence": f"{found['sentence']}; but {what}"}


def named(claim_id: str, mutant: str | None = None) -> Claim:
    """One claim by its id, or a mutant of it by its name.

    Raises
    ------
    ValueError
        No such claim, several, or no such mutant.
    """
    chosen = matching([claim_id])
    if len(chosen) > 1:
        raise ValueError(f"{claim_id!r} matches {len(chosen)} claims; name one")
    (claim,) = chosen
    if mutant is None:
        return claim
    found = [one for one in claim.mutants if one.name == mutant]
    if not found:
        names = "; ".join(one.name for one in claim.mutants) or "none"
        raise ValueError(f"{claim.id} has no mutant {mutant!r}; it has: {names}")
    return claim.mutated(found[0])


def _outcome(outcome: Sides | Exception | None) -> dict[str, Any] | None:
    """What JSON can say of it: an infinite or undefined side is left out."""
    if outcome is None:
        return None
    if isinstance(outcome, Exception):
        return {"error": type(outcome).__name__, "message": str(outcome)}
    sides = {"lhs": outcome.lhs, "rhs": outcome.rhs, "ratio": outcome.ratio}
    finite = {name: float(value) for name, value in sides.items() if math.isfinite(value)}
    return {**finite, "tolerance": outcome.tolerance, "part": outcome.part}
