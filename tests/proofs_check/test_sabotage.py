"""A wrong formula in the theory is refuted: one sabotage at a time, and who finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import verify

Original = Any


def _merging_forgets_the_count(original: Original) -> Any:
    class Wrong(original):
        def merge(self, other: Any) -> None:
            super().merge(other)
            self.count -= other.count

    return Wrong


def _wrong_forward(original: Original) -> Any:
    class Wrong(original):
        def forward(self, x: Any) -> Any:
            return -super().forward(x)

    return Wrong


def _ignored_multiplicity(original: Original) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        found = original(*args, **options)
        return replace(found, ridge=found.ridge * found.multiplicity)

    return wrong


def _swapped_node(original: Original) -> Any:
    def wrong(cov: Any, width: int, **options: Any) -> Any:
        found = original(cov, width, **options)
        others = np.setdiff1d(np.arange(len(cov)), found.kept)
        kept = np.array(found.kept)
        kept[:1] = others[-1:] if len(others) else kept[:1]
        return replace(found, kept=kept)

    return wrong


def _scaled_value(factor: float) -> Callable[[Original], Any]:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            bound = original(*args, **options)
            return replace(bound, value=factor * bound.value)

        return wrong

    return sabotage


def _scaled(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _uniform_draws(original: Original) -> Any:
    return lambda spectrum, width, *, rng: theory.select_random(spectrum.size, width, rng=rng)


def _without_ridge(original: Original) -> Any:
    return lambda cov, kept, ridge=0.0: original(cov, kept, 0.0)


def _swapped_theta(original: Original) -> Any:
    def wrong(cov: Any, kept: Any, *, theta: float = 1.0, **options: Any) -> Any:
        if options.get("output_weights") is None:
            return original(cov, kept, theta=theta, **options)
        return original(cov, kept, theta=1 - theta, **options)

    return wrong


SABOTAGES: list[tuple[str, str, Callable[[Original], Any]]] = [
    ("degrees_of_freedom", "D4", _scaled(1.02)),
    ("degrees_of_freedom", "D4", _scaled(0.98)),
    ("leverage_scores", "I6", lambda f: lambda *a: f(*a)[::-1]),
    ("volume_ridge", "X2", _scaled(0.98)),
    ("volume_ridge", "D5", lambda f: lambda spectrum, width: f(spectrum, width + 1)),
    ("ridge_for_degrees_of_freedom", "X1", _scaled(1.02)),
    ("reconstruction", "I1", lambda f: lambda *a: f(*a).T),
    ("reconstruction", "I6", lambda f: lambda *a: f(*a)[::-1]),
    ("residual", "I4", _without_ridge),
    ("residual", "D1", lambda f: lambda *a: -f(*a)),
    ("information_loss", "I3", _swapped_theta),
    ("output_degrees_of_freedom", "D6", _scaled(0.98)),
    ("second_moment", "I1", lambda f: lambda x, **o: f(x, **o) * len(x) / (len(x) - 1)),
    ("MomentAccumulator", "I2", _merging_forgets_the_count),
    ("affine_offset", "I8", _scaled(-1.0)),
    ("select_greedy", "S3", _swapped_node),
    ("select_exchange", "S3", _swapped_node),
    ("select_backward", "I5", _swapped_node),
    ("select_leverage", "I1", _ignored_multiplicity),
    ("select_volume", "I7", _uniform_draws),
    ("select_volume_derandomised", "D9", _swapped_node),
    ("volume_loss", "I7", _scaled(1.02)),
    ("Network", "B1", _wrong_forward),
    ("compress", "B1", lambda f: lambda n, x, w, **o: f(n, x, w, **{**o, "ridge": 0.0})),
    ("network_error_bound", "B1", _scaled_value(0.98)),
    ("convolution_bound", "B4", _scaled_value(0.98)),
    ("population_transfer", "B6", _scaled_value(0.98)),
    ("parameter_lipschitz", "G0", _scaled(0.98)),
    ("low_rank_bound", "W1", _scaled_value(0.98)),
    # too careful is wrong as well
    ("network_error_bound", "B1", _scaled_value(1.02)),
    ("parameter_lipschitz", "G0", _scaled(1.02)),
    ("floor", "D2", _scaled_value(0.98)),
    ("tail_sum", "D2", _scaled(0.98)),
    ("converse_floor", "X5", _scaled_value(0.98)),
    ("dof_bound", "X1", _scaled_value(1.02)),
    ("smoother", "X1", _scaled(0.96)),  # so a constant of 1.28 in place of 4/3
    ("determinant_bound", "X6", _scaled_value(1.02)),
    ("reconstruction_norm_bound", "X6", _scaled_value(1.02)),
]


@pytest.mark.parametrize(
    ("name", "claim", "sabotage"),
    SABOTAGES,
    ids=[f"{name}-{claim}" for name, claim, _ in SABOTAGES],
)
def test_sabotage_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: str,
    sabotage: Callable[[Original], Any],
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    (verdict,) = verify(f"spectral.{claim}")
    assert (verdict.word, verdict.ok) == ("REFUTED", False)
    assert verdict.witness is not None
    assert verdict.witness["parameters"] is not None
