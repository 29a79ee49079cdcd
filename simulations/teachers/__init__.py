"""Teachers: laws of inputs and features whose second moment is prescribed, or known exactly."""

from __future__ import annotations

from .circulant import Circulant
from .common import Feasibility, Risk, Sample, Teacher, haar_rotation
from .erf import ErfGaussian
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
from .relu import ReluGaussian

__all__ = [
    "Circulant",
    "EmpiricalMoment",
    "ErfGaussian",
    "Feasibility",
    "FinitePopulation",
    "LinearGaussian",
    "PopulationMoment",
    "ReluGaussian",
    "Risk",
    "Sample",
    "Teacher",
    "as_empirical",
    "as_population",
    "haar_rotation",
    "population_dof",
    "sample_dof",
]
