"""A wrong formula in the theory is refuted: one sabotage at a time, and who finds it.

The second gate beside the mutants: they alter what a claim says, this table what the theory
computes. Statements about chance have a table of their own, beside the tests of their trials.
"""

from __future__ import annotations

import importlib
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


def _sample_covariance(original: Original) -> Any:
    class Wrong(original):
        @property
        def covariance(self) -> Any:
            return super().covariance * self.count / (self.count - 1)

    return Wrong


def _reversed_mean(original: Original) -> Any:
    class Wrong(original):
        @property
        def mean(self) -> Any:
            return super().mean[::-1]

    return Wrong


def _wrong_forward(original: Original) -> Any:
    class Wrong(original):
        def forward(self, x: Any) -> Any:
            return -super().forward(x)

    return Wrong


def _without_bias(original: Original) -> Any:
    return lambda weight, bias, activation: original(weight, 0 * bias, activation)


def _flipped_kernel(original: Original) -> Any:
    return lambda weight, **options: original(weight[:, :, ::-1, ::-1], **options)


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


def _scaled_terms(factor: float) -> Callable[[Original], Any]:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            bound = original(*args, **options)
            return replace(bound, terms={name: factor * v for name, v in bound.terms.items()})

        return wrong

    return sabotage


def _scaled(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _scaled_end(end: int, factor: float) -> Callable[[Original], Any]:
    """One end of an interval, or of several, is off."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            ends = np.array(original(*args, **options))
            ends[..., end] *= factor
            return ends

        return wrong

    return sabotage


def _of_one_node_more(original: Original) -> Any:
    return lambda spectrum, width: original(spectrum, width + 1)


def _at_ridge(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda cov, ridge, *args: original(cov, factor * ridge, *args)


def _uniform_draws(original: Original) -> Any:
    return lambda spectrum, width, *, rng: theory.select_random(spectrum.size, width, rng=rng)


def _without_ridge(original: Original) -> Any:
    return lambda cov, kept, ridge=0.0: original(cov, kept, 0.0)


def _ridge_as_option(factor: float) -> Callable[[Original], Any]:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, ridge: Any = 0.0, **options: Any) -> Any:
            return original(*args, ridge=factor * np.asarray(ridge), **options)

        return wrong

    return sabotage


def _one_ridge_for_all(original: Original) -> Any:
    return lambda cov, kept, ridge=0.0: original(cov, kept, float(np.mean(ridge)))


def _ridges_in_reverse(original: Original) -> Any:
    return lambda cov, kept, ridge=0.0: original(
        cov, kept, ridge[::-1] if np.ndim(ridge) else ridge
    )


def _transposed_where_square(original: Original) -> Any:
    def wrong(*args: Any) -> Any:
        a = original(*args)
        return a.T if a.shape[0] == a.shape[1] else a

    return wrong


def _swapped_theta(original: Original) -> Any:
    def wrong(cov: Any, kept: Any, *, theta: float = 1.0, **options: Any) -> Any:
        if options.get("output_weights") is None:
            return original(cov, kept, theta=theta, **options)
        return original(cov, kept, theta=1 - theta, **options)

    return wrong


#: What is wrong, what it is called in the theory, the claim that finds it, the sabotage.
SABOTAGES: list[tuple[str, str, str, Callable[[Original], Any]]] = [
    # degrees of freedom and what is built of them, off by two per cent
    ("2 % more", "degrees_of_freedom", "D4", _scaled(1.02)),
    ("2 % less", "degrees_of_freedom", "D4", _scaled(0.98)),
    ("2 % more", "degrees_of_freedom", "I6", _scaled(1.02)),
    ("2 % less", "degrees_of_freedom", "X1", _scaled(0.98)),
    ("2 % more", "ridge_for_degrees_of_freedom", "X1", _scaled(1.02)),
    ("2 % less", "output_degrees_of_freedom", "D6", _scaled(0.98)),
    ("2 % more", "leverage_scores", "I6", _scaled(1.02)),
    ("4 % less", "smoother", "X1", _scaled(0.96)),  # so a constant of 1.28 in place of 4/3
    ("2 % less", "volume_ridge", "X2", _scaled(0.98)),
    ("2 % more", "volume_loss", "I7", _scaled(1.02)),
    ("2 % less", "volume_residual", "I7", _scaled(0.98)),
    ("2 % less", "tail_sum", "D2", _scaled(0.98)),
    # the layer's own formulas
    ("transposed", "reconstruction", "I1", lambda f: lambda *a: f(*a).T),
    ("transposed where square", "reconstruction", "I6", _transposed_where_square),
    ("rows in reverse", "reconstruction", "I6", lambda f: lambda *a: f(*a)[::-1]),
    ("columns in reverse", "reconstruction", "I5", lambda f: lambda *a: f(*a)[:, ::-1]),
    ("tau dropped", "reconstruction", "I2", _without_ridge),
    ("tau dropped", "residual", "I4", _without_ridge),
    ("one tau for all nodes", "residual", "I1", _one_ridge_for_all),
    ("tau of the wrong nodes", "residual", "D1", _ridges_in_reverse),
    ("sign", "residual", "D1", lambda f: lambda *a: -f(*a)),
    ("tau dropped", "information_loss", "I9", _ridge_as_option(0.0)),
    ("tau doubled", "information_loss", "I2", _ridge_as_option(2.0)),
    ("theta and 1 - theta swapped", "information_loss", "I3", _swapped_theta),
    ("nodes in reverse", "leverage_scores", "I6", lambda f: lambda *a: f(*a)[::-1]),
    ("k + 1 in place of k", "volume_ridge", "D5", _of_one_node_more),
    ("k + 1 in place of k", "tail_sum", "D8", _of_one_node_more),
    ("at twice the ridge", "smoother", "D5", _at_ridge(2.0)),
    # moments
    (
        "1/(n - 1)",
        "second_moment",
        "I1",
        lambda f: lambda x, **o: f(x, **o) * len(x) / (len(x) - 1),
    ),
    ("never centred", "second_moment", "X8", lambda f: lambda x, **o: f(x)),
    ("a merge forgets the count", "MomentAccumulator", "I2", _merging_forgets_the_count),
    ("covariance with 1/(n - 1)", "MomentAccumulator", "I8", _sample_covariance),
    ("mean of the nodes in reverse", "MomentAccumulator", "I8", _reversed_mean),
    ("sign", "affine_offset", "I8", _scaled(-1.0)),
    # elementary symmetric functions, inside the theory
    ("2 % more", "elementary.ratios", "I7", _scaled(1.02)),
    ("of the wrong eigenvalues", "elementary.exclusion", "I7", lambda f: lambda *a: f(*a)[::-1]),
    # selections
    ("one index swapped", "select_greedy", "S3", _swapped_node),
    ("tau dropped", "select_greedy", "S3", _ridge_as_option(0.0)),
    ("one index swapped", "select_exchange", "S3", _swapped_node),
    ("one index swapped", "select_backward", "I5", _swapped_node),
    ("one index swapped", "select_volume_derandomised", "D9", _swapped_node),
    ("multiplicity ignored", "select_leverage", "I1", _ignored_multiplicity),
    ("uniform draws", "select_volume", "I7", _uniform_draws),
    # networks
    ("sign", "Network", "B1", _wrong_forward),
    ("sign", "Network", "B4", _wrong_forward),
    ("bias dropped", "Dense", "B1", _without_bias),
    ("kernel flipped", "Conv2d", "B4", _flipped_kernel),
    ("tau dropped", "compress", "B1", _ridge_as_option(0.0)),
    ("layers in reverse", "layer_errors", "B1", lambda f: lambda *a: f(*a)[::-1]),
    # bounds: too bold
    ("2 % less", "network_error_bound", "B1", _scaled_value(0.98)),
    ("2 % less", "mixed_layer_bound", "B2", _scaled_value(0.98)),
    ("2 % less", "convolution_bound", "B4", _scaled_value(0.98)),
    ("2 % less", "population_transfer", "B6", _scaled_value(0.98)),
    ("2 % less", "transfer_level", "B6", _scaled(0.98)),
    ("2 % less", "parameter_lipschitz", "G0", _scaled(0.98)),
    ("2 % less", "low_rank_bound", "W1", _scaled_value(0.98)),
    ("2 % less", "volume_bound", "D6", _scaled_value(0.98)),
    ("2 % less", "doubled_dof_bound", "D7", _scaled_value(0.98)),
    ("2 % less", "tail_bound", "D8", _scaled_value(0.98)),
    ("2 % more", "floor", "D2", _scaled_value(1.02)),
    ("2 % more", "converse_floor", "X5", _scaled_value(1.02)),
    ("lower end 2 % more", "dof_sandwich", "D4", _scaled_end(0, 1.02)),
    ("upper end 2 % less", "dof_sandwich", "D4", _scaled_end(1, 0.98)),
    ("upper ends 2 % less", "power_law_ridge_sandwich", "X2", _scaled_end(1, 0.98)),
    # bounds: too careful is wrong as well
    ("2 % more", "network_error_bound", "B1", _scaled_value(1.02)),
    ("2 % more", "mixed_layer_bound", "X7", _scaled_value(1.02)),
    ("2 % more", "parameter_lipschitz", "G0", _scaled(1.02)),
    ("2 % more", "low_rank_bound", "W1", _scaled_value(1.02)),
    ("2 % less", "floor", "D2", _scaled_value(0.98)),
    ("2 % less", "converse_floor", "X5", _scaled_value(0.98)),
    ("2 % more", "dof_bound", "X1", _scaled_value(1.02)),
    ("2 % more", "doubled_dof_bound", "D7", _scaled_value(1.02)),
    ("2 % more", "tail_bound", "D8", _scaled_value(1.02)),
    ("2 % more", "determinant_bound", "X6", _scaled_value(1.02)),
    ("2 % more", "reconstruction_norm_bound", "X6", _scaled_value(1.02)),
    ("2 % more", "power_law_dof_bound", "D4", _scaled_terms(1.02)),
    ("lower ends 2 % less", "power_law_ridge_sandwich", "X2", _scaled_end(0, 0.98)),
]


@pytest.mark.parametrize(
    ("name", "claim", "sabotage"),
    [row[1:] for row in SABOTAGES],
    ids=[f"{name} {what} {claim}" for what, name, claim, _ in SABOTAGES],
)
def test_sabotage_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: str,
    sabotage: Callable[[Original], Any],
) -> None:
    place, _, attribute = name.rpartition(".")
    home = importlib.import_module(f"pruneproof.theory.{place}") if place else theory
    monkeypatch.setattr(home, attribute, sabotage(getattr(home, attribute)))
    (verdict,) = verify(f"spectral.{claim}", budget="quick")
    assert (verdict.word, verdict.ok) == ("REFUTED", False)
    assert verdict.witness is not None
    assert verdict.witness["parameters"] is not None
