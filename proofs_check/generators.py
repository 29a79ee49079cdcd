"""Generators of instances: ``make(rng, **parameters)``, with parameters a small JSON-able dict.

One generator, two drivers: the search draws the parameters, Monte Carlo draws the seeds. Each
generator builds raw samples, never second moments, so that a claim can compute one side from the
samples. Widths and numbers beyond the layer's own are cut down to it.

This module may import NumPy only.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .sides import Floats


@dataclass(frozen=True)
class Whole:
    """Whole numbers from `least` to `most`; the simplest is `least`."""

    least: int
    most: int

    def draw(self, rng: np.random.Generator) -> int:
        """One value, evenly."""
        return int(rng.integers(self.least, self.most + 1))


@dataclass(frozen=True)
class Real:
    """Numbers from `least` to `most` in 256 steps, both ends among them."""

    least: float
    most: float

    def at(self, step: int) -> float:
        """Number at one of the steps 0 to 256."""
        return self.least + (self.most - self.least) * step / 256

    def draw(self, rng: np.random.Generator) -> float:
        """One value, evenly."""
        return self.at(int(rng.integers(257)))


@dataclass(frozen=True)
class Choice:
    """One of `values`, the simplest first."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """One value, evenly."""
        return self.values[int(rng.integers(len(self.values)))]


Space = Mapping[str, "Whole | Real | Choice"]

FAMILIES = (
    "flat",
    "diagonal",
    "power-law",
    "rank-one",
    "duplicated",
    "spiked",
    "block",
    "relu",
    "ill-conditioned",
)

#: Ranges of :func:`layer`; the claims that list all subsets use the smaller ones.
LAYERS: Space = {
    "family": Choice(FAMILIES),
    "m": Whole(1, 14),
    "k": Whole(1, 7),
    "log10_ridge": Real(-6.0, 2.0),
    "nodes": Choice(("none", "even", "uneven")),
    "theta": Real(0.0, 1.0),
    "outputs": Whole(1, 4),
    "seed": Whole(0, 65535),
}
SMALL_LAYERS: Space = {**LAYERS, "m": Whole(1, 7), "k": Whole(1, 5)}

#: Every structured family once, with the defaults of :func:`layer`.
STRUCTURED: tuple[dict[str, Any], ...] = tuple({"family": family} for family in FAMILIES)
#: Flat spectrum and one node of many: D6 and D7 are met up to 1 - 1/m^2.
WIDE_FLAT = ({"family": "flat", "m": 24, "k": 1, "theta": 1.0},)
#: The structured families with no ridge, where blocks of kept nodes may be singular.
UNRIDGED = tuple({**case, "nodes": "none", "k": 3} for case in STRUCTURED)


@dataclass(frozen=True, eq=False)
class Layer:
    """Samples of one layer, the kept nodes with their ridges, and what consumes the layer.

    Attributes
    ----------
    features : (n, m) array
        phi(x_i), one sample a row.
    kept : (k,) array
        J, distinct.
    node_ridge : (m,) array
        tau_j of every node, so that nodes can join and leave J.
    ridge : float
        lam > 0.
    theta : float
    output_weights : (p, m) array
        Z.
    seed : int
        For what the claim itself draws.
    """

    features: Floats
    kept: np.ndarray[Any, np.dtype[np.int64]]
    node_ridge: Floats
    ridge: float
    theta: float
    output_weights: Floats
    seed: int

    @property
    def m(self) -> int:
        """Number of nodes."""
        return int(self.features.shape[1])

    @property
    def tau(self) -> Floats:
        """Ridges of the kept nodes, (k,)."""
        return np.asarray(self.node_ridge[self.kept])

    @property
    def scale(self) -> float:
        """Tr Sigma, the mean squared length of phi."""
        return float(np.sum(self.features**2) / len(self.features))

    @property
    def size(self) -> int:
        """Length of the longest sums, n + m."""
        return int(np.sum(self.features.shape))

    @property
    def form_scale(self) -> float:
        """Upper bound of ||Q||_op for Q = theta I + (1 - theta) Z^T Z."""
        return self.theta + (1.0 - self.theta) * float(np.sum(self.output_weights**2))


def layer(
    rng: np.random.Generator,
    *,
    family: str = "flat",
    m: int = 6,
    k: int = 2,
    log10_ridge: float = -1.0,
    nodes: str = "uneven",
    theta: float = 0.5,
    outputs: int = 3,
    shape: Mapping[str, Any] | None = None,
) -> Layer:
    """Layer whose second moment belongs to a structured family.

    The ridge lam is 10**log10_ridge times the mean eigenvalue; `nodes` says whether the node-wise
    ridges are 0, all lam, or lam times uneven factors. A `shape` gives all numbers instead of a
    family and a width: its entries are the arguments of :func:`shaped_samples` and, as a list of
    rows, ``output_weights``.
    """
    if not 0 <= theta <= 1:
        raise ValueError(f"theta must lie in [0, 1], but is {theta}")
    features = samples(rng, family, m) if shape is None else shaped_samples(shape)
    m = features.shape[1]
    kept = rng.permutation(m)[: min(k, m)]
    ridge = 10.0**log10_ridge * float(np.mean(features**2))
    factors = {"none": np.zeros(m), "even": np.ones(m), "uneven": rng.lognormal(size=m)}
    weights = rng.standard_normal((outputs, m))
    if shape is not None and "output_weights" in shape:
        weights = np.array(shape["output_weights"], dtype=float).reshape(-1, m)
    seed = int(rng.integers(2**32))
    return Layer(features, kept, ridge * factors[nodes], ridge, theta, weights, seed)


def partial_layer(rng: np.random.Generator, **parameters: Any) -> Layer:
    """As :func:`layer`, with at least one node left out of J."""
    found = layer(rng, **parameters)
    return replace(found, kept=found.kept[: found.m - 1])


def ranked_layer(rng: np.random.Generator, *, spare: int = 0, **parameters: Any) -> Layer:
    """As :func:`layer`, with k cut down to the rank of its second moment, less `spare`."""
    found = layer(rng, **parameters)
    singular = np.linalg.svd(found.features, compute_uv=False)
    rank = int(np.sum(singular > 1e-12 * singular[0]))  # zeros are 1e-16, all else above 1e-6
    return replace(found, kept=found.kept[: max(rank - spare, 0)])


def below_rank_layer(rng: np.random.Generator, **parameters: Any) -> Layer:
    """As :func:`layer`, with k below the rank; no node is kept where the rank is one."""
    return ranked_layer(rng, spare=1, **parameters)


def samples(rng: np.random.Generator, family: str, m: int) -> Floats:
    """Samples (n, m), n = m + 3, whose second moment is B^T B for the family's factor B."""
    n = m + 3
    if family == "relu":
        inputs = rng.standard_normal((n, max(2, m // 2)))
        active = np.maximum(inputs @ rng.standard_normal((inputs.shape[1], m)) + 0.1, 0.0)
        active[0] += 0.5  # one sample excites every node, as Sigma != 0 is assumed throughout
        return active
    factor = _factor(rng, family, m)
    directions = np.linalg.qr(rng.standard_normal((n, len(factor))))[0]
    return np.asarray(np.sqrt(n) * directions @ factor)


def shaped_samples(shape: Mapping[str, Any]) -> Floats:
    """Samples (m, m) of the second moment R^T diag(mu) R with every number given.

    ``log10_spectrum`` has log10 mu_i, i = 1..m; R is the product of the plane rotations (i, j),
    i < j in order, by ``angles`` (missing ones are 0).
    """
    mu = 10.0 ** np.array(shape["log10_spectrum"], dtype=float)
    m = len(mu)
    rotation = np.eye(m)
    for (i, j), angle in zip(itertools.combinations(range(m), 2), shape.get("angles", ())):
        c, s = np.cos(angle), np.sin(angle)
        rotation[[i, j]] = np.array([[c, s], [-s, c]]) @ rotation[[i, j]]
    return np.asarray(np.sqrt(m * mu)[:, None] * rotation)


def _factor(rng: np.random.Generator, family: str, m: int) -> Floats:
    """Matrix B, (r, m), with second moment B^T B."""
    j = np.arange(1, m + 1)
    rotation = np.linalg.qr(rng.standard_normal((m, m)))[0]
    if family == "flat":
        return np.eye(m)
    if family == "diagonal":
        return np.diag(j**-0.75)
    if family == "power-law":
        return np.asarray(j[:, None] ** -1.0 * rotation)
    if family == "rank-one":
        return rng.standard_normal((1, m))
    if family == "duplicated":
        half = rng.standard_normal(((m + 1) // 2, (m + 1) // 2))
        return np.concatenate([half, half], axis=1)[:, :m]
    if family == "spiked":
        return np.concatenate([np.eye(m), np.sqrt(20.0) * rotation[:1]])
    if family == "block":
        member = np.repeat(np.eye(2), [m // 2, m - m // 2], axis=1)
        return np.concatenate([np.sqrt([[0.9], [0.5]]) * member, np.sqrt(0.1) * np.eye(m)])
    if family == "ill-conditioned":
        return np.asarray(np.exp(-12.0 * (j[:, None] - 1) / max(m - 1, 1)) * rotation)
    raise ValueError(f"unknown family {family!r}; choose from {', '.join(FAMILIES)}")
