"""Prunability: losses that are not monotone, the scan, Occam's bound over all numbers kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory


def test_the_loss_is_not_monotone_in_the_number_kept() -> None:
    x = np.random.default_rng(0).standard_normal(50)
    losses = theory.pruning_losses([1.0, 0.9], np.stack([x, -x], axis=1), np.zeros(50))
    assert losses / np.mean(x**2) == pytest.approx([0.0, 1.0, 0.01], rel=1e-12, abs=0)
    assert theory.prunability(losses) == 0.0  # bisection between 1 and 2 kept would say 1


@settings(max_examples=20)
@given(
    w=st.lists(st.sampled_from([0.0, 1.0, -1.0, 2.0, 1e-9, 1e9]), min_size=1, max_size=6),
    seed=st.integers(0, 999),
)
def test_losses_and_the_least_share_by_listing(w, seed) -> None:
    rng = np.random.default_rng(seed)
    h, y = rng.standard_normal((9, len(w))), rng.standard_normal(9)
    losses = theory.pruning_losses(w, h, y)
    largest = sorted(range(len(w)), key=lambda j: (-abs(w[j]), j))
    wanted = []
    for s in range(len(w) + 1):
        kept = [w[j] if j in largest[:s] else 0.0 for j in range(len(w))]
        wanted.append(np.mean((y - h @ np.array(kept)) ** 2))
    assert losses == pytest.approx(wanted, rel=1e-12)
    tolerance = 0.1 * float(losses[-1])
    share = theory.prunability(losses, tolerance=tolerance)
    s = round(share * len(w))
    assert share == s / len(w)
    assert losses[s] <= losses[-1] + tolerance
    assert np.all(losses[:s] > losses[-1] + tolerance)


def test_a_fitted_predictor_by_hand() -> None:
    """Orthogonal features, target met: losses (14, 5, 1, 0)/3 with 0 to 3 weights kept."""
    losses = theory.pruning_losses([1.0, -3.0, 2.0], np.eye(3), [1.0, -3.0, 2.0])
    assert losses * 3 == pytest.approx([14.0, 5.0, 1.0, 0.0], rel=1e-15, abs=0)
    shares = [theory.prunability(losses, tolerance=most) for most in (0.0, 0.5, 2.0, 5.0)]
    assert shares == [1.0, 2 / 3, 1 / 3, 0.0]


def test_the_best_occam_bound_is_the_least_of_all() -> None:
    risks = [0.5, 0.3, 0.1, 0.09, 0.09]
    s, bound = theory.best_occam_bound(risks, 200, bits=4, delta=0.1)
    every = [
        theory.occam_bound(risk, 200, size=4, nonzeros=i, bits=4, delta=0.1).value
        for i, risk in enumerate(risks)
    ]
    assert bound.value == min(every) == every[s]
    assert s == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.pruning_losses([1.0], np.ones((3, 2)), np.ones(3)), r"shape \(3, 1\)"),
        (lambda: theory.prunability([1.0]), "at least two"),
        (lambda: theory.prunability([1.0, 2.0], tolerance=-1.0), "tolerance must be at least 0"),
        (lambda: theory.prunability([1.0, np.nan]), "NaN"),
        (lambda: theory.best_occam_bound([2.0, 0.0], 9, bits=1), r"must lie in \[0, 1\]"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
