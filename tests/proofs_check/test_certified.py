"""Ball arithmetic decides the claims on instances, and sees the mutants die without rounding."""

from __future__ import annotations

import dataclasses
import importlib
import inspect

import numpy as np
import pytest

flint = pytest.importorskip("flint", reason="python-flint is not installed")

from pruneproof.proofs_check import claims  # noqa: E402
from pruneproof.proofs_check.certified import decision as deciding  # noqa: E402
from pruneproof.proofs_check.certified import evaluations  # noqa: E402
from pruneproof.proofs_check.certified.decision import Compare, Order, decide  # noqa: E402
from pruneproof.proofs_check.checkers import certified as checker  # noqa: E402
from pruneproof.proofs_check.checkers.certified import EVALUATIONS, certified, decided  # noqa: E402

IDS = sorted(EVALUATIONS)


def claim(name):
    (found,) = claims(name)
    return found


@pytest.mark.parametrize("name", IDS)
def test_claims_are_true_of_their_known_cases(name):
    evidence = certified(claim(name), budget="standard", seed=0)
    assert evidence.word == "CERTIFIED", evidence.sentence
    assert evidence.details["undecided"] == 0
    assert evidence.details["true"] == evidence.instances >= 12
    assert evidence.worst_ratio is None or evidence.worst_ratio <= 1.0


@pytest.mark.parametrize("name", IDS)
def test_mutants_are_decided_false(name):
    """Every mutant that must die does, where its constants are known here."""
    whole = claim(name)
    tried = 0
    for mutant in whole.mutants:
        evidence = certified(whole.mutated(mutant), budget="standard", seed=0)
        if evidence is None or not mutant.must_die:
            continue
        tried += 1
        assert evidence.word == "REFUTED", f"{mutant.name}: {evidence.sentence}"
        assert evidence.witness["parameters"]
        again = decided(whole.mutated(mutant), evidence.witness["parameters"])[1]
        assert again.verdict == "false"
    assert tried >= 1


@pytest.mark.parametrize("name", IDS)
def test_constants_are_those_of_the_claim(name):
    """Same names and the same claimed values as the claim's own function."""
    stated = inspect.signature(claim(name).evaluate).parameters
    module, function, _ = EVALUATIONS[name]
    found = importlib.import_module(f"pruneproof.proofs_check.certified.{module}")
    ours = inspect.signature(getattr(found, function)).parameters
    constants = {n: p.default for n, p in ours.items() if p.kind is p.KEYWORD_ONLY}
    assert constants
    for constant, value in constants.items():
        assert stated[constant].default == value


def test_equal_sides_hold_up_to_a_stated_slack():
    """J = F, no ridge: 0 <= 0, which no precision decides."""
    numbers, decision = decided(
        claim("spectral.D2"), {"family": "power-law", "m": 3, "k": 3, "nodes": "none"}
    )
    assert (decision.verdict, decision.touching, decision.precision) == ("true", True, 512)
    trace = np.sum(numbers.features**2) / len(numbers.features)
    assert all(part.slack < 2.0**-100 * trace for part in decision.parts)
    third = decide(lambda _: [Compare("", flint.arb(1), flint.arb(1) / 3 * 3)], numbers, {})
    assert (third.verdict, third.touching) == ("true", True)


def test_what_is_wider_than_the_slack_stays_undecided():
    numbers = decided(claim("spectral.X8"), {})[0]
    wide = decide(lambda _: [Compare("", flint.arb(1), flint.arb(1, 2.0**-40))], numbers, {})
    assert wide.verdict == "undecided"
    singular = flint.arb_mat([[flint.arb(0, 2.0**-40)]])
    order = decide(lambda _: [Order("", singular, singular, flint.arb(1))], numbers, {})
    assert order.verdict == "undecided"


def test_a_slack_never_refutes_nor_hides_a_failure():
    numbers = decided(claim("spectral.X8"), {})[0]
    less = flint.arb(2) ** -1000

    def off(sign):
        return decide(lambda _: [Compare("", flint.arb(1), 1 + sign * less)], numbers, {}, (2048,))

    assert (off(1).verdict, off(1).touching) == ("true", False)
    assert off(-1).verdict == "false"
    shown = decide(
        lambda _: [Order("", flint.arb_mat([[1]]), flint.arb_mat([[0]]), flint.arb(1))], numbers, {}
    )
    assert shown.verdict == "false"


def _bare(features, kept):
    m = features.shape[1]
    return deciding.Numbers(features, kept, np.zeros(m), 1.0, 1.0, np.ones((1, m)))


@pytest.mark.parametrize(
    ("evaluation", "constants", "features", "kept"),
    [
        (evaluations.loss_floor, {"constant": 2.0}, [1, 1, 2.0**-90, 2.0**-90], (0, 1)),
        (evaluations.converse, {"tail_constant": 2.0}, [1, 1, 2.0**-90], (0, 1)),
        (evaluations.monotone_residual, {"constant": 0.5}, [1, 2.0**-90], (0,)),
        (evaluations.monotone_residual, {"constant": 0.5}, [1, 1, 0.3], (0,)),
    ],
)
def test_false_statements_about_tiny_parts_are_decided_false(evaluation, constants, features, kept):
    """Equal eigenvalues and kept nodes, of which nothing is left, hide no smaller part."""
    numbers = _bare(np.diag(features), kept)
    assert decide(evaluation, numbers, constants).verdict == "false"
    assert decide(evaluation, numbers, {}).verdict == "true"


def test_exists_claims_list_all_subsets_where_the_chosen_nodes_fail():
    whole = claim("spectral.D6")
    altered = whole.mutated(next(m for m in whole.mutants if m.name == "constant x .95"))
    numbers, decision = decided(altered, {"family": "flat", "m": 24, "k": 1, "theta": 1.0})
    assert decision.verdict == "false"
    assert numbers.chosen == ()
    numbers, decision = decided(altered, {"family": "flat", "m": 101, "k": 1, "theta": 1.0})
    assert decision.verdict == "undecided"  # too many to list


def test_draws_depend_on_the_seed_alone():
    whole = claim("spectral.X5")
    assert certified(whole, budget="quick", seed=0).instances == len(whole.examples)
    first, again = (certified(whole, budget="standard", seed=7) for _ in range(2))
    assert first == again
    assert first.instances == len(whole.examples) + 20


def test_claims_without_an_evaluation_say_nothing():
    assert certified(claim("spectral.I4"), budget="quick", seed=0) is None
    assert certified(claim("spectral.P1"), budget="quick", seed=0) is None
    selector = next(m for m in claim("spectral.D6").mutants if "selector" in m.changes)
    assert certified(claim("spectral.D6").mutated(selector), budget="quick", seed=0) is None
    with pytest.raises(ValueError, match="no evaluation"):
        decided(claim("spectral.I4"), {})


def test_without_flint_the_way_to_install_it_is_named(monkeypatch):
    monkeypatch.setattr(checker.importlib.util, "find_spec", lambda _: None)
    evidence = certified(claim("spectral.X5"), budget="quick", seed=0)
    assert evidence.word == "INAPPLICABLE"
    assert "pruneproof[certify]" in evidence.sentence


def test_undecided_instances_lower_the_word(monkeypatch):
    undecided = deciding.Decision("undecided", 512, ())
    real = checker.decided

    def some(whole, parameters, precisions=(128,)):
        numbers, decision = real(whole, parameters, precisions)
        return numbers, undecided if parameters.get("family") == "flat" else decision

    monkeypatch.setattr(checker, "decided", some)
    evidence = certified(claim("spectral.X7"), budget="quick", seed=0)
    assert evidence.word == "NOT FALSIFIED"
    assert "1 of 10 instances stay undecided" in evidence.sentence


def test_numbers_are_written_exactly():
    numbers = decided(claim("spectral.X7"), {"family": "relu"})[0]
    told = numbers.as_hex()
    back = np.array([[float.fromhex(v) for v in row] for row in told["features"]])
    assert np.array_equal(back, numbers.features)
    assert told["kept"] == list(numbers.kept)
    assert set(told) == {field.name for field in dataclasses.fields(numbers)}
