"""The search: seeded, independent of its surroundings, and its witnesses replay."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from pruneproof import theory
from pruneproof.proofs_check import Claim, Sides, Verdict, claims, verify
from pruneproof.proofs_check.checkers.search import claim_seed, search
from pruneproof.proofs_check.generators import FAMILIES, Choice, Real, Whole
from pruneproof.proofs_check.registry import matching
from pruneproof.proofs_check.run import judge, prepared, verdicts
from pruneproof.proofs_check.sides import at_most, equal
from pruneproof.proofs_check.strategies import index_sets, layers, ridges, second_moments
from pruneproof.proofs_check.verdict import SCHEMA, as_json

SPACE = {"a": Whole(0, 1000), "b": Real(-1.0, 1.0), "c": Choice(("x", "y"))}


def _claim(evaluate: Any, kind: Any = "inequality", examples: Any = ({},)) -> Claim:
    def documented(instance: Any) -> Sides:
        """Stands for a claim.

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
        return evaluate(instance)

    def make(rng: np.random.Generator, *, a: int = 0, b: float = 0.0, c: str = "x") -> Any:
        return a, b, c

    return Claim("test.claim", kind, documented, make, SPACE, examples)


def judged(claim: Claim, budget: str) -> Verdict:
    return judge(claim, prepared([claim], budget=budget))


def _timeless(found: list[Verdict]) -> list[Verdict]:
    return [dataclasses.replace(verdict, seconds=0.0) for verdict in found]


def test_a_refutation_is_shrunk_and_replays() -> None:
    claim = _claim(lambda drawn: at_most(drawn[0], 100.0, scale=1.0, size=1))
    verdict = judged(claim, "standard")
    assert (verdict.word, verdict.ok) == ("REFUTED", False)
    found = verdict.witness["parameters"]
    assert (found["b"], found["c"]) == (-1.0, "x")
    assert 101 <= found["a"] < 128  # no bit of it can be dropped
    sides = claim.check(claim.instance(found))
    assert (sides.lhs, sides.rhs) == (verdict.witness["lhs"], verdict.witness["rhs"])
    assert sides.lhs == found["a"]
    assert verdict.evidence.startswith(f"refuted: {found['a']} exceeds 100")


def test_a_deep_search_climbs() -> None:
    wall = 1.0 - 1e-9
    claim = _claim(
        lambda drawn: at_most(
            drawn[0] / 1000 * (1 + drawn[1]) / 2 * (drawn[2] == "y"), wall, scale=0.0, size=1
        )
    )
    assert judged(claim, "deep").word == "REFUTED"  # only a = 1000, b = 1, c = y refutes


def test_a_known_case_that_refutes_ends_the_search() -> None:
    claim = _claim(lambda _: equal(0.0, 1.0, scale=1.0, size=1), "identity", ({"a": 7}, {"a": 8}))
    findings = search(claim, "quick", 0)
    assert findings.instances == 1
    assert findings.witness[0] == {"a": 7}


def test_an_error_within_the_hypotheses_refutes_and_one_outside_does_not_count() -> None:
    def fails(_: Any) -> Sides:
        raise ZeroDivisionError("no")

    verdict = judged(_claim(fails), "quick")
    assert (verdict.word, verdict.ok, verdict.worst_ratio) == ("REFUTED", False, None)
    assert verdict.witness["error"] == "ZeroDivisionError: no"

    def outside(_: Any) -> Sides:
        raise theory.InapplicableError("the ridge is 0, but must be positive")

    verdict = judged(_claim(outside), "quick")
    assert (verdict.word, verdict.ok, verdict.instances) == ("INAPPLICABLE", False, 0)
    assert "the ridge is 0" in verdict.evidence


def test_the_evidence_counts_what_was_evaluated_and_what_was_not() -> None:
    def sometimes(instance: Any) -> Sides:
        if instance["c"] == "y":
            raise theory.InapplicableError("c is y")
        return at_most(0, 1, scale=1, size=1)

    known = {"a": 1, "b": 0.0, "c": "y"}
    claim = dataclasses.replace(_claim(sometimes, examples=(known,)), make=lambda _, **p: p)
    verdict = judged(claim, "quick")
    found = re.match(
        r"held on (\d+) instances \((\d+) known cases and (\d+) of a quick search, "
        r"less (\d+) outside",
        verdict.evidence,
    )
    assert found is not None, verdict.evidence
    held, listed, drawn, left_out = map(int, found.groups())
    assert (held, listed) == (verdict.instances, 1)
    assert held == listed + drawn - left_out
    assert 1 < left_out < drawn


def test_a_false_reading_that_holds_is_not_ok() -> None:
    verdict = judged(_claim(lambda _: at_most(0, 1, scale=1, size=1), "must-fail"), "quick")
    assert (verdict.word, verdict.ok) == ("NOT FALSIFIED", False)


def test_one_seed_gives_the_same_verdicts_and_another_does_not() -> None:
    first, again, other = (_timeless(verify("spectral.D[48]", seed=s)) for s in (3, 3, 4))
    assert first == again
    assert first != other
    assert claim_seed("spectral.D4", 3) != claim_seed("spectral.D8", 3)


def test_verdicts_do_not_depend_on_the_company_nor_on_workers() -> None:
    chosen = matching(["spectral.X8", "spectral.F1"])
    alone = _timeless([*verify("spectral.F1"), *verify("spectral.X8")])
    assert _timeless(list(verdicts(chosen, prepared(chosen)))) == alone
    assert _timeless(list(verdicts(chosen, prepared(chosen), workers=2))) == alone


def test_draws_do_not_depend_on_the_modules_loaded(tmp_path: Path) -> None:
    code = (
        "import json, {modules}\n"
        "from pruneproof.proofs_check import verify\n"
        "print(json.dumps(verify('spectral.X8', seed=2)[0].witness))"
    )
    (tmp_path / "constants.py").write_text("\n".join(f"X{i} = {i / 7}" for i in range(999)))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    printed = [
        subprocess.run(
            [sys.executable, "-c", code.format(modules=modules)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for modules in ("sys", "constants")
    ]
    assert printed[0] == printed[1]
    assert not (tmp_path / ".hypothesis").exists()


@pytest.mark.parametrize("name", ["I3", "D6", "B1", "B4", "B6", "X2", "S2"])
def test_the_worst_instance_replays(name: str) -> None:
    (claim,) = claims(f"spectral.{name}")
    (verdict,) = verify(claim.id, seed=1)
    witness = json.loads(json.dumps(verdict.witness))
    sides = claim.check(claim.instance(witness["parameters"]))
    assert (sides.lhs, sides.rhs) == (witness["lhs"], witness["rhs"])
    (found,) = [entry for entry in verdict.findings if entry["checker"] == "search"]
    assert sides.ratio == found["worst_ratio"] <= verdict.worst_ratio


def test_json_has_the_fields_of_a_verdict_and_no_nan() -> None:
    broken = judged(_claim(lambda _: equal(np.inf, 0.0, scale=1.0, size=1)), "quick")
    found = [*verify("spectral.X2"), broken]
    read = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert read["schema"] == SCHEMA
    fields = {field.name for field in dataclasses.fields(Verdict)}
    assert fields == {
        "claim",
        "word",
        "ok",
        "evidence",
        "instances",
        "worst_ratio",
        "tightness",
        "witness",
        "seed",
        "seconds",
        "findings",
        "mutants",
    }
    assert all(set(entry) == fields for entry in read["verdicts"])
    assert read["verdicts"][1]["worst_ratio"] == "inf"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": "huge"}, "budget must be one of quick, standard, deep"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"pattern": "spectral.Z*"}, "no claim matches"),
    ],
)
def test_wrong_calls_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        verify(**options)


@given(second_moments(most=8))
def test_drawn_second_moments_pass_the_gate(cov: Any) -> None:
    assert theory.as_covariance(cov).shape[0] <= 8


@settings(max_examples=100)
@given(layers())
def test_drawn_layers_are_well_formed(layer: Any) -> None:
    assert 1 <= len(set(layer.kept.tolist())) == len(layer.kept) <= layer.m <= 14
    assert layer.ridge > 0
    assert np.all(layer.node_ridge >= 0)
    assert 0 <= layer.theta <= 1
    assert layer.output_weights.shape[1] == layer.m
    assert layer.scale > 0


@given(index_sets(6), ridges())
def test_index_sets_and_ridges(kept: list[int], ridge: float) -> None:
    assert 1 <= len(set(kept)) == len(kept)
    assert set(kept) <= set(range(6))
    assert 0 < ridge <= 100


def test_every_structured_family_is_a_known_case_of_every_layer_claim() -> None:
    for claim in claims():
        if "family" in claim.space and not (claim.must_fail or claim.by_trials):
            structured = set(FAMILIES) & set(claim.space["family"].values)
            assert structured <= {case.get("family") for case in claim.examples}, claim.id
