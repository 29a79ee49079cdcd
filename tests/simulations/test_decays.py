"""Prescribed decays: shapes, order, and the refusals."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof.simulations import decays
from pruneproof.theory import degrees_of_freedom, power_law_dof


def test_power_law_is_inside_its_sandwich() -> None:
    mu = decays.power_law(500, 1.5)
    inside = power_law_dof(1.5, 0.01, 500)
    assert inside.lower <= degrees_of_freedom(mu, 0.01) <= inside.upper
    assert np.array_equal(decays.power_law(500, 1.5, 3.0), 3.0 * mu)
    assert decays.power_law(3, 1.0) == pytest.approx([1, 1 / 2, 1 / 3], rel=1e-15, abs=0)


def test_exponential_falls_by_one_factor() -> None:
    mu = decays.exponential(20, 0.3)
    assert mu[0] == 1.0
    # exp is exact to 1 ulp and its argument to eps |log mu| <= 6 eps
    assert mu[1:] / mu[:-1] == pytest.approx(np.full(19, np.exp(-0.3)), rel=1e-14, abs=0)


def test_step_and_spiked_count_their_levels() -> None:
    assert decays.step(5, 2, 3.0, 0.5).tolist() == [3.0, 3.0, 0.5, 0.5, 0.5]
    assert decays.step(3, 3).tolist() == [1.0, 1.0, 1.0]
    assert decays.spiked(5, [2.0, 7.0]).tolist() == [7.0, 2.0, 1.0, 1.0, 1.0]
    assert decays.spiked(2, [], 0.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: decays.power_law(0, 1.0), "m must be at least 1"),
        (lambda: decays.power_law(3, -1.0), "exponent must be at least 0"),
        (lambda: decays.exponential(3, -0.1), "rate must be at least 0"),
        (lambda: decays.step(3, 4), "rank must be at least 1 and at most 3"),
        (lambda: decays.step(3, 1, 1.0, 2.0), "low must be at most high"),
        (lambda: decays.spiked(1, [2.0, 3.0]), "2 spikes do not fit"),
        (lambda: decays.spiked(4, [0.5]), "at least the bulk 1"),
    ],
)
def test_refusals(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
