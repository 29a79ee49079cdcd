r"""Erf layer of Gaussian inputs with a prescribed second moment.

phi(x) = erf(W x), x ~ N(0, I_m), W = Q^{1/2}: the moment is the arc-sine kernel of Q, exactly. A
target C is met by Q = arcsine_inverse(C) if and only if 0 <= C_ii < 1 and S = sin(pi C/2)
(entrywise) is positive semidefinite. If sC is feasible, so is s'C for 0 <= s' <= s: with
t = s'/s, sin(t asin x) has no negative Taylor coefficient, and such maps keep semidefiniteness
(Schur). Every C of full rank is feasible at

    s <= sqrt(24 lam_min(C)/(1.008 pi^2 ||C o C o C||_op)),   max C_ii = 1,  s < 1,

which is conservative, so the largest feasible scale is found by bisection. A C without full rank is
infeasible at every scale unless two nodes agree up to sign or a node is 0. Derived [D].

This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import Array, as_covariance, as_generator, as_ridge

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
from .gaussian_layer import exact_risk, is_semidefinite, root
from .moments import PopulationMoment

#: Share of the largest feasible scale that is taken, so that Q is not singular.
_INSIDE = 1.0 - 2.0**-10


@dataclass(frozen=True, eq=False)
class ErfGaussian:
    r"""Inputs x ~ N(0, I_m), features erf(Q^{1/2} x), targets <weights, features> + noise.

    Attributes
    ----------
    cov : (m, m) array
        Q, covariance of the pre-activations.
    weights : (m,) array, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    met, sentence, scale
        What :meth:`prescribed` found; see :class:`Feasibility`.

    Raises
    ------
    ValueError
        Q is no covariance, weights of another length, negative noise.
    """

    cov: Array
    weights: Array = None
    noise: float = 0.0
    met: bool = True
    sentence: str = "the pre-activations' covariance was given, and so nothing was prescribed"
    scale: float = 1.0

    def __post_init__(self) -> None:
        cov = np.array(as_covariance(self.cov))
        object.__setattr__(self, "cov", cov)
        object.__setattr__(self, "weights", as_weights(self.weights, len(cov)))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @classmethod
    def prescribed(
        cls, target: Any, *, scale: float | None = None, weights: Any = None, noise: float = 0.0
    ) -> ErfGaussian:
        """Teacher whose second moment is scale * target, or as near as the repair comes.

        Parameters
        ----------
        target : (m, m) array
            C.
        scale : float, optional
            By default 1 if that is feasible, else just below the largest feasible scale. If the
            scale is infeasible, S is replaced by the nearest matrix of the same diagonal that is
            semidefinite in correlation form, and :attr:`feasibility` says so.
        weights, noise
            As for the class.

        Raises
        ------
        ValueError
            The target is no second moment or 0, or scale * max C_ii is not below 1.
        """
        c = np.asarray(as_covariance(target, name="target"))
        peak = float(np.max(np.diagonal(c)))
        if peak == 0.0:
            raise ValueError("the target is 0, which every erf layer of zero weights has")
        s = as_ridge(scale, name="scale", positive=True) if scale is not None else default_scale(c)
        if s * peak >= 1.0:
            raise ValueError(
                f"scale times the largest diagonal entry must be below 1, but is {s * peak:g}; "
                f"give a scale below {1.0 / peak:g}"
            )
        if is_semidefinite(np.sin(math.pi * s * c / 2.0)):
            sentence = f"the second moment is {s:.6g} times the target"
            return cls(theory.arcsine_inverse(s * c), weights, noise, True, sentence, s)
        sentence = (
            f"the target is infeasible at scale {s:.6g}: the nearest covariance of pre-activations "
            "was taken, so read the achieved spectrum"
        )
        return cls(repaired(theory.arcsine_inverse(s * c)), weights, noise, False, sentence, s)

    @functools.cached_property
    def weight(self) -> Floats:
        """W = Q^{1/2}, (m, m), so that features are the layer Dense(W, activation="erf")."""
        return root(self.cov)

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, m) from N(0, I)."""
        return as_generator(rng).standard_normal((n, len(self.cov)))

    def features(self, inputs: Any) -> Floats:
        """Features erf(W x), (n, m)."""
        from scipy.special import erf

        return np.asarray(erf(as_points(inputs, len(self.cov)) @ self.weight))

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    @functools.cached_property
    def _moment(self) -> PopulationMoment:
        return PopulationMoment(theory.arcsine_kernel(self.cov))

    def second_moment(self) -> PopulationMoment:
        """Arc-sine kernel of Q; erf is odd, so the mean is 0."""
        return self._moment

    def spectrum(self) -> Spectrum:
        """Spectrum of the second moment."""
        return self._moment.spectrum

    @property
    def feasibility(self) -> Feasibility:
        """Whether the target was met, and what was achieved."""
        return Feasibility(self.met, self.sentence, self.scale, self.spectrum())

    def risk(self, student: Any, *, draws: int = 20_000, rng: Any = 0) -> Risk:
        """Exact for a student v.erf(W' x) + b, else Monte Carlo."""
        exact = exact_risk(student, self.weight, "erf", self.weights, 0.0)
        return exact if exact is not None else monte_carlo_risk(self, student, draws, rng)


def sufficient_scale(target: Floats) -> float:
    """Scale at which a target of full rank is surely feasible; 0 without full rank."""
    peak = float(np.max(np.diagonal(target)))
    c = target / peak
    values = np.linalg.eigvalsh(c)
    if values[0] <= np.finfo(float).eps * len(c) * values[-1]:
        return 0.0
    cube = float(np.linalg.eigvalsh(c * c * c)[-1])
    s = math.sqrt(24.0 * float(values[0]) / (1.008 * math.pi**2 * cube))
    return min(s, 1.0 - 2.0**-30) / peak


def largest_scale(target: Any) -> float:
    """Largest s with sin(pi s C/2) semidefinite and s max C_ii < 1, to 1e-9 of itself; 0 if none.

    Raises
    ------
    ValueError
        `target` is no second moment or 0.
    """
    c = np.asarray(as_covariance(target, name="target"))
    peak = float(np.max(np.diagonal(c)))
    if peak == 0.0:
        raise ValueError("the target is 0, which has no largest scale")
    low, high = sufficient_scale(c), (1.0 - 2.0**-30) / peak

    def feasible(s: float) -> bool:
        return is_semidefinite(np.sin(math.pi * s * c / 2.0))

    if feasible(high):
        return high
    if low == 0.0:  # no full rank: feasible only by nodes that agree, and then far from 0 as well
        low = 2.0**-7 / peak
        if not feasible(low):
            return 0.0
    while high - low > 1e-9 * low:
        middle = (low + high) / 2.0
        low, high = (middle, high) if feasible(middle) else (low, middle)
    return low


def default_scale(target: Floats) -> float:
    """1 if feasible, else just inside the largest feasible scale, else largest diagonal 1/2."""
    peak = float(np.max(np.diagonal(target)))
    largest = largest_scale(target)
    if largest == 0.0:
        return min(1.0, 0.5 / peak)
    return 1.0 if largest >= 1.0 else _INSIDE * largest


def repaired(cov: Floats) -> Floats:
    """Covariance with the same diagonal and the nearest correlations."""
    deviation = np.sqrt(np.diagonal(cov))
    size = np.outer(deviation, deviation)
    correlation = cov / np.where(size > 0.0, size, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(size * theory.nearest_correlation(correlation))
