r"""Two-point coherence family: one spectrum, from diagonal to evenly rotated.

Sigma_t = U_t diag(mu) U_t^T, U_t = exp(t log R) the shortest path in the rotations from the
identity (t = 0, every eigenvector on one node) to an evenly drawn R (t = 1). What depends on the
spectrum alone, such as degrees of freedom and the law of the sampled loss, is the same for every t;
what depends on coherence is not, so it shows where such laws break (laws.L2). Derived [D].

This module may import theory and NumPy, and SciPy inside functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_ridge

from .common import Floats, as_eigenvalues, haar_rotation
from .linear import LinearGaussian


def coherent(
    eigenvalues: Any, mix: float, *, weights: Any = None, noise: float = 0.0, rng: Any
) -> LinearGaussian:
    """Teacher at point `mix` between diagonal (0) and evenly rotated (1).

    Parameters
    ----------
    eigenvalues : (m,) array
        mu, descending.
    mix : float
        t in [0, 1].
    weights, noise
        As :class:`LinearGaussian`.
    rng
        Of R; the same `rng` gives points on one path.

    Raises
    ------
    ValueError
        A mix outside [0, 1], or as :class:`LinearGaussian`.
    """
    mu = as_eigenvalues(eigenvalues)
    t = as_ridge(mix, name="mix")
    if t > 1.0:
        raise ValueError(f"mix must lie in [0, 1], from diagonal to rotated, but is {t:g}")
    return LinearGaussian(mu, partial_rotation(haar_rotation(len(mu), rng=rng), t), weights, noise)


def partial_rotation(rotation: Floats, share: float) -> Floats:
    """R^t for an orthogonal R, all its angles times t; a reflection is first made a rotation."""
    from scipy.linalg import schur

    r = np.array(rotation)
    if np.linalg.slogdet(r)[0] < 0.0:
        r[:, -1] = -r[:, -1]
    # R is normal, so its Schur form is diagonal: unit numbers in conjugate pairs
    form, basis = schur(r, output="complex")
    angles = np.angle(np.diagonal(form))
    return np.asarray(((basis * np.exp(1j * share * angles)) @ basis.conj().T).real)
