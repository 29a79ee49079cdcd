"""Verdict: what was found about a claim, how strong the evidence is, and a witness that replays.

The words, by falling strength: PROVED (proof checker or decision procedure), EXACT (rational
arithmetic), CERTIFIED (ball arithmetic), STATISTICAL (error level stated), CONSISTENT (asymptotic,
tolerance stated), NOT FALSIFIED (search effort stated); then REFUTED (with a witness), VACUOUS
(true, but no better than the trivial value), INAPPLICABLE (an assumption fails).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Name and version of the JSON form of a list of verdicts.
SCHEMA = "pruneproof.verdicts/1"

WORDS = (
    "PROVED",
    "EXACT",
    "CERTIFIED",
    "STATISTICAL",
    "CONSISTENT",
    "NOT FALSIFIED",
    "REFUTED",
    "VACUOUS",
    "INAPPLICABLE",
)


@dataclass(frozen=True)
class Verdict:
    """What was found about one claim.

    Attributes
    ----------
    claim : str
        Id of the claim.
    word : str
        One of :data:`WORDS`.
    ok : bool
        As it should be: a false reading that is refuted is ok.
    evidence : str
        One sentence: the effort, and what was seen.
    instances : int
        Number of instances evaluated.
    worst_ratio : float or None
        Largest lhs/rhs seen of an inequality; of an identity the largest |lhs - rhs| in units of
        its scale (so about 1e-16 to 1e-12 where it holds). None if nothing was evaluated.
    tightness : float or None
        Smallest constant not refuted, over the one claimed: of an inequality the largest lhs/rhs
        seen, as any smaller constant is refuted by that instance; None for other claims.
    witness : dict or None
        The worst instance: its parameters (``claim.instance(parameters)`` builds it again), both
        sides, the tolerance, and which part of the statement it is about.
    seed : int
        Root of all draws.
    seconds : float
        Wall-clock time.
    """

    claim: str
    word: str
    ok: bool
    evidence: str
    instances: int
    worst_ratio: float | None
    tightness: float | None
    witness: dict[str, Any] | None
    seed: int
    seconds: float

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"{self.word!r} is no verdict word; choose from {', '.join(WORDS)}")


def as_json(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """JSON form {"schema": ..., "verdicts": [...]}; infinite and NaN figures become strings."""
    return {
        "schema": SCHEMA,
        "verdicts": [_plain(dataclasses.asdict(verdict)) for verdict in verdicts],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
