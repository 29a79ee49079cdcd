"""Deciding a statement on one instance: balls, at more bits until every sign is known.

A statement is a list of parts, lhs <= rhs between numbers or between matrices. Three outcomes:

    true        every part is certain
    false       some part certainly fails
    undecided   else

Where both sides are equal no precision decides. At the last precision p a part may therefore hold
up to a slack, which the decision states: the least of 2^(-3p/4), 2^(-p/2) and 2^(-p/4) times the
size of its terms that decides. A part that fails, fails with no slack: where A + slack I has a
negative pivot, A is not positive semidefinite either.

This module may import :mod:`.balls`, NumPy and flint only.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..sides import Floats
from . import balls
from .balls import Undecided

with contextlib.suppress(ModuleNotFoundError):
    import flint

#: Bits tried in turn.
PRECISIONS = (128, 256, 512)
#: Slacks tried at the last precision p: 2^(-p times these) of the size of the terms.
SLACKS = (0.75, 0.5, 0.25)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Raw numbers of one decision: float64, so each is an exact dyadic.

    Attributes
    ----------
    features : (n, m) array
    kept : tuple of int
        J of the instance, distinct.
    node_ridge : (m,) array
        tau_j of every node.
    ridge : float
        lam > 0.
    theta : float
    output_weights : (p, m) array
        Z.
    at : float
        A number that a statement is made at, certainly no less than the least it holds at: the
        ridge where nodes are claimed to exist, the level t of a transfer; 0 where there is none.
    chosen : tuple of int
        Nodes that a statement names; empty where existing nodes are sought in all subsets.
    others : (n', m) array
        Further samples, which make the population with the features; empty where there is none.
    """

    features: Floats
    kept: tuple[int, ...]
    node_ridge: Floats
    ridge: float
    theta: float
    output_weights: Floats
    at: float = 0.0
    chosen: tuple[int, ...] = ()
    others: Floats = dataclasses.field(default_factory=lambda: np.zeros((0, 0)))

    def as_hex(self) -> dict[str, Any]:
        """JSON-able, every float64 as a C99 hexadecimal string."""
        return {field.name: _hex(getattr(self, field.name)) for field in dataclasses.fields(self)}


def _hex(value: Any) -> Any:
    if isinstance(value, (tuple, np.ndarray)):
        return [_hex(entry) for entry in value]
    return value if isinstance(value, int) else float(value).hex()


@dataclass(frozen=True)
class Compare:
    """lhs <= rhs between numbers.

    Attributes
    ----------
    part : str
        Which part of the statement this is.
    lhs, rhs : arb
    scale : arb, optional
        Size of the terms, for the slack; by default |lhs| + |rhs|.
    """

    part: str
    lhs: flint.arb
    rhs: flint.arb
    scale: flint.arb | None = None


@dataclass(frozen=True)
class Order:
    """lower <= upper between symmetric matrices; `scale` is the size of their terms."""

    part: str
    lower: flint.arb_mat
    upper: flint.arb_mat
    scale: flint.arb


@dataclass(frozen=True)
class Decided:
    """One part, decided.

    Attributes
    ----------
    part : str
    kind : {"numbers", "matrices"}
    lhs, rhs : arb
        Of matrices 0 and the least pivot of upper - lower + slack I (see
        :func:`.balls.least_pivot`).
    slack : arb
        Exact; 0 but at the last precision.
    holds : bool or None
    """

    part: str
    kind: str
    lhs: flint.arb
    rhs: flint.arb
    slack: flint.arb
    holds: bool | None


@dataclass(frozen=True)
class Decision:
    """Outcome on one instance.

    Attributes
    ----------
    verdict : {"true", "false", "undecided"}
    precision : int
        Bits that decided, or the last tried.
    parts : tuple of Decided
        Empty where not even enclosures were found.
    """

    verdict: str
    precision: int
    parts: tuple[Decided, ...]

    @property
    def touching(self) -> bool:
        """Whether some part holds up to a slack only."""
        return any(not part.slack.is_zero() for part in self.parts)

    @property
    def worst(self) -> flint.arb | None:
        """Enclosure of the largest lhs/rhs of the parts between numbers, with rhs > 0."""
        with flint.ctx.workprec(self.precision):
            ratios = [p.lhs / p.rhs for p in self.parts if p.kind == "numbers" and p.rhs > 0]
            return largest(ratios)

    @property
    def failing(self) -> Decided | None:
        """The part that fails."""
        return next((part for part in self.parts if part.holds is False), None)


def largest(values: Sequence[flint.arb]) -> flint.arb | None:
    """Enclosure of the largest value; None of no values."""
    found = None
    for value in values:
        found = value if found is None else found.max(value)
    return found


Part = Compare | Order
Evaluation = Callable[..., Sequence[Part]]


def decide(
    evaluation: Evaluation,
    numbers: Numbers,
    constants: Mapping[str, Any],
    precisions: Sequence[int] = PRECISIONS,
) -> Decision:
    """Whether the statement is true of the numbers; precision rises while a sign is unknown."""
    last = Decision("undecided", precisions[-1], ())
    for precision in precisions:
        with flint.ctx.workprec(precision):
            try:
                parts = evaluation(numbers, **constants)
                found = tuple(_decided(part, flint.arb(0)) for part in parts)
                for share in SLACKS if precision == precisions[-1] else ():
                    if _verdict(found) != "undecided":
                        break
                    slack = flint.arb(2) ** -int(precision * share)
                    found = tuple(
                        known if known.holds else _decided(part, slack)
                        for known, part in zip(found, parts, strict=True)
                    )
            except Undecided:
                continue
        last = Decision(_verdict(found), precision, found)
        if last.verdict != "undecided":
            break
    return last


def _decided(part: Part, relative: flint.arb) -> Decided:
    """One part with a slack relative to the size of its terms."""
    if isinstance(part, Order):
        slack = relative * balls.power_above(part.scale)
        above = part.upper - part.lower + balls.identity(part.upper.nrows()) * slack
        pivot = balls.least_pivot(above)
        holds = True if pivot > 0 else False if pivot < 0 else None
        return Decided(part.part, "matrices", flint.arb(0), pivot, slack, holds)
    size = part.scale or part.lhs.abs_upper() + part.rhs.abs_upper()
    slack = relative * balls.power_above(size)
    gap = part.rhs - part.lhs
    holds = True if gap + slack >= 0 else False if gap < 0 and slack.is_zero() else None
    return Decided(part.part, "numbers", part.lhs, part.rhs, slack, holds)


def _verdict(parts: Sequence[Decided]) -> str:
    if any(part.holds is False for part in parts):
        return "false"
    return "true" if all(part.holds for part in parts) else "undecided"
