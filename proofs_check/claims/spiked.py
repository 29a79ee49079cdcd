r"""A strong direction in noise, as samples show it (L9).

Each trial draws raw samples; the mean of value/law over the trials is tested against 1 within the
instance's tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, equal


@dataclass(frozen=True)
class Spiked:
    """Unit noise with one strong coordinate, n samples of m coordinates.

    Attributes
    ----------
    m, samples : int
    spike : float
        l; 1 for noise alone.
    quantity : str
    """

    m: int
    samples: int
    spike: float
    quantity: str

    @property
    def tolerance(self) -> float:
        """5 % for edges, which at m = 200 lie m^(-2/3) = 3 % off; 4 % for spikes, off by 1/m."""
        return 0.05 if "edge" in self.quantity else 0.04


def spiked(
    rng: np.random.Generator,
    *,
    m: int = 100,
    samples: int = 200,
    spike: float = 4.0,
    quantity: str = "location",
) -> Spiked:
    """Nothing is random but the samples."""
    return Spiked(m, samples, spike, quantity)


@register(
    "laws.L9",
    "law",
    spiked,
    {
        "m": Whole(50, 300),
        "samples": Whole(150, 300),
        "spike": Real(4.0, 12.0),
        "quantity": Choice(("location", "overlap")),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"m": 300, "samples": 150, "spike": 8.0},
        {"quantity": "overlap"},
        {"quantity": "overlap", "m": 300, "samples": 150, "spike": 8.0},
        {"quantity": "upper edge", "spike": 1.0, "m": 200, "samples": 2000},
        {"quantity": "lower edge", "spike": 1.0, "m": 200, "samples": 2000},
    ),
    (
        Mutant("constant x .9", {"constant": 0.9}),
        Mutant("n/m in place of m/n", {"inverted": True}),
        Mutant("noise forgotten", {"aspect": 1e-9}),
        Mutant("m/n x 1/2", {"aspect": 0.5}),
    ),
)
def spike_in_noise(
    given: Spiked,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    inverted: bool = False,
    aspect: float = 1.0,
) -> Sides:
    """A strong direction leaves the noise of a sample enlarged and tilted by known amounts.

    Hypotheses
    ----------
    n independent samples of m independent coordinates of variance 1, one of variance
    l > 1 + sqrt(g), g = m/n; n and m large. l is taken as the sample has it.

    Statement
    ---------
    Eigenvalues of the noise fill [(1 - sqrt(g))^2, (1 + sqrt(g))^2]; the spike's is at
    l (1 + g/(l - 1)), its eigenvector has squared overlap (1 - g/(l - 1)^2)/(1 + g/(l - 1)).

    Source
    ------
    Marchenko and Pastur 1967; Baik and Silverstein 2006; Paul 2007 [R]. Checked by simulation.

    References
    ----------
    Marchenko and Pastur 1967; Baik and Silverstein 2006; Paul 2007
    """
    m, n = given.m, given.samples
    g = aspect * (n / m if inverted else m / n)
    x = rng.standard_normal((n, m))
    x[:, 0] *= np.sqrt(given.spike)
    values, vectors = np.linalg.eigh((x.T @ x if m <= n else x @ x.T) / n)
    edges, strength = theory.marchenko_pastur_edges(g), float(np.mean(x[:, 0] ** 2))
    if given.quantity == "lower edge":
        value, law = values[0], edges.lower
    elif given.quantity == "upper edge":
        value, law = values[-1], edges.upper
    elif given.quantity == "location":
        value, law = values[-1], theory.spike_location(strength, g)
    else:
        top = vectors[:, -1] if m <= n else x.T @ vectors[:, -1]
        value, law = top[0] ** 2 / (top @ top), theory.spike_overlap(strength, g)
    return equal(value, constant * law, scale=law, size=m)
