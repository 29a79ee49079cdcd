"""Exact evaluation: statements on rational layers, all subsets listed, and exact probabilities.

Everything is decided in rational numbers: an identity holds to the last digit or is refuted.
"""

from __future__ import annotations

from fractions import Fraction

from ..evidence import Evidence
from ..exact.cases import CASES, Case
from ..exact.decided import Decided
from ..exact.failures import failures
from ..exact.rational import arithmetic, fraction
from ..exact.readings import READINGS
from .search import BUDGETS


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
    if claim_id in CASES:
        what, cases = CASES[claim_id]
        return evidence_of(list(cases(budget)), what)
    if claim_id in READINGS:
        return _reading(READINGS[claim_id]())
    return failures(claim_id, budget)


def evidence_of(cases: list[Case], what: str) -> Evidence:
    """EXACT if every part of every case holds; REFUTED with the first that does not."""
    parts = [(case.name, part) for case in cases for part in case.parts]
    for name, part in parts:
        if part.hold is False:
            return _refuted(name, part, len(cases))
    open_ = list(dict.fromkeys(name for name, part in parts if part.hold is None))
    ratios = [part.ratio for _, part in parts if part.relation == "<="]
    how = f"on all {len(cases)} instances, in rational arithmetic ({arithmetic()})"
    if open_:
        how = f"on all but {len(open_)} of {len(cases)} instances, which enclosures leave open"
    return Evidence(
        "NOT FALSIFIED" if open_ else "EXACT",
        f"{what} {how}",
        instances=len(cases),
        worst_ratio=max(ratios, default=0.0),
        details={
            "arithmetic": arithmetic(),
            "instances": [case.name for case in cases],
            "open": open_,
        },
    )


def _reading(part: Decided) -> Evidence:
    """A false reading at its witness, whose numbers are rational."""
    lhs, rhs = fraction(part.lhs), fraction(part.rhs)
    if part.hold:
        return Evidence("NOT FALSIFIED", f"should fail, but {lhs} is at most {rhs}", instances=1)
    figures = f"{_shown(lhs)} exceeds {_shown(rhs)}"
    return Evidence(
        "REFUTED",
        f"false as it should be: {part.part} {figures}, in rational arithmetic",
        instances=1,
        worst_ratio=part.ratio if rhs else None,
        witness={"part": part.part, "lhs": str(lhs), "rhs": str(rhs)},
    )


def _shown(value: Fraction) -> str:
    """As a fraction where that is short, else in ten digits."""
    return str(value) if len(str(value)) < 12 else f"{float(value):.10g}"


def _refuted(name: str, part: Decided, count: int) -> Evidence:
    lhs, rhs = fraction(part.lhs), fraction(part.rhs)
    against = "differs from" if part.relation == "=" else "exceeds"
    return Evidence(
        "REFUTED",
        f"{part.part}: {float(lhs):.10g} {against} {float(rhs):.10g} on {name}, in rational "
        "arithmetic",
        instances=count,
        witness={"instance": name, "part": part.part, "lhs": str(lhs), "rhs": str(rhs)},
    )
