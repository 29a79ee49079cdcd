"""Claim: a statement as an object, with both its sides as computable quantities.

A claim is written as one short function of an instance whose docstring gives, in this order and
under these heads,

    Hypotheses, Statement, Source, (Equality cases), References

and which returns the two :class:`~pruneproof.proofs_check.sides.Sides`. The instance is what the
claim's generator ``make(rng, **parameters)`` builds; its parameters are a small JSON-able
dictionary, so an instance replays from it. The constants of the statement may be keyword arguments
of the function, the claimed values their defaults: mutants alter them.

Statements about chance (kinds "probability", "expectation" by trials, and "law") are functions
``(instance, rng)``: the instance is frozen, each call is one independent trial. The instance then
says what is claimed of the trials: ``instance.level``, the failure probability claimed (of this
statement itself: delta/3 for P1, not delta), or for a law ``instance.tolerance``, the relative
deviation of the mean allowed.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from .mutants import Mutant
from .sides import Sides

#: What is quantified: an identity or an inequality for every instance, some J, an expectation, an
#: event with probability at least 1 - delta, a rate, a law; or a false reading that must fail.
Kind = Literal[
    "identity",
    "inequality",
    "exists",
    "expectation",
    "probability",
    "rate",
    "law",
    "lemma",
    "must-fail",
]
Parameters = Mapping[str, Any]

#: Heads of a claim's docstring, in order; the equality cases may be left out.
SECTIONS = ("Hypotheses", "Statement", "Source", "Equality cases", "References")


@dataclass(frozen=True)
class Claim:
    """One statement of the theory.

    Attributes
    ----------
    id : str
        Family, a dot, the id in the table of claims, e.g. ``spectral.I4``.
    kind : str
        One of :data:`Kind`.
    evaluate : callable
        Instance -> Sides, or (instance, rng) -> Sides of one trial; its docstring is the statement.
    make : callable
        Generator ``make(rng, **parameters)`` of instances within the hypotheses.
    space : mapping
        Ranges of the parameters that the search draws from.
    examples : tuple of parameter dictionaries
        Always tried first: the structured families and the known equality cases. Of a statement
        about chance: the frozen instances, each tested alone.
    mutants : tuple of Mutant
        Altered statements, put to the same test.
    """

    id: str
    kind: Kind
    evaluate: Callable[..., Sides] = field(repr=False)
    make: Callable[..., Any] = field(repr=False)
    space: Mapping[str, Any] = field(repr=False)
    examples: tuple[Parameters, ...] = field(default=(), repr=False)
    mutants: tuple[Mutant, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"claim {self.id} has the unknown kind {self.kind!r}")
        found = [head for head in SECTIONS if head in self.sections]
        names = [mutant.name for mutant in self.mutants]
        if len(set(names)) < len(names):
            raise ValueError(f"claim {self.id} has two mutants of one name: {', '.join(names)}")
        missing = set(SECTIONS) - {"Equality cases"} - set(found)
        if missing or list(self.sections) != found:
            raise ValueError(
                f"the docstring of claim {self.id} must have the heads {', '.join(SECTIONS)} in "
                f"this order, but has {', '.join(self.sections) or 'none'}"
            )

    @property
    def title(self) -> str:
        """One line: the first of the docstring."""
        return inspect.getdoc(self.evaluate).split("\n", 1)[0]  # type: ignore[union-attr]

    @property
    def sections(self) -> dict[str, str]:
        """Text under each head of the docstring."""
        return _sections(inspect.getdoc(self.evaluate) or "")

    @property
    def statement(self) -> str:
        """The statement in formulas."""
        return self.sections["Statement"]

    @property
    def source(self) -> str:
        """Paper, number, provenance label: [T] printed, [C] code, [R] recalled, [D] derived."""
        return self.sections["Source"]

    @property
    def must_fail(self) -> bool:
        """Whether this is a false reading, which passes by showing its witness."""
        return self.kind == "must-fail"

    def instance(self, parameters: Parameters) -> Any:
        """Instance of a parameter dictionary; its ``seed`` (default 0) feeds the generator."""
        given = dict(parameters)
        return self.make(np.random.default_rng(given.pop("seed", 0)), **given)

    @property
    def by_trials(self) -> bool:
        """Whether the statement is about chance: its function takes (instance, rng)."""
        return "rng" in inspect.signature(self.evaluate).parameters

    def mutated(self, mutant: Mutant) -> Claim:
        """The claim as `mutant` alters it, under the id ``claim~name``."""
        altered = functools.wraps(self.evaluate)(functools.partial(self.evaluate, **mutant.changes))
        examples = (*mutant.examples, *self.examples)
        return replace(
            self,
            id=f"{self.id}~{mutant.name}",
            evaluate=altered,
            examples=examples,
            mutants=(),
        )

    def check(self, instance: Any, rng: np.random.Generator | None = None) -> Sides:
        """Both sides of the statement on `instance`; of one trial drawn from `rng` (default 0).

        Raises
        ------
        InapplicableError
            The instance is outside the hypotheses.
        """
        if self.by_trials:
            return self.evaluate(instance, rng or np.random.default_rng(0))
        return self.evaluate(instance)


def _sections(doc: str) -> dict[str, str]:
    """Text under each underlined head, in the order found."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", doc, flags=re.MULTILINE)
    return {head: text.strip() for head, text in zip(parts[1::2], parts[2::2], strict=True)}
