"""Normal numbers by the block: the formula from its words, and the law they are to have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pruneproof.simulations.committee import normals


def words(state: np.ndarray) -> np.ndarray:
    """xoshiro256++ as published, on the columns of the state."""

    def rotated(x: np.ndarray, k: int) -> np.ndarray:
        return (x << np.uint64(k)) | (x >> np.uint64(64 - k))

    result = rotated(state[0] + state[3], 23) + state[0]
    t = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = rotated(state[3], 45)
    return result


def test_pairs_are_those_of_box_and_muller() -> None:
    state = np.random.default_rng(0).integers(0, 2**64, (4, normals.LANES), dtype=np.uint64)
    twin, found = state.copy(), np.empty(50 * normals.PAIR)
    normals.fill(state, found)
    for pairs in found.reshape(50, 2, normals.LANES):
        first, second = words(twin), words(twin)
        uniform = 1.0 - (first >> np.uint64(12)) / 2.0**52
        angle = np.pi / 4.0 * ((second >> np.uint64(12)) / 2.0**52)
        both = np.sqrt(-2.0 * np.log(uniform)) * np.stack([np.cos(angle), np.sin(angle)])
        swapped = np.where(second & np.uint64(1), both[::-1], both)
        signs = [np.where(second & np.uint64(bit), -1.0, 1.0) for bit in (2, 4)]
        # a few roundings of each: of log, of the root, of cos or sin and of the angle
        np.testing.assert_allclose(pairs, swapped * signs, rtol=4e-15)
    np.testing.assert_array_equal(state, twin)


@pytest.mark.parametrize("bits", [0, 2**64 - 1])
def test_extreme_words_are_finite(bits: int) -> None:
    """All words 0: U = 1 and both numbers 0; all ones: U = 2^-52, the largest radius there is."""
    mantissa, power = np.empty(64, np.uint64), np.empty(64, np.uint64)
    uniform = np.full(64, 1.0 - (bits >> 12) / 2.0**52)
    normals._parts(uniform.view(np.uint64), mantissa, power)
    left, right = np.empty(64), np.empty(64)
    octant = np.full(64, bits, dtype=np.uint64)
    arguments = mantissa.view(np.float64), power.view(np.float64), np.ones(64), octant
    normals._pairs(*arguments, left, right)
    radius = math.sqrt(104.0 * math.log(2.0)) if bits else 0.0
    np.testing.assert_allclose(np.hypot(left, right), radius, rtol=1e-15)


def test_numbers_are_normal_and_independent() -> None:
    fill, x = normals.drawer(np.random.default_rng(1)), np.empty((1001, 999))
    fill(x)
    flat, n = x.ravel(), x.size
    assert stats.kstest(flat, "norm").pvalue > 1e-6
    # moments 1 to 4 and correlations of the numbers and of their squares, by 6 standard errors
    for power, law, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(flat**power) - law) < 6 * math.sqrt(variance / n)
    for lag in (1, 2, 63, 64, 65, 127, 128, 129, 256):
        for y, variance in ((flat, 1.0), (flat**2 - 1.0, 4.0)):
            assert abs(np.mean(y[lag:] * y[:-lag])) < 6 * math.sqrt(variance / n)


def test_any_number_of_them_is_drawn() -> None:
    """The end of an array is the start of a round, whose rest is left."""
    whole = np.empty(384)
    normals.drawer(np.random.default_rng(2))(whole)
    for n in (1, 127, 128, 300):
        out = np.empty(n)
        normals.drawer(np.random.default_rng(2))(out)
        np.testing.assert_array_equal(out, whole[:n])
