"""Selection by weight and at random."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pruneproof.theory import Conv2d, Dense, select_magnitude, select_random
from pruneproof.theory.arrays import to_numpy

WEIGHT = np.array([[3.0, 4.0], [0.0, 1.0], [6.0, 8.0], [1.0, 0.0]])  # norms 5, 1, 10, 1


def test_largest_weights_first(to_backend) -> None:
    selection = select_magnitude(to_backend(WEIGHT), 3)
    assert to_numpy(selection.kept).tolist() == [2, 0, 1]  # the first of equals first
    assert type(selection.kept) is type(to_backend(WEIGHT))
    assert to_numpy(selection.ridge).tolist() == [0.0] * 3
    assert selection.guarantee.startswith("None")


def test_layers_norms_and_readers() -> None:
    assert select_magnitude(Dense(WEIGHT), 2).kept.tolist() == [2, 0]
    assert select_magnitude([5.0, 1.0, 10.0, 1.0], 2).kept.tolist() == [2, 0]
    reader = np.array([[1.0, 9.0, 0.1, 0.0], [0.0, 40.0, 0.0, 0.0]])  # norms 1, 41, .1, 0
    assert select_magnitude(WEIGHT, 2, reader_weight=reader).kept.tolist() == [1, 0]
    kernel = np.zeros((3, 2, 2, 2))
    kernel[1] = 1.0
    kernel[2, 0, 1, 1] = 2.0
    layer = Conv2d(kernel)
    assert select_magnitude(layer, 2).kept.tolist() == [1, 2]
    reading = np.zeros((2, 3, 2, 2))
    reading[:, 2] = 1.0
    assert select_magnitude(layer, 1, reader_weight=Conv2d(reading)).kept.tolist() == [2]


def test_random_sets_are_equally_likely() -> None:
    """Chi-square over the 10 sets of 2 in 5, false alarm 1e-6, fixed seed."""
    from scipy.stats import chi2

    rng = np.random.default_rng(0)
    sets = dict.fromkeys(itertools.combinations(range(5), 2), 0)
    for _ in range(5000):
        sets[tuple(sorted(select_random(5, 2, rng=rng).kept.tolist()))] += 1
    counts = np.array(list(sets.values()))
    assert ((counts - 500) ** 2 / 500).sum() < chi2.isf(1e-6, 9)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="width must be at least 1 and at most 4"):
        select_magnitude(WEIGHT, 5)
    with pytest.raises(ValueError, match="4 nodes along axis 1"):
        select_magnitude(WEIGHT, 1, reader_weight=np.ones((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        select_magnitude(WEIGHT * np.nan, 1)
    with pytest.raises(ValueError, match="width must be at least 1 and at most 3"):
        select_random(3, 0, rng=0)
    with pytest.raises(ValueError, match="m must be"):
        select_random(0, 1, rng=0)
