r"""Graphs whose edges are drawn by effective resistance (II-7).

Letters: a weight (m, n) is a bipartite graph of N = m + n vertices, c components, an edge of weight
w_e = |w_ij| for every entry that is not 0, b_e = +1 and -1 at its ends, L = sum w_e b_e b_e^T.
Pseudo-inverses come from the eigenvectors of L, assembled edge by edge.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Graph:
    """A matrix as a bipartite graph, to be sampled by resistances.

    Attributes
    ----------
    level : float
        delta.
    """

    weight: Floats
    eps: float
    level: float

    @functools.cached_property
    def bound(self) -> theory.Bound:
        """Draws that the theory asks for."""
        return theory.resistance_draws(self.weight, self.eps, delta=self.level)

    @property
    def vacuous(self) -> bool:
        """Whether keeping all edges is cheaper."""
        return bool(self.bound.vacuous)

    @property
    def begins(self) -> str:
        """From where on it saves anything."""
        return (
            f", as {self.bound.value:.0f} draws for {self.bound.trivial:.0f} edges; of complete "
            f"graphs it begins at {self.bound.terms['vertices']:.0f} vertices"
        )

    @functools.cached_property
    def laplacian(self) -> Floats:
        """L, edge by edge."""
        return _laplacian(np.abs(self.weight))

    @functools.cached_property
    def whitening(self) -> Floats:
        """L^{+1/2} on the range of L, (N, N - c)."""
        values, vectors = np.linalg.eigh(self.laplacian)
        there = values > 1e-10 * values[-1]
        return np.asarray(vectors[:, there] / np.sqrt(values[there]))

    @functools.cached_property
    def condition(self) -> float:
        """Largest over least eigenvalue of L on its range."""
        sizes = np.linalg.norm(self.whitening, axis=0)
        return float((np.max(sizes) / np.min(sizes)) ** 2)

    @functools.cached_property
    def resistances(self) -> Floats:
        """b_e' L^+ b_e of the edges."""
        m = len(self.weight)
        half = self.whitening
        gaps = half[:m, None, :] - half[None, m:, :]
        return np.asarray(np.where(self.weight != 0, np.sum(gaps**2, axis=2), 0.0))


def _laplacian(edges: Floats) -> Floats:
    m, n = edges.shape
    found = np.zeros((m + n, m + n))
    for i, j in zip(*np.nonzero(edges)):
        b = np.zeros(m + n)
        b[i], b[m + j] = 1.0, -1.0
        found += edges[i, j] * np.outer(b, b)
    return found


def graph(
    rng: np.random.Generator,
    *,
    family: str = "dense",
    m: int = 12,
    n: int = 13,
    eps: float = 0.5,
    delta: float = 0.1,
) -> Graph:
    """Weights of sizes in (.5, 1.5); "parts" are two blocks, "bridge" joins them by one of .001."""
    w = np.where(rng.random((m, n)) < 0.5, -1.0, 1.0) * rng.uniform(0.5, 1.5, (m, n))
    if family != "dense":
        w[: m // 2, n // 2 :] = w[m // 2 :, : n // 2] = 0.0
    if family == "bridge":
        w[0, -1] = 1e-3
    elif family not in ("dense", "parts"):
        raise ValueError(f"unknown family {family!r}; choose from dense, parts, bridge")
    return Graph(w, eps, delta)


@register(
    "sparsity.II-7",
    "probability",
    graph,
    {
        "family": Choice(("dense", "parts", "bridge")),
        "m": Whole(2, 12),
        "n": Whole(2, 12),
        "eps": Real(0.3, 1.0),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"family": "parts", "m": 8, "n": 9, "eps": 0.75},
        {"family": "bridge", "m": 8, "n": 8, "eps": 1.0},
    ),
    (
        Mutant("draws x 1/12", {"constant": 0.25}),
        Mutant("log dropped, draws x 1/3", {"logarithm": False, "constant": 1.0}),
        Mutant("edges drawn by weight", {"by_resistance": False}),
        Mutant("sum w R = N - 1", {"components": False}),
    ),
)
def sampling_by_resistance(
    case: Graph,
    rng: np.random.Generator,
    *,
    constant: float = 3.0,
    logarithm: bool = True,
    by_resistance: bool = True,
    components: bool = True,
) -> Sides:
    """Edges drawn by effective resistance preserve the Laplacian of a graph.

    Hypotheses
    ----------
    N vertices, c components; q >= 3 (N - 1) log(2 (N - 1)/delta)/eps^2 draws, 0 < eps <= 1, with
    probabilities w_e R_e/(N - c), R_e = b_e' L^+ b_e.

    Statement
    ---------
    sum_e w_e R_e = N - c, and (1 - eps) L <= Lt <= (1 + eps) L with probability at least
    1 - delta. Of few vertices q exceeds the edges.

    Source
    ------
    Foster; Spielman and Srivastava [R]; constant 3 derived [D] (matrix Chernoff).

    References
    ----------
    Spielman and Srivastava 2011
    """
    w, total = np.abs(case.weight), sum(case.weight.shape)
    rank = case.whitening.shape[1]
    others = total - 1
    log_term = math.log(2 * others / case.level)
    claimed = math.ceil(3 * others * log_term / case.eps**2)
    q = math.ceil(constant * others * (log_term if logarithm else 1.0) / case.eps**2)
    chances = theory.resistance_distribution(case.weight) if by_resistance else w / w.sum()
    sampled = theory.sample_with_replacement(w, q, chances, rng=rng)
    whole = case.whitening.T @ _bipartite(sampled) @ case.whitening
    found = float(np.max(np.abs(np.linalg.eigvalsh(whole) - 1)))
    ours = theory.laplacian_deviation(case.weight, sampled)
    resistances = theory.effective_resistances(case.weight)
    foster = float(np.sum(w * resistances))
    scale, size = case.condition, 16 * total
    own = case.resistances
    drawn = theory.resistance_distribution(case.weight)
    return together(
        at_most(found, case.eps, scale=scale, size=size, part="deviation"),
        equal(ours, found, scale=scale, size=size, part="theory's deviation"),
        equal(resistances, own, scale=scale * float(own.max()), size=size, part="resistances"),
        equal(drawn, w * own / rank, scale=scale, size=size, part="chances, value: "),
        equal(foster, rank if components else others, scale=scale, size=size, part="Foster"),
        equal(case.bound.value, claimed, scale=1.0, size=1, part="draws"),
        equal(case.bound.trivial, np.count_nonzero(w), scale=1.0, size=1, part="edges"),
    )


def _bipartite(edges: Floats) -> Floats:
    """Laplacian of a bipartite graph by its degrees, for many draws."""
    degrees = np.concatenate([edges.sum(axis=1), edges.sum(axis=0)])
    m = len(edges)
    found = np.diag(degrees)
    found[:m, m:] -= edges
    found[m:, :m] -= edges.T
    return found
