"""The largest entries against a stable sort; ties, counts a row, any library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof.theory import keep_top, top_entries, top_threshold

FAMILIES = st.sampled_from(["normal", "flat", "one-hot", "tied", "sparse", "huge"])


def by_stable_sort(w: Any, count: int) -> Any:
    mask = np.zeros(len(w), dtype=bool)
    mask[np.argsort(-np.abs(w), kind="stable")[:count]] = True
    return mask


@settings(max_examples=25)
@given(FAMILIES, st.integers(1, 30), st.integers(0, 10**6), st.data())
def test_each_row_keeps_its_largest(
    weights: Any, family: str, d: int, seed: int, data: Any
) -> None:
    rows = np.stack([weights(family, d, seed + i) for i in range(4)])
    counts = np.array(data.draw(st.lists(st.integers(0, d), min_size=4, max_size=4)))
    expected = np.stack([by_stable_sort(w, s) for w, s in zip(rows, counts)])
    np.testing.assert_array_equal(top_entries(rows, counts), expected)
    same = np.stack([by_stable_sort(w, int(counts[0])) for w in rows])
    np.testing.assert_array_equal(top_entries(rows, int(counts[0])), same)
    flat = by_stable_sort(rows.reshape(-1), int(counts.sum()))
    np.testing.assert_array_equal(top_entries(rows.reshape(-1), int(counts.sum())), flat)


def test_any_library(to_backend: Any) -> None:
    w = np.array([[1.0, -2.0, 2.0, 0.0], [0.0, 0.0, 3.0, 3.0]])
    found = np.asarray(top_entries(to_backend(w), 2))
    np.testing.assert_array_equal(found, [[False, True, True, False], [False, False, True, True]])
    kept = np.asarray(keep_top(to_backend(w), np.array([1, 3])))
    np.testing.assert_array_equal(kept, [[0, -2, 0, 0], [0, 0, 3, 3]])


def test_threshold_and_zeros() -> None:
    w = [0.0, 5.0, 0.0, -1.0]
    assert top_threshold(w, 2) == 1.0
    # more than differ from 0: the first zero is kept as well
    np.testing.assert_array_equal(top_entries(w, 3), [True, True, False, True])


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (5, "at most"),
        (-1, "at least 0"),
        (1.5, "whole number"),
        ([1, 2], "shape"),
        (True, "whole"),
    ],
)
def test_wrong_counts(kept: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        top_entries([1.0, 2.0, 3.0, 4.0], kept)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        top_entries([1.0, np.nan], 1)
