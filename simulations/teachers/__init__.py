"""Teachers: laws of inputs and features whose second moment is prescribed, or known exactly."""

from __future__ import annotations

from .activations import ActivationsFirst
from .circulant import Circulant
from .coherence import coherent
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
from .spiked import blocks, source_capacity, spiked

__all__ = [
    "ActivationsFirst",
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
    "blocks",
    "coherent",
    "haar_rotation",
    "population_dof",
    "sample_dof",
    "source_capacity",
    "spiked",
]
