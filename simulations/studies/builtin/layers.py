"""Layers with a prescribed population spectrum: phi = Q diag(sqrt(mu)) z with z ~ N(0, I)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruneproof.simulations.teachers import haar_rotation

Floats = NDArray[np.float64]


def rotated(eigenvalues: Floats, rng: np.random.Generator) -> Floats:
    """Second moment Q diag(mu) Q^T with uniform Q: nodes as incoherent as they come."""
    q = haar_rotation(eigenvalues.size, rng=rng)
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
