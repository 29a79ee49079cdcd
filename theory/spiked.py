r"""Spiked covariance: what sampling does to one strong direction in noise (laws.L9).

Letters: n samples of m coordinates with covariance I + (l - 1) u u^T (unit noise, one spike l > 1),
g = m/n the aspect. As n and m grow with g fixed, the sample's eigenvalues fill the
Marchenko-Pastur interval [(1 - sqrt(g))^2, (1 + sqrt(g))^2] (and 0 with weight 1 - 1/g if g > 1);
a spike above 1 + sqrt(g) leaves it, at

    l (1 + g/(l - 1)),   with squared overlap |<u_hat, u>|^2 = (1 - g/(l - 1)^2)/(1 + g/(l - 1)),

one below drowns. Recalled [R]: Marchenko and Pastur 1967; Baik and Silverstein 2006; Paul 2007.
"""

from __future__ import annotations

import math

from .arrays import as_ridge
from .bounds.rates import Interval
from .errors import InapplicableError


def marchenko_pastur_edges(aspect: float) -> Interval:
    """Ends (1 -+ sqrt(g))^2 of the sample spectrum of unit noise; g = m/n > 0 (laws.L9 [R]).

    Raises
    ------
    ValueError
        An aspect not above 0.
    """
    root = math.sqrt(as_ridge(aspect, name="aspect", positive=True))
    return Interval((1.0 - root) ** 2, (1.0 + root) ** 2)


def spike_location(spike: float, aspect: float) -> float:
    """Sample eigenvalue l (1 + g/(l - 1)) of a spike l > 1 + sqrt(g) in unit noise (laws.L9 [R]).

    Raises
    ------
    InapplicableError
        The spike is at most 1 + sqrt(g): it drowns in the noise.
    ValueError
        An aspect or a spike not above 0.
    """
    top, g = _emerged(spike, aspect)
    return top * (1.0 + g / (top - 1.0))


def spike_overlap(spike: float, aspect: float) -> float:
    """Squared overlap of the sample's first eigenvector with the spike's direction (laws.L9 [R]).

    (1 - g/(l - 1)^2)/(1 + g/(l - 1)), between 0 at the threshold and 1. Errors as
    :func:`spike_location`.
    """
    top, g = _emerged(spike, aspect)
    return (1.0 - g / (top - 1.0) / (top - 1.0)) / (1.0 + g / (top - 1.0))


def _emerged(spike: float, aspect: float) -> tuple[float, float]:
    top = as_ridge(spike, name="spike", positive=True)
    g = as_ridge(aspect, name="aspect", positive=True)
    if not top > 1.0 + math.sqrt(g):
        raise InapplicableError(
            f"a spike of {top:g} does not leave the noise, whose threshold is 1 + sqrt(g) = "
            f"{1.0 + math.sqrt(g):g}; take more samples, or do not read it off the spectrum"
        )
    return top, g
