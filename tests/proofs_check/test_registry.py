"""The registry is complete, and every claim is documented in the fixed order."""

import pytest

from pruneproof import proofs_check
from pruneproof.proofs_check import claims
from pruneproof.proofs_check.claim import SECTIONS, Claim
from pruneproof.proofs_check.registry import matching, register

IDENTITIES = {f"spectral.I{i}" for i in range(1, 10)}
MUST_FAIL = {"spectral.F1", "spectral.F2", "spectral.F3", "spectral.F4", "spectral.A2"}
LETTERS = {
    "D": "12456789",
    "B": "12346",
    "W": "1",
    "G": "0123",
    "S": "23",
    "X": "123456789",
    "P": "123",
    "R": "1",
}
OTHERS = {f"spectral.{letter}{digit}" for letter, digits in LETTERS.items() for digit in digits}
OTHERS |= {"spectral.P1b", "spectral.X10", "spectral.X10e"}
DETERMINANTAL = {f"determinantal.D{i}" for i in range(1, 11)} | {"determinantal.PR-X5"}
PRUNED = {f"determinantal.PR-{i}" for i in range(1, 14)}
PRUNED |= {f"determinantal.X-{i}" for i in range(1, 9)}
PRUNED |= {f"determinantal.PR-X{i}" for i in range(1, 6)}
COMMITTEES = {f"determinantal.TS-{i}" for i in range(1, 6)}
SOFT_SPARSITY = {f"sparsity.I-{i}{letter}" for i in (1, 2, 5, 6, 7) for letter in "ab"}
SOFT_SPARSITY |= {f"sparsity.I-3{letter}" for letter in "abcd"}
SOFT_SPARSITY |= {f"sparsity.I-4{letter}" for letter in "ABCDE"}
SOFT_SPARSITY |= {f"sparsity.I-{name}" for name in ("2am", "2c", "5c", "8", "9", "10", "11")}
SOFT_SPARSITY |= {f"sparsity.X{i}" for i in (1, 2, 3, 4, 5, 8)}
NEIGHBOURS = {f"sparsity.III-{i}" for i in range(1, 9)}
SPARSIFICATION = {f"sparsity.II-{i}" for i in range(1, 11)} | {"sparsity.X6", "sparsity.X7"}
SPARSIFICATION |= {f"sparsity.II-{name}" for name in ("4a", "4m", "4z", "10m")}


def test_the_function_keeps_its_name_beside_the_folder() -> None:
    assert proofs_check.claims is claims
    assert proofs_check.claims("spectral.I1")


def test_ids_are_exactly_the_table() -> None:
    every = [claim.id for claim in claims()]
    assert len(every) == len(set(every))
    ids = [claim_id for claim_id in every if claim_id.startswith("spectral.")]
    assert set(ids) == IDENTITIES | MUST_FAIL | OTHERS
    assert set(every) >= DETERMINANTAL | PRUNED
    named = {name for name in every if name.startswith(("determinantal.PR", "determinantal.X"))}
    assert named == PRUNED
    assert {name for name in every if name.startswith("determinantal.D")} < DETERMINANTAL
    assert set(every) >= COMMITTEES
    assert {name for name in every if name.startswith("sparsity.III")} == NEIGHBOURS
    sparsity = {name for name in every if name.startswith("sparsity.")}
    assert sparsity == SOFT_SPARSITY | SPARSIFICATION | NEIGHBOURS
    assert set(every) >= SPARSIFICATION
    assert {name for name in every if name.startswith("sparsity.II-")} < SPARSIFICATION


def test_kinds_follow_the_table() -> None:
    kinds = {claim.id: claim.kind for claim in claims("spectral.*")}
    assert {name for name, kind in kinds.items() if kind == "identity"} == IDENTITIES
    assert {name for name, kind in kinds.items() if kind == "must-fail"} == MUST_FAIL
    assert {name for name, kind in kinds.items() if kind == "exists"} == {
        "spectral.D6",
        "spectral.D7",
        "spectral.D8",
    }
    assert {claim.id: claim.kind for claim in claims("determinantal.[D]*")} == {
        f"determinantal.D{i}": kind
        for i, kind in enumerate(
            ["identity"] * 6 + ["expectation", "exists", "inequality", "identity"], start=1
        )
    }
    found = {claim.id.partition(".")[2]: claim for claim in claims("determinantal.*")}
    assert {name for name, claim in found.items() if claim.must_fail} == {
        f"PR-X{i}" for i in range(1, 6)
    }
    assert {name for name, claim in found.items() if claim.kind == "law"} >= {
        "PR-6",
        "PR-11",
        "PR-12",
    }
    identities = ["PR-1", "PR-2", "PR-3", "PR-5", "PR-7", "X-2", "X-3", "X-4"]
    assert all(found[name].kind == "identity" for name in identities)
    assert all(
        found[name].kind == "inequality" for name in ["PR-4", "PR-9", "PR-10", "X-1", "X-7", "X-8"]
    )
    neighbours = {claim.id.rpartition("-")[2]: claim.kind for claim in claims("sparsity.III-*")}
    assert {name for name, kind in neighbours.items() if kind == "identity"} == {"1", "4", "7"}
    assert {name for name, kind in neighbours.items() if kind == "inequality"} == {"2", "5"}
    assert [neighbours[name] for name in "368"] == ["expectation", "probability", "must-fail"]
    assert {claim.id.partition(".")[2]: claim.kind for claim in claims("sparsity.*")}.items() >= {
        **dict.fromkeys(("I-1a", "I-1b", "I-2b", "I-3b", "I-4A", "I-4B", "I-4D"), "inequality"),
        **dict.fromkeys(("I-4E", "I-5b", "I-5c", "I-6a", "I-7a", "I-7b", "I-9"), "inequality"),
        **dict.fromkeys(("I-2a", "I-3a", "I-3c", "I-3d", "I-5a", "I-8", "X1", "X8"), "identity"),
        **dict.fromkeys(("I-2c", "I-4C", "I-6b"), "must-fail"),
        **dict.fromkeys(("X2", "X3", "X4", "X5"), "inequality"),
        "I-2am": "law",
        **dict.fromkeys(("II-1", "II-2", "X6", "X7"), "inequality"),
        **dict.fromkeys(("II-3", "II-6", "II-8", "II-10"), "identity"),
        **dict.fromkeys(("II-4", "II-4a", "II-4z", "II-7"), "probability"),
        **dict.fromkeys(("II-4m", "II-9"), "expectation"),
        **dict.fromkeys(("II-5", "II-10m"), "law"),
    }.items()


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_docstrings_have_the_fixed_sections(claim: Claim) -> None:
    assert [head for head in SECTIONS if head in claim.sections] == list(claim.sections)
    assert all(claim.sections.values())
    assert any(label in claim.source for label in ("[T]", "[C]", "[R]", "[D]"))
    assert claim.statement == claim.sections["Statement"]
    assert claim.title.startswith("FALSE") == claim.must_fail
    assert len(claim.title) <= 100
    assert claim.must_fail == (claim.mutants == ())  # a must-fail reading is itself a mutant
    assert claim.examples


def test_patterns_are_shell_wildcards() -> None:
    ids = [claim.id for claim in claims("spectral.[BX]*")]
    tens = ["spectral.X10", "spectral.X10e"]  # numbers in order, not letters
    assert ids == [f"spectral.{name}{i}" for name in "BX" for i in LETTERS[name]] + tens
    assert {claim.id for claim in claims("spectral.F*")} == MUST_FAIL - {"spectral.A2"}
    assert claims("nothing") == []
    assert [c.id for c in matching(["spectral.X1", "spectral.I1"])] == [
        "spectral.I1",
        "spectral.X1",
    ]


@pytest.mark.parametrize("wanted", ["I4", "spectral.i4", "spectral.I44"])
def test_close_ids_are_suggested(wanted: str) -> None:
    with pytest.raises(ValueError, match=r"no claim matches .*did you mean .*spectral\.I4"):
        matching([wanted])


def test_a_claim_without_its_sections_is_refused() -> None:
    def bare(instance: object) -> None:
        """Says nothing."""

    with pytest.raises(ValueError, match="must have the heads Hypotheses, Statement"):
        register("test.bare", "identity", dict, {})(bare)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="registered twice"):
        register("spectral.I1", "identity", dict, {})(bare)  # type: ignore[arg-type]
