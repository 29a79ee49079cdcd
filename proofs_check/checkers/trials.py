"""Independent trials of a statement about chance, each of which can be run again by its number.

Trial t of instance i draws from

    SeedSequence(seed, spawn_key=(crc32 of the claim's id, CERTIFICATION, i, t)),

whatever ran before it. The search for a refutation draws from spawn keys of another length, so no
trial repeats its draws. This matters: whoever picks an instance, a constant or a mutant by what a
search has seen has conditioned on the draws of the search, and an error level holds only for trials
that are independent of that choice.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_count
from pruneproof.theory.errors import RankDeficientWarning

from ..claim import Claim
from ..sides import Sides

#: Second entry of the spawn key of every trial.
CERTIFICATION = 1


def trial_rng(claim_id: str, instance_number: int, t: int, seed: int) -> np.random.Generator:
    """Random numbers of one trial."""
    key = (zlib.crc32(claim_id.encode()), CERTIFICATION, instance_number, t)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def trial(claim: Claim, instance_number: int, t: int, seed: int) -> Sides:
    """Run one trial again: both sides of trial t (from 0) on a known case (from 0).

    Raises
    ------
    ValueError
        No such instance, a negative number.
    InapplicableError
        The instance is outside the hypotheses.
    """
    last = len(claim.examples) - 1
    number = as_count("instance_number", instance_number, least=0, most=last)
    count = as_count("t", t, least=0)
    with quiet():
        instance = claim.instance(claim.examples[number])
        return claim.check(instance, trial_rng(claim.id, number, count, seed))


class Trials(Iterator[Sides]):
    """The trials of one frozen instance in order, to an end that an error may bring about.

    Attributes
    ----------
    number : int
        Of the instance, from 0.
    parameters : mapping
    instance : object or None
        None where it could not be built.
    error : Exception or None
        What building it, or the last trial, has raised.
    run : int
        Trials run so far.
    """

    def __init__(self, claim: Claim, number: int, seed: int) -> None:
        self.number, self.parameters = number, claim.examples[number]
        self.run = 0
        self.error: Exception | None = None
        self.instance: Any = None
        self._claim, self._seed = claim, seed
        try:
            with quiet():
                self.instance = claim.instance(self.parameters)
        except Exception as error:
            self.error = error

    def __next__(self) -> Sides:
        if self.error is not None:
            raise StopIteration
        rng = trial_rng(self._claim.id, self.number, self.run, self._seed)
        try:
            with quiet():
                sides = self._claim.check(self.instance, rng)
        except Exception as error:  # within the hypotheses the statement claims a value
            self.error = error
            raise StopIteration from None
        self.run += 1
        return sides

    def witness(self, t: int | None = None, sides: Sides | None = None) -> dict[str, Any]:
        """What replays: parameters, numbers and seed, with the sides of trial t or the error."""
        found = {"parameters": dict(self.parameters), "instance": self.number, "seed": self._seed}
        if sides is None:
            return found | {"trial": self.run, "error": told(self.error)}
        return found | {
            "trial": t,
            "part": sides.part,
            "lhs": sides.lhs,
            "rhs": sides.rhs,
            "relation": sides.relation,
            "tolerance": sides.tolerance,
        }


def quiet() -> warnings.catch_warnings[None]:
    """Without warnings of singular blocks, which are among the instances on purpose."""
    return warnings.catch_warnings(action="ignore", category=RankDeficientWarning)


def told(error: Exception | None) -> str:
    """An error in words."""
    return f"{type(error).__name__}: {error}"


def most_trials(budget: str, budgets: dict[str, int]) -> int:
    """Number that a budget stands for."""
    if budget not in budgets:
        raise ValueError(f"budget must be one of {', '.join(budgets)}, but is {budget!r}")
    return budgets[budget]
