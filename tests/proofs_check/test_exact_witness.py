"""Witnesses decided in rationals: at the very floats that the search was given."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check import claims
from pruneproof.proofs_check.claims.submodularity import TRAP
from pruneproof.proofs_check.exact import witness
from pruneproof.proofs_check.exact.rational import fraction
from pruneproof.proofs_check.exact.witness import STATEMENTS, decide, decimal, rational_layer

GREEDY = {"selector": "greedy"}
#: What evolution finds against greedy selection for D6, shrunk.
FOUND = {
    "shape": {
        "log10_spectrum": [-3.1, -3.6, 0.0, 0.0],
        "angles": [1.1, 2.3, 2.0, 0.14, 2.88, 0.0],
        "output_weights": [[0.0, 2.0, 0.5, 0.0], [0.0, 0.0, -1.0, 0.0]],
    },
    "k": 3,
    "log10_ridge": 0.0,
    "theta": 0.9,
    "nodes": "uneven",
}
#: Statements that decide() knows and that are true.
TRUE = sorted(set(STATEMENTS) - {"spectral.A2"})


def decided(claim_id: str, parameters: Any, changes: Any = None) -> dict[str, Any]:
    found = decide(claim_id, parameters, changes)
    assert found is not None
    json.dumps(found)
    assert "\n" not in found["sentence"]
    return found


def test_the_witness_against_greedy_selection_is_confirmed() -> None:
    found = decided("spectral.D6", FOUND, GREEDY)
    assert found["decided"] == "refuted"
    (claim,) = claims("spectral.D6")
    (mutant,) = [one for one in claim.mutants if one.changes == GREEDY]
    sides = claim.mutated(mutant).check(claim.instance(FOUND))
    assert not sides.hold
    assert sides.lhs == pytest.approx(float(found["lhs"]), rel=0, abs=sides.tolerance)
    assert sides.rhs == pytest.approx(float(found["rhs"]), rel=0, abs=sides.tolerance)
    assert decided("spectral.D6", FOUND)["decided"] == "holds"


def test_the_greedy_trap_is_confirmed() -> None:
    """Greedy loses 36/5; the bound is 95/18 at lam_vol, 7.1848 at N(lam) = k/2."""
    for claim_id, bound in (("spectral.D6", 95 / 18), ("spectral.D7", 7.1848407124)):
        found = decided(claim_id, TRAP, GREEDY)
        assert found["decided"] == "refuted"
        assert float(found["lhs"]) == pytest.approx(7.2, rel=1e-13)
        assert float(found["rhs"]) == pytest.approx(bound, rel=1e-10)
        assert decided(claim_id, TRAP)["decided"] == "holds"
    assert decided("spectral.A2", {})["decided"] == "refuted"


@pytest.mark.parametrize("claim_id", TRUE)
def test_claims_hold_on_their_examples_and_die_altered(claim_id: str) -> None:
    """No tolerance: the floats of every structured family obey the theorem to the last digit."""
    (claim,) = claims(claim_id)
    examples = [given for given in claim.examples if given.get("m", 0) < 20]
    words = [decided(claim_id, given)["decided"] for given in examples]
    assert set(words) <= {"holds", "undecided"}
    assert words.count("undecided") <= 1  # X1 at rank one has no width below the rank
    for mutant in claim.mutants:
        if mutant.must_die:
            tried = (
                decided(claim_id, given, mutant.changes)
                for given in (*mutant.examples, *claim.examples)
            )
            assert any(found["decided"] == "refuted" for found in tried), mutant.name


def test_floating_point_agrees_with_the_exact_sides() -> None:
    for claim_id in ("spectral.D6", "spectral.D8"):
        (claim,) = claims(claim_id)
        for seed in range(12):
            given = {"family": "relu", "m": 6, "k": 3, "seed": seed, "theta": 0.25}
            sides, found = claim.check(claim.instance(given)), decided(claim_id, given)
            assert found["decided"] == "holds"
            assert abs(sides.lhs - float(found["lhs"])) <= sides.tolerance
            assert abs(sides.rhs - float(found["rhs"])) <= sides.tolerance


def test_a_layer_of_floats_is_taken_as_it_is() -> None:
    (claim,) = claims("spectral.D6")
    layer = claim.instance({"family": "relu", "m": 4})
    found = rational_layer(layer)
    x = [[Fraction(value) for value in row] for row in layer.features.tolist()]
    expected = sum(row[0] * row[2] for row in x) / len(x)
    assert fraction(found.sigma[0][2]) == expected
    assert fraction(found.theta) == Fraction(layer.theta)


def test_what_is_not_decided() -> None:
    assert decide("spectral.B1", {}) is None
    full = decided("spectral.D7", {"family": "flat", "m": 3, "k": 3}, {"multiple": 0.5})
    assert full["decided"] == "undecided"
    assert "lies between 0 and 3" in full["sentence"]
    unknown = decided("spectral.D5", {"family": "flat"}, {"colour": 1})
    assert "no exact form" in unknown["sentence"]
    with pytest.raises(ValueError, match="unknown family"):
        decide("spectral.D6", {"family": "round"})


def test_an_enclosure_that_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but exact equality at an irrational ridge: more bits decide, few do not."""
    monkeypatch.setattr("pruneproof.proofs_check.exact.decided.PRECISIONS", (4,))
    near = {"family": "flat", "m": 24, "k": 1, "theta": 1.0}
    loose = decided("spectral.D7", near, {"multiple": 1.0})
    assert loose["decided"] == "undecided"
    monkeypatch.undo()
    assert decided("spectral.D7", near, {"multiple": 1.0})["decided"] != "undecided"


def test_too_many_subsets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MOST", 10)
    assert "15 subsets" in decided("spectral.D6", {"m": 6, "k": 2})["sentence"]


def test_decimals() -> None:
    assert decimal(Fraction(2, 3), 5) == "0.66667"
    assert decimal(Fraction(36, 5)) == "7.2"
    assert float(decimal(Fraction(np.pi))) == np.pi
