"""Every claim stands as it should, and the known figures come out."""

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pruneproof.proofs_check import Sides, claims, verify
from pruneproof.proofs_check.claim import Claim

OF_INSTANCES = [claim for claim in claims() if not claim.by_trials]
BY_TRIALS = [claim for claim in claims() if claim.by_trials]


def _known(name: str) -> Sides:
    (claim,) = claims(name)
    return claim.check(claim.instance(claim.examples[0]))


@pytest.fixture(scope="module")
def quick(request: pytest.FixtureRequest) -> dict:
    """Verdicts on all claims by their ids."""
    place = request.config.getoption("--verdicts")
    if place is None:
        return {verdict.claim: verdict for verdict in verify(seed=5)}
    written = json.loads(Path(place).read_text(encoding="utf-8"))
    assert (written["run"]["complete"], written["run"]["budget"]) == (True, "quick")
    assert {verdict["claim"] for verdict in written["verdicts"]} == {c.id for c in claims()}
    return {verdict["claim"]: SimpleNamespace(**verdict) for verdict in written["verdicts"]}


def test_everything_is_as_it_should_be(quick: dict) -> None:
    wrong = {name: verdict.evidence for name, verdict in quick.items() if not verdict.ok}
    assert not wrong


def test_worst_ratios_agree_in_kind_with_what_was_seen(quick: dict) -> None:
    for claim in OF_INSTANCES:
        worst = quick[claim.id].worst_ratio
        if claim.kind == "identity" or quick[claim.id].witness["relation"] == "=":
            assert worst < 1e-12
            assert quick[claim.id].tightness is None
        elif claim.must_fail:
            assert worst > 1
        else:
            assert worst <= 1
            assert quick[claim.id].tightness == worst


@pytest.mark.parametrize("name", ["D2", "B1", "B2", "B4", "B6", "S2", "X1", "X5", "X6"])
def test_attained_bounds_are_attained(quick: dict, name: str) -> None:
    assert quick[f"spectral.{name}"].worst_ratio > 1 - 1e-6


def test_nearly_attained_bounds(quick: dict) -> None:
    worst = {name.partition(".")[2]: verdict.worst_ratio for name, verdict in quick.items()}
    assert worst["D6"] == pytest.approx(1 - 1 / 24**2, rel=1e-9, abs=0)  # flat, one node of 24
    assert worst["S3"] == pytest.approx(
        1 - np.exp(-1.0), rel=1e-9, abs=0
    )  # diagonal: greedy is best
    assert worst["D4"] > 0.999
    assert worst["X2"] > 0.995
    assert worst["G0"] > 0.99


def test_words_are_earned_by_search(quick: dict) -> None:
    for claim in OF_INSTANCES:
        verdict = quick[claim.id]
        (search,) = [found for found in verdict.findings if found["checker"] == "search"]
        assert search["word"] == ("REFUTED" if claim.must_fail else "NOT FALSIFIED")
        assert search["instances"] > len(claim.examples) / 2
        assert verdict.witness is not None


def test_words_of_chance_are_earned_by_trials(quick: dict) -> None:
    for claim in BY_TRIALS:
        verdict = quick[claim.id]
        assert verdict.instances >= 10 * len(claim.examples)
        assert verdict.tightness is None


def test_greedy_exceeds_the_volume_bound_by_648_over_475() -> None:
    sides = _known("spectral.A2")
    # lam_vol(2) of Sigma = [[20,0,16],[0,1,0],[16,0,20]] by hand: mu = 36, 4, 1
    mu = [Fraction(36), Fraction(4), Fraction(1)]
    lam = min(sum(mu[r:]) / (2 - r) for r in range(2))
    # Z = (1,-1,-1): its squared parts along (1,0,1)/sqrt2, (1,0,-1)/sqrt2 and e_2 are 0, 2, 1
    bound = lam * (2 * mu[1] / (mu[1] + lam) + mu[2] / (mu[2] + lam))
    loss = Fraction(20) - Fraction(16) ** 2 / 20  # greedy keeps nodes 2 and 1: S_33 is lost
    assert loss / bound == Fraction(648, 475)
    assert sides.lhs == pytest.approx(float(loss), rel=1e-12, abs=0)
    assert sides.rhs == pytest.approx(float(bound), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("name", "lhs", "rhs"),
    [
        ("spectral.F1", 0.0215, 0.0040),
        ("spectral.F3", 0.00228, 0.00040),
        ("spectral.F4", 0.5**2 / 2, 0.0),
    ],
)
def test_false_readings_show_their_witness(name: str, lhs: float, rhs: float) -> None:
    sides = _known(name)
    assert not sides.hold
    assert sides.lhs == pytest.approx(lhs, rel=5e-3, abs=0)
    assert sides.rhs == pytest.approx(rhs, rel=5e-3, abs=1e-12)


def test_trace_without_degrees_of_freedom_fails_for_flat_spectra() -> None:
    sides = _known("spectral.F2")
    assert sides.lhs > 1.5 * sides.rhs


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_instances_are_not_modified(claim: Claim) -> None:
    instance = claim.instance(claim.examples[-1])
    arrays = [value for value in vars(instance).values() if isinstance(value, np.ndarray)]
    for array in arrays:
        array.flags.writeable = False
    sides = claim.check(instance)
    if claim.kind != "law":  # a law's tolerance is wider than the rounding that `hold` allows
        assert sides.hold is not claim.must_fail
