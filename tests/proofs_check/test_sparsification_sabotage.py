"""A wrong formula of the sparsification theory is refuted, one sabotage at a time.

Statements about every instance are evaluated on their known cases, which is where a verdict looks
first; those about chance by their own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import Claim, claims, verify

Original = Any
Sabotage = Callable[[Original], Any]


def _scaled(factor: float) -> Sabotage:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _scaled_field(name: str, factor: float) -> Sabotage:
    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            found = original(*args, **options)
            return replace(found, **{name: factor * getattr(found, name)})

        return wrong

    return sabotage


def _scaled_parts(factor: float) -> Sabotage:
    """Every member of a tuple that is a number or an array."""

    def sabotage(original: Original) -> Any:
        return lambda *args, **options: tuple(factor * x for x in original(*args, **options))

    return sabotage


def _even(original: Original) -> Any:
    return lambda weight, *args, **options: (weight != 0) / np.count_nonzero(weight)


def _tilted(original: Original) -> Any:
    def wrong(weight: Any) -> Any:
        found = original(weight) ** 0.98
        return found / found.sum()

    return wrong


def _half_the_mean(original: Original) -> Any:
    return lambda weight, sparse: (original(weight, sparse) + sparse) / 2


def _another_entry(original: Original) -> Any:
    """The largest entry is dropped in place of the smallest."""

    def wrong(weight: Any, count: int) -> Any:
        return weight - theory.sparsify(weight, weight.size - count, method="magnitude") / 1.02

    return wrong


LESS, MORE = _scaled(0.98), _scaled(1.02)
LESS_VALUE, MORE_VALUE = _scaled_field("value", 0.98), _scaled_field("value", 1.02)

SABOTAGES: list[tuple[str, str, str, Sabotage]] = [
    ("2 % less", "singular_value_shift", "II-1", LESS),
    ("2 % more", "singular_value_bound", "II-1", MORE_VALUE),
    ("2 % less", "subspace_sines", "II-1", _scaled_parts(0.98)),
    ("2 % more", "wedin_bound", "II-1", MORE_VALUE),
    ("2 % less", "yu_wang_samworth_bound", "II-1", LESS_VALUE),
    ("2 % less", "low_rank_error", "II-1", LESS),
    ("2 % more", "low_rank_error_bound", "II-1", MORE_VALUE),
    ("2 % more", "schur_test", "II-2", MORE),
    ("2 % less", "dropped_norm_bound", "II-2", LESS_VALUE),
    ("2 % less", "keeping_variances", "II-3", LESS),
    ("2 % more", "quantised_variances", "II-3", MORE),
    ("2 % less", "drawing_variances", "II-3", LESS),
    ("2 % less", "poisson_probabilities", "II-3", LESS),
    ("2 % less", "uniform_probabilities", "II-3", LESS),
    ("even", "l1_distribution", "II-3", _even),
    ("even", "hybrid_distribution", "II-3", _even),
    ("v 2 % more", "threshold_poisson_terms", "II-4m", _scaled_field("variance", 1.02)),
    ("L 2 % less", "uniform_terms", "II-4m", _scaled_field("size", 0.98)),
    ("v 2 % less", "quantised_terms", "II-4m", _scaled_field("variance", 0.98)),
    ("L 2 % more", "drawing_terms", "II-4m", _scaled_field("size", 1.02)),
    ("2 % less", "spectral_error_bound", "II-4", LESS_VALUE),
    ("2 % less", "drineas_zouzias_bound", "II-4z", LESS_VALUE),
    ("half the mean", "mean_removed", "II-5", _half_the_mean),
    ("2 % more", "convolution_singular_values", "II-6", MORE),
    ("2 % less", "convolution_symbols", "II-6", LESS),
    ("2 % more", "reshaped_norms", "II-6", _scaled_parts(1.02)),
    ("2 % less", "convolution_norm_bound", "II-6", LESS_VALUE),
    ("2 % more", "all_frequencies_bound", "II-6", MORE_VALUE),
    ("2 % less", "effective_resistances", "II-7", LESS),
    ("2 % less", "laplacian_deviation", "II-7", LESS),
    ("tilted", "resistance_distribution", "II-7", _tilted),
    ("2 % more", "resistance_draws", "II-7", MORE_VALUE),
    ("2 % more", "gradient_descent_weight", "II-8", MORE),
    ("2 % less", "linear_mode_strength", "II-8", LESS),
    ("2 % more", "rank_one_interlacing", "II-8", MORE),
    ("2 % more", "ky_fan_norms", "II-9", MORE),
    ("2 % less", "layer_error", "II-10", LESS),
    ("2 % less", "sampled_layer_error", "II-10", LESS),
    ("2 % more", "drawn_layer_error", "II-10", MORE),
    ("10 % more", "threshold_poisson", "II-10m", _scaled(1.1)),
    ("10 % more", "uniform_sample", "II-10m", _scaled(1.1)),
    ("10 % more", "quantised_sample", "II-10m", _scaled(1.1)),
    ("10 % more", "sample_with_replacement", "II-10m", _scaled(1.1)),
    ("2 % more", "low_rank_plus_sparse_floor", "X6", MORE_VALUE),
    ("half the mean", "mean_removed", "X6", _half_the_mean),
    ("2 % less", "dropping_floor", "X7", LESS_VALUE),
    ("2 % more", "magnitude_ratio_bound", "X7", MORE_VALUE),
    ("2 % more", "best_pair", "X7", lambda f: lambda w: (1.02 * f(w)[0], *f(w)[1:])),
    ("not all of it", "dropped_by_magnitude", "X7", _another_entry),
]


def _refuted(claim: Claim) -> bool:
    if claim.by_trials:
        (verdict,) = verify(claim.id, budget="quick")
        assert "raised" not in verdict.evidence, "the sabotage itself must run"
        return verdict.word == "REFUTED"
    return any(not claim.check(claim.instance(case)).hold for case in claim.examples)


@pytest.mark.parametrize(
    ("name", "claim_id", "sabotage"),
    [row[1:] for row in SABOTAGES],
    ids=[f"{name} {what} {claim}" for what, name, claim, _ in SABOTAGES],
)
def test_sabotage_is_refuted(
    monkeypatch: pytest.MonkeyPatch, name: str, claim_id: str, sabotage: Sabotage
) -> None:
    (claim,) = claims(f"sparsity.{claim_id}")
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    assert _refuted(claim)


def test_wrong_sizes_of_uniform_sampling_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = theory.achlioptas_mcsherry_bound

    def wrong(*args: Any) -> Any:
        found = real(*args)
        return replace(found, terms={**found.terms, "size": 1.02 * found.terms["size"]})

    monkeypatch.setattr(theory, "achlioptas_mcsherry_bound", wrong)
    (verdict,) = verify("sparsity.II-4a")
    assert verdict.word == "REFUTED"


@pytest.mark.parametrize(
    ("claim_id", "begins"),
    [("II-4a", "n > 7.06e+08"), ("II-4z", "it begins at n = 649"), ("II-7", "435 vertices")],
)
def test_vacuous_bounds_say_where_they_begin(claim_id: str, begins: str) -> None:
    (verdict,) = verify(f"sparsity.{claim_id}")
    assert (verdict.word, verdict.ok) == ("VACUOUS", True)
    assert begins in verdict.evidence
