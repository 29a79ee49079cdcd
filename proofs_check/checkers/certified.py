"""Evidence by ball arithmetic: the statement decided on instances, their float64 numbers exact.

What is decided is the statement on those instances, with no rounding; it says nothing about
others. Certificates of the decisions can be written and checked again by another program.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pruneproof.theory.errors import InapplicableError

from ..claim import Claim, Parameters
from ..evidence import Evidence
from ..generators import Layer
from ..networks import Population
from .search import drawn

if TYPE_CHECKING:
    import flint

    from ..certified.decision import Decision, Evaluation, Numbers

#: Claims with an evaluation: module of ``certified`` and function, and what is found for an
#: instance beforehand: the ridge that existing nodes are claimed at, the level of a transfer, the
#: nodes of the largest volume.
EVALUATIONS: Mapping[str, tuple[str, str, str]] = {
    "spectral.B2": ("evaluations", "mixed_error", ""),
    "spectral.B6": ("evaluations", "population_error", "level"),
    "spectral.D1": ("evaluations", "monotone_residual", ""),
    "spectral.D2": ("evaluations", "loss_floor", ""),
    "spectral.D4": ("evaluations", "sandwich", ""),
    "spectral.D5": ("existing", "logfree_residual", "volume"),
    "spectral.D6": ("existing", "logfree_loss", "volume"),
    "spectral.D7": ("existing", "doubled_degrees", "half"),
    "spectral.D8": ("existing", "tail_loss", "none"),
    "spectral.X1": ("existing", "degrees_suffice", "degrees"),
    "spectral.X5": ("evaluations", "converse", ""),
    "spectral.X6": ("existing", "reconstruction_size", "largest"),
    "spectral.X7": ("evaluations", "theta_and_the_bound", ""),
    "spectral.X8": ("evaluations", "centred_degrees", ""),
    "spectral.X9": ("evaluations", "shapes", ""),
}
#: Of these the ones where nodes are sought.
_SOUGHT = ("volume", "degrees", "half", "none")
#: What is decided is weaker than the statement by this much, in words.
_WEAKER = {
    "volume": "its ridge rounded up to a float64",
    "degrees": "its ridge rounded up to a float64",
    "half": "its ridge rounded up to a float64",
    "level": "its level rounded up",
}
#: Instances drawn beyond the known cases, and bits tried.
BUDGETS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "quick": (0, (128, 256, 512)),
    "standard": (20, (128, 256, 512)),
    "deep": (200, (128, 256, 512, 1024, 2048)),
}


@dataclass
class _Tally:
    """Decisions so far."""

    decisions: list[tuple[Parameters, Decision]] = field(default_factory=list)
    inapplicable: int = 0
    reason: str = ""

    def of(self, verdict: str) -> list[tuple[Parameters, Decision]]:
        return [entry for entry in self.decisions if entry[1].verdict == verdict]


def certified(
    claim: Claim, *, budget: str, seed: int, certificates: Path | None = None
) -> Evidence | None:
    """Decide a claim about every instance on some instances, in ball arithmetic.

    Parameters
    ----------
    claim : Claim
        Or a mutant of one.
    budget : {"quick", "standard", "deep"}
        The known cases; 20 drawn ones more; 200 drawn ones more and up to 2048 bits.
    seed : int
        Root of the draws, which depend on it and the claim alone.
    certificates : path, optional
        Folder where one certificate a decided instance is written.

    Returns
    -------
    Evidence or None
        CERTIFIED where the statement is true of all instances decided and none is undecided;
        REFUTED with a witness; NOT FALSIFIED where some are undecided; INAPPLICABLE where
        python-flint is missing or no instance meets the hypotheses; None where no evaluation of
        this claim is known.
    """
    if _entry(claim) is None:
        return None
    if importlib.util.find_spec("flint") is None:
        return Evidence(
            "INAPPLICABLE",
            "ball arithmetic needs python-flint; install it with `pip install pruneproof[certify]`",
            details={"missing": "python-flint"},
        )
    count, precisions = BUDGETS[budget]
    tally = _Tally()
    for parameters in [*claim.examples, *drawn(claim, count, seed)]:
        try:
            numbers, decision = decided(claim, parameters, precisions)
        except InapplicableError as error:
            tally.inapplicable += 1
            tally.reason = str(error)
            continue
        tally.decisions.append((dict(parameters), decision))
        if certificates is not None and decision.verdict != "undecided":
            from ..certificates import write

            write(certificates, claim, parameters, constants_of(claim), numbers, decision)
        if decision.verdict == "false":
            break
    weaker = _WEAKER.get(EVALUATIONS[claim.id.partition("~")[0]][2], "")
    return _evidence(tally, weaker)


def decided(
    claim: Claim, parameters: Parameters, precisions: tuple[int, ...] = (128, 256, 512)
) -> tuple[Numbers, Decision]:
    """One instance of a claim with an evaluation: its raw numbers, and what balls decide.

    Raises
    ------
    InapplicableError
        The instance is outside the hypotheses.
    ValueError
        No evaluation of the claim is known.
    """
    from ..certified.decision import decide

    entry = _entry(claim)
    if entry is None:
        raise ValueError(f"no evaluation of {claim.id} in ball arithmetic is known")
    evaluation, posing = entry
    numbers = _posed(claim, posing, _numbers(claim.instance(parameters)))
    constants = constants_of(claim)
    decision = decide(evaluation, numbers, constants, precisions)
    if decision.verdict != "true" and posing in _SOUGHT:
        from ..certified.existing import may_list

        if not may_list(numbers):
            return numbers, replace(decision, verdict="undecided")
        numbers = replace(numbers, chosen=())
        decision = decide(evaluation, numbers, constants, precisions)
    return numbers, decision


def _posed(claim: Claim, posing: str, numbers: Numbers) -> Numbers:
    """The numbers with what the statement names besides."""
    if not posing:
        return numbers
    from ..certified import evaluations, existing

    if posing == "level":
        return evaluations.with_level(numbers)
    if posing == "largest":
        return existing.with_largest_volume(numbers)
    theta = 1.0 if claim.id.startswith("spectral.D8") else None
    return existing.with_nodes(numbers, by=posing, theta=theta)


def constants_of(claim: Claim) -> dict[str, Any]:
    """Constants which a mutant gives other values than the claim."""
    return dict(getattr(claim.evaluate, "keywords", {}))


def _entry(claim: Claim) -> tuple[Evaluation, str] | None:
    """Evaluation of a claim, or of a mutant whose constants it has."""
    found = EVALUATIONS.get(claim.id.partition("~")[0])
    if found is None:
        return None
    module, name, posing = found
    evaluation = getattr(importlib.import_module(f"..certified.{module}", __package__), name)
    if set(constants_of(claim)) - set(inspect.signature(evaluation).parameters):
        return None
    return evaluation, posing


def _numbers(instance: Layer | Population) -> Numbers:
    from ..certified.decision import Numbers

    layer = instance.sample if isinstance(instance, Population) else instance
    found = Numbers(
        features=layer.features,
        kept=tuple(int(j) for j in layer.kept),
        node_ridge=layer.node_ridge,
        ridge=float(layer.ridge),
        theta=float(layer.theta),
        output_weights=layer.output_weights,
    )
    if isinstance(instance, Population):
        return replace(found, others=instance.everything[len(layer.features) :])
    return found


def _evidence(tally: _Tally, weaker: str) -> Evidence:
    """Word and sentence of the decisions."""
    if not tally.decisions:
        return Evidence("INAPPLICABLE", f"no instance met the hypotheses: {tally.reason}")
    true, false, open_ = (tally.of(name) for name in ("true", "false", "undecided"))
    worst = _worst(true or tally.decisions)
    details: dict[str, Any] = {
        "true": len(true),
        "false": len(false),
        "undecided": len(open_),
        "outside the hypotheses": tally.inapplicable,
        "bits": sorted({d.precision for _, d in tally.decisions}),
        "worst ratio": None if worst is None else worst.str(20),
    }
    shared: dict[str, Any] = {
        "instances": len(tally.decisions),
        "worst_ratio": None if worst is None else float(worst),
        "details": details,
    }
    if false:
        return Evidence("REFUTED", _failure(false[0][1]), witness=_witness(*false[0]), **shared)
    sentence = _success(true, worst, weaker)
    if open_:
        left = f"{len(open_)} of {len(tally.decisions)} instances stay undecided in ball arithmetic"
        return Evidence("NOT FALSIFIED", f"{left}; {sentence}", **shared)
    return Evidence("CERTIFIED", sentence, **shared)


def _success(true: list[tuple[Parameters, Decision]], worst: flint.arb | None, weaker: str) -> str:
    if not true:
        return "none was decided"
    bits = [decision.precision for _, decision in true]
    span = f"{min(bits)}" if min(bits) == max(bits) else f"{min(bits)} to {max(bits)}"
    touching = sum(decision.touching for _, decision in true)
    noun = "instance" if len(true) == 1 else "instances"
    sentence = f"true of {len(true)} {noun} in ball arithmetic at {span} bits"
    if weaker:
        sentence += f", {weaker}"
    if touching:
        exponent = max(bits) // 4
        sentence += f" ({touching} with equal sides, up to 2^-{exponent} of their terms)"
    if worst is not None:
        sentence += f", worst lhs/rhs {worst.str(12)}"
    return sentence


def _failure(decision: Decision) -> str:
    import flint

    part = decision.failing
    assert part is not None
    if part.kind == "matrices":
        shown = f"the difference has the negative pivot {part.rhs.str(6)}"
    else:
        lhs, rhs = part.lhs.str(6, radius=False), part.rhs.str(6, radius=False)
        with flint.ctx.workprec(decision.precision):
            excess = part.lhs - part.rhs
        shown = f"{lhs} exceeds {rhs} by {excess.str(3)}"
    return f"false in ball arithmetic at {decision.precision} bits: {part.part}: {shown}"


def _witness(parameters: Parameters, decision: Decision) -> dict[str, Any]:
    part = decision.failing
    assert part is not None
    return {
        "parameters": dict(parameters),
        "part": part.part,
        "lhs": float(part.lhs.mid()),
        "rhs": float(part.rhs.mid()),
        "relation": "<=",
        "tolerance": 0.0,
    }


def _worst(decisions: list[tuple[Parameters, Decision]]) -> flint.arb | None:
    """Enclosure of the largest lhs/rhs."""
    import flint

    from ..certified.decision import largest

    with flint.ctx.workprec(max(decision.precision for _, decision in decisions)):
        return largest([d.worst for _, d in decisions if d.worst is not None])
