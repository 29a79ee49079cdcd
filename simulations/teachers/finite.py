r"""Finite-population oracle: every expectation, the risk included, is a finite sum.

x is uniform on the N0 = 2^p corners of {-1, 1}^p. The Walsh functions chi_S(x) = prod_{s in S} x_s
are orthonormal under the mean, so that

    phi(x) = Q (sqrt(mu_j) chi_j(x))_j    has    E phi phi^T = Q diag(mu) Q^T

for any mu and any rotation Q, exactly. The constant chi of the empty set is left out where the
features are to have mean 0. Derived [D]. This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import Array, as_generator

from .common import (
    Feasibility,
    Floats,
    Risk,
    Sample,
    as_eigenvalues,
    as_noise,
    as_points,
    as_rotation,
    as_weights,
    drawn,
    mean_risk,
    noisy,
)
from .moments import PopulationMoment


@dataclass(frozen=True, eq=False)
class FinitePopulation:
    r"""Inputs uniform on {-1, 1}^p, features Q (sqrt(mu_j) chi_j(x)), targets <weights, phi>.

    Attributes
    ----------
    eigenvalues : (m,) array
        mu, descending.
    rotation : (m, m) array, optional
        Q, column j belongs to mu_j; the identity if not given.
    weights : (m,) array, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    centered : bool
        Whether the constant function is left out, so that E phi = 0.

    Raises
    ------
    ValueError
        As :class:`LinearGaussian`.

    Notes
    -----
    p is the least number of bits with 2^p >= m (+ 1 if centred). Holds a (2^p, m) table.
    """

    eigenvalues: Floats
    rotation: Array = None
    weights: Array = None
    noise: float = 0.0
    centered: bool = True

    def __post_init__(self) -> None:
        mu = as_eigenvalues(self.eigenvalues)
        object.__setattr__(self, "eigenvalues", mu)
        object.__setattr__(self, "rotation", as_rotation(self.rotation, len(mu)))
        object.__setattr__(self, "weights", as_weights(self.weights, len(mu)))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @property
    def bits(self) -> int:
        """p, the dimension of the inputs."""
        return bits_for(len(self.eigenvalues), self.centered)

    @functools.cached_property
    def points(self) -> Floats:
        """All inputs, (2^p, p)."""
        return corners(self.bits)

    @functools.cached_property
    def table(self) -> Floats:
        """Features of all inputs, (2^p, m)."""
        chi = walsh(self.bits, len(self.eigenvalues), self.centered)
        return np.asarray((chi * np.sqrt(self.eigenvalues)) @ self.rotation.T)

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, p) drawn evenly, with repeats."""
        return np.asarray(self.points[as_generator(rng).integers(len(self.points), size=n)])

    def features(self, inputs: Any) -> Floats:
        """Features (n, m) of corners of {-1, 1}^p.

        Raises
        ------
        ValueError
            Other inputs, where the features are not defined.
        """
        return np.asarray(self.table[corner_index(as_points(inputs, self.bits))])

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    def second_moment(self) -> PopulationMoment:
        """Mean of phi phi^T over all inputs, summed and not taken from the prescription."""
        return PopulationMoment(self.table.T @ self.table / len(self.table), self.spectrum())

    def spectrum(self) -> Spectrum:
        """Spectrum of the second moment as it is, by singular values of the table."""
        return self._spectrum

    @functools.cached_property
    def _spectrum(self) -> Spectrum:
        # singular values are exact to eps s_1, so mu_j to 2 eps sqrt(mu_1/mu_j) of itself
        _, s, basis = np.linalg.svd(self.table / np.sqrt(len(self.table)), full_matrices=False)
        noise = (np.finfo(float).eps * len(self.table) * float(s[0])) ** 2
        return Spectrum(s**2, basis.T, noise)

    @property
    def feasibility(self) -> Feasibility:
        """Met for every spectrum."""
        sentence = "Walsh functions are orthonormal under the mean: every second moment is met"
        return Feasibility(True, sentence, 1.0, self.spectrum())

    def risk(self, student: Any) -> Risk:
        """E (f(x) - <weights, phi(x)>)^2, summed over all 2^p inputs."""
        return mean_risk(self, student, self.points)


def bits_for(m: int, centered: bool) -> int:
    """Least p >= 1 with 2^p >= m, or m + 1 where the constant function is left out."""
    return max(1, (m - 1 + int(centered)).bit_length())


def corners(bits: int) -> Floats:
    """Corners of {-1, 1}^p, (2^p, p): coordinate s of corner i is -1 where bit s of i is set."""
    index = np.arange(2**bits)
    return np.asarray(1.0 - 2.0 * ((index[:, None] >> np.arange(bits)) & 1))


def corner_index(points: Floats) -> NDArray[np.int64]:
    """Number i of each corner.

    Raises
    ------
    ValueError
        A coordinate that is neither 1 nor -1.
    """
    if not np.all(np.abs(points) == 1.0):
        worst = float(points.flat[np.argmax(np.abs(np.abs(points) - 1.0))])
        raise ValueError(
            f"inputs of a finite population are -1 or 1, but one is {worst:g}; draw them by "
            "inputs(n, rng=...) or take points"
        )
    return np.asarray((points < 0) @ (1 << np.arange(points.shape[1])))


def walsh(bits: int, m: int, centered: bool) -> Floats:
    """First m Walsh functions on all corners, (2^p, m); without the constant one if `centered`."""
    index = np.arange(2**bits)
    column = np.arange(m) + int(centered)
    odd = np.bitwise_count(index[:, None] & column) & 1  # product of the chosen coordinates
    return np.asarray(1.0 - 2.0 * odd)
