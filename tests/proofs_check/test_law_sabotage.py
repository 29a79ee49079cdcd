"""A wrong formula behind the laws is refuted, one sabotage at a time; too careful is wrong too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import verify

Original = Any


def _scaled(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _scaled_end(end: int, factor: float) -> Callable[[Original], Any]:
    """One end of an interval is off."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any) -> Any:
            found = original(*args)
            return type(found)(*(x * (factor if i == end else 1) for i, x in enumerate(found)))

        return wrong

    return sabotage


def _scaled_field(name: str, factor: float) -> Callable[[Original], Any]:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any) -> Any:
            found = original(*args)
            return replace(found, **{name: factor * getattr(found, name)})

        return wrong

    return sabotage


def _one_more(place: int) -> Callable[[Original], Any]:
    """Index swap: m, M or k is one too large."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            changed = list(args)
            if changed[place] is not None:
                changed[place] += 1
            return original(*changed, **options)

        return wrong

    return sabotage


def _even_draws(original: Original) -> Any:
    """Draws, and their ridges, of a layer whose nodes are all alike."""

    def wrong(spectrum: Any, width: int, ridge: float, *, rng: Any) -> Any:
        return original(np.eye(spectrum.size), width, ridge, rng=rng)

    return wrong


def _ignored_multiplicity(original: Original) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        found = original(*args, **options)
        return replace(found, ridge=found.ridge * found.multiplicity)

    return wrong


def _faster(original: Original) -> Any:
    def wrong(order: Any, times: Any, **options: Any) -> Any:
        return original(order, [1.5 * t for t in times], **options)

    return wrong


#: What is wrong, what it is called in the theory, the claim that finds it, the sabotage.
SABOTAGES: list[tuple[str, str, str, Callable[[Original], Any]]] = [
    ("2 % more", "degrees_of_freedom", "L1", _scaled(1.02)),
    ("2 % less", "residual", "L1", _scaled(0.98)),
    ("nodes in reverse", "leverage_scores", "L1", lambda f: lambda *a: f(*a)[::-1]),
    ("2 % more", "smoother", "L1b", _scaled(1.02)),
    ("2 % less", "volume_loss", "L3", _scaled(0.98)),
    ("k + 1 in place of k", "tail_sum", "L3", _one_more(1)),
    ("2 % more", "failure_floor", "L4", _scaled(1.02)),
    ("2 % less", "failure_probability", "L4", lambda f: lambda *a, **o: f(*a, **o) * 49 / 50),
    ("one node more", "failure_probability", "L4", _one_more(0)),
    ("one draw more", "failure_probability", "L4", _one_more(2)),
    ("upper end 2 % less", "power_law_dof", "L5", _scaled_end(1, 0.98)),
    ("upper end 2 % more", "power_law_dof", "L5", _scaled_end(1, 1.02)),
    ("lower end 2 % less", "power_law_dof", "L5", _scaled_end(0, 0.98)),
    ("lower end 2 % more", "power_law_dof", "L5", _scaled_end(0, 1.02)),
    ("one node more", "power_law_dof", "L5", _one_more(2)),
    ("2 % less", "inverse_square_dof", "L5", _scaled(0.98)),
    ("5 % more", "sampled_law", "L2", _scaled_field("value", 1.05)),
    ("5 % less", "sampled_law", "L2", _scaled_field("value", 0.95)),
    ("even draws", "select_leverage", "L2", _even_draws),
    ("multiplicity ignored", "select_leverage", "L2", _ignored_multiplicity),
    ("2 % less", "sampled_law", "L2b", _scaled_field("value", 0.98)),
    ("2 % more", "sampled_law", "L2b", _scaled_field("ridge", 1.02)),
    ("2 % less", "sampled_law", "L2b", _scaled_field("coherence", 0.98)),
    ("2 % more", "empirical_degrees_of_freedom", "L6", _scaled(1.02)),
    ("2 % less", "empirical_degrees_of_freedom", "L6", _scaled(0.98)),
    ("2 % more", "population_ridge", "L6", _scaled(1.02)),
    ("2 % less", "population_degrees_of_freedom", "L6", _scaled(0.98)),
    ("2 % less", "sampled_ridge", "L6", _scaled(0.98)),
    ("10 % more", "spike_location", "L9", _scaled(1.1)),
    ("10 % less", "spike_overlap", "L9", _scaled(0.9)),
    ("lower edge 10 % more", "marchenko_pastur_edges", "L9", _scaled_end(0, 1.1)),
    ("upper edge 10 % less", "marchenko_pastur_edges", "L9", _scaled_end(1, 0.9)),
]

#: Of claims on committee machines and their pruning.
COMMITTEES: list[tuple[str, str, str, Callable[[Original], Any]]] = [
    ("5 % less", "gaussian_i2", "TS-1", _scaled(0.95)),
    ("half as fast again", "integrate_sgd", "TS-2", _faster),
    ("10 % more", "generalization_error", "TS-2", _scaled(1.1)),
    ("5 % more", "small_noise_error", "TS-3", _scaled(1.05)),
    ("5 % less", "small_noise_error", "TS-4", _scaled(0.95)),
    ("1 % more", "generalization_error", "TS-5", _scaled(1.01)),
    ("2 % less", "critical_learning_rate", "TS-5", _scaled(0.98)),
    ("2 % more", "kept_error", "PR-4", _scaled(1.02)),
    ("10 % more", "expected_pruned_error", "PR-11", _scaled(1.1)),
    ("2 % less", "replicated_edge_error", "PR-13", _scaled(0.98)),
    ("2 % more", "replicated_node_error", "PR-13", _scaled(1.02)),
    ("one edge more", "edge_count", "PR-13", lambda f: lambda *a: f(*a) + 1),
]


@pytest.mark.parametrize(
    ("name", "claim", "sabotage"),
    [row[1:] for row in SABOTAGES + COMMITTEES],
    ids=[f"{name} {what} {claim}" for what, name, claim, _ in SABOTAGES + COMMITTEES],
)
def test_sabotage_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: str,
    sabotage: Callable[[Original], Any],
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    family = "laws" if claim.startswith("L") else "determinantal"
    (verdict,) = verify(f"{family}.{claim}", budget="quick")
    assert (verdict.word, verdict.ok) == ("REFUTED", False)
    assert "raised" not in verdict.evidence, "the sabotage itself must run"
