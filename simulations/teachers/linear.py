r"""Linear Gaussian teacher: x ~ N(0, Sigma), phi(x) = x, Sigma = Q diag(mu) Q^T for any mu.

The setting of the asymptotic laws (laws.L6 to L10): rows of the features are Gaussian, so sampled
spectra and ridge regression have deterministic equivalents. This module may import theory and
NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network, Spectrum
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
    monte_carlo_risk,
    noisy,
)
from .moments import PopulationMoment


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    r"""Inputs x ~ N(0, Q diag(mu) Q^T), features x, targets <weights, x> + noise.

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

    Raises
    ------
    ValueError
        Eigenvalues that do not descend to 0 or above, a rotation that is not orthogonal, weights
        of another length, negative noise.

    Notes
    -----
    Exact for every mu [D].
    """

    eigenvalues: Floats
    rotation: Array = None
    weights: Array = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        mu = as_eigenvalues(self.eigenvalues)
        object.__setattr__(self, "eigenvalues", mu)
        object.__setattr__(self, "rotation", as_rotation(self.rotation, len(mu)))
        object.__setattr__(self, "weights", as_weights(self.weights, len(mu)))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @property
    def _root(self) -> Floats:
        """Q diag(sqrt(mu)), (m, m)."""
        return np.asarray(self.rotation * np.sqrt(self.eigenvalues))

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, m) from N(0, Sigma)."""
        normal = as_generator(rng).standard_normal((n, len(self.eigenvalues)))
        return np.asarray(normal @ self._root.T)

    def features(self, inputs: Any) -> Floats:
        """The inputs themselves, (n, m)."""
        return as_points(inputs, len(self.eigenvalues))

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    def second_moment(self) -> PopulationMoment:
        """Sigma = Q diag(mu) Q^T."""
        root = self._root
        return PopulationMoment(root @ root.T, self.spectrum())

    def spectrum(self) -> Spectrum:
        """mu with the columns of Q."""
        return Spectrum(self.eigenvalues, self.rotation)

    @property
    def feasibility(self) -> Feasibility:
        """Met for every spectrum."""
        return Feasibility(True, "a Gaussian law has every second moment", 1.0, self.spectrum())

    def risk(self, student: Any, *, draws: int = 20_000, rng: Any = 0) -> Risk:
        r"""E (f(x) - <weights, x>)^2; exact for affine f(x) = <w, x> + b, else Monte Carlo.

        For the affine student ||Sigma^{1/2} (w - weights)||^2 + b^2. A student is seen to be
        affine if it is (or has as `network`) a chain of Dense layers of identity activation.
        """
        found = affine_map(student)
        if found is None:
            return monte_carlo_risk(self, student, draws, rng)
        w, b = found
        return Risk(float(np.sum((self._root.T @ (w - self.weights)) ** 2)) + b * b, 0.0)


def affine_map(student: Any) -> tuple[Floats, float] | None:
    """Weights (d,) and bias of a student that is a chain of identity Dense layers, else None."""
    network = getattr(student, "network", student)
    if not isinstance(network, Network):
        return None
    layers = network.layers
    if not all(isinstance(a, Dense) and a.activation == "identity" for a in layers):
        return None
    last = layers[-1]
    if not isinstance(last, Dense) or last.outputs != 1:
        return None
    first = layers[0]
    assert isinstance(first, Dense)
    probe = np.concatenate([np.zeros((1, first.inputs)), np.eye(first.inputs)])
    out = np.asarray(network.forward(probe))[:, 0]
    return out[1:] - out[0], float(out[0])
