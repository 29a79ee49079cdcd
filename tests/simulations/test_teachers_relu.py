"""ReLU of Gaussian: feasibility, mixing, repair, the achieved spectrum, exact risks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, random_correlation

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import EmpiricalMoment, ReluGaussian
from pruneproof.simulations.teachers.gaussian_layer import layer_mean
from pruneproof.simulations.teachers.relu import identity_mixing

EPS = np.finfo(float).eps


def correlation(exponent: float, seed: int = 0, m: int = 32) -> np.ndarray:
    """Random correlation matrix with a power-law spectrum of trace m."""
    mu = decays.power_law(m, exponent)
    c = random_correlation.rvs(mu * m / np.sum(mu), random_state=seed)
    c = (c + c.T) / 2
    np.fill_diagonal(c, 1.0)
    return c


@pytest.mark.parametrize("exponent", [0.25, 0.5])
def test_slow_decays_are_feasible_and_achieved(exponent: float) -> None:
    for seed in range(3):
        c = correlation(exponent, seed) * 0.7
        teacher = ReluGaussian.prescribed(c)
        assert teacher.feasibility.met
        assert np.max(np.abs(teacher.second_moment().matrix - c)) <= 8e-16
        wanted = np.linalg.eigvalsh(c)[::-1]
        assert teacher.spectrum().eigenvalues == pytest.approx(wanted, rel=1e-12, abs=0)


#: Least share of the identity that makes a random correlation target feasible, m = 32.
MIXING = {1.0: 0.43, 1.5: 0.63, 2.0: 0.72, 3.0: 0.78}


@pytest.mark.parametrize(("exponent", "printed"), MIXING.items())
def test_fast_decays_need_the_identity(exponent: float, printed: float) -> None:
    found = []
    for seed in range(4):
        c = correlation(exponent, seed)
        assert not ReluGaussian.prescribed(c).feasibility.met
        found.append(identity_mixing(c))
        t = found[-1]
        assert ReluGaussian.prescribed((1 - t) * c + t * np.eye(32)).feasibility.met
    # random targets: seeds differ by some hundredths
    assert max(abs(t - printed) for t in found) < 0.05
    assert identity_mixing(correlation(0.5)) == 0.0


def test_infeasible_targets_are_repaired_and_say_so() -> None:
    c = correlation(2.0, m=10)
    for centered in (True, False):
        teacher = ReluGaussian.prescribed(c, centered=centered)
        found = teacher.feasibility
        assert not found.met
        assert "infeasible" in found.sentence
        moment = teacher.second_moment().matrix
        assert np.diag(moment) == pytest.approx(np.ones(10), rel=1e-12, abs=0)
        x = teacher.features(teacher.inputs(100_000, rng=1))
        empirical = EmpiricalMoment.of(x).matrix
        # products have second moment at most E phi^4 < 30 at E phi^2 = 1
        assert np.max(np.abs(empirical - moment)) < 6 * math.sqrt(30 / 100_000)
        if centered:
            assert np.max(np.abs(np.mean(x, axis=0))) < 6 / math.sqrt(100_000)


@pytest.mark.parametrize("exponent", [-997, -500, 500, 997])
def test_the_repair_does_not_depend_on_units(exponent: int) -> None:
    """Powers of two change no digit but those that roots and eigenvalues round."""
    c, unit = correlation(2.0, m=8), 2.0**exponent
    one, other = (ReluGaussian.prescribed(s * c) for s in (1.0, unit))
    assert not one.feasibility.met
    assert not other.feasibility.met
    wanted = unit * one.spectrum().eigenvalues
    # the nearest correlation matrix is found to 1e-10 or better
    found = other.spectrum().eigenvalues
    np.testing.assert_allclose(found / unit, wanted / unit, atol=1e-9 * wanted[0] / unit, rtol=0)


def test_two_nodes_reach_the_least_correlation_and_no_less() -> None:
    least = -1 / (math.pi - 1)
    for r, met in ((least + 1e-6, True), (-0.3, True), (least - 1e-6, False)):
        assert ReluGaussian.prescribed(np.array([[1.0, r], [r, 1.0]])).feasibility.met is met


def test_exact_risk_of_a_relu_student() -> None:
    rng = np.random.default_rng(0)
    for centered in (True, False):
        teacher = ReluGaussian.prescribed(
            correlation(0.5, m=6) * 2.0 if centered else np.eye(6) + 1.0,
            centered=centered,
            weights=np.linspace(-1, 2, 6),
        )
        assert teacher.feasibility.met
        student = theory.Network(
            [
                theory.Dense(rng.standard_normal((3, 6)), None, "relu"),
                theory.Dense(rng.standard_normal((1, 3)), np.array([0.3])),
            ]
        )
        exact = teacher.risk(student)
        sampled = teacher.risk(student.forward, draws=40_000, rng=1)
        assert exact.error == 0.0
        assert abs(sampled.value - exact.value) < 6 * sampled.error < 0.2 * exact.value
        itself = theory.Network(
            [
                theory.Dense(teacher.weight, None, "relu"),
                theory.Dense(teacher.weights[None, :], [-teacher.mean @ teacher.weights]),
            ]
        )
        assert teacher.risk(itself).value <= 1e-13


def test_the_mean_of_a_unit_and_the_risk_of_a_constant() -> None:
    """E relu(u) of u ~ N(0, v) by quadrature; E (b - relu)^2 = b^2 - 2 b E relu + v/2."""
    for v in (0.3, 1.0, 7.0):
        mean, _ = quad(lambda u, v=v: u * norm.pdf(u, scale=math.sqrt(v)), 0.0, math.inf)
        assert layer_mean("relu", np.array([v])) == pytest.approx([mean], rel=1e-9, abs=0)
        constant = theory.Network(
            [theory.Dense([[1.0]], None, "relu"), theory.Dense([[0.0]], [0.4])]
        )
        found = ReluGaussian(np.array([[v]])).risk(constant)
        assert found.error == 0.0
        assert found.value == pytest.approx(0.16 - 0.8 * mean + v / 2, rel=1e-9, abs=0)


def test_samples_and_noise() -> None:
    teacher = ReluGaussian(np.eye(3), noise=0.2)
    sample = teacher.sample(20_000, rng=0)
    assert np.min(sample.features) == 0.0
    assert np.std(sample.targets - teacher.targets(sample.inputs)) == pytest.approx(0.2, rel=0.03)
    # E relu^2 = 1/2, E relu relu = 1/(2 pi) of independent ones
    wanted = np.full((3, 3), 1 / (2 * math.pi)) + (0.5 - 1 / (2 * math.pi)) * np.eye(3)
    assert np.max(np.abs(teacher.second_moment().matrix - wanted)) <= 4 * EPS
