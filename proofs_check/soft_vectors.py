r"""Weights whose sizes fall off fast or not at all, inputs they read, and soft norms of them.

Letters: a_1 >= a_2 >= ... the |w_i| in decreasing order, s entries kept, ||w||_q the l_q norm also
for q < 1. Norms and the constants of Stechkin's estimate are worked out here in logarithms, the
latter by trying every number K of equal entries.

This module may import NumPy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .generators import Choice, Real, Space, Whole, samples
from .sides import Floats

Mask = np.ndarray[Any, np.dtype[np.bool_]]

#: Laws of the entries other than 0.
LAWS = ("flat", "normal", "cauchy", "power-law", "tied", "steep")
#: Second moments of inputs: those of :func:`.generators.samples` that are not ill conditioned, and
#: inputs that are all equal.
INPUTS = ("flat", "diagonal", "power-law", "rank-one", "duplicated", "spiked", "block", "relu")
COMMON = (*INPUTS, "common")
#: Inputs whose second moment is well invertible.
REGULAR = ("flat", "diagonal", "power-law", "spiked", "block")

VECTORS: Space = {
    "law": Choice(LAWS),
    "d": Whole(2, 16),
    "nonzeros": Whole(1, 16),
    "seed": Whole(0, 65535),
}


def entries(rng: np.random.Generator, law: str, d: int, nonzeros: int) -> Floats:
    """Vector (d,) of a law with random signs in random places; all other entries are 0."""
    k = min(nonzeros, d)
    j = np.arange(1.0, k + 1)
    if law == "flat":
        sizes = np.ones(k)
    elif law == "normal":
        sizes = rng.standard_normal(k)
    elif law == "cauchy":
        sizes = rng.standard_cauchy(k)
    elif law == "power-law":
        sizes = j ** -rng.uniform(0.5, 2.0)
    elif law == "tied":
        sizes = rng.integers(1, 4, size=k).astype(float)
    else:
        sizes = 10.0 ** -(6.0 * rng.random(k))
    found = np.zeros(d)
    found[rng.permutation(d)[:k]] = sizes * rng.choice([-1.0, 1.0], size=k)
    return found


def inputs(rng: np.random.Generator, family: str, d: int, shift: float = 0.0) -> Floats:
    """Samples (n, d) of a family of second moments, their means shifted at random."""
    if family == "common":
        found = np.repeat(rng.standard_normal((d + 3, 1)), d, axis=1)
    else:
        found = samples(rng, family, d)
    return np.asarray(found + shift * rng.standard_normal(d))


def log_norm(w: Floats, q: float) -> float:
    """ln ||w||_q, -inf of zeros."""
    sizes = np.abs(w)
    sizes = sizes[sizes > 0]
    if sizes.size == 0:
        return -math.inf
    logs = np.log(sizes)
    peak = float(np.max(logs))
    if q == math.inf:
        return peak
    return peak + math.log(float(np.sum(np.exp(q * (logs - peak))))) / q


def norm(w: Floats, q: float) -> float:
    """||w||_q."""
    return math.exp(log_norm(w, q))


def log_kappa(s: int, d: int, q: float, p: float, *, spare: int = 0) -> float:
    """ln of the largest (K - s - spare)^{1/p} K^{-1/q}, K = s + 1 + spare, ..., d."""
    many = np.arange(min(s + 1 + spare, d), d + 1)
    rest = np.maximum(many - s - spare, np.finfo(float).tiny)
    return float(np.max(np.log(rest) / p - np.log(many) / q))


def log_smooth(s: int, q: float, p: float, *, power: float = 1.0) -> float:
    """ln c_{q,p} s^{1/p - 1/q}; `power` is that of the second factor of c."""
    share = q / p
    log_c = 0.0
    if share > 0:
        log_c = (share * math.log(share) + power * (1 - share) * math.log1p(-share)) / q
    return log_c + (1 / p - 1 / q) * math.log(s)


def largest(scores: Floats, kept: int) -> Mask:
    """Mask of the `kept` largest |scores|, ties by lower index."""
    mask = np.zeros(scores.size, dtype=bool)
    mask[np.argsort(-np.abs(scores), kind="stable")[:kept]] = True
    return mask


def log_number(w: Floats, p: float, q: float) -> float:
    """ln N_{p,q} = pq/(q-p) ln(||w||_p/||w||_q)."""
    return amplified(p, q) * (log_norm(w, p) - log_norm(w, q))


def index(w: Floats, p: float, q: float) -> float:
    """PQ index 1 - d^{1/q-1/p} ||w||_p/||w||_q."""
    spread = (1 / q - 1 / p) * math.log(w.size)
    return -math.expm1(spread + log_norm(w, p) - log_norm(w, q))


def amplified(p: float, q: float) -> float:
    """pq/(q-p), by which rounding in logarithms of norms grows; p at q = inf."""
    return p / (1 - p / q)


def mean_square(values: Floats) -> float:
    """Mean over samples of squares, summed over the other axes."""
    return float(np.sum(values**2)) / len(values)


def correlations(moment: Floats) -> Floats:
    """R, 0 where an input is always 0."""
    sizes = np.sqrt(np.diag(moment))
    inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    return np.asarray(moment * np.outer(inverse, inverse))


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector, a number of entries kept, and two orders.

    Attributes
    ----------
    weights : (d,) array
    kept : int
        s, from 0 to d - 1.
    lower, upper : float
        Orders of norms.
    """

    weights: Floats
    kept: int
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Neuron:
    """Neurons that read inputs by weights, of which some are kept.

    Attributes
    ----------
    weights : (rows, d) array
    inputs : (n, d) array
    kept : int
        s, from 1 to d - 1.
    order : float
        q in (0, 2).
    chosen : (d,) mask
        s inputs, whatever the weights.
    """

    weights: Floats
    inputs: Floats
    kept: int
    order: float
    chosen: Mask

    @property
    def moment(self) -> Floats:
        """G."""
        return np.asarray(self.inputs.T @ self.inputs / len(self.inputs))

    @property
    def row(self) -> Floats:
        """The first neuron."""
        return np.asarray(self.weights[0])

    @property
    def scale(self) -> float:
        """tr G ||W||_F^2."""
        return float(np.trace(self.moment) * np.sum(self.weights**2))

    @property
    def size(self) -> int:
        """Length of the longest chain of sums."""
        return int(np.sum(self.inputs.shape)) * 4


def refitted(case: Neuron, kept: Mask) -> float:
    """Least mean squared error of the first neuron's sum on some inputs."""
    f, part = case.inputs @ case.row, case.inputs[:, kept]
    return mean_square(f - part @ np.linalg.lstsq(part, f, rcond=1e-10)[0])


NEURONS: Space = {
    "family": Choice(COMMON),
    "law": Choice(LAWS),
    "d": Whole(2, 8),
    "nonzeros": Whole(1, 8),
    "rows": Whole(1, 3),
    "kept": Whole(1, 7),
    "q": Choice((1.0, 0.1, 0.4, 0.7, 1.3, 1.6, 1.9)),
    "shift": Choice((0.0, 1.0)),
    "seed": Whole(0, 65535),
}


def neuron(
    rng: np.random.Generator,
    *,
    family: str = "flat",
    law: str = "normal",
    d: int = 5,
    nonzeros: int = 16,
    rows: int = 1,
    kept: int = 2,
    q: float = 1.0,
    shift: float = 0.0,
    signs: bool = True,
) -> Neuron:
    """Rows of one law that read inputs of one family; without `signs` no weight is negative."""
    found = np.stack([entries(rng, law, d, nonzeros) for _ in range(rows)])
    s = min(kept, d - 1)
    chosen = largest(rng.standard_normal(d), s)
    weights = found if signs else np.abs(found)
    return Neuron(weights, inputs(rng, family, d, shift), s, q, chosen)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with gains, a budget, and how some other allocation differs from the best.

    Attributes
    ----------
    weights : (rows, d) array
    gains : (rows,) array
    sizes : (d,) array
        g_j.
    budget : int
        S, from 1 to the number of weights other than 0.
    order : float
        q in (0, 2).
    other : (rows,) array
        Logarithms of the factors of the other allocation; 0 at the best one.
    level : float
        Tolerance in units of A_i ||w_i||_2.
    """

    weights: Floats
    gains: Floats
    sizes: Floats
    budget: int
    order: float
    other: Floats
    level: float

    @property
    def logs(self) -> Floats:
        """ln(A_i ||w_i||_q)."""
        norms = np.array([log_norm(row, self.order) for row in self.weights])
        return np.asarray(np.log(self.gains) + norms)


def rows(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    d: int = 4,
    nonzeros: int = 16,
    count: int = 2,
    part: float = 0.4,
    q: float = 1.0,
    spread: float = 0.0,
    gains: float = 1.0,
    level: float = 0.5,
) -> Rows:
    """Rows of one law, their gains lognormal of the given width."""
    weights = np.stack([entries(rng, law, d, nonzeros) for _ in range(count)])
    a = np.exp(gains * rng.standard_normal(count))
    g = np.exp(0.5 * rng.standard_normal(d))
    budget = max(1, round(part * int(np.count_nonzero(weights))))
    other = spread * rng.standard_normal(count)
    return Rows(weights, a, g, budget, q, other, level)


ROWS: Space = {
    "law": Choice(LAWS),
    "d": Whole(1, 5),
    "nonzeros": Whole(1, 5),
    "count": Whole(1, 2),
    "part": Real(0.0, 1.0),
    "seed": Whole(0, 65535),
}
