r"""Teacher networks with heavy-tailed rows of weights, whose soft sparsity varies.

Hidden layers relu(W h + b), x ~ N(0, I_d). Every row of incoming weights is w = c a/||a||_1 with
the entries of a Normal, Student t with 3 degrees of freedom, or Cauchy, so that heavier tails put
the same l1 length on fewer entries; biases are N(0, 1). Nothing about the spectrum is prescribed or
known: its second moment is that of samples. Source: the teacher of Yang, Wang and Ding,
arXiv 2206.05604, as in a public note of its authors [R].

This module may import theory and NumPy only.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.theory import Dense, Network, Spectrum
from pruneproof.theory.arrays import as_count, as_generator, as_ridge

from .common import Feasibility, Floats, Risk, Sample, as_noise, as_points, drawn, monte_carlo_risk
from .common import noisy as with_noise
from .moments import EmpiricalMoment

#: Laws of the entries of a row, from light to heavy tails.
TAILS = ("normal", "t3", "cauchy")


@dataclass(frozen=True, eq=False)
class HeavyTailed:
    r"""Inputs x ~ N(0, I_d), features of the last hidden layer, targets of the whole network.

    Usually made by :meth:`random`.

    Attributes
    ----------
    network : Network
        Dense layers, the last one linear with one output.
    noise : float
        Standard deviation of the targets' noise.

    Raises
    ------
    ValueError
        A network of other layers, or with more outputs; negative noise.
    """

    network: Network
    noise: float = 0.0

    def __post_init__(self) -> None:
        layers = self.network.layers
        last = layers[-1]
        if not all(isinstance(layer, Dense) for layer in layers) or len(layers) < 2:
            raise ValueError("a heavy-tailed teacher is two or more Dense layers; give such a one")
        if last.outputs != 1 or last.activation != "identity":
            raise ValueError(f"the last layer must be linear with one output, not {last.label}")
        object.__setattr__(self, "noise", as_noise(self.noise))

    @classmethod
    def random(
        cls,
        d: int,
        widths: Sequence[int],
        tail: str,
        *,
        length: float = 1.0,
        noise: float = 0.0,
        rng: Any,
    ) -> HeavyTailed:
        """Teacher of `d` inputs and hidden `widths`, every row of l1 length `length`.

        Parameters
        ----------
        d : int
        widths : sequence of ints
            Of the hidden layers, at least one.
        tail : str
            normal, t3 or cauchy.
        length : float
            c > 0.
        noise : float
        rng

        Raises
        ------
        ValueError
            An unknown tail, no hidden layer, sizes or a length that are not positive.
        """
        rng, c = as_generator(rng), as_ridge(length, name="length", positive=True)
        sizes = [as_count("d", d), *(as_count("width", w) for w in widths), 1]
        if len(sizes) < 3:
            raise ValueError("a heavy-tailed teacher needs at least one hidden width; give one")
        layers: list[Any] = []
        for inputs, outputs in itertools.pairwise(sizes):
            weight = heavy_rows(outputs, inputs, tail, rng=rng) * c
            activation = "identity" if len(layers) == len(sizes) - 2 else "relu"
            layers.append(Dense(weight, rng.standard_normal(outputs), activation))
        return cls(Network(layers), noise)

    @property
    def d(self) -> int:
        """Dimension of the inputs."""
        return int(self.network.layers[0].inputs)

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, d) from N(0, I)."""
        return as_generator(rng).standard_normal((n, self.d))

    def features(self, inputs: Any) -> Floats:
        """Outputs of the last hidden layer, (n, m)."""
        return np.asarray(self.network.activations(as_points(inputs, self.d))[-2])

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,), noisy if there is noise and `rng` is given."""
        clean = np.asarray(self.network.forward(as_points(inputs, self.d)))[:, 0]
        return with_noise(clean, self.noise, rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples."""
        return drawn(self, n, rng)

    def second_moment(self, *, samples: int = 10_000, rng: Any = 0) -> EmpiricalMoment:
        """Second moment of fresh samples: the population's is not known here."""
        rng, n = as_generator(rng), as_count("samples", samples)
        moments = theory.MomentAccumulator(self.network.layers[-1].inputs)
        while moments.count < n:
            moments.update(self.features(self.inputs(min(n - moments.count, 1000), rng=rng)))
        return EmpiricalMoment(moments.second_moment, n)

    def spectrum(self) -> Spectrum:
        """Spectrum of :meth:`second_moment`, of samples."""
        return self.second_moment().spectrum

    @property
    def feasibility(self) -> Feasibility:
        """Nothing is prescribed; the spectrum is one of samples."""
        sentence = "rows of weights are prescribed, not a spectrum: the achieved one is of samples"
        return Feasibility(False, sentence, 1.0, self.spectrum())

    def risk(self, student: Any, *, draws: int = 20_000, rng: Any = 0) -> Risk:
        """Monte Carlo with its standard error."""
        return monte_carlo_risk(self, student, draws, rng)


def heavy_rows(rows: int, columns: int, tail: str, *, rng: Any) -> Floats:
    """Rows a/||a||_1, (rows, columns), with the entries of a from `tail`.

    Raises
    ------
    ValueError
        An unknown tail.
    """
    rng, shape = as_generator(rng), (rows, columns)
    if tail not in TAILS:
        raise ValueError(f"tail must be one of {', '.join(TAILS)}, but is {tail!r}")
    if tail == "normal":
        a = rng.standard_normal(shape)
    elif tail == "t3":
        a = rng.standard_t(3.0, shape)
    else:
        a = rng.standard_cauchy(shape)
    return np.asarray(a / np.sum(np.abs(a), axis=1, keepdims=True))
