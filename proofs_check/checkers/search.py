"""Search for a refutation: known cases first, then Hypothesis over the claim's parameters.

Hypothesis draws parameters, climbs towards large lhs/rhs in a deep search (its ``target`` needs
about a thousand examples to bite), and shrinks the parameters of an instance that refutes. The
draws depend on (seed, claim id) only: not on other claims, nor on the number of workers.
"""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pruneproof.theory.errors import InapplicableError, RankDeficientWarning

from ..claim import Claim, Parameters
from ..sides import Sides

#: Instances drawn, beyond the known cases.
BUDGETS = {"quick": 25, "standard": 200, "deep": 2000}
#: From here on Hypothesis is told which way is worse.
_TARGETED = 1000


@dataclass
class Findings:
    """What a search has seen so far.

    Attributes
    ----------
    instances, refuted, inapplicable : int
        Instances evaluated, those that refute, those outside the hypotheses.
    worst : (parameters, Sides) or None
        Largest ratio among the instances evaluated.
    witness : (parameters, Sides or the error raised) or None
        First instance found that refutes; after :func:`search` the simplest.
    """

    instances: int = 0
    refuted: int = 0
    inapplicable: int = 0
    worst: tuple[Parameters, Sides] | None = None
    witness: tuple[Parameters, Sides | Exception] | None = None
    reason: str = field(default="", repr=False)

    def evaluate(self, claim: Claim, parameters: Parameters) -> Sides | Exception | None:
        """Evaluate the claim on one instance and note it; None outside the hypotheses.

        An error raised by the mathematics within the hypotheses refutes too: there the statement
        claims a value.
        """
        outcome: Sides | Exception
        try:
            with warnings.catch_warnings():  # singular blocks are among the families on purpose
                warnings.simplefilter("ignore", RankDeficientWarning)
                outcome = claim.check(claim.instance(parameters))
        except InapplicableError as error:
            self.inapplicable += 1
            self.reason = str(error)
            return None
        except Exception as error:
            outcome = error
        self.instances += 1
        if isinstance(outcome, Sides) and (
            self.worst is None or not outcome.ratio <= self.worst[1].ratio
        ):
            self.worst = (dict(parameters), outcome)
        if not holds(outcome):
            self.refuted += 1
            self.witness = self.witness or (dict(parameters), outcome)
        return outcome


class _Refuted(Exception):
    def __init__(self, parameters: Parameters, outcome: Sides | Exception) -> None:
        self.parameters = parameters
        self.outcome = outcome


def holds(outcome: Sides | Exception | None) -> bool:
    """Whether an evaluation is no refutation."""
    return outcome is None or (isinstance(outcome, Sides) and outcome.hold)


def search(claim: Claim, budget: str, seed: int) -> Findings:
    """Known cases, then drawn ones, until one refutes or the budget is spent.

    A must-fail reading is refuted by its first known case; the others are evaluated all the same,
    to tell how common failure is.
    """
    findings = Findings()
    for parameters in claim.examples:
        outcome = findings.evaluate(claim, parameters)
        if not (claim.must_fail or holds(outcome)):
            return findings
    if claim.must_fail:
        for parameters in drawn(claim, BUDGETS[budget], seed):
            findings.evaluate(claim, parameters)
    else:
        climb(claim, BUDGETS[budget], seed, findings)
    return findings


def claim_seed(claim_id: str, seed: int) -> int:
    """Seed of one claim's search, from the root seed and the claim's id alone."""
    sequence = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(claim_id.encode()),))
    return int(sequence.generate_state(1)[0])


def climb(claim: Claim, count: int, seed: int, findings: Findings) -> None:
    """Hypothesis over the parameters; the witness kept is the shrunk one."""
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings, target
    from hypothesis import seed as seeded

    from ..strategies import parameters as strategy

    phases = [Phase.generate, Phase.shrink] + [Phase.target] * (count >= _TARGETED)

    @seeded(claim_seed(claim.id, seed))
    @settings(
        max_examples=count,
        phases=phases,
        database=None,
        derandomize=False,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy(claim.space))
    def attempt(drawn: dict[str, Any]) -> None:
        outcome = findings.evaluate(claim, drawn)
        if not holds(outcome):
            assert outcome is not None
            raise _Refuted(drawn, outcome)
        if count >= _TARGETED and isinstance(outcome, Sides) and 0 < outcome.ratio < math.inf:
            target(math.log(outcome.ratio))

    try:
        attempt()
    except _Refuted as refuted:
        findings.witness = (refuted.parameters, refuted.outcome)


def drawn(claim: Claim, count: int, seed: int) -> Iterator[Parameters]:
    """Parameters drawn evenly from the claim's space, with nothing to shrink."""
    rng = np.random.default_rng(claim_seed(claim.id, seed))
    for _ in range(count):
        yield {name: range_.draw(rng) for name, range_ in claim.space.items()}
