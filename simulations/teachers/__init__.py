"""Teachers: laws of inputs and features whose second moment is prescribed, or known exactly."""

from __future__ import annotations

from .common import Feasibility, Risk, Sample, Teacher, haar_rotation
from .finite import FinitePopulation
from .linear import LinearGaussian
from .moments import (
    EmpiricalMoment,
    PopulationMoment,
    as_empirical,
    as_population,
    population_dof,
    sample_dof,
)

__all__ = [
    "EmpiricalMoment",
    "Feasibility",
    "FinitePopulation",
    "LinearGaussian",
    "PopulationMoment",
    "Risk",
    "Sample",
    "Teacher",
    "as_empirical",
    "as_population",
    "haar_rotation",
    "population_dof",
    "sample_dof",
]
