r"""Combinations of atoms of a dictionary, orthonormal or not.

Letters: f = sum c_j f_j, m terms of which k are kept exactly, D the l_1 mass of the others' |c_j|
||f_j||, "rest" the sum of their c_j f_j.

This module may import NumPy only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .generators import Choice, Space, Whole
from .sides import Floats
from .soft_vectors import LAWS, entries, largest

ATOMS = ("orthonormal", "normal", "coherent", "uneven", "opposite")


@dataclass(frozen=True, eq=False)
class Expansion:
    """A combination of atoms, a number of terms, how many of them are kept exactly.

    Attributes
    ----------
    atoms : (n, N) array
    coefficients : (N,) array
    terms, kept : int
        m >= 1 and k < m.
    order : float
        q in (0, 1].
    tolerance : float
        Of a mean over draws.
    """

    atoms: Floats
    coefficients: Floats
    terms: int
    kept: int
    order: float
    tolerance: float = 0.25

    @functools.cached_property
    def sizes(self) -> Floats:
        """|c_j| ||f_j||."""
        return np.asarray(np.abs(self.coefficients) * np.linalg.norm(self.atoms, axis=0))

    @property
    def target(self) -> Floats:
        """f."""
        return np.asarray(self.atoms @ self.coefficients)

    @property
    def gram(self) -> Floats:
        """Inner products of the atoms."""
        return np.asarray(self.atoms.T @ self.atoms)

    def squared_error(self, kept: int) -> float:
        """(D^2 - ||rest||^2)/(m - k)."""
        dropped = ~largest(self.sizes, kept)
        rest = self.atoms[:, dropped] @ self.coefficients[dropped]
        mass = float(np.sum(self.sizes[dropped]))
        return max(0.0, mass**2 - float(rest @ rest)) / (self.terms - kept)


def expansion(
    rng: np.random.Generator,
    *,
    family: str = "orthonormal",
    law: str = "flat",
    d: int = 6,
    nonzeros: int = 6,
    terms: int = 2,
    kept: int = 0,
    q: float = 0.5,
) -> Expansion:
    """Combination of d atoms: orthonormal, normal, coherent, of uneven norms, or in +- pairs."""
    c = entries(rng, law, d, nonzeros)
    atoms = np.eye(d)
    if family == "opposite":  # neighbours cancel: the rest is 0
        atoms = np.repeat(np.eye(d)[:, ::2], 2, axis=1)[:, :d]
        c = np.abs(c) * (-1.0) ** np.arange(d)
    elif family != "orthonormal":
        atoms = rng.standard_normal((max(2, d - 2), d))
        if family == "coherent":
            atoms += 3.0
        if family == "uneven":
            atoms *= 10.0 ** rng.uniform(-2, 2, size=d)
    return Expansion(atoms, c, terms, min(kept, terms - 1), q)


EXPANSIONS: Space = {
    "family": Choice(ATOMS),
    "law": Choice(LAWS),
    "d": Whole(2, 6),
    "nonzeros": Whole(1, 6),
    "terms": Whole(1, 3),
    "kept": Whole(0, 2),
    "q": Choice((1.0, 0.9, 0.5, 0.25, 0.1, 0.9051)),
    "seed": Whole(0, 65535),
}
