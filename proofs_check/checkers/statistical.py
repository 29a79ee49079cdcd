"""Statements about chance on frozen instances: independent trials until the evidence suffices.

Each known case of the claim is one frozen instance, tested alone: its trials fail with a
probability p that the claim puts at `instance.level` or less. Two tests run side by side, of
p >= level and of p <= level. The claim is STATISTICAL if the first is rejected on every instance,
REFUTED if the second is on some, NOT FALSIFIED otherwise. Each test errs with probability at most
alpha on each instance. A trial undecided within rounding counts as a failure.
Their seeds are those of :mod:`.trials`, disjoint from those of the search.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pruneproof.theory.arrays import as_probability
from pruneproof.theory.errors import InapplicableError

from ..claim import Claim, Parameters
from ..evidence import Evidence
from ..sides import Sides
from ..statistics import betting, binomial
from .trials import Trials, most_trials, told
from .trials import trial as trial

#: Most trials of one instance.
TRIALS = {"quick": 400, "standard": 4000, "deep": 40000}
#: How the number of trials is settled: as the evidence comes in, or before running.
PLANS = ("betting", "clopper-pearson")


@dataclass
class _Seen:
    """Notes on the trials of one instance."""

    failures: int = 0
    first: tuple[int, Sides] | None = None
    worst: tuple[int, Sides] | None = None

    def failed(self, trials: Trials) -> Iterator[bool]:
        """Whether each trial fails, as they are run."""
        for t, sides in enumerate(trials):
            failed = not sides.surely_hold
            self.failures += failed
            if failed and self.first is None:
                self.first = (t, sides)
            if self.worst is None or not sides.ratio <= self.worst[1].ratio:
                self.worst = (t, sides)
            yield failed


@dataclass(frozen=True)
class _Test:
    """Outcome on one instance; `below` and `above` are for p < level and p > level."""

    trials: Trials
    seen: _Seen
    level: float
    log_evidence_below: float = 0.0
    log_evidence_above: float = 0.0
    p_value_below: float = 1.0
    p_value_above: float = 1.0
    confidence: tuple[float, float] = (0.0, 1.0)
    word: str = "NOT FALSIFIED"

    @property
    def details(self) -> dict[str, Any]:
        """JSON-able figures."""
        return {
            "parameters": dict(self.trials.parameters),
            "word": self.word,
            "level": self.level,
            "trials": self.trials.run,
            "failures": self.seen.failures,
            "log_evidence_below": self.log_evidence_below,
            "log_evidence_above": self.log_evidence_above,
            "p_value": self.p_value_below,
            "p_value_above": self.p_value_above,
            "confidence_sequence": list(self.confidence),
            "vacuous": bool(getattr(self.trials.instance, "vacuous", False)),
        }


def statistical(
    claim: Claim, *, budget: str, seed: int, alpha: float, plan: str = "betting"
) -> Evidence:
    """Test a statement about chance on each of its frozen instances.

    Parameters
    ----------
    claim : Claim
        Of functions (instance, rng), with ``instance.level`` the failure probability claimed.
    budget : {"quick", "standard", "deep"}
        At most 400, 4000, 40000 trials an instance.
    seed : int
        Root of the trials' seeds.
    alpha : float
        Error level of each direction on each instance.
    plan : {"betting", "clopper-pearson"}
        Stop when either test is decided, at any time; or fix the trials and the allowed failures
        before running: of 0, 1, 2 and 5 the most that the budget allows.

    Returns
    -------
    Evidence
        STATISTICAL, REFUTED (with a trial that fails), NOT FALSIFIED, INAPPLICABLE; and VACUOUS
        instead of the first and third where ``instance.vacuous`` is true of every instance, with
        ``instance.begins`` (from which size on the bound says something) where it has that. The
        least ``log_evidence_below`` and the largest ``p_value`` of its instances are an e-value
        and a p-value of "the claim fails on some of them".

    Raises
    ------
    ValueError
        An unknown budget or plan; alpha, or the level of an instance, outside (0, 1).
    """
    most = most_trials(budget, TRIALS)
    level_of_error = as_probability("alpha", alpha)
    if plan not in PLANS:
        raise ValueError(f"plan must be one of {', '.join(PLANS)}, but is {plan!r}")
    if not claim.examples:
        return Evidence("INAPPLICABLE", "the claim names no frozen instance to run trials on")
    decide = _bet if plan == "betting" else _count
    tests: list[_Test] = []
    for number in range(len(claim.examples)):
        tests.append(_tested(Trials(claim, number, seed), decide, level_of_error, most))
        if tests[-1].word == "REFUTED":
            break
    return _evidence(claim, tests, budget, level_of_error, plan)


_Decide = Callable[[Trials, _Seen, float, float, int], _Test]


def _tested(trials: Trials, decide: _Decide, alpha: float, most: int) -> _Test:
    seen = _Seen()
    level = math.nan
    if trials.error is None:
        level = as_probability("level", trials.instance.level)
        found = decide(trials, seen, level, alpha, most)
        if trials.error is None:
            return found
    word = "INAPPLICABLE" if isinstance(trials.error, InapplicableError) else "REFUTED"
    return _Test(trials, seen, level, word=word)


def _bet(trials: Trials, seen: _Seen, level: float, alpha: float, most: int) -> _Test:
    """Trials until either betting process reaches 1/alpha, or the most there may be."""
    bar = -math.log(alpha)
    below = above = most_below = most_above = 0.0
    for n, _ in enumerate(itertools.islice(seen.failed(trials), most), start=1):
        below = float(betting.log_evidence_below(n, seen.failures, level))
        above = float(betting.log_evidence_above(n, seen.failures, level))
        most_below, most_above = max(most_below, below), max(most_above, above)
        if max(below, above) >= bar:
            break
    return _Test(
        trials,
        seen,
        level,
        below,
        above,
        betting.p_value(most_below),
        betting.p_value(most_above),
        betting.confidence_sequence(trials.run, seen.failures, alpha=alpha),
        _word(most_below >= bar, most_above >= bar),
    )


def _count(trials: Trials, seen: _Seen, level: float, alpha: float, most: int) -> _Test:
    """As many trials as the plan says; where none fits, the most there may be, to refute only."""
    plan = binomial.fixed_plan(level, alpha, most)
    for _ in itertools.islice(seen.failed(trials), plan.trials if plan else most):
        pass
    n, s = trials.run, seen.failures
    if n == 0:
        return _Test(trials, seen, level)
    lower = binomial.lower_limit(s, n, alpha=alpha)
    return _Test(
        trials,
        seen,
        level,
        float(betting.log_evidence_below(n, s, level)),
        float(betting.log_evidence_above(n, s, level)),
        binomial.at_most_probability(s, n, level),
        binomial.at_least_probability(s, n, level),
        (lower, binomial.upper_limit(s, n, alpha=alpha)),
        _word(plan is not None and s <= plan.failures, lower > level),
    )


def _word(below: bool, above: bool) -> str:
    return "REFUTED" if above else "STATISTICAL" if below else "NOT FALSIFIED"


def _evidence(
    claim: Claim, tests: Sequence[_Test], budget: str, alpha: float, plan: str
) -> Evidence:
    ordered = ("REFUTED", "INAPPLICABLE", "NOT FALSIFIED", "STATISTICAL")
    chief = min(tests, key=lambda test: (ordered.index(test.word), test.log_evidence_below))
    word, sentence = chief.word, _sentence(claim, tests, chief, budget, alpha, plan)
    figures = [test.details for test in tests]
    if word in ("STATISTICAL", "NOT FALSIFIED") and all(entry["vacuous"] for entry in figures):
        word = "VACUOUS"
        begins = getattr(chief.trials.instance, "begins", "")
        sentence = f"the bound exceeds the trivial value on every instance{begins}; {sentence}"
    worst = [(test, *test.seen.worst) for test in tests if test.seen.worst]
    shown = _largest(worst)
    skipped = len(tests) < len(claim.examples)
    return Evidence(
        word=word,
        sentence=sentence,
        instances=sum(test.trials.run for test in tests),
        worst_ratio=shown[2].ratio if shown else None,
        witness=_witness(chief, shown),
        details={
            "plan": plan,
            "alpha": alpha,
            "most_trials": TRIALS[budget],
            "log_evidence_below": min(test.log_evidence_below for test in tests),
            "p_value": max(1.0 if skipped else 0.0, *(test.p_value_below for test in tests)),
            "instances": figures,
        },
    )


def _witness(chief: _Test, shown: tuple[_Test, int, Sides] | None) -> dict[str, Any] | None:
    """The error or the first failing trial that refutes; else the trial of the largest ratio."""
    if chief.word == "REFUTED" and chief.trials.error is not None:
        return chief.trials.witness()
    if chief.word == "REFUTED" and chief.seen.first is not None:
        return chief.trials.witness(*chief.seen.first)
    return None if shown is None else shown[0].trials.witness(shown[1], shown[2])


def _largest(seen: Sequence[tuple[_Test, int, Sides]]) -> tuple[_Test, int, Sides] | None:
    """Trial of the largest ratio; NaN counts as the largest."""
    return max(
        seen, key=lambda one: math.inf if math.isnan(one[2].ratio) else one[2].ratio, default=None
    )


def _sentence(
    claim: Claim, tests: Sequence[_Test], chief: _Test, budget: str, alpha: float, plan: str
) -> str:
    trials, seen = chief.trials, chief.seen
    where = f"instance {trials.number} ({_brief(trials.parameters)})"
    if chief.word == "INAPPLICABLE":
        return f"{where} is outside the hypotheses: {trials.error}"
    how = f"error level {alpha:.2g} each way and instance, {plan}"
    counted = f"{seen.failures} failures in {trials.run} trials"
    lower, upper = chief.confidence
    if chief.word == "REFUTED":
        false = "false as it should be: " if claim.must_fail else ""
        if trials.error is not None:
            return f"{false}trial {trials.run} of {where} raised {told(trials.error)}"
        return (
            f"{false}{where} fails with probability above {lower:.3g}, where {chief.level:.3g} is "
            f"claimed ({counted}; {how}){_first(seen)}"
        )
    if chief.word == "STATISTICAL":
        bounds = ", ".join(f"{level:.3g}" for level in sorted({test.level for test in tests}))
        runs = sum(test.trials.run for test in tests)
        lost = sum(test.seen.failures for test in tests)
        return (
            f"failure probability below the level claimed ({bounds}) on {_each(len(tests))}: "
            f"{lost} failures in {runs} trials ({how})"
        )
    undecided = sum(test.word == "NOT FALSIFIED" for test in tests)
    on = f"{undecided} of {_frozen(len(tests))}" if len(tests) > 1 else _each(1)
    return (
        f"undecided on {on} after at most {TRIALS[budget]} trials: "
        f"{where} has {counted}, so a failure probability between {lower:.3g} and {upper:.3g}, "
        f"where {chief.level:.3g} is claimed ({how}){_shortfall(chief.level, alpha, budget, plan)}"
    )


def _first(seen: _Seen) -> str:
    """The first trial that fails, in words."""
    if seen.first is None:
        return ""
    t, sides = seen.first
    part = f", {sides.part}" if sides.part else ""
    return (
        f"; trial {t}{part}: {sides.lhs:.6g} against {sides.rhs:.6g} "
        f"(rounding allows {sides.tolerance:.2g})"
    )


def _shortfall(level: float, alpha: float, budget: str, plan: str) -> str:
    """Whether the budget could have decided at all."""
    if plan == "betting":
        least = betting.trials_without_failure(level, alpha)
    else:
        least = binomial.trials_needed(level, alpha)
    if least <= TRIALS[budget]:
        return ""
    return (
        f"; to confirm it takes {least} trials with no failure, more than the {budget} budget has"
    )


def _brief(parameters: Parameters) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items()) or "as generated"


def _frozen(count: int) -> str:
    return "1 frozen instance" if count == 1 else f"{count} frozen instances"


def _each(count: int) -> str:
    return "the frozen instance" if count == 1 else f"each of {_frozen(count)}"
