"""Lemmas are proved, altered ones are refuted by numbers, and nothing else counts as a proof."""

from __future__ import annotations

import builtins
import inspect
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pruneproof.proofs_check import claims
from pruneproof.proofs_check.checkers.proved import proved
from pruneproof.proofs_check.claim import Claim
from pruneproof.proofs_check.mutants import Mutant
from pruneproof.proofs_check.proofs import coq, smt, symbolic

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


def _with_mu_over_itself(lam: Any) -> list[Any]:
    """mu/mu <= mu/mu, which z3 finds true at mu = 0 as well."""
    import z3

    mu = z3.Real("mu")
    return [mu >= 0, lam > 0, mu / mu > mu / mu]


@pytest.mark.parametrize(
    ("lemma", "reason"),
    [
        (lambda lam: [lam < 0, *smt.degrees_antitone()], "no numbers meet its hypotheses"),
        (
            lambda lam: [c for c in smt.degrees_antitone() if str(c) != "lam > 0"],
            "a divisor may be 0",
        ),
        (_with_mu_over_itself, "a divisor may be 0"),
    ],
    ids=["contradictory hypotheses", "lam > 0 forgotten", "true by z3's value of 0/0"],
)
def test_a_void_lemma_is_neither_proved_nor_refuted(
    monkeypatch: Any, lemma: Any, reason: str
) -> None:
    z3 = pytest.importorskip("z3")
    name = "lemma.degrees-antitone-2"
    monkeypatch.setitem(smt.LEMMAS, name, lambda: lemma(z3.Real("lam")))
    found = proved(name)
    assert found is not None
    assert found.word == "INAPPLICABLE"
    assert reason in found.sentence


def test_no_identity_is_no_proof(monkeypatch: Any) -> None:
    monkeypatch.setitem(symbolic.LEMMAS, "lemma.gain-3", lambda: [])
    found = proved("lemma.gain-3")
    assert found is not None
    assert found.word == "INAPPLICABLE"
    assert "states no identity" in found.sentence


@pytest.mark.parametrize("name", SMALL)
def test_what_is_proved_has_the_constants_of_its_claim(name: str) -> None:
    lemma = {**smt.LEMMAS, **symbolic.LEMMAS}[name]
    stated = inspect.signature(LEMMAS[name].evaluate).parameters.values()
    constants = {p.name: p.default for p in stated if p.kind is p.KEYWORD_ONLY}
    assert {p.name: p.default for p in inspect.signature(lemma).parameters.values()} == constants


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
    assert "missing" in found.details
    assert "pip install" in found.sentence


@pytest.mark.parametrize("general", ["degrees-antitone", "degrees-rank", "residual-psd"])
def test_a_small_case_proves_no_general_claim(general: str) -> None:
    small = [name for name in SMALL if name.startswith(f"lemma.{general}-")]
    assert small
    assert f"lemma.{general}" not in SMALL


def test_a_claim_that_nobody_proved_has_no_proof() -> None:
    assert proved("spectral.D6") is None


@pytest.fixture(scope="module")
def coqc() -> None:
    """Skip where Coq or its library is missing."""
    try:
        coq.compiled("forms.v")
    except coq.NotChecked as reason:
        pytest.skip(str(reason))


with_coq = pytest.mark.usefixtures("coqc")

HEADER = """From mathcomp Require Import all_ssreflect all_algebra.
Theorem wanted (n : nat) : n <= n.
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: Any) -> Path:
    """Folder for Coq files of the test's own, and a cache of its own."""
    folder = tmp_path / "coq"
    folder.mkdir()
    monkeypatch.setattr(coq, "FOLDER", folder)
    monkeypatch.setenv("PRUNEPROOF_CACHE", str(tmp_path / "cache"))
    return folder


def _verdict_on(text: str, folder: Path, monkeypatch: Any) -> Any:
    (folder / "own.v").write_text(text, encoding="utf-8")
    theorem = coq.Theorem("own.v", "wanted", "every number")
    monkeypatch.setitem(coq.THEOREMS, "lemma.own", theorem)
    return proved("lemma.own")


@with_coq
@pytest.mark.parametrize("name", coq.THEOREMS)
def test_general_claims_are_proved(name: str) -> None:
    (claim,) = claims(name)
    found = proved(name)
    assert found is not None
    assert found.word == "PROVED"
    assert "closed under the global context" in found.sentence
    assert found.details["version"] == coq.coq_version()
    text = (coq.FOLDER / coq.THEOREMS[name].file).read_text(encoding="utf-8")
    assert claim.id in text.split("*)")[0], "the file's head says which claims it proves"


@with_coq
def test_coq_prints_the_statements_and_assumptions_that_are_kept() -> None:
    if not coq.coq_version().startswith("8.16."):
        pytest.skip(f"kept as Coq 8.16 prints it, but this is {coq.coq_version()}")
    kept = (coq.FOLDER / "assumptions.txt").read_text(encoding="utf-8")
    assert coq.assumptions() == kept
    assert kept.count(coq.CLOSED) == len(set(coq.THEOREMS.values()))
    assert "Axioms:" not in kept


@with_coq
@pytest.mark.parametrize(
    "text",
    [
        HEADER + "Admitted.\nPrint Assumptions wanted.\n",
        "Axiom given : forall n : nat, n <= n.\nTheorem wanted (n : nat) : n <= n.\n"
        "Proof. exact: given. Qed.\nPrint Assumptions wanted.\n".replace("exact:", "apply"),
        HEADER + "Proof. by []. Qed.\n(* Print Assumptions wanted. *)\n",
        HEADER + "Proof. by []. Qed.\nTheorem other : True.\nProof. by []. Qed.\n"
        "Print Assumptions other.\n",
    ],
    ids=["admitted", "axiom", "not asked", "asked of another"],
)
def test_what_is_not_closed_is_no_proof(text: str, own_folder: Path, monkeypatch: Any) -> None:
    found = _verdict_on(text, own_folder, monkeypatch)
    assert found.word == "INAPPLICABLE"
    assert "missing" not in found.details
    assert "rests on something that is not proved" in found.sentence


@with_coq
def test_a_missing_library_is_no_fault_of_the_proof(own_folder: Path, monkeypatch: Any) -> None:
    text = "From mathcomp Require Import no_such_file.\nPrint Assumptions wanted.\n"
    assert _verdict_on(text, own_folder, monkeypatch).details["missing"] == "Coq with MathComp"


@with_coq
def test_what_does_not_compile_is_no_proof(own_folder: Path, monkeypatch: Any) -> None:
    found = _verdict_on(HEADER + "Proof. done", own_folder, monkeypatch)
    assert found.word == "INAPPLICABLE"
    assert "coqc does not accept own.v" in found.sentence


@with_coq
def test_a_kept_result_says_so_and_a_damaged_one_is_not_used(
    own_folder: Path, monkeypatch: Any
) -> None:
    text = HEADER + "Proof. by []. Qed.\nPrint Assumptions wanted.\n"
    fresh = _verdict_on(text, own_folder, monkeypatch)
    assert fresh.word == "PROVED"
    assert "not compiled now" not in fresh.sentence
    coq._checked.cache_clear()  # as another process would find it
    again = _verdict_on(text, own_folder, monkeypatch)
    assert again.word == "PROVED"
    assert "not compiled now: kept in the cache from an earlier run" in again.sentence
    place = coq.cache_file(str(again.details["sha256"]))
    place.write_text(place.read_text().replace("Closed", "Clozed"), encoding="utf-8")
    coq._checked.cache_clear()
    damaged = _verdict_on(text, own_folder, monkeypatch)
    assert damaged.word == "PROVED"
    assert not damaged.details["kept"]
    coq._checked.cache_clear()
    changed = _verdict_on(text + "(* changed *)\n", own_folder, monkeypatch)
    assert changed.word == "PROVED"
    assert not changed.details["kept"]
    assert changed.details["sha256"] != damaged.details["sha256"]


def test_without_coqc_nothing_is_proved(monkeypatch: Any) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    coq.coq_version.cache_clear()
    coq._checked.cache_clear()
    try:
        found = proved("lemma.degrees-antitone")
    finally:
        coq.coq_version.cache_clear()
    assert found is not None
    assert found.word == "INAPPLICABLE"
    assert found.details == {"missing": "Coq with MathComp"}
    assert "apt install coq" in found.sentence
