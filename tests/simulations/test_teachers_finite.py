"""Finite-population oracle: orthonormal columns, any spectrum, exact finite sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import hadamard

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import FinitePopulation, haar_rotation
from pruneproof.simulations.teachers.finite import bits_for, corners, walsh


@pytest.mark.parametrize("centered", [True, False])
def test_walsh_functions_are_products_of_coordinates(centered: bool) -> None:
    x = corners(5)
    chi = walsh(5, 31, centered)
    for column in range(31):
        members = [s for s in range(5) if (column + centered) >> s & 1]
        assert np.array_equal(chi[:, column], np.prod(x[:, members], axis=1))
    assert np.array_equal(chi, hadamard(32)[:, int(centered) :][:, :31])
    assert bits_for(31, True) == bits_for(32, False) == 5
    assert bits_for(32, True) == bits_for(33, False) == 6
    assert bits_for(1, False) == 1


@given(
    m=st.integers(1, 40),
    exponent=st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]),
    centered=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_spectrum_is_met(m, exponent, centered, seed) -> None:
    mu = decays.power_law(m, exponent)
    q = haar_rotation(m, rng=seed)
    teacher = FinitePopulation(mu, q, centered=centered)
    achieved = teacher.spectrum().eigenvalues
    # singular values to about m eps s_1, so mu_j to 2 m eps sqrt(mu_1/mu_j) of itself
    tolerance = np.minimum(1e-12, 4 * m * 2.3e-16 * np.sqrt(mu[0] / mu) + 1e-15)
    assert np.all(np.abs(achieved / mu - 1.0) <= tolerance)
    sigma = teacher.second_moment().matrix
    assert np.max(np.abs(sigma - (q * mu) @ q.T)) <= 1e-14 * m
    if centered:
        assert np.max(np.abs(np.mean(teacher.table, axis=0))) <= 1e-15 * m


def test_a_rank_is_met_too() -> None:
    teacher = FinitePopulation(decays.step(9, 4), haar_rotation(9, rng=0))
    assert teacher.spectrum().rank == 4
    assert teacher.feasibility.met


def test_risk_is_the_finite_sum() -> None:
    mu = decays.power_law(7, 1.0)
    teacher = FinitePopulation(mu, haar_rotation(7, rng=2), np.arange(1.0, 8.0), noise=0.5)
    w = np.linspace(-1, 1, 7)
    gap = w - teacher.weights
    form = gap @ (teacher.rotation * mu) @ teacher.rotation.T @ gap
    found = teacher.risk(lambda x: teacher.features(x) @ w)
    assert found.error == 0.0
    assert found.value == pytest.approx(form, rel=1e-13, abs=0)
    network = theory.Network(
        [theory.Dense(np.ones((4, 3)), None, "relu"), theory.Dense(np.ones((1, 4)))]
    )
    by_hand = [
        (4 * max(sum(x), 0.0) - float(teacher.targets(np.array([x]))[0])) ** 2
        for x in np.ndindex(2, 2, 2)
        for x in [1.0 - 2.0 * np.array(x)]
    ]
    assert teacher.risk(network).value == pytest.approx(math.fsum(by_hand) / 8, rel=1e-13, abs=0)


def test_samples_are_corners_with_their_features() -> None:
    teacher = FinitePopulation(decays.power_law(7, 1.0), noise=0.1)
    sample = teacher.sample(4000, rng=5)
    assert sample.inputs.shape == (4000, 3)
    assert np.array_equal(sample.features, teacher.features(sample.inputs))
    clean = teacher.targets(sample.inputs)
    assert np.array_equal(clean, teacher.targets(sample.inputs))
    assert np.std(sample.targets - clean) == pytest.approx(0.1, rel=0.07)  # 6 standard errors
    counts = np.bincount(((sample.inputs < 0) @ [1, 2, 4]).astype(int), minlength=8)
    assert np.max(np.abs(counts - 500)) < 6 * math.sqrt(500)
    with pytest.raises(ValueError, match=r"are -1 or 1, but one is 0\.5"):
        teacher.features(np.full((1, 3), 0.5))
