"""Second moments: dense, streaming, merged, on every array library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof.theory import MomentAccumulator, second_moment
from pruneproof.theory.arrays import to_numpy

EPS = np.finfo(float).eps


def samples(n: int, m: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, m)) @ rng.standard_normal((m, m)) + 2.0


def test_second_moment_is_the_mean_outer_product(to_backend) -> None:
    x = samples(40, 7)
    by_hand = sum(np.outer(row, row) for row in x) / 40
    found = second_moment(to_backend(x))
    assert type(found) is type(to_backend(x))
    # A sum of 40 products: backward error 40 eps times the sum of |products|.
    tolerance = 40 * EPS * np.max(np.mean(x**2, axis=0))
    assert np.max(np.abs(to_numpy(found) - by_hand)) <= tolerance
    centred = to_numpy(second_moment(to_backend(x), centered=True))
    assert np.max(np.abs(centred - np.cov(x.T, bias=True))) <= 2 * tolerance


@given(
    n=st.integers(2, 60),
    m=st.integers(1, 9),
    cuts=st.lists(st.integers(1, 59), max_size=5),
    seed=st.integers(0, 99),
)
def test_any_split_and_merge_gives_the_moments_of_the_whole(n, m, cuts, seed) -> None:
    x = samples(n, m, seed)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    total = MomentAccumulator(m)
    for a, b in itertools.pairwise(edges):
        part = MomentAccumulator(m)
        for row in np.array_split(x[a:b], 2):
            if len(row):
                part.update(row)
        total.merge(part)
    tolerance = 4 * n * EPS * np.max(np.mean(x**2, axis=0))  # rounding of n-term sums
    assert total.count == n
    assert np.max(np.abs(total.mean - x.mean(axis=0))) <= 4 * n * EPS * np.max(np.abs(x))
    assert np.max(np.abs(total.second_moment - second_moment(x))) <= tolerance
    assert np.max(np.abs(total.covariance - second_moment(x, centered=True))) <= 2 * tolerance
    assert np.array_equal(total.second_moment, total.second_moment.T)


def test_integers_add_and_merge_to_the_last_bit() -> None:
    """Sums of small integers have no rounding, so every split must agree exactly."""
    x = np.random.default_rng(1).integers(-9, 9, (64, 6))
    whole, left, right = MomentAccumulator(6), MomentAccumulator(6), MomentAccumulator(6)
    whole.update(x)
    left.update(x[:13])
    right.update(x[13:])
    before = right.second_moment
    left.merge(right)
    assert np.array_equal(left.second_moment, whole.second_moment)
    assert np.array_equal(right.second_moment, before)


def test_streaming_gives_back_the_callers_kind(to_backend) -> None:
    x = samples(30, 5)
    stream = MomentAccumulator(5)
    for chunk in np.array_split(x, 4):
        stream.update(to_backend(chunk))
    for found in (stream.second_moment, stream.covariance, stream.mean):
        assert type(found) is type(to_backend(x))
    error = np.abs(to_numpy(stream.second_moment) - second_moment(x))
    assert np.max(error) <= 60 * EPS * np.max(np.mean(x**2, axis=0))


def test_chunks_of_any_memory_order_are_read_alike() -> None:
    x = samples(32, 6)
    streams = []
    for view in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1]):
        stream = MomentAccumulator(6)
        stream.update(view)
        streams.append(stream.second_moment)
    for found in streams[1:]:
        assert np.max(np.abs(found - streams[0])) <= 64 * EPS * np.max(np.mean(x**2, axis=0))


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.full((3, 2), np.nan), "NaN"),
        (np.array([[1.0, np.inf]]), "infinite"),
        (np.zeros((0, 2)), "empty"),
        (np.zeros(4), "axes"),
        (np.ones((2, 2), dtype=complex), "complex"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.array([[None, 1]], dtype=object), "object"),
        ([[1.0, 2.0], [3.0]], "unequal"),
    ],
)
def test_bad_features_are_refused_in_one_sentence(features, words) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        second_moment(features)
    assert "\n" not in str(caught.value)
    stream = MomentAccumulator(2)
    stream.update(np.eye(2))
    with pytest.raises(ValueError, match=words):
        stream.update(features)
    assert stream.count == 2
    assert np.array_equal(stream.second_moment, np.eye(2) / 2)


def test_wrong_widths_and_empty_streams_are_refused() -> None:
    stream = MomentAccumulator(3)
    with pytest.raises(ValueError, match="no rows"):
        _ = stream.second_moment
    with pytest.raises(ValueError, match="3 columns"):
        stream.update(np.ones((2, 4)))
    with pytest.raises(ValueError, match="4 nodes"):
        stream.merge(MomentAccumulator(4))
    with pytest.raises(TypeError, match="not a int"):
        stream.merge(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="m must be"):
        MomentAccumulator(0)


def test_float32_and_integers_are_raised_to_float64() -> None:
    x = np.random.default_rng(0).integers(0, 5, (9, 4))
    assert np.array_equal(second_moment(x), second_moment(x.astype(np.float64)))
    assert second_moment(x.astype(np.float32)).dtype == np.float64


def test_every_block_of_a_wide_layer_is_mirrored() -> None:
    x = np.random.default_rng(2).integers(-9, 9, (40, 300))  # sums of integers have no rounding
    stream = MomentAccumulator(300)
    stream.update(x[:25])
    stream.update(x[25:])
    assert np.array_equal(stream.second_moment, (x.T @ x) / 40)


def test_an_empty_accumulator_merges_to_nothing_and_from_anything(to_backend) -> None:
    x = samples(6, 3)
    full, empty = MomentAccumulator(3), MomentAccumulator(3)
    full.update(to_backend(x))
    before = to_numpy(full.second_moment)
    full.merge(MomentAccumulator(3))
    empty.merge(full)
    for stream in (full, empty):
        assert stream.count == 6
        assert type(stream.second_moment) is type(to_backend(x))
        assert np.array_equal(to_numpy(stream.second_moment), before)
    empty.update(to_backend(x))  # what was merged in is a copy
    assert np.array_equal(to_numpy(full.second_moment), before)


def test_two_array_libraries_do_not_mix() -> None:
    import array_api_strict

    x = samples(6, 3)
    stream, other = MomentAccumulator(3), MomentAccumulator(3)
    stream.update(x)
    other.update(array_api_strict.asarray(x))
    before = stream.second_moment
    with pytest.raises(ValueError, match=r"numpy, not array_api_strict; convert"):
        stream.update(array_api_strict.asarray(x))
    with pytest.raises(ValueError, match=r"numpy, not array_api_strict; convert"):
        stream.merge(other)
    assert stream.count == 6
    assert np.array_equal(stream.second_moment, before)
