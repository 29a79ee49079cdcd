"""Lemmas are proved, altered ones are refuted by numbers, and nothing else counts as a proof."""

from __future__ import annotations

import builtins
from fractions import Fraction
from typing import Any

import pytest

from pruneproof.proofs_check import claims
from pruneproof.proofs_check.checkers.proved import proved
from pruneproof.proofs_check.claim import Claim
from pruneproof.proofs_check.mutants import Mutant
from pruneproof.proofs_check.proofs import smt, symbolic

LEMMAS = {claim.id: claim for claim in claims("lemma.*")}
ALTERED = [
    pytest.param(claim, mutant, id=f"{claim.id}~{mutant.name}")
    for claim in LEMMAS.values()
    if claim.id in smt.LEMMAS or claim.id in symbolic.LEMMAS
    for mutant in claim.mutants
]
SMALL = [*smt.LEMMAS, *symbolic.LEMMAS]


def test_every_small_lemma_is_a_claim_that_states_its_size() -> None:
    assert set(SMALL) <= set(LEMMAS)
    for name in SMALL:
        claim = LEMMAS[name]
        assert claim.kind == "lemma"
        assert name.endswith(("-2", "-3"))
        text = f"{claim.sections['Source']} {claim.sections['Hypotheses']}"
        assert "only" in text, f"{name} must say that it is about a small case only"


@pytest.mark.parametrize("name", SMALL)
def test_small_lemmas_are_proved(name: str) -> None:
    found = proved(name)
    assert found is not None
    assert found.word == "PROVED"
    assert found.details["prover"] in ("z3", "sympy")
    assert found.details["version"] in found.sentence
    assert "of the size stated" in found.sentence


@pytest.mark.parametrize(("claim", "mutant"), ALTERED)
def test_altered_small_lemmas_are_refuted_by_numbers(claim: Claim, mutant: Mutant) -> None:
    if claim.id in smt.LEMMAS:
        answer = smt.decide(claim.id, **mutant.changes)
        assert answer.word == "sat"
        assert answer.model
    else:
        found = symbolic.difference(claim.id, **mutant.changes)
        assert {Fraction(value) for value in found.model.values()}


def test_numbers_of_a_refutation_refute() -> None:
    model = smt.decide("lemma.degrees-antitone-2", swapped=True).model
    value = {name: Fraction(number) for name, number in model.items()}
    mu = [value["mu_1"], value["mu_2"]]
    lam, larger = value["lam"], value["lam_larger"]
    assert min(mu) >= 0
    assert 0 < lam <= larger
    assert not sum(x / (x + lam) for x in mu) <= sum(x / (x + larger) for x in mu)


def test_a_refuted_lemma_is_refuted_and_an_undecided_one_says_so(monkeypatch: Any) -> None:
    name = "lemma.degrees-antitone-2"
    monkeypatch.setitem(smt.LEMMAS, name, lambda: smt.degrees_antitone(swapped=True))
    found = proved(name)
    assert found is not None
    assert found.word == "REFUTED"
    assert "lam_larger = " in found.sentence
    monkeypatch.setattr(smt, "EFFORT", 1)
    monkeypatch.setitem(smt.LEMMAS, name, lambda: smt.inverse_antitone())
    found = proved(name)
    assert found is not None
    assert found.word == "INAPPLICABLE"
    assert "gave up" in found.sentence


def test_a_refuted_identity_is_refuted(monkeypatch: Any) -> None:
    name = "lemma.gain-3"
    monkeypatch.setitem(symbolic.LEMMAS, name, lambda: symbolic.gain(own_ridge=0.0))
    found = proved(name)
    assert found is not None
    assert found.word == "REFUTED"


@pytest.mark.parametrize(
    ("package", "name"), [("z3", "lemma.residual-psd-2"), ("sympy", "lemma.gain-3")]
)
def test_an_absent_prover_proves_nothing(monkeypatch: Any, package: str, name: str) -> None:
    real = builtins.__import__

    def without(module: str, *rest: Any, **more: Any) -> Any:
        if module == package:
            raise ImportError(module)
        return real(module, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    found = proved(name)
    assert found is not None
    assert found.word == "INAPPLICABLE"
    assert "pip install" in found.sentence


@pytest.mark.parametrize("general", ["degrees-antitone", "degrees-rank", "residual-psd"])
def test_a_small_case_proves_no_general_claim(general: str) -> None:
    small = [name for name in SMALL if name.startswith(f"lemma.{general}-")]
    assert small
    assert f"lemma.{general}" not in SMALL


def test_a_claim_that_nobody_proved_has_no_proof() -> None:
    assert proved("spectral.D6") is None
