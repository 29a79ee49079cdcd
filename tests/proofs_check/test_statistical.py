"""The statistical checker on coins of known bias: words, figures, seeds, replay, error level.

Simulated rates are compared by Clopper-Pearson limits at level 1e-9; the seeds are fixed.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check.checkers.search import claim_seed
from pruneproof.proofs_check.checkers.statistical import statistical, trial
from pruneproof.proofs_check.checkers.trials import CERTIFICATION, trial_rng
from pruneproof.proofs_check.claim import Claim
from pruneproof.proofs_check.mutants import Mutant
from pruneproof.proofs_check.sides import Sides, at_most
from pruneproof.proofs_check.statistics.betting import (
    confidence_sequence,
    log_evidence_above,
    log_evidence_below,
    trials_without_failure,
)
from pruneproof.proofs_check.statistics.binomial import lower_limit, upper_limit
from pruneproof.theory.errors import InapplicableError


def _coin(
    rng: np.random.Generator,
    *,
    p: float = 0.0,
    level: float = 0.1,
    flaw: str = "",
    begins: str = "",
) -> SimpleNamespace:
    if flaw == "unbuilt":
        raise RuntimeError("no such coin")
    if flaw == "outside":
        raise InapplicableError("the coin has three sides")
    return SimpleNamespace(p=p, level=level, flaw=flaw, vacuous=flaw == "vacuous", begins=begins)


def _fails(coin: SimpleNamespace, rng: np.random.Generator, *, factor: float = 1.0) -> Sides:
    """A coin fails with at most the probability claimed.

    Hypotheses
    ----------
    None.

    Statement
    ---------
    P(lhs > 1) <= level.

    Source
    ------
    Made up [D].

    References
    ----------
    None.
    """
    if coin.flaw == "breaks" and rng.random() < 0.1:
        raise FloatingPointError("the coin broke")
    if coin.flaw == "touching":
        return at_most(1.0, 1.0, scale=1.0, size=1)
    draw = rng.random()
    return at_most(2.0 - draw if draw < factor * coin.p else draw / 2, 1.0, scale=1.0, size=1)


def _claim(*examples: Mapping[str, Any], **given: Any) -> Claim:
    return Claim("test.coin", "probability", _fails, _coin, {}, examples, **given)


def _run(*examples: Mapping[str, Any], alpha: float = 1e-3, **given: Any) -> Any:
    options: dict[str, Any] = {"budget": "quick", "seed": 5} | given
    return statistical(_claim(*examples), alpha=alpha, **options)


def test_a_sure_statement_stops_at_the_least_number_of_trials() -> None:
    found = _run({"level": 0.1}, {"level": 0.05})
    assert found.word == "STATISTICAL"
    needed = [trials_without_failure(level, 1e-3) for level in (0.1, 0.05)]
    assert [entry["trials"] for entry in found.details["instances"]] == needed
    assert found.instances == sum(needed)
    assert f"(0.05, 0.1) on each of 2 frozen instances: 0 failures in {sum(needed)} trials" in (
        found.sentence
    )
    assert "error level 0.001 each way and instance, betting" in found.sentence
    assert 0.4 < found.worst_ratio < 0.5


def test_figures_are_those_of_the_trials() -> None:
    found = _run({"p": 0.06, "level": 0.2, "seed": 3})
    (entry,) = found.details["instances"]
    claim, n = _claim({"p": 0.06, "level": 0.2, "seed": 3}), entry["trials"]
    failed = np.array([not trial(claim, 0, t, 5).surely_hold for t in range(n)])
    s = np.cumsum(failed)
    below, above = (
        f(np.arange(1, n + 1), s, 0.2) for f in (log_evidence_below, log_evidence_above)
    )
    assert entry["failures"] == s[-1] > 0
    assert below[-1] >= np.log(1000) > np.max(below[:-1])  # stopped as soon as it could
    assert entry["log_evidence_below"] == found.details["log_evidence_below"] == below[-1]
    assert entry["log_evidence_above"] == above[-1]
    assert entry["p_value"] == pytest.approx(np.exp(-np.max(below)))
    assert entry["p_value_above"] == pytest.approx(np.exp(-max(np.max(above), 0.0)))
    assert tuple(entry["confidence_sequence"]) == confidence_sequence(n, int(s[-1]), alpha=1e-3)
    assert entry["confidence_sequence"][1] < 0.2
    ratios = [trial(claim, 0, t, 5).ratio for t in range(n)]
    assert found.worst_ratio == max(ratios)
    assert found.witness["trial"] == int(np.argmax(ratios))


@pytest.mark.parametrize("plan", ["betting", "clopper-pearson"])
def test_a_refutation_shows_a_failing_trial_that_replays(plan: str) -> None:
    examples = ({"level": 0.1}, {"p": 0.5, "level": 0.1}, {"level": 0.1})
    found = _run(*examples, plan=plan)
    assert found.word == "REFUTED"
    witness = found.witness
    assert (witness["instance"], witness["parameters"]) == (1, examples[1])
    again = trial(_claim(*examples), witness["instance"], witness["trial"], witness["seed"])
    assert not again.surely_hold
    assert (again.lhs, again.rhs, again.tolerance) == (
        witness["lhs"],
        witness["rhs"],
        witness["tolerance"],
    )
    assert len(found.details["instances"]) == 2  # the third need not run
    assert found.details["p_value"] == 1.0
    assert found.details["instances"][1]["confidence_sequence"][0] > 0.1
    assert "instance 1 (p 0.5, level 0.1) fails with probability above" in found.sentence
    assert f"trial {witness['trial']}: {again.lhs:.6g} against 1" in found.sentence


def test_undecided_gives_the_confidence_sequence() -> None:
    found = _run({"level": 0.1}, {"p": 0.1, "level": 0.1})
    assert found.word == "NOT FALSIFIED"
    entry = found.details["instances"][1]
    lower, upper = entry["confidence_sequence"]
    assert lower < 0.1 < upper
    assert entry["trials"] == 400
    assert "undecided on 1 of 2 frozen instances after at most 400 trials" in found.sentence
    assert f"between {lower:.3g} and {upper:.3g}, where 0.1 is claimed" in found.sentence
    assert "with no failure" not in found.sentence
    short = _run({"level": 1e-3})
    assert short.word == "NOT FALSIFIED"
    needed = trials_without_failure(1e-3, 1e-3)
    assert f"it takes {needed} trials with no failure, more than the quick budget" in short.sentence


def test_trials_and_failures_fixed_before_running() -> None:
    plan = "clopper-pearson"
    found = _run({"p": 0.005, "level": 0.05, "seed": 2}, alpha=0.01, plan=plan)
    (entry,) = found.details["instances"]
    assert (found.word, entry["trials"]) == ("STATISTICAL", 259)  # five failures allowed
    assert 0 < entry["failures"] <= 5
    n, s = entry["trials"], entry["failures"]
    limits = lower_limit(s, n, alpha=0.01), upper_limit(s, n, alpha=0.01)
    assert tuple(entry["confidence_sequence"]) == limits
    assert limits[1] <= 0.05
    undecided = _run({"p": 0.05, "level": 0.05}, alpha=0.01, plan=plan)
    assert undecided.word == "NOT FALSIFIED"
    none_fits = _run({"level": 1e-3}, alpha=0.01, plan=plan)
    assert none_fits.word == "NOT FALSIFIED"
    assert "it takes 4603 trials with no failure" in none_fits.sentence
    refuted = _run({"p": 0.1, "level": 1e-3}, alpha=0.01, plan=plan)
    assert refuted.word == "REFUTED"


def test_undecided_within_rounding_is_a_failure() -> None:
    assert at_most(1.0, 1.0, scale=1.0, size=1).hold
    found = _run({"flaw": "touching", "level": 0.1})
    assert found.word == "REFUTED"
    entry = found.details["instances"][0]
    assert entry["failures"] == entry["trials"]


def test_outside_the_hypotheses_and_errors() -> None:
    outside = _run({"level": 0.1}, {"flaw": "outside"})
    assert outside.word == "INAPPLICABLE"
    assert "instance 1 (flaw outside) is outside the hypotheses: the coin has three sides" in (
        outside.sentence
    )
    # a refutation elsewhere counts for more
    assert _run({"flaw": "outside"}, {"p": 1.0}).word == "REFUTED"
    broken = _run({"flaw": "breaks", "level": 0.3})
    assert broken.word == "REFUTED"
    assert broken.witness["error"] == "FloatingPointError: the coin broke"
    with pytest.raises(FloatingPointError, match="the coin broke"):
        trial(_claim({"flaw": "breaks", "level": 0.3}), 0, broken.witness["trial"], 5)
    unbuilt = _run({"flaw": "unbuilt"})
    assert (unbuilt.word, unbuilt.instances) == ("REFUTED", 0)
    assert "RuntimeError: no such coin" in unbuilt.sentence
    assert _run().word == "INAPPLICABLE"


def test_a_bound_above_the_trivial_value_is_vacuous() -> None:
    found = _run({"flaw": "vacuous"}, {"flaw": "vacuous", "p": 0.1})
    assert found.word == "VACUOUS"
    assert found.sentence.startswith("the bound exceeds the trivial value on every instance; ")
    assert _run({"flaw": "vacuous"}, {}).word == "STATISTICAL"
    begins = _run({"flaw": "vacuous", "begins": ", until n = 7"})
    assert begins.sentence.startswith(
        "the bound exceeds the trivial value on every instance, until"
    )
    assert _run({"flaw": "vacuous", "p": 1.0}).word == "REFUTED"


def test_mutants_and_false_readings_take_the_same_test() -> None:
    claim = _claim({"p": 0.01, "level": 0.1}, mutants=(Mutant("factor", {"factor": 60.0}),))
    options: Any = {"budget": "quick", "seed": 0, "alpha": 1e-3}
    assert statistical(claim, **options).word == "STATISTICAL"
    mutated = claim.mutated(claim.mutants[0])
    assert statistical(mutated, **options).word == "REFUTED"
    false = dataclasses.replace(mutated, kind="must-fail")
    assert statistical(false, **options).sentence.startswith("false as it should be: ")


def test_evidence_is_json_and_repeats() -> None:
    examples = ({"p": 0.03, "level": 0.1}, {"p": 0.2, "level": 0.1})
    first, second = _run(*examples), _run(*examples)
    assert first == second
    assert first != _run(*examples, seed=6)
    assert json.loads(json.dumps(first.details)) == first.details
    assert json.loads(json.dumps(first.witness)) == first.witness
    # an instance's trials do not depend on what ran before
    alone = _run(examples[0])
    assert alone.details["instances"][0] == first.details["instances"][0]


def test_certification_draws_are_disjoint_from_those_of_the_search() -> None:
    """Trials start where no search, generator or other trial does (128-bit states)."""
    seed, name = 0, "spectral.P1"

    def state(sequence: np.random.SeedSequence) -> bytes:
        return sequence.generate_state(4).tobytes()

    crc = zlib.crc32(name.encode())
    trials = {
        (i, t): state(np.random.SeedSequence(seed, spawn_key=(crc, CERTIFICATION, i, t)))
        for i in range(4)
        for t in range(500)
    }
    assert len(set(trials.values())) == len(trials)
    used: Any = trial_rng(name, 3, 7, seed).bit_generator.seed_seq
    assert state(used) == trials[3, 7]  # the states above are those of the trials
    search = {
        state(np.random.SeedSequence(seed, spawn_key=(crc,))),
        state(np.random.SeedSequence(claim_seed(name, seed))),
    }
    generators = {state(np.random.SeedSequence(s)) for s in range(65536)}
    assert not set(trials.values()) & (search | generators)


def test_error_level_of_the_checker() -> None:
    """At p = level each direction errs at most at alpha, over the whole chain of seeds."""
    alpha, runs = 0.2, 100
    claim = _claim({"p": 0.125, "level": 0.125})
    words = [
        statistical(claim, budget="quick", seed=seed, alpha=alpha).word for seed in range(runs)
    ]
    for word in ("STATISTICAL", "REFUTED"):
        assert lower_limit(words.count(word), runs, alpha=1e-9) <= alpha
        assert words.count(word) > 0


def test_refusals() -> None:
    with pytest.raises(ValueError, match="budget must be one of quick, standard, deep, but is 'x'"):
        _run({}, budget="x")
    with pytest.raises(ValueError, match="plan must be one of betting, clopper-pearson"):
        _run({}, plan="guess")
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        _run({}, alpha=0.0)
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1, but is 1"):
        _run({"level": 1.0})
    with pytest.raises(ValueError, match="instance_number must be at least 0 and at most 0"):
        trial(_claim({}), 1, 0, 0)
