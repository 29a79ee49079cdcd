"""Verification runs: each claim to its checker, one verdict a claim.

Every claim is searched alone, from a seed of its own, so its verdict is the same whichever other
claims run, in whatever order and on however many workers (but for the seconds).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from pruneproof.theory.arrays import as_count

from .checkers.search import BUDGETS, Findings, search
from .claim import Claim, Parameters
from .registry import claims, matching
from .sides import Sides
from .verdict import Verdict


def verify(pattern: str = "*", *, budget: str = "quick", seed: int = 0) -> list[Verdict]:
    """Search for refutations of the claims whose id matches `pattern`.

    Parameters
    ----------
    pattern : str
        Shell wildcards on the claim id, e.g. ``spectral.I*``.
    budget : {"quick", "standard", "deep"}
        Instances drawn a claim, beyond the known cases: 40, 200, 2000.
    seed : int
        Root of all draws; the same seed gives the same verdicts.

    Raises
    ------
    ValueError
        No claim matches; an unknown budget; a seed that is not a whole number of at least 0.
    """
    return list(verdicts(matching([pattern]), budget=budget, seed=seed))


def verdicts(
    chosen: Sequence[Claim], *, budget: str = "quick", seed: int = 0, workers: int = 1
) -> Iterator[Verdict]:
    """Verdicts of the chosen claims in their order, each as soon as it and those before are done.

    With more than one worker the claims are spread over fresh processes.
    """
    if budget not in BUDGETS:
        raise ValueError(f"budget must be one of {', '.join(BUDGETS)}, but is {budget!r}")
    return _verdicts(chosen, budget, as_count("seed", seed, least=0), as_count("workers", workers))


def _verdicts(chosen: Sequence[Claim], budget: str, seed: int, workers: int) -> Iterator[Verdict]:
    if workers == 1 or len(chosen) < 2:
        for claim in chosen:
            yield judge(claim, budget, seed)
        return
    import multiprocessing

    task = functools.partial(_judge_by_id, budget=budget, seed=seed)
    fresh = multiprocessing.get_context("spawn")
    # leaving the block, also because the caller stops early, ends the workers
    with fresh.Pool(min(workers, len(chosen)), _leave_interrupts_to_the_caller) as pool:
        yield from pool.imap(task, [claim.id for claim in chosen])


def judge(claim: Claim, budget: str, seed: int) -> Verdict:
    """Verdict of one claim."""
    start = time.perf_counter()
    with threadpool_limits(1):
        findings = search(claim, budget, seed)
    word, ok, evidence, shown = _conclusion(claim, findings, budget)
    worst = findings.worst[1].ratio if findings.worst else None
    return Verdict(
        claim=claim.id,
        word=word,
        ok=ok,
        evidence=evidence,
        instances=findings.instances,
        worst_ratio=worst,
        tightness=None if claim.kind == "identity" or claim.must_fail else worst,
        witness=_witness(shown),
        seed=seed,
        seconds=time.perf_counter() - start,
    )


def _leave_interrupts_to_the_caller() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _judge_by_id(claim_id: str, budget: str, seed: int) -> Verdict:
    (claim,) = claims(claim_id)
    return judge(claim, budget, seed)


def _conclusion(
    claim: Claim, findings: Findings, budget: str
) -> tuple[str, bool, str, tuple[Parameters, Sides | Exception] | None]:
    """Word, whether it is as it should be, the evidence, and the instance to show."""
    if findings.instances == 0:
        return "INAPPLICABLE", False, f"no instance met the hypotheses: {findings.reason}", None
    if findings.witness is not None:
        outcome = findings.witness[1]
        if isinstance(outcome, Exception):
            evidence = f"evaluating it raised {type(outcome).__name__}: {outcome}"
            return "REFUTED", False, evidence, findings.witness
        found = f"{'' if not outcome.part else outcome.part + ': '}{_figures(outcome)}"
        if claim.must_fail:
            share = f"refuted by {findings.refuted} of {findings.instances} instances"
            return "REFUTED", True, f"false as it should be: {found}; {share}", findings.witness
        return "REFUTED", False, f"refuted: {found}", findings.witness
    effort = _effort(claim, findings, budget)
    if claim.must_fail:
        return "NOT FALSIFIED", False, f"should fail, but held on {effort}", findings.worst
    return "NOT FALSIFIED", True, f"held on {effort}", findings.worst


def _effort(claim: Claim, findings: Findings, budget: str) -> str:
    """How much was tried; an instance outside the hypotheses says nothing."""
    known = len(claim.examples)
    drawn = findings.instances + findings.inapplicable - known
    left_out = ""
    if findings.inapplicable:
        left_out = f", less {findings.inapplicable} outside the hypotheses"
    return (
        f"{findings.instances} instances ({known} known cases and {drawn} of a {budget} search"
        f"{left_out})"
    )


def _figures(sides: Sides) -> str:
    against = "differs from" if sides.relation == "=" else "exceeds"
    return f"{sides.lhs:.6g} {against} {sides.rhs:.6g} (rounding allows {sides.tolerance:.2g})"


def _witness(shown: tuple[Parameters, Sides | Exception] | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    parameters, outcome = shown
    if isinstance(outcome, Exception):
        return {"parameters": dict(parameters), "error": f"{type(outcome).__name__}: {outcome}"}
    return {
        "parameters": dict(parameters),
        "part": outcome.part,
        "lhs": outcome.lhs,
        "rhs": outcome.rhs,
        "relation": outcome.relation,
        "tolerance": outcome.tolerance,
    }
