r"""Two kinds of second moment that must not be mixed.

PopulationMoment   Sigma = E phi phi^T over the law of the inputs, known exactly;
EmpiricalMoment    Sigma_hat = (1/n) sum phi_i phi_i^T of n samples, with its n.

Neither is an array: the laws that lead from one to the other (laws.L6) take the one they are stated
for and refuse the other. What holds for any matrix reads :attr:`matrix` or :attr:`spectrum`, which
says in the code which of the two is meant. This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NoReturn

from pruneproof import theory
from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import Array, as_count, as_covariance


@dataclass(frozen=True, eq=False)
class PopulationMoment:
    """Second moment Sigma of the law of the inputs, exact up to rounding.

    Attributes
    ----------
    known_matrix : (m, m) array, or None where only the spectrum is affordable
    known_spectrum : Spectrum, or None to factorise the matrix when asked

    Raises
    ------
    ValueError
        Neither is given, or the matrix is no second moment.
    """

    known_matrix: Array = None
    known_spectrum: Spectrum | None = None

    def __post_init__(self) -> None:
        if self.known_matrix is not None:
            object.__setattr__(self, "known_matrix", as_covariance(self.known_matrix))
        elif self.known_spectrum is None:
            raise ValueError("a population moment needs its matrix or its spectrum; give one")

    @property
    def matrix(self) -> Array:
        """Sigma, (m, m).

        Raises
        ------
        ValueError
            Only the spectrum is known.
        """
        if self.known_matrix is None:
            raise ValueError(
                f"this population moment of {self.spectrum.size} nodes is known by its spectrum "
                "only; ask for what depends on the spectrum"
            )
        return self.known_matrix

    @functools.cached_property
    def spectrum(self) -> Spectrum:
        """Eigenvalues of Sigma, and eigenvectors where the matrix was factorised."""
        if self.known_spectrum is not None:
            return self.known_spectrum
        return theory.decompose(self.known_matrix)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a PopulationMoment is no array; say .matrix where the population is meant")


@dataclass(frozen=True, eq=False)
class EmpiricalMoment:
    """Second moment Sigma_hat of n samples.

    Attributes
    ----------
    matrix : (m, m) array
    samples : int
        n.

    Raises
    ------
    ValueError
        The matrix is no second moment, or n is not whole and positive.
    """

    matrix: Array
    samples: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", as_covariance(self.matrix))
        object.__setattr__(self, "samples", as_count("samples", self.samples))

    @classmethod
    def of(cls, features: Any) -> EmpiricalMoment:
        """Second moment of the rows of `features`, (n, m), not centred."""
        return cls(theory.second_moment(features), len(features))

    @functools.cached_property
    def spectrum(self) -> Spectrum:
        """Eigenvalues and eigenvectors of Sigma_hat."""
        return theory.decompose(self.matrix)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("an EmpiricalMoment is no array; say .matrix where the samples are meant")


def as_population(moment: Any) -> PopulationMoment:
    """The moment itself if it is a population's.

    Raises
    ------
    TypeError
        A moment of samples, or a bare array, which does not say what it is.
    """
    if isinstance(moment, PopulationMoment):
        return moment
    if isinstance(moment, EmpiricalMoment):
        raise TypeError(
            f"a population's second moment is needed, but this one is of {moment.samples} samples; "
            "ask the teacher for second_moment(), or correct it by population_dof"
        )
    raise TypeError(
        f"a population's second moment is needed, but this is a {type(moment).__name__}; wrap it "
        "in PopulationMoment if it is one"
    )


def as_empirical(moment: Any) -> EmpiricalMoment:
    """The moment itself if it is of samples.

    Raises
    ------
    TypeError
        A population's moment, or a bare array, which does not say how many samples it has seen.
    """
    if isinstance(moment, EmpiricalMoment):
        return moment
    if isinstance(moment, PopulationMoment):
        raise TypeError(
            "a second moment of samples is needed, but this one is a population's; give "
            "EmpiricalMoment.of(features), or predict it by sample_dof"
        )
    raise TypeError(
        f"a second moment of samples is needed, but this is a {type(moment).__name__}; wrap it in "
        "EmpiricalMoment with its number of samples"
    )


def sample_dof(moment: PopulationMoment, ridge: float, samples: int) -> float:
    """Degrees of freedom that n samples will show, N_P(kappa_n) (laws.L6).

    Raises
    ------
    TypeError
        Not a population's moment.
    ValueError
        As :func:`pruneproof.theory.empirical_degrees_of_freedom`.
    """
    spectrum = as_population(moment).spectrum
    return float(theory.empirical_degrees_of_freedom(spectrum, ridge, samples))


def population_dof(moment: EmpiricalMoment, ridge: float) -> float:
    """Degrees of freedom of the population read off its samples (laws.L6).

    Raises
    ------
    TypeError
        Not a moment of samples.
    InapplicableError, ValueError
        As :func:`pruneproof.theory.population_degrees_of_freedom`.
    """
    found = as_empirical(moment)
    return float(theory.population_degrees_of_freedom(found.spectrum, ridge, found.samples))
