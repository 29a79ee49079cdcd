"""Linear Gaussian teacher: its moment, its law of inputs, exact and sampled risks."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import EmpiricalMoment, LinearGaussian, haar_rotation

MU = decays.power_law(12, 1.0)
TEACHER = LinearGaussian(MU, haar_rotation(12, rng=1), np.linspace(-1, 1, 12), noise=0.3)


def test_rotations_are_orthogonal_and_even() -> None:
    draws = np.array([haar_rotation(3, rng=seed) for seed in range(2000)])
    gram = np.swapaxes(draws, 1, 2) @ draws
    assert np.max(np.abs(gram - np.eye(3))) < 1e-14
    # entries of a Haar matrix have mean 0 and square 1/3; 6 standard errors: 1e-8 of false alarm
    for power, law in ((1, 0.0), (2, 1 / 3)):
        entries = draws**power
        error = np.std(entries, axis=0) / np.sqrt(len(draws))
        assert np.all(np.abs(np.mean(entries, axis=0) - law) < 6 * error)


def test_moment_has_the_prescribed_spectrum() -> None:
    found = np.linalg.eigvalsh(TEACHER.second_moment().matrix)[::-1]
    # rounding of a product and an eigenvalue solve: a few eps m mu_1, and mu_12 = mu_1/12
    assert found == pytest.approx(MU, rel=1e-12, abs=0)
    assert np.array_equal(TEACHER.feasibility.achieved.eigenvalues, MU)
    assert TEACHER.feasibility.met


def test_samples_follow_the_moment() -> None:
    n = 40_000
    sample = TEACHER.sample(n, rng=3)
    sigma = TEACHER.second_moment().matrix
    empirical = EmpiricalMoment.of(sample.features).matrix
    variance = np.outer(np.diag(sigma), np.diag(sigma)) + sigma**2  # of x_i x_j, by Wick
    assert np.max(np.abs(empirical - sigma) / np.sqrt(variance / n)) < 6
    residual = sample.targets - TEACHER.targets(sample.inputs)
    assert np.std(residual) == pytest.approx(0.3, rel=6 / np.sqrt(2 * n))
    again = TEACHER.sample(n, rng=3)
    assert np.array_equal(again.targets, sample.targets)


def test_risk_of_affine_students_is_exact_and_monte_carlo_agrees() -> None:
    w = np.linspace(0, 1, 12)
    student = theory.Network([theory.Dense(w[None, :], np.array([0.2]))])
    exact = TEACHER.risk(student)
    gap = w - TEACHER.weights
    by_hand = gap @ TEACHER.second_moment().matrix @ gap + 0.04
    assert exact.error == 0.0
    assert exact.value == pytest.approx(by_hand, rel=1e-13, abs=0)
    sampled = TEACHER.risk(student.forward, draws=20_000, rng=0)
    assert abs(sampled.value - exact.value) < 6 * sampled.error < 0.2 * exact.value
    two = theory.Network(
        [theory.Dense(np.eye(12)[:5]), theory.Dense(np.ones((1, 5)), np.array([-1.0]))]
    )
    sampled = TEACHER.risk(two.forward, draws=20_000, rng=1)
    assert abs(sampled.value - TEACHER.risk(two).value) < 6 * sampled.error


def test_refusals() -> None:
    with pytest.raises(ValueError, match="must descend"):
        LinearGaussian(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="off the identity by 1"):
        LinearGaussian(MU, np.sqrt(2.0) * np.eye(12))
    with pytest.raises(ValueError, match="weights must have 12 entries"):
        LinearGaussian(MU, None, np.ones(3))
    with pytest.raises(ValueError, match="inputs have 12 columns, but these have 4"):
        TEACHER.features(np.ones((2, 4)))
    with pytest.raises(TypeError, match=r"a student needs \.forward"):
        TEACHER.risk(3)
    with pytest.raises(ValueError, match="one number an input, but gave shape"):
        TEACHER.risk(lambda x: x)
