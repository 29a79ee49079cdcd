"""Evidence: what one checker found about one claim. A verdict weighs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .verdict import WORDS


@dataclass(frozen=True)
class Evidence:
    """Finding of one checker.

    Attributes
    ----------
    word : str
        The verdict that this evidence alone would allow; one of
        :data:`~pruneproof.proofs_check.verdict.WORDS`.
    sentence : str
        What was done and seen, with its figures: how many instances, which error level, which
        precision, which prover.
    instances : int
        Instances, or trials of a statistical test.
    worst_ratio : float or None
        As in the verdict.
    witness : mapping or None
        As in the verdict: what refutes, or the worst seen.
    details : mapping
        JSON-able figures of this checker, kept in the verdict under the checker's name. The entry
        ``missing`` names the tool whose absence alone makes the word INAPPLICABLE.
    """

    word: str
    sentence: str
    instances: int = 0
    worst_ratio: float | None = None
    witness: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"{self.word!r} is no verdict word; choose from {', '.join(WORDS)}")
