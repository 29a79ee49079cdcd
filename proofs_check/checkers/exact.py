"""Exact evaluation: a statement on rational layers, all subsets listed, without rounding.

Everything is decided in rational numbers: an identity holds to the last digit or is refuted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..evidence import Evidence
from ..exact import statements
from ..exact.layers import RationalLayer, whole_layers
from ..exact.rational import arithmetic, fraction, rational
from ..exact.statements import Decided
from ..exact.volume import Resolvent
from .search import BUDGETS

#: Numbers of nodes of the layers of each budget; L3 lists all subsets of the most.
SIZES = {"quick": (4, 6), "standard": (4, 6, 7, 8), "deep": (4, 5, 6, 7, 8, 9)}
#: Seed of the layers: what is exact depends on no draw but these.
SEED = 2020


@dataclass(frozen=True)
class _Case:
    """One instance, and what was decided about it."""

    name: str
    parts: list[Decided]


def exact(claim_id: str, *, budget: str) -> Evidence | None:
    """Exact evaluation of one claim; None where there is none.

    Parameters
    ----------
    claim_id : str
    budget : {"quick", "standard", "deep"}

    Returns
    -------
    Evidence or None
        EXACT, or REFUTED with the instance as witness.

    Raises
    ------
    ValueError
        An unknown budget.
    """
    if budget not in BUDGETS:
        raise ValueError(f"budget must be one of {', '.join(BUDGETS)}, but is {budget!r}")
    if claim_id not in _STATEMENTS:
        return None
    what, cases = _STATEMENTS[claim_id]
    return evidence_of(list(cases(budget)), what)


def evidence_of(cases: list[_Case], what: str) -> Evidence:
    """EXACT if every part of every case holds, else REFUTED with the first that does not."""
    for case in cases:
        for part in case.parts:
            if not part.hold:
                return _refuted(case.name, part, len(cases))
    inequalities = [part.ratio for case in cases for part in case.parts if part.relation == "<="]
    return Evidence(
        "EXACT",
        f"{what} on all {len(cases)} instances, in rational arithmetic ({arithmetic()})",
        instances=len(cases),
        worst_ratio=max(inequalities, default=0.0),
        details={"instances": [case.name for case in cases], "arithmetic": arithmetic()},
    )


def _refuted(name: str, part: Decided, count: int) -> Evidence:
    lhs, rhs = fraction(part.lhs), fraction(part.rhs)
    against = "differs from" if part.relation == "=" else "exceeds"
    return Evidence(
        "REFUTED",
        f"{part.part}: {float(lhs):.10g} {against} {float(rhs):.10g} on {name}, in rational "
        f"arithmetic",
        instances=count,
        witness={"instance": name, "part": part.part, "lhs": str(lhs), "rhs": str(rhs)},
    )


def _volume_mean(budget: str, **constants: Any) -> Iterator[_Case]:
    for layer, k in _widths(budget):
        parts = list(statements.volume_mean(layer, k, **constants))
        yield _Case(f"{layer.name}, k = {k}", parts)


def _widths(budget: str) -> Iterator[tuple[RationalLayer, int]]:
    """Every width up to the rank of every layer."""
    for m in SIZES[budget]:
        for layer in whole_layers(m, SEED):
            for k in range(1, Resolvent(layer.sigma).rank + 1):
                yield layer, k


def _determinantal(budget: str, **constants: Any) -> Iterator[_Case]:
    sizes = (9,) if budget == "quick" else SIZES[budget]
    for m in sizes:
        for layer in whole_layers(m, SEED):
            for ridge in (Fraction(1, 3), Fraction(7)):
                parts = list(statements.determinantal(layer, rational(ridge), **constants))
                yield _Case(f"{layer.name}, lam = {ridge}", parts)


_STATEMENTS: dict[str, tuple[str, Callable[..., Iterator[_Case]]]] = {
    "spectral.I7": ("equal to the last digit, all subsets listed,", _volume_mean),
    "laws.L3": ("equal to the last digit, all subsets listed,", _determinantal),
}
