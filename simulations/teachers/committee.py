r"""Committee machine, and students that copy each of its units z times (K = zM).

Teacher f*(x) = sum_m A_m g(B_m . x), x ~ N(0, I_d), M units; replicated student
f(x) = sum_k v_k g(w_k . x) with w_k = B_{m(k)} and v_k = A_{m(k)}/z, which is the teacher again.
Order parameters Q = W W^T, R = W B^T, T = B B^T decide everything: the generalization error is
eps = (v^T I2(Q) v - 2 v^T I2(R) A + A^T I2(T) A)/2 with the kernels I2 of
:mod:`pruneproof.theory.gaussian_kernels`, exactly. :meth:`Committee.risk` is 2 eps.

g(u) = erf(u/sqrt 2) for "erf", as in the statistical mechanics of Saad and Solla, Phys. Rev. E 52,
1995; rows here are those of the papers divided by sqrt(d). Setting of pruning: Acharyya et al.,
arXiv 2006.16617 [R]; formulas [D]. This module may import theory and NumPy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network, OrderParameters, Spectrum
from pruneproof.theory.arrays import Array, as_count, as_generator, as_real

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
from .gaussian_layer import as_gaussian_activation, exact_risk, layer_moment, two_layers
from .moments import PopulationMoment


@dataclass(frozen=True, eq=False)
class Committee:
    r"""Inputs x ~ N(0, I_d), features g(B x), targets <A, features> + noise.

    Attributes
    ----------
    rows : (M, d) array
        B.
    weights : (M,) array, optional
        A; all 1 if not given.
    activation : str
        erf (of u/sqrt 2), relu or identity.
    noise : float
        Standard deviation of the targets' noise.

    Raises
    ------
    ValueError
        Another activation, weights of another length, negative noise.
    """

    rows: Array
    weights: Array = None
    activation: str = "erf"
    noise: float = 0.0

    def __post_init__(self) -> None:
        rows = np.array(as_real("rows", self.rows, ndim=2))
        as_gaussian_activation(self.activation)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "weights", as_weights(self.weights, len(rows)))
        object.__setattr__(self, "noise", as_noise(self.noise))

    @classmethod
    def orthogonal(
        cls, units: int, d: int, *, amplitude: float = 1.0, noise: float = 0.0, rng: Any
    ) -> Committee:
        """Erf committee with T = I: orthonormal rows drawn evenly, all A_m = `amplitude`.

        Raises
        ------
        ValueError
            More units than dimensions.
        """
        m = as_count("units", units, most=as_count("d", d))
        rows = np.linalg.qr(as_generator(rng).standard_normal((d, m)))[0].T
        return cls(rows, np.full(m, float(amplitude)), noise=noise)

    @property
    def _weight(self) -> Floats:
        """Rows as a layer of this activation reads them: erf is of u/sqrt 2."""
        return np.asarray(self.rows / (math.sqrt(2.0) if self.activation == "erf" else 1.0))

    def network(self) -> Network:
        """The teacher as a network."""
        return Network([Dense(self._weight, None, self.activation), Dense(self.weights[None, :])])

    def replicated(self, copies: int) -> Network:
        """Student of K = zM units: `copies` of each unit in a row, output weights A_m/z."""
        z = as_count("copies", copies)
        weight = np.repeat(self._weight, z, axis=0)
        outputs = np.repeat(self.weights / z, z)
        return Network([Dense(weight, None, self.activation), Dense(outputs[None, :])])

    def order_of(self, rows: Any, outputs: Any) -> OrderParameters:
        """Order parameters of the student sum_k outputs_k g(rows_k . x) of this activation.

        Parameters
        ----------
        rows : (K, d) array
        outputs : (K,) array

        Raises
        ------
        ValueError
            Rows of another dimension, or not one output weight a row.
        """
        w, b = np.asarray(as_real("rows", rows, ndim=2)), np.asarray(self.rows)
        if w.shape[1] != b.shape[1]:
            raise ValueError(
                f"the student's rows have {w.shape[1]} inputs, the teacher's {b.shape[1]}; give "
                "rows of one length"
            )
        return OrderParameters(w @ w.T, w @ b.T, b @ b.T, outputs, np.asarray(self.weights))

    def order_parameters(self, student: Any) -> OrderParameters:
        """Order parameters of a network v.g(W x) with the teacher's activation.

        Raises
        ------
        ValueError
            A student of another form or dimension.
        """
        found = two_layers(student, self.activation)
        if found is None or found[0].shape[1] != self.rows.shape[1] or found[2] != 0.0:
            raise ValueError(
                f"order parameters need a student of {self.rows.shape[1]} inputs, one "
                f"{self.activation} layer without biases and one linear output"
            )
        scale = math.sqrt(2.0) if self.activation == "erf" else 1.0
        return self.order_of(found[0] * scale, found[1])

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, d) from N(0, I)."""
        return as_generator(rng).standard_normal((n, self.rows.shape[1]))

    def features(self, inputs: Any) -> Floats:
        """Units g(B x), (n, M)."""
        x = as_points(inputs, self.rows.shape[1])
        return np.asarray(self.network().layers[0].forward(x))

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        return noisy(np.asarray(self.features(inputs) @ self.weights), self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    def second_moment(self) -> PopulationMoment:
        """I2(T), not centred."""
        return PopulationMoment(layer_moment(self.activation, self._weight @ self._weight.T))

    def spectrum(self) -> Spectrum:
        """Spectrum of I2(T)."""
        return self.second_moment().spectrum

    @property
    def feasibility(self) -> Feasibility:
        """Order parameters are exact; no spectrum was prescribed."""
        sentence = "the units' rows are given, so that all order parameters are exact"
        return Feasibility(True, sentence, 1.0, self.spectrum())

    def risk(self, student: Any, *, draws: int = 20_000, rng: Any = 0) -> Risk:
        """E (f - f*)^2 = 2 eps; exact for v.g(W x) + b of the same activation, else Monte Carlo."""
        exact = exact_risk(student, self._weight, self.activation, self.weights, 0.0)
        return exact if exact is not None else monte_carlo_risk(self, student, draws, rng)
