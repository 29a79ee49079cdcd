"""Layers with a prescribed population spectrum: phi = Q diag(sqrt(mu)) z with z ~ N(0, I).

This module may import NumPy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def power_law(m: int, exponent: float) -> Floats:
    """Eigenvalues j^-a, j = 1..m."""
    return np.asarray(np.arange(1.0, m + 1.0) ** -exponent)


def haar_rotation(m: int, rng: np.random.Generator) -> Floats:
    """Orthogonal (m, m) matrix, uniform: Q of a Gaussian matrix, its signs made unique."""
    q, r = np.linalg.qr(rng.standard_normal((m, m)))
    return np.asarray(q * np.sign(np.diag(r)))


def rotated(eigenvalues: Floats, rng: np.random.Generator) -> Floats:
    """Second moment Q diag(mu) Q^T with uniform Q: nodes as incoherent as they come."""
    q = haar_rotation(eigenvalues.size, rng)
    return (q * eigenvalues) @ q.T


def block_rotated(eigenvalues: Floats, block: int, rng: np.random.Generator) -> Floats:
    """Eigenvalues in random places, then mixed within blocks of `block` nodes.

    Block 1 is a diagonal second moment, the most coherent; block m is :func:`rotated`.
    """
    m = eigenvalues.size
    cov, places = np.zeros((m, m)), rng.permutation(eigenvalues)
    for start in range(0, m, block):
        nodes = slice(start, min(start + block, m))
        cov[nodes, nodes] = rotated(places[nodes], rng)
    return cov


def gaussian(n: int, eigenvalues: Floats, rng: np.random.Generator) -> Floats:
    """Samples diag(sqrt(mu)) z, (n, m), in the eigenbasis: enough where no node is singled out."""
    return np.asarray(rng.standard_normal((n, eigenvalues.size)) * np.sqrt(eigenvalues))
