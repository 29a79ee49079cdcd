"""Certificates: what ball arithmetic decided on one instance, in a file that can be checked again.

A certificate carries the instance's raw numbers, every float64 as a C99 hexadecimal string, and
the enclosures of both sides as exact dyadics "mantissa p exponent". Who checks it needs neither
the claim nor the theory: see :mod:`.certified.replay`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pruneproof.simulations.files import written_whole

from .claim import Claim, Parameters
from .sealed import sealed

if TYPE_CHECKING:
    import flint

    from .certified.decision import Decided, Decision, Numbers

SCHEMA = "pruneproof.certificate/1"


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Folder for certificates, made where it is missing.

    Raises
    ------
    ValueError
        It cannot be made or written, or is a file.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"cannot write certificates in {place}: {error.strerror or error}; name a folder"
        ) from None
    if not os.access(place, os.W_OK):
        raise ValueError(f"cannot write certificates in {place}: it may not be written")
    return place


def write(
    folder: str | os.PathLike[str],
    claim: Claim,
    parameters: Parameters,
    constants: Mapping[str, Any],
    numbers: Numbers,
    decision: Decision,
) -> Path:
    """Write the certificate of one decision and return its place.

    Parameters
    ----------
    folder : path
    claim : Claim
        Or a mutant of one, which differs from it by `constants`.
    parameters : mapping
        What the instance was made from.
    constants : mapping
    numbers : Numbers
    decision : Decision
        Decided: true or false.

    Raises
    ------
    ValueError
        The decision is none, or the file cannot be written.
    """
    if decision.verdict not in ("true", "false"):
        raise ValueError(f"{claim.id} is undecided there, so there is nothing to certify")
    content = {
        "claim": claim.id,
        "statement": claim.statement,
        "parameters": dict(parameters),
        "constants": dict(constants),
        "instance": numbers.as_hex(),
        "verdict": decision.verdict,
        "precision": decision.precision,
        "parts": [_part(part) for part in decision.parts],
    }
    key = json.dumps([content["claim"], content["instance"], content["constants"]], sort_keys=True)
    short = hashlib.sha256(key.encode()).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", claim.id).strip("-")
    place = Path(folder) / f"{name}-{short}.json"
    with written_whole(place) as file:
        file.write(sealed(SCHEMA, content))
    return place


def _part(part: Decided) -> dict[str, Any]:
    return {
        "part": part.part,
        "kind": part.kind,
        "lhs": _ball(part.lhs),
        "rhs": _ball(part.rhs),
        "slack": _dyadic(part.slack),
        "holds": part.holds,
    }


def _ball(value: flint.arb) -> list[str] | None:
    """[mid, rad], exactly; None where the ball is unbounded."""
    if not value.is_finite():
        return None
    return [_dyadic(value.mid()), _dyadic(value.rad())]


def _dyadic(value: flint.arb) -> str:
    mantissa, exponent = value.man_exp()
    return f"{int(mantissa):#x}p{int(exponent):+d}"
