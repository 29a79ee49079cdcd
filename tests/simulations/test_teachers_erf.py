"""Erf of Gaussian: feasibility, scales, repair, the achieved spectrum, exact risks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import EmpiricalMoment, ErfGaussian, haar_rotation
from pruneproof.simulations.teachers.erf import largest_scale, sufficient_scale

EPS = np.finfo(float).eps


def target(exponent: float, seed: int = 1, m: int = 32) -> np.ndarray:
    """Power law in a random basis, largest diagonal entry 1."""
    q = haar_rotation(m, rng=seed)
    c = (q * decays.power_law(m, exponent)) @ q.T
    return (c + c.T) / (2 * np.max(np.diag(c)))


#: Largest feasible scale of m = 32 in one random basis (.999 stands for any scale below 1).
LARGEST = {0.5: 0.999, 1.0: 0.886, 1.5: 0.548, 2.0: 0.289, 3.0: 0.062}


@pytest.mark.parametrize(("exponent", "printed"), LARGEST.items())
def test_largest_feasible_scale(exponent: float, printed: float) -> None:
    c = target(exponent)
    found = largest_scale(c)
    assert min(found, 0.999) == pytest.approx(printed, abs=5e-4)
    assert sufficient_scale(c) <= found
    others = [largest_scale(target(exponent, seed)) for seed in range(2, 8)]
    assert max(others) < 1.7 * found  # bases differ, the order of magnitude does not
    assert min(others) > found / 1.7


@pytest.mark.parametrize("exponent", LARGEST)
def test_prescribed_spectrum_is_achieved(exponent: float) -> None:
    c = target(exponent)
    teacher = ErfGaussian.prescribed(c)
    assert teacher.feasibility.met
    moment = teacher.second_moment().matrix
    assert np.max(np.abs(moment - teacher.scale * c)) <= 8e-16
    wanted = (
        teacher.scale
        * decays.power_law(32, exponent)
        * (np.trace(c) / np.sum(decays.power_law(32, exponent)))
    )
    achieved = teacher.feasibility.achieved.eigenvalues
    # eigenvalue solves are exact to m eps mu_1
    assert np.max(np.abs(achieved - wanted)) <= 32 * EPS * wanted[0]
    if exponent <= 2:
        assert achieved == pytest.approx(wanted, rel=1e-12, abs=0)


@pytest.mark.parametrize("exponent", [1.0, 3.0])
def test_feasible_scales_are_an_interval(exponent: float) -> None:
    c = target(exponent, seed=3)
    largest = largest_scale(c)
    for share in (0.01, 0.3, 0.9, 0.999):
        assert ErfGaussian.prescribed(c, scale=share * largest).feasibility.met
    assert not ErfGaussian.prescribed(c, scale=1.001 * largest).feasibility.met


def test_infeasible_targets_are_repaired_and_say_so() -> None:
    c = target(2.0)
    teacher = ErfGaussian.prescribed(c, scale=0.9)
    found = teacher.feasibility
    assert not found.met
    assert "infeasible at scale 0.9" in found.sentence
    moment = teacher.second_moment().matrix
    assert np.diag(moment) == pytest.approx(0.9 * np.diag(c), rel=1e-13, abs=0)
    assert np.max(np.abs(moment - 0.9 * c)) > 1e-3
    assert np.max(np.abs(np.linalg.eigvalsh(moment)[::-1] - found.achieved.eigenvalues)) <= 1e-14
    # the achieved spectrum is that of the layer, not of the target: Monte Carlo agrees
    empirical = EmpiricalMoment.of(teacher.features(teacher.inputs(40_000, rng=0))).matrix
    assert np.max(np.abs(empirical - moment)) < 6 / math.sqrt(40_000)  # products are at most 1


def test_without_full_rank_only_nodes_that_agree_are_feasible() -> None:
    v = np.linspace(0.1, 0.7, 5)
    assert largest_scale(np.outer(v, v)) == 0.0
    teacher = ErfGaussian.prescribed(np.outer(v, v))
    assert not teacher.feasibility.met
    assert np.diag(teacher.second_moment().matrix) == pytest.approx(v**2, rel=1e-13, abs=0)
    twins = np.array([[0.5, -0.5, 0.1], [-0.5, 0.5, -0.1], [0.1, -0.1, 0.4]])
    twins = ErfGaussian.prescribed(twins)
    assert twins.feasibility.met
    assert twins.spectrum().eigenvalues[2] <= 1e-15
    assert ErfGaussian.prescribed(np.diag([0.5, 0.0])).feasibility.met


def test_exact_risk_of_an_erf_student() -> None:
    teacher = ErfGaussian.prescribed(target(1.0, m=8), weights=np.arange(8.0))
    rng = np.random.default_rng(0)
    student = theory.Network(
        [
            theory.Dense(rng.standard_normal((3, 8)), None, "erf"),
            theory.Dense(rng.standard_normal((1, 3)), np.array([0.3])),
        ]
    )
    exact = teacher.risk(student)
    sampled = teacher.risk(student.forward, draws=40_000, rng=1)
    assert exact.error == 0.0
    assert abs(sampled.value - exact.value) < 6 * sampled.error < 0.1 * exact.value
    itself = theory.Network(
        [theory.Dense(teacher.weight, None, "erf"), theory.Dense(teacher.weights[None, :])]
    )
    assert teacher.risk(itself).value <= 1e-14 * np.sum(teacher.weights**2)
    biased = theory.Network(
        [theory.Dense(teacher.weight, np.ones(8), "erf"), theory.Dense(teacher.weights[None, :])]
    )
    assert teacher.risk(biased, draws=100).error > 0.0


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"must be below 1, but is 1\.5"):
        ErfGaussian.prescribed(np.eye(2), scale=1.5)
    with pytest.raises(ValueError, match="the target is 0"):
        ErfGaussian.prescribed(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="not positive semidefinite"):
        ErfGaussian(np.diag([1.0, -1.0]))
