r"""Activations first: a layer whose empirical second moment is prescribed exactly.

Draw U (n, m) and V (m, m) with orthonormal columns, Phi = sqrt(n) U diag(sqrt(mu)) V^T, so that
Phi^T Phi/n = V diag(mu) V^T; then Z = eta^{-1}(Phi), which needs an invertible eta with the entries
of Phi inside its range, else Phi is scaled down. The inputs and the layer are made to fit: either
W (m, d) of rank m is drawn, d >= m, and x = W^+ z; or the inputs are given, of rank n, and W solves
W x_i = z_i. The moment is that of these n samples together, so it is an EmpiricalMoment. Derived
[D]. This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network, Spectrum
from pruneproof.theory.arrays import Array, as_count, as_generator, as_real

from .common import (
    Feasibility,
    Floats,
    Risk,
    Sample,
    as_eigenvalues,
    as_noise,
    as_points,
    as_weights,
    drawn,
    haar_rotation,
    mean_risk,
    noisy,
)
from .moments import EmpiricalMoment

#: Largest |phi| that a scaled Phi has where eta has the range (-1, 1).
_PEAK = 0.9


@dataclass(frozen=True, eq=False)
class ActivationsFirst:
    r"""Fixed inputs (n, d), features eta(W x), targets <weights, features> + noise.

    Usually made by :meth:`prescribed`.

    Attributes
    ----------
    points : (n, d) array
        All inputs.
    weight : (m, d) array
        W.
    activation : str
        identity, tanh or erf.
    weights : (m,) array, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    sentence : str
        What :meth:`prescribed` did.
    scale : float
        Factor on the prescribed second moment.
    """

    points: Array
    weight: Array
    activation: str
    weights: Array = None
    noise: float = 0.0
    sentence: str = "inputs and layer were given, and so nothing was prescribed"
    scale: float = 1.0

    def __post_init__(self) -> None:
        layer = self.layer
        object.__setattr__(self, "points", as_points(self.points, layer.inputs))
        object.__setattr__(self, "weights", as_weights(self.weights, layer.outputs))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @classmethod
    def prescribed(
        cls,
        eigenvalues: Any,
        samples: int,
        activation: str = "tanh",
        *,
        inputs: Any = None,
        weights: Any = None,
        noise: float = 0.0,
        rng: Any,
    ) -> ActivationsFirst:
        """Teacher whose `samples` samples have the second moment V diag(scale * mu) V^T.

        Parameters
        ----------
        eigenvalues : (m,) array
            mu, descending.
        samples : int
            n >= m.
        activation : str
            identity, tanh or erf.
        inputs : (n, d) array, optional
            Of rank n; by default they are made for a Gaussian W with d = 2m.
        weights, noise
            As for the class.
        rng
            Of U, V and W.

        Raises
        ------
        ValueError
            Fewer samples than m, an activation that is not invertible, inputs of another number or
            rank.
        """
        rng, mu = as_generator(rng), as_eigenvalues(eigenvalues)
        m, n = len(mu), as_count("samples", samples, least=len(mu))
        left = np.linalg.qr(rng.standard_normal((n, m)))[0]
        phi = np.sqrt(n) * (left * np.sqrt(mu)) @ haar_rotation(m, rng=rng).T
        scale, peak = 1.0, float(np.max(np.abs(phi)))
        if activation != "identity" and peak > _PEAK:
            scale = (_PEAK / peak) ** 2
            phi *= _PEAK / peak
        z = inverse_activation(activation, phi)
        if inputs is None:
            w = rng.standard_normal((m, 2 * m)) / np.sqrt(2 * m)
            x = z @ np.linalg.pinv(w).T
        else:
            x = np.array(as_real("inputs", inputs, ndim=2))
            if len(x) != n or np.linalg.matrix_rank(x) < n:
                raise ValueError(
                    f"inputs must be {n} rows of rank {n}, but are {len(x)} of rank "
                    f"{np.linalg.matrix_rank(x)}; give more columns, or let them be made"
                )
            w = np.linalg.lstsq(x, z, rcond=None)[0].T
        sentence = f"the samples' second moment is {scale:.6g} times the target"
        return cls(x, w, activation, weights, noise, sentence, scale)

    @property
    def layer(self) -> Dense:
        """The layer eta(W x)."""
        return Dense(self.weight, None, self.activation)

    def inputs(self, n: int, *, rng: Any = None) -> Floats:
        """All inputs, (n, d), in their order.

        Raises
        ------
        ValueError
            Another number than there are: the moment is exact for all of them together.
        """
        if as_count("n", n) != len(self.points):
            raise ValueError(
                f"this teacher has {len(self.points)} samples, whose second moment is exact "
                f"together; ask for all of them, not for {n}"
            )
        return np.array(self.points)

    def features(self, inputs: Any) -> Floats:
        """Features eta(W x), (n, m)."""
        return np.asarray(self.layer.forward(as_points(inputs, self.layer.inputs)))

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """All n samples."""
        return drawn(self, n, rng)

    def second_moment(self) -> EmpiricalMoment:
        """Sigma_hat of all samples, from the features as they come out of the layer."""
        return EmpiricalMoment.of(self.features(self.points))

    def spectrum(self) -> Spectrum:
        """Spectrum of Sigma_hat, by singular values of the features."""
        return self._spectrum

    @functools.cached_property
    def _spectrum(self) -> Spectrum:
        phi = self.features(self.points) / np.sqrt(len(self.points))
        _, s, basis = np.linalg.svd(phi, full_matrices=False)
        noise = (np.finfo(float).eps * len(phi) * float(s[0])) ** 2
        return Spectrum(s**2, basis.T, noise)

    @property
    def feasibility(self) -> Feasibility:
        """Met for every spectrum, after scaling."""
        return Feasibility(True, self.sentence, self.scale, self.spectrum())

    def risk(self, student: Any) -> Risk:
        """Mean of (f(x) - <weights, phi(x)>)^2 over all samples, which are the whole law here."""
        return mean_risk(self, student, np.asarray(self.points))

    def network(self) -> Network:
        """The teacher itself: its layer and the target's weights."""
        return Network([self.layer, Dense(self.weights[None, :])])


def inverse_activation(activation: str, phi: Floats) -> Floats:
    """eta^{-1} entrywise.

    Raises
    ------
    ValueError
        An activation that is not invertible onto an interval around 0.
    """
    if activation == "identity":
        return phi
    if activation == "tanh":
        return np.arctanh(phi)
    if activation == "erf":
        from scipy.special import erfinv

        return np.asarray(erfinv(phi))
    raise ValueError(
        f"activations-first needs identity, tanh or erf, which are invertible around 0, not "
        f"{activation!r}"
    )
