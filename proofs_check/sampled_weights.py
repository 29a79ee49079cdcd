r"""Weights that are sparsified at random, with the whole law of the outcome where it is small.

Letters: a = |w|, b = max a, B the sparsified weight. Methods: "threshold-poisson" (B2), "uniform"
(B3) and "quantise" (B4) toss a coin for every entry, "l1", "l2", "hybrid" and "even" (B5) draw with
replacement. Chances are worked out here from their definitions; only :meth:`SampledWeight.draw`
asks the theory, for its samplers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from .generators import Choice, Real, Space, Whole
from .sides import Floats

COINS = ("threshold-poisson", "uniform", "quantise")
DRAWS = ("l1", "l2", "hybrid", "even")
METHODS = (*COINS, *DRAWS)
WEIGHTS = ("gauss", "flat", "coherent", "sparse", "heavy", "identity", "tall")

#: Outcomes that are still listed one by one.
LISTED = 1100


@dataclass(frozen=True, eq=False)
class SampledWeight:
    """A weight, a method, and what the layer reads.

    Attributes
    ----------
    weight : (m, n) array
    method : str
        One of :data:`METHODS`.
    count : int
        Non-zeros wanted in expectation, or draws with replacement.
    inputs : (N, n) array
        Samples that the layer reads.
    seed : int
        For draws beyond those of the trials.
    level : float
        Failure probability delta of the spectral error.
    tolerance : float
        Of means over draws: they scatter by 2 %.
    """

    weight: Floats
    method: str
    count: int
    inputs: Floats
    seed: int = 0
    level: float = 0.1
    tolerance: float = 0.05

    @property
    def drawn(self) -> bool:
        """Whether entries are drawn with replacement."""
        return self.method in DRAWS

    @functools.cached_property
    def size(self) -> Floats:
        """a = |w|."""
        return np.abs(self.weight)

    @functools.cached_property
    def largest(self) -> float:
        """b."""
        return float(np.max(self.size))

    @functools.cached_property
    def share(self) -> float:
        """p of B3."""
        return min(1.0, self.count / int(np.count_nonzero(self.weight)))

    @functools.cached_property
    def threshold(self) -> float:
        """tau of B2, by bisection: sum min(1, a/tau) = s; 0 if all is kept."""
        a = self.size / self.largest
        if self.count >= np.count_nonzero(a):
            return 0.0
        low, high = 0.0, float(a.sum()) / self.count
        for _ in range(120):
            middle = (low + high) / 2
            if np.minimum(1.0, a / middle).sum() > self.count:
                low = middle
            else:
                high = middle
        return high * self.largest

    @functools.cached_property
    def chances(self) -> Floats:
        """Keeping probabilities, those of +b, or the distribution of a draw."""
        a, there = self.size / self.largest, (self.weight != 0).astype(float)
        if self.method == "threshold-poisson":
            scale = self.threshold / self.largest
            kept: Floats = np.minimum(1.0, a / scale) if scale > 0 else there
            return kept
        if self.method == "uniform":
            return np.asarray(self.share * there)
        if self.method == "quantise":
            return 0.5 + self.weight / (2 * self.largest)
        l1, l2 = a / a.sum(), a**2 / np.sum(a**2)
        mixed: dict[str, Floats] = {
            "l1": l1,
            "l2": l2,
            "hybrid": 0.5 * l1 + 0.5 * l2,
            "even": there / there.sum(),
        }
        return mixed[self.method]

    @functools.cached_property
    def variances(self) -> Floats:
        """Var B_ij, by the closed form of each method."""
        a = self.size
        if self.method == "threshold-poisson":
            return a * np.maximum(self.threshold - a, 0.0)
        if self.method == "uniform":
            return a**2 * (1 - self.share) / self.share
        if self.method == "quantise":
            return self.largest**2 - a**2
        return (self.squares - a**2) / self.count

    @functools.cached_property
    def squares(self) -> Floats:
        """a^2/P of a draw."""
        there = self.size > 0
        return np.where(there, self.size**2 / np.where(there, self.chances, 1.0), 0.0)

    @functools.cached_property
    def spread(self) -> tuple[float, float]:
        """L and v of matrix Bernstein."""
        b = self.largest
        if self.drawn:
            there = self.size > 0
            furthest = float(np.max(self.size[there] / self.chances[there]))
            norm = float(np.linalg.norm(self.weight, 2))
            return (furthest + norm) / self.count, lines(self.squares) / self.count
        reach = {
            "threshold-poisson": self.threshold,
            "uniform": b * max(1.0, 1 / self.share - 1) if self.share < 1 else 0.0,
            "quantise": 2 * b,
        }
        return reach[self.method], lines(self.variances)

    @functools.cached_property
    def terms(self) -> theory.BernsteinTerms:
        """What the theory makes of L and v."""
        made: dict[str, Callable[[], theory.BernsteinTerms]] = {
            "threshold-poisson": lambda: theory.threshold_poisson_terms(self.weight, self.count),
            "uniform": lambda: theory.uniform_terms(self.weight, self.share),
            "quantise": lambda: theory.quantised_terms(self.weight),
        }
        if self.drawn:
            return theory.drawing_terms(self.weight, self.count, self.distribution)
        return made[self.method]()

    @functools.cached_property
    def bound(self) -> theory.Bound:
        """The theory's t_delta."""
        return theory.spectral_error_bound(self.terms, delta=self.level)

    @property
    def vacuous(self) -> bool:
        """Whether the zero matrix is as near as the bound promises."""
        return bool(self.bound.vacuous)

    @functools.cached_property
    def distribution(self) -> Floats:
        """The theory's distribution of a draw."""
        made: dict[str, Callable[[Any], Floats]] = {
            "l1": theory.l1_distribution,
            "l2": theory.l2_distribution,
            "hybrid": theory.hybrid_distribution,
        }
        if self.method not in made:
            return self.chances
        return np.asarray(made[self.method](self.weight))

    @functools.cached_property
    def stated_variances(self) -> Floats:
        """The theory's Var B_ij."""
        if self.method == "quantise":
            return np.asarray(theory.quantised_variances(self.weight))
        if self.drawn:
            return np.asarray(theory.drawing_variances(self.weight, self.count, self.distribution))
        if self.method == "uniform":
            chances = theory.uniform_probabilities(self.weight, self.count)
        else:
            chances = theory.poisson_probabilities(self.weight, self.count)
        return np.asarray(theory.keeping_variances(self.weight, chances))

    def draw(self, rng: np.random.Generator) -> Floats:
        """One B of the theory's sampler."""
        if self.method == "threshold-poisson":
            return np.asarray(theory.threshold_poisson(self.weight, self.count, rng=rng))
        if self.method == "uniform":
            return np.asarray(theory.uniform_sample(self.weight, self.share, rng=rng))
        if self.method == "quantise":
            return np.asarray(theory.quantised_sample(self.weight, rng=rng))
        return np.asarray(
            theory.sample_with_replacement(self.weight, self.count, self.distribution, rng=rng)
        )

    @functools.cached_property
    def outcomes(self) -> tuple[Floats, Floats] | None:
        """Every B there is, (N, m, n), with its probability; None of more than LISTED."""
        w, p = self.weight.ravel(), self.chances.ravel()
        if self.drawn:
            places = np.flatnonzero(p)
            if len(places) ** self.count > LISTED:
                return None
            picks = np.array(list(itertools.product(places, repeat=self.count)))
            values = np.zeros((len(picks), w.size))
            rows = np.arange(len(picks))
            for pick in picks.T:
                values[rows, pick] += w[pick] / p[pick] / self.count
            return values.reshape(-1, *self.weight.shape), np.prod(p[picks], axis=1)
        free = np.flatnonzero((p > 0) & (p < 1))
        if 2 ** len(free) > LISTED:
            return None
        tossed = np.array(list(itertools.product((0, 1), repeat=len(free))), dtype=float)
        heads = np.repeat((p > 0).astype(float)[None], len(tossed), axis=0)
        heads[:, free] = tossed
        chance = np.prod(np.where(tossed > 0, p[free], 1 - p[free]), axis=1)
        if self.method == "quantise":
            values = self.largest * (2 * heads - 1)
        else:
            values = heads * w / np.where(p > 0, p, 1.0)
        return values.reshape(-1, *self.weight.shape), chance


def lines(entries: Floats) -> float:
    """Largest sum over any row or column."""
    return float(max(entries.sum(axis=0).max(), entries.sum(axis=1).max()))


#: Weights small enough for all outcomes to be listed.
SMALL: Space = {
    "family": Choice(WEIGHTS),
    "m": Whole(1, 2),
    "n": Whole(1, 3),
    "method": Choice(METHODS),
    "part": Real(0.1, 1.0),
    "log10_scale": Choice((0, -60, 60)),
    "seed": Whole(0, 65535),
}


def sampled_weight(
    rng: np.random.Generator,
    *,
    family: str = "gauss",
    m: int = 2,
    n: int = 3,
    method: str = "threshold-poisson",
    part: float = 0.5,
    count: int = 0,
    log10_scale: int = 0,
    delta: float = 0.1,
) -> SampledWeight:
    """Weight of a family with `part` of its entries wanted, or `count` of them.

    Draws of small weights are at most three. "tall" has forty rows a column.
    """
    m = 40 * n if family == "tall" and count else m
    w = weights(rng, family, m, n) * 10.0**log10_scale
    wanted = count or max(1, round(part * np.count_nonzero(w)))
    if method in DRAWS and not count:
        wanted = min(wanted, 3)
    inputs = np.maximum(rng.standard_normal((n + 3, n)) + 0.2, 0.0)
    return SampledWeight(w, method, wanted, inputs, int(rng.integers(2**32)), delta)


def weights(rng: np.random.Generator, family: str, m: int, n: int) -> Floats:
    """Weight (m, n) of a family, with at least one entry that is not 0."""
    w = rng.standard_normal((m, n))
    if family == "flat":
        return np.ones((m, n))
    if family in ("coherent", "tall"):
        return 1.0 + 0.3 * w
    if family == "sparse":
        w *= rng.random((m, n)) < 0.5
        w[0, 0] = 1.0
    elif family == "heavy":
        return np.asarray(np.clip(rng.standard_cauchy((m, n)), -100.0, 100.0))
    elif family == "identity":
        return np.eye(m, n)
    elif family != "gauss":
        raise ValueError(f"unknown family {family!r}; choose from {', '.join(WEIGHTS)}")
    return np.asarray(w)


def monte_carlo(case: SampledWeight, draws: int) -> tuple[float, float]:
    """Mean of ||W - B||_2 over draws of the theory's sampler, and its standard error."""
    rng = np.random.default_rng(case.seed)
    found = [np.linalg.norm(case.weight - case.draw(rng), 2) for _ in range(draws)]
    return float(np.mean(found)), float(np.std(found, ddof=1)) / math.sqrt(draws)
