"""Uniform and held-out bounds: they hold on samples, their mutants die, and sabotage shows.

Trials have fixed seeds; ALARM is the error level of each direction on each frozen instance.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import Claim
from pruneproof.proofs_check.checkers.mutation import mutation
from pruneproof.proofs_check.checkers.statistical import statistical
from pruneproof.proofs_check.claims import generalization as bounds_on_samples
from pruneproof.proofs_check.evidence import Evidence
from pruneproof.proofs_check.registry import claims
from pruneproof.proofs_check.risks import Task, task
from pruneproof.theory.bounds import generalization, network_class

ALARM = 1e-4
#: One instance of each kind, few trials each.
CASES: dict[str, tuple[dict[str, Any], ...]] = {
    "G1": ({"d": 60, "log10_n": 1.8}, {"learner": "compressed", "d": 3}),
    "G2": ({"d": 60, "log10_n": 4}, {"learner": "compressed", "d": 3}),
    "G3": ({"rare": 0.001, "n": 1000}, {}),
}


def _claim(name: str) -> Claim:
    (found,) = claims(f"spectral.{name}")
    return found


def _tested(claim: Claim) -> Evidence:
    return statistical(claim, budget="quick", seed=1, alpha=ALARM)


@pytest.mark.parametrize("name", ["G1", "G2", "G3"])
def test_each_statement_holds_with_its_probability(name: str) -> None:
    found = _tested(_claim(name))
    assert found.word == "STATISTICAL", found.sentence
    said = [entry["vacuous"] for entry in found.details["instances"]]
    assert said.count(False) >= 5 - (name == "G2")
    assert name == "G3" or said.count(True) == 2


def test_bounds_that_say_nothing_are_vacuous() -> None:
    for name in ("G1", "G2"):
        claim = _claim(name)
        silent = tuple(c for c in claim.examples if claim.instance(c).vacuous)
        found = _tested(dataclasses.replace(claim, examples=silent))
        assert found.word == "VACUOUS"
        assert "the bound exceeds the trivial value on every instance" in found.sentence
    fresh = dataclasses.replace(_claim("G3"), examples=({"n": 5},))
    assert _tested(fresh).word == "VACUOUS"


@pytest.mark.parametrize("name", ["G1", "G2", "G3"])
def test_mutants_meet_their_fate(name: str) -> None:
    fates = mutation(_claim(name), budget="quick", seed=1, alpha=ALARM)
    assert sum(fate.must_die for fate in fates) >= 5
    for fate in fates:
        assert fate.died == fate.must_die, (fate.name, fate.evidence)
        assert "raised" not in fate.evidence, fate.evidence


def _onset(silent: Callable[[int], bool]) -> int:
    """Least n from which on a bound says something."""
    low, high = 1, 10**9
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if silent(middle) else (low, middle)
    return low


@pytest.mark.parametrize(
    ("widths", "norm", "bias", "slow", "fast"),
    [
        ((20, 1), 1.001 * math.sqrt(20), 0.0, 66, 1325),
        ((8, 8, 8, 1), 1.0, 0.5, 469, 9493),
    ],
)
def test_bounds_begin_to_speak_where_the_module_says(
    widths: tuple[int, ...], norm: float, bias: float, slow: int, fast: int
) -> None:
    layers = len(widths) - 1
    held = theory.NetworkClass(widths, (norm,) * layers, (bias,) * layers, 1.0)
    assert slow == _onset(lambda n: theory.slow_bound(0.0, held, n, lipschitz=0.5).vacuous)
    assert fast == _onset(
        lambda n: theory.fast_bound(0.0, held, n, output_bound=1.0, clipped=True).vacuous
    )
    said = bounds_on_samples.__doc__ or ""
    assert str(slow) in said
    assert str(fast) in said


def _made(**parameters: Any) -> Task:
    return task(np.random.default_rng(0), **parameters)


@pytest.mark.parametrize(("square", "twice"), [(False, 1.0), (True, 1.0), (True, 2.0)])
def test_the_adversary_is_the_worst_of_its_class(square: bool, twice: float) -> None:
    """No w on a grid beats it, axis by axis, as the gap is a sum over axes."""
    case = _made(d=3, log10_n=1.3, bound=2.0, square=square, twice=twice)
    shares = case.shares(np.random.default_rng(1))

    def gap(outputs: Any) -> float:
        if not square:
            return float((case.chances - shares) @ case.losses(outputs))
        excess = float(case.chances @ (outputs - case.regression) ** 2)
        noise = (case.regression - case.labels) ** 2
        return excess - twice * float(shares @ ((outputs - case.labels) ** 2 - noise))

    best = gap(case.learn(shares).outputs)
    grid = np.linspace(-2.0, 2.0, 41)
    tried = [gap(case.inputs @ np.array(w)) for w in itertools.product(grid, repeat=3)]
    assert max(tried) <= best + 1e-12
    # the largest on the grid is off by its spacing squared, times the curvature 2 twice
    assert max(tried) >= best - 2 * twice * 0.05**2 * 3


def test_pruned_networks_are_what_their_weights_say() -> None:
    case = _made(learner="compressed", d=4, log10_n=3, keep=5)
    found = case.learn(case.shares(np.random.default_rng(2)))
    (first, outer), (bias, _) = found.weights, found.biases
    assert first.shape == (5, 4)
    by_hand = np.maximum(case.inputs @ first.T + bias, 0.0) @ outer.T
    np.testing.assert_allclose(found.outputs, by_hand[:, 0], rtol=0, atol=1e-12)
    assert found.excess_norm() == 0.0
    assert found.picked
    # what greedy keeps is close to what was there: this is what is bounded
    assert np.std(found.before - found.outputs) < 0.2 * np.std(found.before)


def test_populations_are_within_their_bounds() -> None:
    for learner, square in itertools.product(("adversary", "compressed"), (False, True)):
        case = _made(learner=learner, d=4, bound=3.0, square=square)
        assert np.max(np.abs(case.labels)) <= 3.0 * (1 + 1e-12)
        assert case.radius <= 1.0 + 1e-12
        assert np.sum(case.chances) == pytest.approx(1.0, rel=1e-12)
        if square or learner == "compressed":  # f* is the mean label given x
            for x in np.unique(case.inputs, axis=0):
                here = np.all(case.inputs == x, axis=1)
                assert np.mean(case.labels[here]) == pytest.approx(
                    np.mean(case.regression[here]), abs=1e-12
                )


Original = Any


def _valued(factor: float) -> Callable[[Original], Any]:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            found = original(*args, **options)
            return dataclasses.replace(found, value=factor * found.value)

        return wrong

    return sabotage


def _times(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _forgetting(original: Original) -> Any:
    """The dyadic grid is not paid for."""

    class Forgetful(original):
        @classmethod
        def from_weights(cls, *args: Any, **options: Any) -> Any:
            return dataclasses.replace(original.from_weights(*args, **options), union_cost=0.0)

    return Forgetful


def _rounded_down(original: Original) -> Any:
    return lambda norm: original(norm) - 1


@pytest.mark.parametrize(
    ("claim", "module", "name", "sabotage", "part"),
    [
        ("G1", theory, "slow_bound", _valued(0.1), "risk"),
        ("G1", theory, "slow_bound", _valued(-1.0), "risk"),
        ("G1", theory, "slow_bound", _valued(0.5), "bound's value"),
        ("G1", theory, "slow_bound", _valued(1.02), "bound's value"),
        ("G1", generalization, "covering_number_log", _times(0.5), "bound's value"),
        ("G1", network_class, "parameter_lipschitz", _times(0.5), "bound's value"),
        ("G1", theory, "NetworkClass", _forgetting, "bound's value"),
        ("G1", network_class, "_exponent", _rounded_down, "outside its class"),
        ("G2", theory, "fast_bound", _valued(0.001), "excess risk"),
        ("G2", theory, "fast_bound", _valued(-1.0), "excess risk"),
        ("G2", theory, "fast_bound", _valued(0.5), "bound's value"),
        ("G2", theory, "compressed_risk", _times(0.5), "its risk"),
        ("G3", theory, "holdout_transfer_bound", _valued(0.1), "difference"),
        ("G3", theory, "holdout_transfer_bound", _valued(-1.0), None),
        ("G3", theory, "holdout_transfer_bound", _valued(0.5), "bound's value"),
        ("G3", theory, "uncompressed_risk", _valued(0.5), "risk's value"),
        ("G3", theory, "uncompressed_risk", _valued(-1.0), "risk"),
    ],
)
def test_sabotage_is_refuted_by_trials(
    monkeypatch: pytest.MonkeyPatch,
    claim: str,
    module: Any,
    name: str,
    sabotage: Callable[[Original], Any],
    part: str | None,
) -> None:
    monkeypatch.setattr(module, name, sabotage(getattr(module, name)))
    found = _tested(dataclasses.replace(_claim(claim), examples=CASES[claim]))
    assert found.word == "REFUTED", found.sentence
    assert found.witness is not None
    assert found.witness.get("part") == part  # None: the theory refuses the root of what is < 0
