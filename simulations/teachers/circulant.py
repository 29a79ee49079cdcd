r"""Circulant teacher: a million nodes with a known spectrum and no m x m matrix.

Nodes stand on a ring and Sigma_ij = c_{(i-j) mod m}, so the eigenvalues are the discrete Fourier
transform of c, one for each frequency f = 0..m-1 with mu_f = mu_{m-f}. The kernels of erf and ReLU
act entrywise and keep this form: a target is inverted on m numbers, and pre-activations
u = Q^{1/2} x, x ~ N(0, I_m), are drawn by two transforms. Derived [D].

This module may import theory, NumPy and SciPy's transforms, inside functions.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import Array, as_count, as_generator, as_real, as_ridge

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
from .gaussian_layer import as_gaussian_activation
from .moments import DENSE_NODES, PopulationMoment


@dataclass(frozen=True, eq=False)
class Circulant:
    r"""Inputs x ~ N(0, I_m), features eta(Q^{1/2} x) with Q circulant, targets <weights, phi>.

    Attributes
    ----------
    row : (m,) array
        q, first row of the pre-activations' covariance Q: q_j = q_{m-j}.
    activation : str
        identity, erf or relu; ReLU features are centred.
    weights : (m,) array, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    met, sentence, scale
        What :meth:`prescribed` found; see :class:`Feasibility`.

    Raises
    ------
    ValueError
        A row that is no covariance's, an activation without a kernel.
    """

    row: Array
    activation: str = "identity"
    weights: Array = None
    noise: float = 0.0
    met: bool = True
    sentence: str = "the pre-activations' covariance was given, and so nothing was prescribed"
    scale: float = 1.0

    def __post_init__(self) -> None:
        q = np.array(as_real("row", self.row, ndim=1))
        as_gaussian_activation(self.activation)
        if np.max(np.abs(q[1:] - q[:0:-1]), initial=0.0) > 1e-12 * abs(q[0]):
            raise ValueError("row must be symmetric, q_j = q_(m-j); give first_row(eigenvalues)")
        q = symmetric(q)
        object.__setattr__(self, "row", q)
        object.__setattr__(self, "weights", as_weights(self.weights, len(q)))
        object.__setattr__(self, "noise", as_noise(self.noise))
        least, rounding = _least(half_spectrum(q))
        if least < -rounding:
            raise ValueError(
                f"row is no covariance's: its least eigenvalue is {least:.3g}, where rounding "
                f"allows {-rounding:.3g}"
            )

    @classmethod
    def prescribed(
        cls,
        eigenvalues: Any,
        m: int,
        activation: str = "identity",
        *,
        scale: float | None = None,
        weights: Any = None,
        noise: float = 0.0,
    ) -> Circulant:
        """Teacher whose second moment has scale * eigenvalues[f] at frequencies f and m - f.

        Parameters
        ----------
        eigenvalues : (m // 2 + 1,) array
            At frequencies 0..m//2, at least 0, in any order. For erf they are first divided by
            their mean over all m frequencies, so that C_ii = `scale` < 1.
        m : int
            Number of nodes.
        activation, weights, noise
            As for the class.
        scale : float, optional
            1 if not given, 1/2 for erf. If the target is infeasible, negative eigenvalues of the
            pre-activations are set to 0 and their variance is restored; :attr:`feasibility` says
            so.

        Raises
        ------
        InapplicableError
            No layer of this activation has such variances or correlations.
        ValueError
            Another number of eigenvalues, a negative one, all 0.
        """
        mu = as_real("eigenvalues", eigenvalues, ndim=1)
        if len(mu) != as_count("m", m) // 2 + 1 or np.min(mu) < 0.0 or np.max(mu) <= 0.0:
            raise ValueError(
                f"a circulant of {m} nodes has {m // 2 + 1} eigenvalues >= 0, not all 0, at its "
                f"frequencies 0 to {m // 2}, but {len(mu)} from {np.min(mu):g} to {np.max(mu):g} "
                "were given"
            )
        c = first_row(np.asarray(mu), m)
        usual = 0.5 if activation == "erf" else 1.0
        factor = usual if scale is None else as_ridge(scale, name="scale", positive=True)
        if activation == "erf":
            factor /= float(c[0])
        q = symmetric(_inverse(as_gaussian_activation(activation), factor * c))
        half = half_spectrum(q)
        least, rounding = _least(half)
        if least >= -rounding:
            sentence = f"the second moment is {factor:.6g} times the target"
            return cls(q, activation, weights, noise, True, sentence, factor)
        sentence = (
            f"the target is infeasible, as its pre-activations have the least eigenvalue "
            f"{least:.3g}: negative ones were set to 0, so read the achieved spectrum"
        )
        clipped = first_row(np.clip(half, 0.0, None), m)
        repaired = clipped * (q[0] / clipped[0])
        return cls(repaired, activation, weights, noise, False, sentence, factor)

    @functools.cached_property
    def moment_row(self) -> Floats:
        """c, first row of the second moment, (m,)."""
        return _forward(self.activation, self.row)

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, m) from N(0, I)."""
        return as_generator(rng).standard_normal((n, len(self.row)))

    def pre_activations(self, inputs: Any) -> Floats:
        """u = Q^{1/2} x by two transforms a row, (n, m)."""
        from scipy.fft import irfft, rfft

        x = as_points(inputs, len(self.row))
        root = np.sqrt(np.clip(half_spectrum(self.row), 0.0, None))
        return np.asarray(irfft(rfft(x) * root, n=len(self.row)))

    def features(self, inputs: Any) -> Floats:
        """Features eta(u), (n, m); ReLU ones less their mean sqrt(q_0/(2 pi))."""
        u = self.pre_activations(inputs)
        if self.activation == "relu":
            return np.maximum(u, 0.0) - math.sqrt(self.row[0] / (2.0 * math.pi))
        if self.activation == "erf":
            from scipy.special import erf

            return np.asarray(erf(u))
        return u

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    def second_moment(self) -> PopulationMoment:
        """Circulant of :attr:`moment_row`; its matrix is formed up to 4096 nodes."""
        c = self.moment_row
        if len(c) > DENSE_NODES:
            return PopulationMoment(None, self.spectrum())
        index = np.arange(len(c))
        return PopulationMoment(c[(index[:, None] - index) % len(c)])

    def spectrum(self) -> Spectrum:
        """All m eigenvalues in descending order, with no eigenvectors."""
        return self._spectrum

    @functools.cached_property
    def _spectrum(self) -> Spectrum:
        m = len(self.row)
        mu = np.sort(all_frequencies(half_spectrum(self.moment_row), m))[::-1]
        return Spectrum(np.clip(mu, 0.0, None))

    @property
    def feasibility(self) -> Feasibility:
        """Whether the target was met, and what was achieved."""
        return Feasibility(self.met, self.sentence, self.scale, self.spectrum())

    def risk(self, student: Any, *, draws: int = 1000, rng: Any = 0) -> Risk:
        """Monte Carlo over `draws` inputs, with its standard error."""
        return monte_carlo_risk(self, student, draws, rng)


def first_row(half: Floats, m: int) -> Floats:
    """First row of the circulant with these eigenvalues at frequencies 0..m//2, (m,)."""
    from scipy.fft import irfft

    return np.asarray(irfft(half, n=m))


def symmetric(row: Floats) -> Floats:
    """Row with c_j = c_(m-j) to the bit: transforms leave it so up to rounding."""
    out = np.array(row)
    out[1:] = (row[1:] + row[:0:-1]) / 2.0
    return out


def half_spectrum(row: Floats) -> Floats:
    """Eigenvalues of a symmetric circulant at frequencies 0..m//2."""
    from scipy.fft import rfft

    return np.asarray(rfft(row).real)


def all_frequencies(half: Floats, m: int) -> Floats:
    """Eigenvalues at frequencies 0..m-1 from those at 0..m//2."""
    return np.concatenate([half, half[1 : (m + 1) // 2][::-1]])


def _least(half: Floats) -> tuple[float, float]:
    """Least eigenvalue, and the rounding of the largest in a transform of that length."""
    rounding = np.finfo(float).eps * (4.0 + math.log2(len(half))) * float(np.max(np.abs(half)))
    return float(np.min(half)), rounding


def _forward(activation: str, q: Floats) -> Floats:
    """Entries of the second moment from those of the pre-activations' covariance."""
    top = float(q[0])
    if activation == "erf":
        return np.asarray(theory.arcsine_kernel(q, diagonal=top))
    if activation == "relu":
        return np.asarray(theory.arccosine_kernel(q, diagonal=top, centered=True))
    return q


def _inverse(activation: str, c: Floats) -> Floats:
    """Entries of the pre-activations' covariance from those of the second moment."""
    top = float(c[0])
    if activation == "erf":
        return np.asarray(theory.arcsine_inverse(c, diagonal=top))
    if activation == "relu":
        return np.asarray(theory.arccosine_inverse(c, diagonal=top, centered=True))
    return c
