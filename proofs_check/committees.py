"""Students and teachers of committee machines: generators, and errors by independent routes.

Rows w (K, N) and B (M, N) are drawn, never their overlaps; nothing but `order` calls the theory.
The error of kept units is that of a smaller student, and refitted weights come from least squares
with a root of the joint second moment in place of normal equations.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from .generators import Choice, Real, Space, Whole
from .sides import Floats

ACTIVATIONS = ("erf", "linear", "relu", "sign")

#: Ranges of :func:`student`; claims list all sets of its units.
STUDENTS: Space = {
    "size": Whole(1, 6),
    "teachers": Whole(1, 3),
    "kept": Whole(0, 6),
    "activation": Choice(ACTIVATIONS),
    "scale": Real(0.25, 2.0),
    "seed": Whole(0, 65535),
}
#: Known cases: every activation, one unit, all kept, nearly none.
KNOWN: tuple[dict[str, Any], ...] = (
    *({"activation": name} for name in ACTIVATIONS),
    {"size": 1, "kept": 1},
    {"kept": 5, "size": 5},
    {"kept": 1, "teachers": 3},
)


@dataclass(frozen=True, eq=False)
class Student:
    """A student of distinct units, its teacher, and how much of it is kept.

    Attributes
    ----------
    rows : (K, N) array
        w.
    teacher : (M, N) array
        B.
    values : (K,) array
        v.
    targets : (M,) array
        A.
    kept : int
        k, from 0 to K.
    ridge : float
        lam > 0.
    fraction : float
        c, between 0 and 1.
    activation : str
    seed : int
        For what the claim itself draws.
    """

    rows: Floats
    teacher: Floats
    values: Floats
    targets: Floats
    kept: int
    ridge: float
    fraction: float
    activation: str
    seed: int

    @property
    def size(self) -> int:
        """K."""
        return len(self.rows)

    @property
    def moment(self) -> Floats:
        """E g g' of all units, student first, (K + M, K + M)."""
        rows = np.concatenate([self.rows, self.teacher])
        return moments(rows @ rows.T / rows.shape[1], self.activation)

    @property
    def order(self) -> theory.OrderParameters:
        """What the theory is given."""
        w, b = self.rows, self.teacher
        n = w.shape[1]
        return theory.OrderParameters(
            w @ w.T / n, w @ b.T / n, b @ b.T / n, self.values, self.targets
        )

    @property
    def gram(self) -> Floats:
        """Q, the kernel of the fields."""
        return np.asarray(self.rows @ self.rows.T / self.rows.shape[1])

    @property
    def scale(self) -> float:
        """Size of the terms of the error."""
        u = np.abs(np.concatenate([self.values, self.targets]))
        return float(u @ np.abs(self.moment) @ u)

    @property
    def length(self) -> int:
        """Length of the longest sums."""
        return int(sum(self.rows.shape) + len(self.teacher))

    def error(self, nodes: tuple[int, ...]) -> float:
        """eps_J as a sum of squares, with the other outputs set to 0."""
        u = np.concatenate([np.zeros(self.size), -self.targets])
        u[list(nodes)] = self.values[list(nodes)]
        return 0.5 * float(u @ self.moment @ u)

    def refitted(self, nodes: tuple[int, ...]) -> float:
        """eps*_J by least squares."""
        features = root(self.moment)
        wanted = features[:, self.size :] @ self.targets
        chosen = features[:, list(nodes)]
        left = wanted - chosen @ np.linalg.lstsq(chosen, wanted, rcond=None)[0]
        return 0.5 * float(left @ left)


def student(
    rng: np.random.Generator,
    *,
    size: int = 4,
    teachers: int = 2,
    inputs: int = 12,
    kept: int = 2,
    scale: float = 1.0,
    log10_ridge: float = -0.5,
    fraction: float = 0.5,
    activation: str = "erf",
    best: bool = False,
) -> Student:
    """Normal rows, the student's half the teacher's; `best` gives it its best output weights."""
    teacher = rng.standard_normal((teachers, inputs))
    follow = rng.standard_normal((size, teachers)) / np.sqrt(teachers)
    rows = scale * (follow @ teacher + rng.standard_normal((size, inputs))) / np.sqrt(2.0)
    values, targets = rng.standard_normal(size), rng.standard_normal(teachers)
    found = Student(
        rows,
        teacher,
        values,
        targets,
        min(kept, size),
        10.0**log10_ridge,
        fraction,
        activation,
        int(rng.integers(2**32)),
    )
    if not best:
        return found
    features = root(found.moment)
    wanted = features[:, size:] @ targets
    best_values = np.linalg.lstsq(features[:, :size], wanted, rcond=None)[0]
    return Student(**{**found.__dict__, "values": best_values})


def best_student(rng: np.random.Generator, **given: Any) -> Student:
    """As :func:`student`, at its best output weights (G v = b), at least one unit kept."""
    return student(rng, best=True, **{**given, "kept": max(given.get("kept", 2), 1)})


def moments(cov: Floats, activation: str) -> Floats:
    """E g(x_i) g(x_j) of x ~ N(0, cov), entry by entry as printed in the literature."""
    if activation == "linear":
        return cov
    var = np.diag(cov)
    if activation == "erf":
        spread = np.sqrt(1.0 + var)
        return np.asarray(2 / np.pi * np.arcsin(np.clip(cov / np.outer(spread, spread), -1, 1)))
    size = np.sqrt(np.outer(var, var))
    rho = np.clip(cov / np.where(size > 0, size, 1.0), -1.0, 1.0)
    if activation == "sign":
        return np.asarray(2 / np.pi * np.arcsin(rho))
    angle = np.pi - np.arccos(rho)
    return np.asarray(size * (np.sqrt(np.maximum(1 - rho**2, 0.0)) + angle * rho) / (2 * np.pi))


def root(moment: Floats) -> Floats:
    """F with F'F = moment, by eigenvectors."""
    values, vectors = np.linalg.eigh(moment)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))).T)


def sets(size: int, kept: int) -> list[tuple[int, ...]]:
    """All sets of `kept` of `size` units."""
    return list(itertools.combinations(range(size), kept))


def every_set(size: int) -> list[tuple[int, ...]]:
    """All sets of units, the empty one first."""
    return [nodes for k in range(size + 1) for nodes in sets(size, k)]


def volumes(kernel: Floats, listed: list[tuple[int, ...]]) -> Floats:
    """det kernel_JJ of each set."""
    return np.array([np.linalg.det(kernel[np.ix_(j, j)]) if j else 1.0 for j in listed])


def copies_drawn(groups: int, copies: int, kept: int) -> tuple[Floats, Floats, Floats]:
    """Numbers kept of each group, (s, M), of all sets; their even and their DPP chances, (s,).

    The DPP is that of L = Q, or of L + e I with e -> 0: one unit a group at the most, or as the
    product of the numbers.
    """
    listed = sets(groups * copies, kept)
    counts = np.array(
        [np.bincount(np.array(j, dtype=int) // copies, minlength=groups) for j in listed]
    )
    odds = np.all(counts <= 1, axis=1) if kept < groups else np.prod(counts, axis=1)
    return counts.astype(float), np.full(len(listed), 1 / len(listed)), odds / np.sum(odds)


@dataclass(frozen=True, eq=False)
class Copies:
    """Replicated student: M, z, k, the teacher's outputs and the activation."""

    groups: int
    copies: int
    kept: int
    strengths: Floats
    activation: str
    seed: int

    @property
    def size(self) -> int:
        """K."""
        return self.groups * self.copies

    @property
    def scale(self) -> float:
        """Size of the terms of an error."""
        return float(np.sum(np.abs(self.strengths)) ** 2)

    def listed(self) -> tuple[Floats, Floats, Floats]:
        """Error of every set of k units, its even and its DPP chance."""
        counts, even, dpp = copies_drawn(self.groups, self.copies, self.kept)
        tau, mean = MEANS[self.activation]
        lost = self.strengths * (1 - counts / self.copies)
        errors = (tau - mean**2) * np.sum(lost**2, axis=1) + mean**2 * np.sum(lost, axis=1) ** 2
        return 0.5 * errors, even, dpp


#: E g^2 and E g of a standard normal field.
MEANS = {
    "erf": (1 / 3, 0.0),
    "linear": (1.0, 0.0),
    "relu": (0.5, (2 * np.pi) ** -0.5),
    "sign": (1.0, 0.0),
}
SMALL: Space = {
    "groups": Whole(1, 4),
    "copies": Whole(1, 3),
    "kept": Whole(0, 12),
    "seed": Whole(0, 65535),
}
ODD: Space = {**SMALL, "activation": Choice(("erf", "linear", "sign"))}
ANY: Space = {**SMALL, "activation": Choice(tuple(MEANS)), "uneven": Choice((False, True))}
LISTED: tuple[dict[str, Any], ...] = (
    {},
    {"groups": 2, "copies": 3, "kept": 2},
    {"groups": 3, "copies": 2, "kept": 2},
)


def copies(
    rng: np.random.Generator,
    *,
    groups: int = 2,
    copies: int = 3,
    kept: int = 3,
    activation: str = "erf",
    uneven: bool = False,
) -> Copies:
    """Teacher outputs 1, or normal where `uneven`."""
    strengths = rng.standard_normal(groups) if uneven else np.ones(groups)
    seed = int(rng.integers(2**32))
    return Copies(groups, copies, min(kept, groups * copies), strengths, activation, seed)
