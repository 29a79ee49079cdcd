r"""Independent draws without rounding: nodes by leverage (L1), and samples (X10e).

Letters: q_j = H_jj/N, v_1..v_k iid from q, node j in c_j of them with tau_j = lam k q_j/c_j; in
sample space K_J = (1/n) sum_i phi_{v_i} phi_{v_i}^T/(k q_{v_i}). lam is rational, so H and q are.
Means list all multisets of draws with their multinomial probabilities.

This module may import NumPy only.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .decided import Decided, at_most, below, same
from .layers import RationalLayer
from .rational import (
    Matrix,
    Rational,
    along,
    combined,
    identity,
    product,
    residual,
    scaled,
    solve,
    trace,
    transposed,
    zero_like,
)
from .spectra import known
from .statements import resolvent


def multisets(chances: Sequence[Rational], count: int) -> Iterator[tuple[dict[int, int], Rational]]:
    """All multisets of so many draws, as counts, with their probabilities."""
    for drawn in itertools.combinations_with_replacement(range(len(chances)), count):
        counts = Counter(drawn)
        ways = math.factorial(count)
        for c in counts.values():
            ways //= math.factorial(c)
        yield dict(counts), ways * math.prod(chances[j] ** c for j, c in counts.items())


def leverage(layer: RationalLayer, ridge: Rational) -> tuple[Rational, list[Rational]]:
    """N(lam) and q."""
    h = resolvent(layer.sigma).smoother(ridge)
    dof = trace(h)
    return dof, [h[j][j] / dof for j in range(layer.m)]


def drawn_residual(
    layer: RationalLayer,
    ridge: Rational,
    q: Sequence[Rational],
    counts: dict[int, int],
    *,
    multiplicity: bool = True,
) -> Matrix:
    """S_J of the distinct nodes drawn."""
    k = sum(counts.values())
    taus = [ridge * k * q[j] / (c if multiplicity else 1) for j, c in counts.items()]
    return residual(layer.sigma, counts, taus)


def leverage_sampling(
    layer: RationalLayer, ridge: Rational, k: int, *, multiplicity: bool = True
) -> Iterator[Decided]:
    """L1: S_J = lam Phi^T (K_J + lam)^{-1} Phi/n for all draws.

    Raises
    ------
    ValueError
        The layer has no samples.
    """
    if layer.samples is None:
        raise ValueError(f"{layer.name} has no samples")
    _, q = leverage(layer, ridge)
    for counts, _ in multisets(q, k):
        found = drawn_residual(layer, ridge, q, counts, multiplicity=multiplicity)
        yield same(f"draws {sorted(counts.items())}", found, _in_samples(layer, ridge, q, counts))


def mean_of_draws(
    layer: RationalLayer, ridge: Rational, k: int, *, constant: Rational = 1
) -> Iterator[Decided]:
    """L1b: E S_J >= lam H."""
    _, q = leverage(layer, ridge)
    mean = scaled(layer.sigma, 0)
    for counts, chance in multisets(q, k):
        mean = combined(mean, drawn_residual(layer, ridge, q, counts), chance)
    least = scaled(resolvent(layer.sigma).smoother(ridge), ridge * constant)
    yield below("mean residual", least, lambda x: scaled(mean, x), known(ridge / ridge))


def _in_samples(
    layer: RationalLayer, ridge: Rational, q: Sequence[Rational], counts: dict[int, int]
) -> Matrix:
    """lam Phi^T (K_J + lam)^{-1} Phi/n."""
    assert layer.samples is not None
    phi, n, k = layer.samples, len(layer.samples), sum(counts.values())
    columns = transposed(phi)
    shifted = scaled(identity(n, phi), ridge)
    for j, c in counts.items():
        outer = tuple(tuple(x * y for y in columns[j]) for x in columns[j])
        shifted = combined(shifted, outer, c / (n * k * q[j]))
    return scaled(product(columns, solve(shifted, phi)), ridge / n)


@dataclass(frozen=True)
class Population:
    """Points x, one a row, with their chances."""

    name: str
    points: Matrix
    chances: tuple[Rational, ...]

    def moment(self, weights: Sequence[Rational]) -> Matrix:
        """sum of weight x x^T."""
        weighted = tuple(
            tuple(w * x for x in row) for w, row in zip(weights, self.points, strict=True)
        )
        return product(transposed(self.points), weighted)


def sampled_degrees(
    population: Population,
    ridge: Rational,
    n: int,
    *,
    variance: Rational = 1,
    upper: Rational = 1,
    lower: Rational = 1,
    largest: Rational = 1,
) -> Iterator[Decided]:
    """X10e: Var N_hat <= E, and N_P/(1 + N_inf/n) <= E <= N_P, E = E N_hat, by listing."""
    zero = zero_like(population.points)
    mean = square = zero
    for counts, chance in multisets(population.chances, n):
        weights = [zero + counts.get(i, 0) for i in range(len(population.points))]
        found = _degrees(population.moment([w / n for w in weights]), ridge)
        mean, square = mean + chance * found, square + chance * found**2
    sigma, one = population.moment(population.chances), known(ridge / ridge)
    whole = _degrees(sigma, ridge)
    whitening = solve(_shifted(sigma, ridge), identity(len(sigma), sigma))
    longest = max(along(whitening, x) for x in population.points)
    yield at_most("variance", square - mean**2, lambda x: variance * mean * x, one)
    yield at_most("upper end", mean, lambda x: upper * whole * x, one)
    yield at_most("lower end", lower * whole / (1 + largest * longest / n), lambda x: mean * x, one)


def _shifted(sigma: Matrix, ridge: Rational) -> Matrix:
    return combined(sigma, identity(len(sigma), sigma), ridge)


def _degrees(sigma: Matrix, ridge: Rational) -> Rational:
    return trace(solve(_shifted(sigma, ridge), sigma))
