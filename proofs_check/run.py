"""Verification runs: each claim to its checkers, one verdict a claim.

A claim about every instance is searched for a refutation; one about chance is tried on frozen
instances; both are then decided exactly, certified and proved where somebody wrote how. What is
drawn for a claim depends on the seed and its id alone, so it is the same whichever other claims
run, in whatever order and on however many workers. Only the error level is shared: it is split
evenly over the frozen instances of the run and both directions of error.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from pruneproof.simulations.workers import Died, spread
from pruneproof.theory.arrays import as_count, as_probability

from .checkers.search import BUDGETS
from .claim import Claim
from .evidence import Evidence
from .mutants import Fate
from .registry import claims, matching
from .verdict import Verdict
from .weighing import weigh

#: Error level of all statistical verdicts of a run together, unless another is asked for.
ALPHA = 0.05
#: How statistical verdicts are reached: by betting until the evidence suffices, or by a number of
#: trials and of allowed failures fixed before.
PLANS = ("betting", "clopper-pearson")


@dataclass(frozen=True)
class Run:
    """What all claims of a run share.

    Attributes
    ----------
    budget : {"quick", "standard", "deep"}
    seed : int
    plan : {"betting", "clopper-pearson"}
    alpha : float
        Error level of all statistical verdicts together.
    hypotheses : int
        Frozen instances that share it.
    certificates : str or None
        Folder for certificates.
    """

    budget: str
    seed: int
    plan: str
    alpha: float
    hypotheses: int
    certificates: str | None = None

    @property
    def share(self) -> float:
        """Error level of one direction of one frozen instance (Bonferroni)."""
        return self.alpha / (2 * max(self.hypotheses, 1))

    def part(self, claim: Claim) -> float:
        """Error level of one claim: as `alpha` of a run of its own it gives the same shares."""
        return self.alpha * len(claim.examples) / max(self.hypotheses, len(claim.examples))


def verify(
    pattern: str = "*",
    *,
    budget: str = "quick",
    seed: int = 0,
    plan: str = "betting",
    alpha: float = ALPHA,
    workers: int = 1,
    certificates: str | Path | None = None,
) -> list[Verdict]:
    """Verdicts on the claims whose id matches `pattern`.

    Parameters
    ----------
    pattern : str
        Shell wildcards on the claim id, e.g. ``spectral.I*``.
    budget : {"quick", "standard", "deep"}
        Instances drawn a claim, beyond the known cases: 25, 200, 2000; and at most 400, 4000,
        40000 trials a frozen instance of a claim about chance.
    seed : int
        Root of all draws; the same seed gives the same verdicts.
    plan : {"betting", "clopper-pearson"}
        How claims about chance are decided.
    alpha : float
        Error level of all statistical verdicts together.
    workers : int
        Processes; verdicts do not depend on it.
    certificates : path, optional
        Folder where certificates are written.

    Raises
    ------
    ValueError
        No claim matches; an unknown budget or plan; a seed that is not a whole number of at least
        0; an error level outside (0, 1); a folder that cannot be written.
    """
    chosen = matching([pattern])
    run = prepared(
        chosen, budget=budget, seed=seed, plan=plan, alpha=alpha, certificates=certificates
    )
    from .settling import settle

    return settle(list(verdicts(chosen, run, workers=workers)), run)


def prepared(
    chosen: Sequence[Claim],
    *,
    budget: str = "quick",
    seed: int = 0,
    plan: str = "betting",
    alpha: float = ALPHA,
    certificates: str | Path | None = None,
) -> Run:
    """Checked settings of a run over the chosen claims; arguments as in :func:`verify`."""
    if budget not in BUDGETS:
        raise ValueError(f"budget must be one of {', '.join(BUDGETS)}, but is {budget!r}")
    if plan not in PLANS:
        raise ValueError(f"plan must be one of {', '.join(PLANS)}, but is {plan!r}")
    if certificates is not None:
        from .certificates import check_folder

        check_folder(certificates)
    return Run(
        budget=budget,
        seed=as_count("seed", seed, least=0),
        plan=plan,
        alpha=as_probability("alpha", alpha),
        hypotheses=sum(len(claim.examples) for claim in chosen if claim.by_trials),
        certificates=None if certificates is None else str(certificates),
    )


def verdicts(chosen: Sequence[Claim], run: Run, *, workers: int = 1) -> Iterator[Verdict]:
    """Verdicts of the chosen claims in their order, each as soon as it and those before are done.

    With more than one worker the claims are spread over fresh processes; where one dies, its claim
    has no verdict but that, and the others go on.
    """
    return _verdicts(chosen, run, as_count("workers", workers))


def _verdicts(chosen: Sequence[Claim], run: Run, workers: int) -> Iterator[Verdict]:
    if workers == 1 or len(chosen) < 2:
        for claim in chosen:
            yield judge(claim, run)
        return
    task = functools.partial(_judge_by_id, run=run)
    names = [claim.id for claim in chosen]
    for claim, found in zip(chosen, spread(task, names, workers), strict=True):
        yield _lost(claim, run, found) if isinstance(found, Died) else found


def judge(claim: Claim, run: Run) -> Verdict:
    """Verdict of one claim."""
    start = time.perf_counter()
    with threadpool_limits(1):
        found = dict(_evidence(claim, run))
        refuted = any(evidence.word == "REFUTED" for evidence in found.values())
        fates = () if refuted else _fates(claim, run)
    return weigh(claim, found, fates, seed=run.seed, seconds=time.perf_counter() - start)


def _judge_by_id(claim_id: str, run: Run) -> Verdict:
    (claim,) = claims(claim_id)
    return judge(claim, run)


def _evidence(claim: Claim, run: Run) -> Iterator[tuple[str, Evidence]]:
    """What each checker found, under its name; a checker with nothing to say is left out."""
    settings: dict[str, Any] = {"budget": run.budget, "seed": run.seed}
    if claim.kind == "law" and claim.by_trials:
        from .checkers.consistent import consistent

        yield "consistent", consistent(claim, **settings, alpha=run.share)
    elif claim.by_trials:
        from .checkers.statistical import statistical

        yield "statistical", statistical(claim, **settings, alpha=run.share, plan=run.plan)
    else:
        from .checkers.searched import searched

        yield "search", searched(claim, **settings)
    for name, evidence in _by_tools(claim, run):
        if evidence is not None:
            yield name, evidence


def _by_tools(claim: Claim, run: Run) -> Iterator[tuple[str, Evidence | None]]:
    """What arithmetic without rounding and provers say, for the claims that they know."""
    from .checkers.certified import certified
    from .checkers.exact import exact
    from .checkers.proved import proved

    yield "exact", exact(claim.id, budget=run.budget)
    folder = None if run.certificates is None else Path(run.certificates)
    yield "certified", certified(claim, budget=run.budget, seed=run.seed, certificates=folder)
    yield "proved", proved(claim.id)


def _fates(claim: Claim, run: Run) -> Sequence[Fate]:
    from .checkers.mutation import mutation

    return mutation(claim, budget=run.budget, seed=run.seed, alpha=run.share)


def _lost(claim: Claim, run: Run, how: Died) -> Verdict:
    """Verdict of a claim whose worker died: nothing is known."""
    return Verdict(
        claim=claim.id,
        word="INAPPLICABLE",
        ok=False,
        evidence=f"no verdict: {how}; run it alone with `pruneproof verify {claim.id}`",
        instances=0,
        worst_ratio=None,
        tightness=None,
        witness=None,
        seed=run.seed,
        seconds=0.0,
    )
