"""Training to rest: the noise that linear units keep, exactly; the teacher found without noise."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations.committee import train_to_rest
from pruneproof.simulations.teachers import Committee


def test_linear_units_rest_at_their_noise_floor() -> None:
    """eps = K eta sigma^2/(4 - 2 K eta) at N -> infinity; at N = 200 it is 1/N off."""
    rng = np.random.default_rng(0)
    teacher = Committee(np.eye(1, 200), activation="identity", noise=0.5)
    start = rng.standard_normal((2, 200)) / 200**0.5
    run = train_to_rest(start, np.ones(2), teacher, learning_rate=0.4, span=60.0, rng=rng)
    errors = [theory.generalization_error(order, "linear") for order in run.orders]
    # 64 errors, sums of 200 squares each: the relative sd of their mean is .1/sqrt(64) = 1.3 %
    # if they were independent, and here they are two relaxation times apart
    floor = theory.linear_noise_floor(2, learning_rate=0.4, noise=0.5)
    assert abs(np.mean(errors) - floor) < (6 * 0.1 / 8 + 0.02) * floor
    assert run.times[0] > 60.0
    assert np.all(np.diff(run.times) > 0)


def test_without_noise_it_rests_at_the_teacher() -> None:
    rng = np.random.default_rng(1)
    teacher = Committee.orthogonal(2, 40, rng=rng)
    start = teacher.rows + 0.1 * rng.standard_normal((2, 40)) / 40**0.5
    run = train_to_rest(start, np.ones(2), teacher, learning_rate=1.0, rng=rng)
    assert theory.generalization_error(run.orders[-1]) < 1e-12
    np.testing.assert_allclose(run.rows, teacher.rows, rtol=0, atol=1e-5)


def test_no_rest_is_told_with_both_errors() -> None:
    rng = np.random.default_rng(2)
    teacher = Committee.orthogonal(2, 40, rng=rng)
    start = rng.standard_normal((2, 40)) / 40**0.5
    with pytest.raises(ValueError, match=r"not at rest by time 3: the mean error .* one bef"):
        train_to_rest(
            start, np.ones(2), teacher, learning_rate=0.5, span=1.0, tolerance=1e-3, longest=4.0,
            rng=rng,
        )  # fmt: skip
