"""The mutation gate: altered statements die by what they alter, and a blind check is caught."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check import Claim, claims, verify
from pruneproof.proofs_check.checkers.mutation import mutation
from pruneproof.proofs_check.evidence import Evidence
from pruneproof.proofs_check.generators import Real
from pruneproof.proofs_check.mutants import Fate, Mutant
from pruneproof.proofs_check.sides import at_most, equal
from pruneproof.proofs_check.weighing import weigh
from pruneproof.theory.errors import InapplicableError

CLAIMS = [claim for claim in claims() if not claim.must_fail]
#: Statements about every instance; the others have their mutants tested beside their trials.
OF_INSTANCES = [claim for claim in CLAIMS if claim.mutants and not claim.by_trials]

DOCUMENTED = """Stands for a claim.

Hypotheses
----------
None.

Statement
---------
As evaluated.

Source
------
Made up [D].

References
----------
None.
"""


def _fates(claim: Claim, *, seed: int = 0) -> dict[str, Fate]:
    found = mutation(claim, budget="quick", seed=seed, alpha=1e-4)
    return {fate.name: fate for fate in found}


def _claim(evaluate: Any, *mutants: Mutant, kind: Any = "inequality", level: float = 0.1) -> Claim:
    @dataclass(frozen=True)
    class Instance:
        x: float
        level: float
        tolerance: float = 0.05

    def make(rng: np.random.Generator, *, x: float = 1.0) -> Any:
        return Instance(x, level)

    evaluate.__doc__ = DOCUMENTED
    return Claim("test.claim", kind, evaluate, make, {}, ({},), mutants)


def _bounded(instance: Any, *, constant: float = 1.0) -> Any:
    return at_most(instance.x, constant, scale=1.0, size=1)


def _attained(claim: Claim) -> bool:
    known = claim.sections.get("Equality cases", "None")
    return claim.kind == "identity" or not known.startswith("None")


def _within_five_per_cent(value: Any, default: Any) -> bool:
    return (
        isinstance(value, float)
        and default != 0
        and 0.949 <= min(value / default, default / value if value else 0.0) < 1
    )


SHARPER = Mutant("constant x .95", {"constant": 0.95})


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_ships_mutants_of_its_constants(claim: Claim) -> None:
    assert claim.mutants
    constants = {
        name: parameter.default
        for name, parameter in inspect.signature(claim.evaluate).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for mutant in claim.mutants:
        assert set(mutant.changes) <= set(constants)
        assert any(constants[name] != value for name, value in mutant.changes.items())
        json.dumps([dict(mutant.changes), [dict(case) for case in mutant.examples]])


@pytest.mark.parametrize("claim", OF_INSTANCES, ids=lambda claim: claim.id)
def test_mutants_that_must_die_do_and_by_what_they_alter(claim: Claim) -> None:
    fates = _fates(claim)
    assert list(fates) == [mutant.name for mutant in claim.mutants]
    for fate in fates.values():
        assert fate.ok, fate
        assert fate.died or fate.evidence.startswith("survived")
        # not by an error, nor by setting the theory's value against another formula
        assert not fate.evidence.startswith("raised")
        assert claim.kind == "identity" or "value: " not in fate.evidence


@pytest.mark.parametrize(
    "claim", [claim for claim in OF_INSTANCES if _attained(claim)], ids=lambda claim: claim.id
)
def test_where_equality_is_known_five_per_cent_are_seen(claim: Claim) -> None:
    defaults = inspect.signature(claim.evaluate).parameters
    assert any(
        mutant.must_die and _within_five_per_cent(value, defaults[name].default)
        for mutant in claim.mutants
        for name, value in mutant.changes.items()
    )


def test_fates_depend_on_the_seed_alone() -> None:
    loose = Mutant("constant x 1.5", {"constant": 1.5}, must_die=False)
    claim = replace(_claim(_bounded, loose), space={"x": Real(0.0, 1.0)}, examples=())
    first, again, other = (_fates(claim, seed=seed)[loose.name] for seed in (3, 3, 4))
    assert first == again
    assert not first.died
    assert first.evidence.startswith("survived 25 instances, worst ratio 0.6")
    assert first.evidence != other.evidence


def test_a_death_replays() -> None:
    (claim,) = claims("spectral.D6")
    mutant = claim.mutants[-1]
    assert mutant.changes == {"selector": "greedy"}
    fate = _fates(claim)[mutant.name]
    altered = claim.mutated(mutant)
    sides = altered.check(altered.instance(json.loads(fate.evidence.rpartition(" at ")[2])))
    assert sides.lhs / sides.rhs == pytest.approx(648 / 475, rel=1e-12, abs=0)  # as A2 says
    assert claim.check(altered.instance(mutant.examples[0])).hold


def test_a_check_that_ignores_its_constant_is_caught() -> None:
    def blind(instance: Any, *, constant: float = 1.0) -> Any:
        return at_most(instance.x, 1.0, scale=1.0, size=1)

    seeing, unseeing = _claim(_bounded, SHARPER), _claim(blind, SHARPER)
    assert _fates(seeing)[SHARPER.name].ok
    fate = _fates(unseeing)[SHARPER.name]
    assert not fate.died
    assert not fate.ok
    assert fate.evidence.startswith("survived 26 instances, worst ratio 1")


def test_a_mutant_that_survives_spoils_the_verdict_of_a_claim_that_holds() -> None:
    claim = _claim(_bounded, SHARPER)
    held = {"search": Evidence("NOT FALSIFIED", "held", 1, 1.0)}
    for died in (True, False):
        fates = [Fate(SHARPER.name, True, died, "")]
        assert weigh(claim, held, fates, seed=0, seconds=0.0).ok is died


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"constnat": 0.5}, "changes constnat, but the constants of its function are constant"),
        ({"instance": 0.5}, "changes instance, but the constants"),
        ({"constant": 1.0}, "changes nothing"),
    ],
)
def test_a_misspelt_or_idle_mutant_is_no_refutation(changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _fates(_claim(_bounded, Mutant("wrong", changes)))


def test_an_error_kills_and_an_instance_outside_the_hypotheses_does_not() -> None:
    def fails(instance: Any, *, constant: float = 1.0) -> Any:
        if constant == 2.0:
            raise InapplicableError("the constant is 2")
        return at_most(0.0, 1 / constant, scale=1.0, size=1)

    claim = _claim(fails, Mutant("zero", {"constant": 0.0}), Mutant("two", {"constant": 2.0}))
    fates = _fates(claim)
    assert fates["zero"].died
    assert fates["zero"].evidence.startswith("raised ZeroDivisionError at {}")
    assert not fates["two"].died
    assert fates["two"].evidence.endswith("no instance met the hypotheses: the constant is 2")


def test_statements_about_chance_die_by_their_own_tests() -> None:
    def likely(instance: Any, rng: np.random.Generator, *, constant: float = 1.0) -> Any:
        return at_most(rng.random(), 0.99 * constant, scale=0.0, size=1)

    def law(instance: Any, rng: np.random.Generator, *, constant: float = 1.0) -> Any:
        return equal(constant, 1 + 0.01 * rng.standard_normal(), scale=1.0, size=1)

    half, near = Mutant("half", {"constant": 0.5}), Mutant("near", {"constant": 0.98}, False)
    for claim in (
        _claim(likely, half, near, kind="probability"),
        _claim(law, half, near, kind="law"),
    ):
        fates = _fates(claim)
        assert fates["half"].died
        assert not fates["near"].died
        assert "1e-04" in fates["half"].evidence or "0.0001" in fates["half"].evidence


def test_verdicts_carry_the_fates() -> None:
    (verdict,) = verify("spectral.D4")
    fates = {fate["name"]: fate for fate in verdict.mutants}
    assert fates["upper side x .95"]["died"]
    assert not fates["power law x 1/2"]["died"]
    assert not fates["power law x 1/2"]["must_die"]
