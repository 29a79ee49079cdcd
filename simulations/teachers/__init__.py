"""Teachers: laws of inputs and features whose second moment is prescribed, or known exactly."""

from __future__ import annotations

from .activations import ActivationsFirst
from .circulant import Circulant
from .coherence import coherent
from .committee import Committee
from .common import Feasibility, Risk, Sample, Teacher, haar_rotation
from .erf import ErfGaussian
from .finite import FinitePopulation
from .heavy_tails import HeavyTailed
from .linear import LinearGaussian
from .moments import (
    EmpiricalMoment,
    PopulationMoment,
    as_empirical,
    as_population,
    population_dof,
    sample_dof,
)
from .rational import RationalPopulation, random_skew
from .relu import ReluGaussian
from .spiked import blocks, source_capacity, spiked

__all__ = [
    "ActivationsFirst",
    "Circulant",
    "Committee",
    "EmpiricalMoment",
    "ErfGaussian",
    "Feasibility",
    "FinitePopulation",
    "HeavyTailed",
    "LinearGaussian",
    "PopulationMoment",
    "RationalPopulation",
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
    "random_skew",
    "sample_dof",
    "source_capacity",
    "spiked",
]
