"""The falsifier: finds what is false from a fixed seed, shrinks it, and gives up in time."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

from pruneproof.proofs_check import Claim, Sides, claims
from pruneproof.proofs_check.falsify import falsify
from pruneproof.proofs_check.sides import at_most
from pruneproof.proofs_check.witnesses import decided_exactly


def _claim(claim_id: str, mutant: str | None = None) -> Claim:
    (found,) = claims(claim_id)
    if mutant is None:
        return found
    (altered,) = [one for one in found.mutants if one.name == mutant]
    return found.mutated(altered)


def _put(claim: Claim, evaluate: Any) -> Claim:
    """A claim with another function under the same docstring."""
    return dataclasses.replace(claim, evaluate=functools.wraps(claim.evaluate)(evaluate))


def test_a_false_constant_is_found_and_replays() -> None:
    claim = _claim("spectral.X1", "lam N x .95")
    found = falsify(claim, minutes=1.0, seed=0)
    assert found.refuted
    assert found.stage == "Hypothesis"
    assert found.parameters is not None
    again = claim.check(claim.instance(found.parameters))
    assert again == found.sides
    assert not again.hold


def test_evolution_finds_what_random_layers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spectrum within 5 % of (1, 1/4, 1/16): no family of the search has it."""
    wanted = np.array([1.0, 0.25, 0.0625])

    def near(sampled: Any) -> Sides:
        mu = np.linalg.eigvalsh(sampled.features.T @ sampled.features / len(sampled.features))
        if len(mu) != 3:
            return at_most(0.0, 1.0, scale=1.0, size=1)
        distance = float(np.max(np.abs(np.log(np.maximum(mu[::-1], 1e-12) / wanted))))
        return at_most(0.05 / max(distance, 1e-9), 1.0, scale=1.0, size=1)

    monkeypatch.setattr("pruneproof.proofs_check.falsify.CLIMBED", 200)
    claim = _put(_claim("spectral.I4"), near)
    found = falsify(claim, minutes=1.0, seed=1)
    assert found.refuted
    assert found.stage == "evolution"
    assert found.parameters is not None
    shape = found.parameters["shape"]
    assert sorted(10.0 ** np.array(shape["log10_spectrum"])) == pytest.approx(
        [0.0625, 0.25, 1], rel=0.053
    )
    assert set(shape["angles"]) == {0.0}  # shrunk: the rotation has no part in it
    assert not claim.check(claim.instance(found.parameters)).hold


def test_a_true_claim_is_not_refuted_and_the_time_is_kept() -> None:
    seen: list[tuple[str, int, float]] = []
    found = falsify(_claim("spectral.D8"), minutes=0.03, seed=0, told=lambda *at: seen.append(at))
    assert not found.refuted
    assert found.stage == "out of time"
    assert found.worst_ratio is not None
    assert 0.3 < found.worst_ratio <= 1.0
    assert len(seen) == found.evaluations > 50
    assert seen[-1][2] == found.worst_ratio
    assert found.seconds < 30  # 1.8 s are asked for; Hypothesis then runs out empty


def test_an_interruption_keeps_what_was_found() -> None:
    def told(stage: str, evaluations: int, worst: float) -> None:
        if evaluations == 40:
            raise KeyboardInterrupt

    found = falsify(_claim("spectral.D8"), minutes=1.0, told=told)
    assert (found.stage, found.evaluations, found.refuted) == ("interrupted", 40, False)


def test_one_seed_finds_one_witness() -> None:
    claim = _claim("spectral.X1", "lam N x .95")
    first, second = (falsify(claim, minutes=1.0, seed=5) for _ in range(2))
    assert (first.parameters, first.evaluations) == (second.parameters, second.evaluations)


def test_a_wrong_seed() -> None:
    with pytest.raises(ValueError, match="seed must be at least 0, but is -1"):
        falsify(_claim("spectral.D8"), seed=-1)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_wrong_times(minutes: float) -> None:
    with pytest.raises(ValueError, match="minutes must be above 0"):
        falsify(_claim("spectral.D8"), minutes=minutes)


def test_chance_is_not_for_the_falsifier() -> None:
    with pytest.raises(ValueError, match="about chance"):
        falsify(_claim("spectral.P1"))


@pytest.mark.parametrize(
    ("claim_id", "seed"),
    [
        *(pytest.param("spectral.D7", seed, marks=pytest.mark.slow) for seed in (0, 1, 2)),
        *(pytest.param("spectral.D6", seed, marks=pytest.mark.slow) for seed in (0, 1)),
    ],
)
def test_greedy_for_the_best_nodes_is_refuted_within_two_minutes(claim_id: str, seed: int) -> None:
    """The readings that greedy selection meets D6's bound, or D7's with k >= 2 N(lam)."""
    mutant = "greedy for the best J"
    found = falsify(_claim(claim_id, mutant), minutes=2.0, seed=seed)
    assert found.refuted
    assert found.stage == "evolution"
    assert found.parameters is not None
    decided = decided_exactly(claim_id, mutant, found.parameters)
    assert decided is not None
    assert decided["decided"] == "refuted"
