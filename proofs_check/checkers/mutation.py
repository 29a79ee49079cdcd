"""The mutation gate: each altered statement is put to the claim's own test, and should be refuted.

The first instance that refutes a mutant ends its trial: its own examples come first, then the
claim's, then drawn ones. A statement about chance dies where its statistical test refutes it; of a
law the first instance refuted ends the trial too.
"""

from __future__ import annotations

import inspect
import json

from ..claim import Claim, Parameters
from ..evidence import Evidence
from ..mutants import Fate, Mutant
from ..sides import Sides
from .search import BUDGETS, Findings, drawn, holds
from .searched import figures


def mutation(claim: Claim, *, budget: str, seed: int, alpha: float) -> tuple[Fate, ...]:
    """What becomes of each mutant of a claim.

    Parameters
    ----------
    claim : Claim
    budget : {"quick", "standard", "deep"}
        A mutant that no example refutes is tried on 25, 200 or 2000 drawn instances.
    seed : int
        Root of all draws, which depend on it, the claim and the mutant alone.
    alpha : float
        Error level of each refutation of a statement about chance.

    Raises
    ------
    ValueError
        A mutant changes nothing, or what is no constant of the claim's function.
    """
    fates = []
    for mutant in claim.mutants:
        _check_changes(claim, mutant)
        altered = claim.mutated(mutant)
        if claim.by_trials:
            found = _tested(altered, budget, seed, alpha)
            died, evidence = found.word == "REFUTED", found.sentence
        else:
            died, evidence = _tried(altered, budget, seed)
        fates.append(Fate(mutant.name, mutant.must_die, died, evidence))
    return tuple(fates)


def _check_changes(claim: Claim, mutant: Mutant) -> None:
    """A misspelt constant must not pass for a refutation."""
    constants = {
        name: parameter.default
        for name, parameter in inspect.signature(claim.evaluate).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    unknown = sorted(set(mutant.changes) - set(constants))
    if unknown:
        raise ValueError(
            f"mutant {mutant.name!r} of {claim.id} changes {', '.join(unknown)}, but the constants "
            f"of its function are {', '.join(constants) or 'none'}"
        )
    if all(constants[name] == value for name, value in mutant.changes.items()):
        raise ValueError(f"mutant {mutant.name!r} of {claim.id} changes nothing")


def _tried(altered: Claim, budget: str, seed: int) -> tuple[bool, str]:
    """Whether an instance refutes, and which; an error within the hypotheses does."""
    findings = Findings()
    for parameters in altered.examples:
        if not holds(findings.evaluate(altered, parameters)):
            return True, _death(findings)
    for parameters in drawn(altered, BUDGETS[budget], seed):
        if not holds(findings.evaluate(altered, parameters)):
            return True, _death(findings)
    if findings.worst is None:
        return False, f"survived, as no instance met the hypotheses: {findings.reason}"
    ratio = findings.worst[1].ratio
    return False, f"survived {findings.instances} instances, worst ratio {ratio:.6g}"


def _death(findings: Findings) -> str:
    assert findings.witness is not None
    return _described(*findings.witness)


def _described(parameters: Parameters, outcome: Sides | Exception) -> str:
    """The instance that refutes, with both sides."""
    where = json.dumps(dict(parameters))
    if isinstance(outcome, Exception):
        return f"raised {type(outcome).__name__} at {where}: {outcome}"
    part = f"{outcome.part}: " if outcome.part else ""
    return f"{part}{figures(outcome)} at {where}"


def _tested(altered: Claim, budget: str, seed: int, alpha: float) -> Evidence:
    """What the claim's own test by trials finds of the altered statement."""
    if altered.kind == "law":
        from .consistent import consistent

        return consistent(altered, budget=budget, seed=seed, alpha=alpha, to_the_end=False)
    from .statistical import statistical

    return statistical(altered, budget=budget, seed=seed, alpha=alpha)
