r"""Linear Gaussian teachers of structured spectra: spikes, blocks, source and capacity.

spiked           mu = spikes above a flat bulk (the setting of laws.L9)
blocks           unit variances, correlation r_b inside block b and 0 across: 1 + (s_b - 1) r_b
                 once and 1 - r_b on the s_b - 1 contrasts
source-capacity  mu_j = j^{-a}, target sum_j t_j e_j with t_j^2 = j^{-(1 + 2 a r)} on the
                 orthonormal functions e_j = <u_j, phi>/sqrt(mu_j) (the setting of laws.L10)

Each is a :class:`LinearGaussian` with exact eigenvectors. This module may import theory and NumPy
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_count, as_real, as_ridge

from .. import decays
from .common import Floats, haar_rotation
from .linear import LinearGaussian


def spiked(
    m: int, spikes: Sequence[float], *, bulk: float = 1.0, noise: float = 0.0, rng: Any = None
) -> LinearGaussian:
    """Spikes above a flat bulk; the target is the sum of the spikes' directions.

    Parameters
    ----------
    m : int
    spikes : sequence of floats
        Eigenvalues at least `bulk`.
    bulk, noise : float
    rng
        Of an even rotation; without one the spikes stand on the first nodes.

    Raises
    ------
    ValueError
        As :func:`pruneproof.simulations.decays.spiked`.
    """
    mu = decays.spiked(m, spikes, bulk)
    return _along(mu, np.where(np.arange(m) < len(spikes), 1.0, 0.0), noise, rng)


def blocks(
    sizes: Sequence[int], correlations: Sequence[float], *, weights: Any = None, noise: float = 0.0
) -> LinearGaussian:
    """Blocks of nodes of unit variance and one correlation each, independent across blocks.

    Parameters
    ----------
    sizes : sequence of ints
        s_b.
    correlations : sequence of floats
        r_b in [-1/(s_b - 1), 1].
    weights, noise
        As :class:`LinearGaussian`.

    Raises
    ------
    ValueError
        Unequal numbers of sizes and correlations, or a correlation that such a block cannot have.
    """
    count = [as_count("size", s) for s in sizes]
    r = as_real("correlations", correlations, ndim=1)
    if len(r) != len(count):
        raise ValueError(f"there are {len(count)} sizes but {len(r)} correlations; give one each")
    m, start = sum(count), 0
    mu, basis = np.empty(m), np.zeros((m, m))
    for s, c in zip(count, r.tolist()):
        if not c * max(s - 1, 1) >= -1.0 or c > 1.0:
            raise ValueError(
                f"{s} nodes of one correlation have it in [{-1.0 / max(s - 1, 1):g}, 1], not {c:g}"
            )
        here = slice(start, start + s)
        mu[here] = 1.0 - c
        mu[start] = max(1.0 + (s - 1) * c, 0.0)
        basis[here, here] = _contrasts(s)
        start += s
    order = np.argsort(-mu, kind="stable")
    return LinearGaussian(mu[order], basis[:, order], weights, noise)


def source_capacity(
    m: int, capacity: float, source: float, *, noise: float = 0.0, rng: Any = None
) -> LinearGaussian:
    """Spectrum j^-capacity and target coefficients j^-(1/2 + capacity * source).

    Parameters
    ----------
    m : int
    capacity : float
        a.
    source : float
        r; larger is smoother.
    noise : float
    rng
        Of an even rotation; without one Sigma is diagonal.

    Raises
    ------
    ValueError
        m is not whole and positive, a negative exponent.
    """
    mu = decays.power_law(m, capacity)
    r = as_ridge(source, name="source")
    coefficients = np.arange(1.0, m + 1.0) ** (-0.5 - capacity * r)
    return _along(mu, coefficients / np.sqrt(mu), noise, rng)


def _along(mu: Floats, coefficients: Floats, noise: float, rng: Any) -> LinearGaussian:
    """Teacher with a target of these weights along the eigenvectors."""
    if rng is None:
        return LinearGaussian(mu, None, coefficients, noise)
    rotation = haar_rotation(len(mu), rng=rng)
    return LinearGaussian(mu, rotation, rotation @ coefficients, noise)


def _contrasts(s: int) -> Floats:
    """Orthogonal (s, s): the even direction, then Helmert's contrasts."""
    from scipy.linalg import helmert

    return np.asarray(helmert(s, full=True).T)
