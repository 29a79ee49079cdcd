"""Population and empirical moments do not mix; the laws between them."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import (
    EmpiricalMoment,
    LinearGaussian,
    PopulationMoment,
    as_empirical,
    as_population,
    population_dof,
    sample_dof,
)

POPULATION = PopulationMoment(np.diag([3.0, 2.0, 1.0]))
EMPIRICAL = EmpiricalMoment(np.diag([3.0, 2.0, 1.0]), 40)


def test_each_function_refuses_the_other_kind() -> None:
    with pytest.raises(TypeError, match="this one is of 40 samples"):
        sample_dof(EMPIRICAL, 0.1, 40)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="this one is a population's"):
        population_dof(POPULATION, 0.1)  # type: ignore[arg-type]
    for gate, name in ((as_population, "PopulationMoment"), (as_empirical, "EmpiricalMoment")):
        with pytest.raises(TypeError, match=f"is a ndarray; wrap it in {name}"):
            gate(np.eye(3))


@pytest.mark.parametrize("moment", [POPULATION, EMPIRICAL])
def test_neither_is_an_array(moment) -> None:
    for use in (np.asarray, theory.decompose, lambda a: a @ np.eye(3), lambda a: np.eye(3) @ a):
        with pytest.raises(TypeError):
            use(moment)
    assert np.array_equal(moment.matrix, np.diag([3.0, 2.0, 1.0]))
    assert moment.spectrum.eigenvalues.tolist() == [3.0, 2.0, 1.0]


def test_a_spectrum_alone_has_no_matrix() -> None:
    moment = PopulationMoment(None, theory.Spectrum(np.array([2.0, 1.0])))
    assert sample_dof(moment, 0.1, 10) < theory.degrees_of_freedom(moment.spectrum, 0.1)
    with pytest.raises(ValueError, match="known by its spectrum only"):
        _ = moment.matrix
    with pytest.raises(ValueError, match="needs its matrix or its spectrum"):
        PopulationMoment()


def test_an_indefinite_matrix_is_no_moment() -> None:
    for make in (PopulationMoment, lambda a: EmpiricalMoment(a, 3)):
        with pytest.raises(ValueError, match="not positive semidefinite"):
            make(np.diag([1.0, -1.0]))
    with pytest.raises(ValueError, match="samples must be at least 1"):
        EmpiricalMoment(np.eye(2), 0)


def test_the_law_leads_from_samples_to_the_population_and_back() -> None:
    """Law L6 in the setting printed with it: n = 100, m = 1000, alpha = 1, ridge .01."""
    teacher = LinearGaussian(decays.power_law(1000, 1.0))
    moment = teacher.second_moment()
    assert theory.degrees_of_freedom(moment.spectrum, 0.01) == pytest.approx(239.3, abs=0.05)
    predicted = sample_dof(moment, 0.01, 100)
    assert predicted == pytest.approx(79.53, abs=0.005)
    sampled = EmpiricalMoment.of(teacher.inputs(100, rng=0))
    seen = theory.degrees_of_freedom(sampled.spectrum, 0.01)
    # sd of N_hat is below 1 (it is a smooth linear statistic); the note's worst error is .9 %
    assert seen == pytest.approx(predicted, rel=0.02)
    kappa = theory.sampled_ridge(moment.spectrum, 0.01, 100)
    truth = theory.degrees_of_freedom(moment.spectrum, kappa)
    assert population_dof(sampled, kappa) == pytest.approx(truth, rel=0.02)
