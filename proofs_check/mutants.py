"""Mutants: a claim with one of its constants or terms altered, to check the check.

A claim names the constants of its statement as keyword arguments of its function, with the claimed
values as defaults; a mutant gives some of them other values, and is put to the very same test. One
marked `must_die` which survives means that the check does not see what the claim says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """An altered statement.

    Attributes
    ----------
    name : str
        What is altered, e.g. ``"constant x 1/2"`` or ``"node ridges dropped"``; unique in a claim.
    changes : mapping
        Keyword arguments of the claim's function that differ from the claimed values.
    must_die : bool
        Whether its survival fails the run. False where the claimed constant is known to be loose:
        then its survival is a finding, not a fault.
    examples : tuple of parameter dictionaries
        Instances tried first, beside the claim's own: where this mutant is known to die.
    """

    name: str
    changes: Mapping[str, Any]
    must_die: bool = True
    examples: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Fate:
    """What became of one mutant.

    Attributes
    ----------
    name : str
    must_die, died : bool
    evidence : str
        The instance that refutes it, or how much it survived.
    """

    name: str
    must_die: bool
    died: bool
    evidence: str

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return self.died or not self.must_die
