r"""Pruned edges of white inputs: random masks, DPP edges, refitted edges (PR-6, PR-11, PR-12).

Letters: N inputs x ~ N(0, I), rows w (K, N) and B (M, N), c the kept fraction, Q', R' the overlaps
of masked rows, eps(Q', R', T) the error. Each trial draws masks, of frozen normal rows or of fresh
ones, and averages a few draws.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..committees import moments
from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, equal

#: Masks averaged in one trial; of DPPs frames of rows, and masks of each.
AVERAGED, FRAMES, MASKS = 20, 10, 4
#: Students of one trial of PR-12, and outputs refitted on the inputs of each.
REFITTED, OUTPUTS = 800, 8


@dataclass(frozen=True, eq=False)
class Rows:
    """Student and teacher whose edges are pruned, and how far from the law a mean may be.

    Attributes
    ----------
    rows, teacher : (K, N) and (M, N) arrays
    values, targets : (K,) and (M,) arrays
    fraction : float
        c, with c N whole.
    activation : str
    tolerance : float
        Relative deviation of the mean allowed.
    """

    rows: Floats
    teacher: Floats
    values: Floats
    targets: Floats
    fraction: float
    activation: str
    tolerance: float

    @property
    def order(self) -> theory.OrderParameters:
        """Overlaps before pruning."""
        return theory.OrderParameters.from_rows(self.rows, self.teacher, self.values, self.targets)

    def error(self, masked: Floats) -> float:
        """eps of masked rows."""
        rows = np.concatenate([masked, self.teacher])
        u = np.concatenate([self.values, -self.targets])
        return 0.5 * float(u @ moments(rows @ rows.T / rows.shape[1], self.activation) @ u)


def rows(
    rng: np.random.Generator,
    *,
    copies: int = 0,
    inputs: int = 400,
    fraction: float = 0.5,
    activation: str = "erf",
    tolerance: float = 0.02,
    bias: float = 2.0,
) -> Rows:
    """Two teachers; `copies` = z > 0 of each as the student, else three normal rows beside them.

    Rows are of length sqrt(N) and the teachers orthogonal, as the law of the limit has them. A mean
    may be off by `tolerance`, the noise of a mean of trials, and by `bias`/N.
    """
    frame = np.linalg.qr(rng.standard_normal((inputs, 5)))[0].T * np.sqrt(inputs)
    teacher = frame[:2]
    if copies:
        student, values = np.repeat(teacher, copies, axis=0), np.full(2 * copies, 1 / copies)
    else:
        mixing = np.array([[0.8, 0.0, 0.6, 0.0, 0.0], [0.6, 0.6, 0.0, 0.53, 0.0]])
        mixing = np.vstack([mixing, [0.0, -0.5, 0.5, 0.0, 0.7]])
        student, values = mixing @ frame, np.array([1.0, 0.5, -0.7])
    kept = round(fraction * inputs) / inputs
    allowed = tolerance + bias / inputs
    return Rows(student, teacher, values, np.ones(2), kept, activation, allowed)


def dpp_rows(rng: np.random.Generator, *, inputs: int = 150, **given: Any) -> Rows:
    """As :func:`rows`; means of 200 frames of rows have a standard error of .5 %, biases < 1/N."""
    return rows(rng, inputs=inputs, **{"tolerance": 0.035, "bias": 1.0, **given})


ROWS = {
    "copies": Whole(0, 4),
    "inputs": Whole(200, 600),
    "fraction": Real(0.125, 0.875),
    "activation": Choice(("erf", "relu", "linear")),
    "seed": Whole(0, 65535),
}


@register(
    "determinantal.PR-6",
    "law",
    rows,
    ROWS,
    ({}, {"copies": 3, "fraction": 0.25}, {"copies": 2, "activation": "relu"}),
    mutants=(
        Mutant("constant x .9", {"constant": 0.9}),
        Mutant("Q'_ij = c Q_ij, one mask for all", {"shared": True}),
        Mutant("Q', R' as unpruned", {"pruned": False}),
    ),
)
def random_edges_by_their_overlaps(
    seen: Rows,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    shared: bool = False,
    pruned: bool = True,
) -> Sides:
    """The mean error after random edge pruning is that at the mean overlaps, N large.

    Hypotheses
    ----------
    Independent masks, each edge kept with chance c; no input has a large part of a row:
    N^{-2} sum_j (w_kj^4 + w_kj^2 B_mj^2) = O(1/N). Here normal rows, outputs left as they are.

    Statement
    ---------
    E eps = eps(Q', R', T) + O(1/N), Q'_ii = c Q_ii, Q'_ij = c^2 Q_ij, R' = c R; with no error at
    any N of linear units. Tested within 2 % + 2/N.

    Source
    ------
    Derived [D]; for copied units the formula of the authors' code [C].

    References
    ----------
    arXiv 2006.16617
    """
    chances = rng.random((AVERAGED, *seen.rows.shape))
    found = [seen.error(seen.rows * (chance < seen.fraction)) for chance in chances]
    order = theory.random_edge_order(seen.order, seen.fraction if pruned else 1.0, shared=shared)
    stated = constant * theory.generalization_error(order, seen.activation)
    return equal(np.mean(found), stated, scale=stated, size=1)


@register(
    "determinantal.PR-11",
    "law",
    dpp_rows,
    ROWS,
    ({"copies": 2, "fraction": 0.25}, {}),
    mutants=(
        Mutant("constant x .8", {"constant": 0.8}),
        Mutant("random edges", {"rule": "random-edge"}),
        Mutant("largest edges", {"rule": "magnitude-edge"}),
    ),
)
def dpp_edges_by_squared_weights(
    seen: Rows,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    rule: str = "dpp-edge",
) -> Sides:
    """DPP edges of white inputs do not repel: they are kept by odds of squared weights.

    Hypotheses
    ----------
    White inputs, so that the kernel E (x_i w_i)(x_j w_j) of a unit's edges is diag(w^2); a k-DPP of
    c N edges a unit; normal rows, N large.

    Statement
    ---------
    Edges are kept as by conditional Bernoulli draws of odds w^2, so E eps -> eps(Q', R', T),
    Q'_ii/Q_ii = R'/R = E w^2 pi, Q'_ij of copies E w^2 pi^2, pi = a w^2/(1 + a w^2), E pi = c.
    Tested within 3.5 % + 1/N.

    Source
    ------
    Derived [D]; within .04 of the authors' logged losses from 2.40 to .07 [C].

    References
    ----------
    arXiv 2006.16617
    """
    n = seen.rows.shape[1]
    found = []
    for _ in range(FRAMES):
        # fresh rows of the same overlaps: the law is over weights and masks
        turn = np.linalg.qr(rng.standard_normal((n, 5)))[0] * np.sqrt(n)
        every = _frame(seen, turn)
        student, teacher = every[: len(seen.rows)], every[len(seen.rows) :]
        at = dataclasses.replace(seen, rows=student, teacher=teacher)
        found += [at.error(student * mask) for mask in _drawn_edges(student, seen.fraction, rng)]
    stated = theory.expected_pruned_error(
        seen.order, rule, seen.fraction, activation=seen.activation
    )
    return equal(np.mean(found), constant * stated, scale=stated, size=1)


def _drawn_edges(student: Floats, fraction: float, rng: np.random.Generator) -> Floats:
    """Masks (MASKS, K, N) by the k-DPP of diag(w^2) of each unit, its own spectrum."""
    n = student.shape[1]
    kept = np.zeros((MASKS, *student.shape))
    for i, odds in enumerate(student**2):
        order = np.argsort(-odds)
        spectrum = theory.Spectrum(odds[order], np.eye(n)[:, order])
        for mask, edges in zip(
            kept,
            theory.sample_dpp(spectrum, round(fraction * n), rng=rng, draws=MASKS),
            strict=True,
        ):
            mask[i, edges] = 1.0
    return kept


def _frame(seen: Rows, turn: Floats) -> Floats:
    """Rows of the overlaps of `seen` in the frame `turn` (N, 5), student first."""
    every = np.concatenate([seen.rows, seen.teacher])
    overlaps = every @ every.T / every.shape[1]
    values, vectors = np.linalg.eigh(overlaps)
    rank = values[-5:], vectors[:, -5:]
    factor = rank[1] * np.sqrt(np.maximum(rank[0], 0.0))
    return np.asarray(factor @ turn[:, : factor.shape[1]].T)


@dataclass(frozen=True)
class Refit:
    """P samples, N inputs, k edges kept; a trial spreads by 1 % at most."""

    samples: int
    inputs: int
    kept: int
    tolerance: float


def refit(
    rng: np.random.Generator,
    *,
    samples: int = 40,
    inputs: int = 20,
    kept: int = 10,
    tolerance: float = 0.015,
) -> Refit:
    """Nothing is random."""
    return Refit(samples, inputs, kept, tolerance)


@register(
    "determinantal.PR-12",
    "law",
    refit,
    {"samples": Whole(30, 60), "inputs": Whole(10, 20), "kept": Whole(2, 10)},
    ({"samples": 30, "inputs": 12, "kept": 6}, {"samples": 20, "inputs": 16, "kept": 8}, {}),
    mutants=(
        Mutant("constant x .9", {"constant": 0.9}),
        Mutant("c (1-c) N/P", {"spare": None}),
        Mutant("c in place of c (1-c)", {"dropped": False}),
    ),
)
def refitted_edges_learn_noise(
    seen: Refit,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    spare: int | None = 1,
    dropped: bool = True,
) -> Sides:
    """Refitting the kept edges of white inputs by least squares adds noise only.

    Hypotheses
    ----------
    x ~ N(0, I_N), P samples, k = cN edges kept evenly, P > k + 1; d the least-squares fit of what
    the dropped edges contributed by the kept inputs.

    Statement
    ---------
    The population fit is d = 0; of a sample E d = 0 and E|d|^2/|w|^2 = c(1-c)N/(P - cN - 1).
    Tested within 1.5 %.

    Source
    ------
    Derived [D]: the mean of an inverse Wishart matrix.

    References
    ----------
    arXiv 2006.16617; Mariet and Sra 2016
    """
    p, n, k = seen.samples, seen.inputs, seen.kept
    x = rng.standard_normal((REFITTED, p, n))
    w = rng.standard_normal((REFITTED, n, OUTPUTS))
    found = float(np.mean([_refitted(x, w, edges) for edges in (slice(k), slice(n - k, n))]))
    c = k / n
    below = p if spare is None else p - k - spare
    stated = constant * c * ((1 - c) if dropped else 1.0) * n / below
    return equal(found, stated, scale=stated, size=1)


def _refitted(x: Floats, w: Floats, kept: slice) -> float:
    """Mean |d|^2/|w|^2 with the edges of one mask kept; it is even, as inputs are all alike."""
    basis, triangle = np.linalg.qr(x[:, :, kept])
    left = np.delete(x, kept, axis=2) @ np.delete(w, kept, axis=1)
    fit = np.linalg.solve(triangle, np.swapaxes(basis, 1, 2) @ left)
    return float(np.mean(np.sum(fit**2, axis=1) / np.sum(w**2, axis=1)))
