r"""ReLU layer of Gaussian inputs with a prescribed second moment or covariance.

phi(x) = relu(W x), x ~ N(0, I_m), W = Q^{1/2}, less its mean sqrt(Q_ii/(2 pi)) if centred: the
moment is the arc-cosine kernel of Q, exactly. A target C is met by Q = arccosine_inverse(C) if and
only if its correlations are at least 0 (at least -1/(pi - 1) = -.467 if centred) and the
correlation matrix k^{-1}(..) of pre-activations is positive semidefinite, whatever its scale.
That is restrictive; mixing with the identity makes every target of positive diagonal feasible.
Derived [D]. This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.theory import InapplicableError, Spectrum
from pruneproof.theory.arrays import Array, as_covariance, as_generator
from pruneproof.theory.gaussian_kernels import LEAST_RELU_CORRELATION

from .common import (
    Feasibility,
    Floats,
    Risk,
    Sample,
    as_noise,
    as_points,
    as_weights,
    drawn,
    monte_carlo_risk,
    noisy,
)
from .erf import repaired
from .gaussian_layer import exact_risk, is_semidefinite, layer_mean, root
from .moments import PopulationMoment


@dataclass(frozen=True, eq=False)
class ReluGaussian:
    r"""Inputs x ~ N(0, I_m), features relu(Q^{1/2} x), targets <weights, features> + noise.

    Attributes
    ----------
    cov : (m, m) array
        Q, covariance of the pre-activations.
    centered : bool
        Whether the exact mean is subtracted from the features.
    weights : (m,) array, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    met, sentence
        What :meth:`prescribed` found; see :class:`Feasibility`.

    Raises
    ------
    ValueError
        Q is no covariance, weights of another length, negative noise.
    """

    cov: Array
    centered: bool = False
    weights: Array = None
    noise: float = 0.0
    met: bool = True
    sentence: str = "the pre-activations' covariance was given, and so nothing was prescribed"

    def __post_init__(self) -> None:
        cov = np.array(as_covariance(self.cov))
        object.__setattr__(self, "cov", cov)
        object.__setattr__(self, "weights", as_weights(self.weights, len(cov)))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @classmethod
    def prescribed(
        cls, target: Any, *, centered: bool = True, weights: Any = None, noise: float = 0.0
    ) -> ReluGaussian:
        """Teacher whose second moment is the target, or as near as the repair comes.

        Parameters
        ----------
        target : (m, m) array
            C, the covariance of the features if `centered`.
        centered, weights, noise
            As for the class. If the target is infeasible, correlations are raised to the least
            possible and those of the pre-activations are replaced by the nearest correlation
            matrix; :attr:`feasibility` says so.

        Raises
        ------
        ValueError
            The target is no second moment.
        """
        c = np.asarray(as_covariance(target, name="target"))
        fault = infeasible(c, centered)
        if not fault:
            q = theory.arccosine_inverse(c, centered=centered)
            return cls(q, centered, weights, noise, True, "the second moment is the target")
        sentence = (
            f"the target is infeasible, as {fault}: the nearest correlations of pre-activations "
            "were taken, so read the achieved spectrum"
        )
        deviation = np.sqrt(np.diagonal(c))
        size = np.outer(deviation, deviation)
        raised = np.maximum(c, size * (LEAST_RELU_CORRELATION if centered else 0.0))
        q = repaired(theory.arccosine_inverse(raised, centered=centered))
        return cls(q, centered, weights, noise, False, sentence)

    @functools.cached_property
    def weight(self) -> Floats:
        """W = Q^{1/2}, (m, m), so that features are the layer Dense(W, activation="relu")."""
        return root(self.cov)

    @property
    def mean(self) -> Floats:
        """What is subtracted from the layer: its mean if centred, else 0; (m,)."""
        return layer_mean("relu", np.diagonal(self.cov)) * float(self.centered)

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, m) from N(0, I)."""
        return as_generator(rng).standard_normal((n, len(self.cov)))

    def features(self, inputs: Any) -> Floats:
        """Features relu(W x), less the mean if centred; (n, m)."""
        u = as_points(inputs, len(self.cov)) @ self.weight
        return np.asarray(np.maximum(u, 0.0) - self.mean)

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    @functools.cached_property
    def _moment(self) -> PopulationMoment:
        return PopulationMoment(theory.arccosine_kernel(self.cov, centered=self.centered))

    def second_moment(self) -> PopulationMoment:
        """Arc-cosine kernel of Q, centred if the features are."""
        return self._moment

    def spectrum(self) -> Spectrum:
        """Spectrum of the second moment."""
        return self._moment.spectrum

    @property
    def feasibility(self) -> Feasibility:
        """Whether the target was met, and what was achieved."""
        return Feasibility(self.met, self.sentence, 1.0, self.spectrum())

    def risk(self, student: Any, *, draws: int = 20_000, rng: Any = 0) -> Risk:
        """Exact for a student v.relu(W' x) + b, else Monte Carlo."""
        offset = -float(self.mean @ self.weights)
        exact = exact_risk(student, self.weight, "relu", self.weights, offset)
        return exact if exact is not None else monte_carlo_risk(self, student, draws, rng)


def infeasible(target: Floats, centered: bool) -> str:
    """Why no Gaussian pre-activations give this moment, in words; empty where some do."""
    try:
        q = np.asarray(theory.arccosine_inverse(target, centered=centered))
    except InapplicableError as error:
        return str(error).split(";")[0]
    if is_semidefinite(q):
        return ""
    return f"its pre-activations have the least eigenvalue {np.linalg.eigvalsh(q)[0]:.3g}"


def identity_mixing(target: Any, *, centered: bool = True) -> float:
    """Least t with (1 - t) C + t diag(C) feasible, to 1e-6; 0 where C is.

    Found by bisection between an infeasible and a feasible t.

    Raises
    ------
    ValueError
        The target is no second moment.
    """
    c = np.asarray(as_covariance(target, name="target"))
    diagonal = np.diag(np.diagonal(c))
    if not infeasible(c, centered):
        return 0.0
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        t = (low + high) / 2.0
        low, high = (t, high) if infeasible((1.0 - t) * c + t * diagonal, centered) else (low, t)
    return high
