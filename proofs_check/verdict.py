"""Verdict: what was found about a claim, how strong the evidence is, and a witness that replays.

The words, by falling strength: PROVED (proof checker or decision procedure), EXACT (rational
arithmetic), CERTIFIED (ball arithmetic), STATISTICAL (error level stated), CONSISTENT (asymptotic,
tolerance stated), NOT FALSIFIED (search effort stated); then REFUTED (with a witness), VACUOUS
(true, but no better than the trivial value), INAPPLICABLE (an assumption fails).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

#: Name and version of the JSON form of a list of verdicts.
SCHEMA = "pruneproof.verdicts/2"

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
        What the word rests on, with the effort and what was seen; then what else was found.
    instances : int
        Number of instances evaluated.
    worst_ratio : float or None
        Largest lhs/rhs seen of an inequality; of an identity the largest |lhs - rhs| in units of
        its scale (so about 1e-16 to 1e-12 where it holds). None if nothing was evaluated.
    tightness : float or None
        Smallest constant not refuted, over the one claimed: of an inequality the largest lhs/rhs
        seen, as any smaller constant is refuted by that instance; None for equalities, for claims
        about chance and for false readings.
    witness : dict or None
        The worst instance: its parameters (``claim.instance(parameters)`` builds it again), both
        sides, the tolerance, and which part of the statement it is about.
    seed : int
        Root of all draws.
    seconds : float
        Wall-clock time.
    findings : tuple of dict
        What each checker found: ``checker``, ``word``, ``sentence``, ``instances``,
        ``worst_ratio``, ``details``.
    mutants : tuple of dict
        What became of each mutant: ``name``, ``must_die``, ``died``, ``evidence``.
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
    findings: tuple[dict[str, Any], ...] = ()
    mutants: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"{self.word!r} is no verdict word; choose from {', '.join(WORDS)}")


def as_json(verdicts: Iterable[Verdict], run: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """JSON form {"schema": ..., "run": ..., "verdicts": [...]}, as `json_schema` describes it.

    `run` says how the verdicts came about (budget, seed, error level). Infinite and NaN figures
    become strings.
    """
    return {
        "schema": SCHEMA,
        "run": _plain(dict(run or {})),
        "verdicts": [_plain(dataclasses.asdict(verdict)) for verdict in verdicts],
    }


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of :func:`as_json`."""
    text = resources.files(__package__).joinpath("schemas/verdicts-2.json").read_text("utf-8")
    return dict(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
