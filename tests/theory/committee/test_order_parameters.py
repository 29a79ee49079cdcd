"""Order parameters: what is accepted, what is refused and why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pruneproof import theory


def test_rows_give_their_overlaps() -> None:
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((3, 7)), rng.standard_normal((2, 7))
    order = theory.OrderParameters.from_rows(w, b, [1, 2, 3], [1, -1])
    both = np.vstack([w, b])
    np.testing.assert_allclose(order.covariance, both @ both.T / 7, rtol=1e-14)
    assert order.amplitudes.tolist() == [-1, -2, -3, 1, -1]


def test_it_is_a_frozen_copy() -> None:
    q = np.eye(1)
    order = theory.OrderParameters(q, [[0.5]], [[1.0]], [1.0], [1.0])
    q[0, 0] = 7.0
    assert order.Q[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        order.Q[0, 0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.v = np.ones(1)  # type: ignore[misc]


def test_pruned_units_and_smaller_students_are_fine() -> None:
    order = theory.OrderParameters(np.zeros((2, 2)), np.zeros((2, 3)), np.eye(3), [1, 1], [1, 1, 1])
    assert theory.generalization_error(order) == pytest.approx(0.5, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"R": np.zeros((3, 2))}, r"R must have shape \(2, 2\) for 2 student and 2 teacher units"),
        ({"v": np.ones(3)}, r"Q must have shape \(3, 3\)"),
        ({"Q": [[1.0, 0.5], [0.4, 1.0]]}, r"symmetric, but two mirrored entries differ by 0\.1"),
        ({"R": 1.5 * np.eye(2)}, r"overlaps of no weights: .* eigenvalue -0\.5"),
        ({"T": [[np.nan, 0], [0, 1]]}, "T has 1 entries that are NaN"),
        ({"A": [[1.0]]}, "A must have 1 axis"),
    ],
)
def test_what_is_no_set_of_overlaps_is_refused(changes: dict, message: str) -> None:
    given = {"Q": np.eye(2), "R": np.eye(2) / 2, "T": np.eye(2), "v": [1, 1], "A": [1, 1]}
    with pytest.raises(ValueError, match=message):
        theory.OrderParameters(**{**given, **changes})


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="student rows have 4 inputs, but teacher rows have 3"):
        theory.OrderParameters.from_rows(np.ones((1, 4)), np.ones((1, 3)), [1], [1])
