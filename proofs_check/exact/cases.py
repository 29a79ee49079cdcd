r"""Instances of the exact evaluations, claim by claim.

Whole-number layers with every width up to the rank, ridges enclosed where they are not rational;
layers of given spectra, where lam_vol(k) is rational; and ridges chosen first: at lam = 1 the
spectrum mu_i = p_i/(1 - p_i) has N(lam) = sum p_i, made k for X1 and k/2 for D7, and with any
rational lam a width k = ceil N(lam) or ceil 2 N(lam) follows.

This module may import NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from . import draws, statements
from .decided import Decided, refined
from .layers import RationalLayer, rotated_layer, whole_layers
from .rational import fraction, matrix, rational
from .spectra import known
from .statements import resolvent

#: Numbers of nodes of each budget.
SIZES = {"quick": (4, 6), "standard": (4, 6, 7, 8), "deep": (4, 5, 6, 7, 8, 9)}
#: Seed of the layers: what is exact depends on no draw but these.
SEED = 2020
#: Ridges of L3, X1 and D7 at whole-number layers.
RIDGES = (Fraction(1, 3), Fraction(2), Fraction(7))


@dataclass(frozen=True)
class Case:
    """One instance, and what was decided about it."""

    name: str
    parts: list[Decided]


def volume_mean(budget: str) -> Iterator[Case]:
    """I7 at whole-number layers, every width up to the rank."""
    for layer, k in _widths(budget):
        yield Case(_at(layer, k), list(statements.volume_mean(layer, k)))


def determinantal(budget: str) -> Iterator[Case]:
    """L3; all subsets of 9 nodes at any budget."""
    for m in (*SIZES[budget], 9) if budget == "standard" else (9,):
        for layer in whole_layers(m, SEED):
            for ridge in RIDGES[::2]:
                parts = list(statements.determinantal(layer, rational(ridge)))
                yield Case(f"{layer.name}, lam = {ridge}", parts)


def logfree_residual(budget: str) -> Iterator[Case]:
    """D5 at whole-number layers and at given spectra, every width up to the rank."""
    yield from _refined(statements.logfree_residual, _widths(budget))
    yield from _refined(statements.logfree_residual, _given_widths(budget))


def logfree_loss(budget: str) -> Iterator[Case]:
    """D6, likewise."""
    yield from _refined(statements.logfree_loss, _widths(budget))
    yield from _refined(statements.logfree_loss, _given_widths(budget))


def tail_loss(budget: str) -> Iterator[Case]:
    """D8, likewise; and two nodes nearly alike, where it is nearly met."""
    yield from _refined(statements.tail_loss, _widths(budget))
    yield from _refined(statements.tail_loss, _given_widths(budget))
    spectrum, half_turn = (Fraction(1), Fraction(1, 10**4)), Fraction(41, 99)  # about 45 degrees
    twins = rotated_layer(spectrum, SEED, name="twins", half_turn=half_turn)
    yield from _refined(statements.tail_loss, [(twins, 1)])


def doubled_degrees(budget: str) -> Iterator[Case]:
    """D7: N(lam) = k/2 exactly, and whole-number layers with k = ceil 2 N(lam)."""
    for layer, k in _with_degrees(budget, 2):
        parts = list(statements.doubled_degrees(layer, k, at=known(rational(1))))
        yield Case(f"{_at(layer, k)}, lam = 1, N = k/2", parts)
    for layer, k, ridge in _following(budget, 2):
        parts = list(statements.doubled_degrees(layer, k, at=known(rational(ridge))))
        yield Case(f"{_at(layer, k)}, lam = {ridge}", parts)


def degrees_suffice(budget: str) -> Iterator[Case]:
    """X1: N(lam) = k exactly, and whole-number layers with k = ceil N(lam)."""
    for layer, k in _with_degrees(budget, 1):
        parts = list(statements.degrees_suffice(layer, k, at=known(rational(1))))
        yield Case(f"{_at(layer, k)}, lam = 1, N = k", parts)
    for layer, k, ridge in _following(budget, 1):
        parts = list(statements.degrees_suffice(layer, k, at=known(rational(ridge))))
        yield Case(f"{_at(layer, k)}, lam = {ridge}", parts)


def reconstruction_size(budget: str) -> Iterator[Case]:
    """X6, likewise."""
    yield from _refined(statements.reconstruction_size, _widths(budget))
    yield from _refined(statements.reconstruction_size, _given_widths(budget))


def leverage_sampling(budget: str) -> Iterator[Case]:
    """L1: all draws from whole-number layers of 3 or 4 nodes."""
    yield from _all_draws(draws.leverage_sampling, budget)


def mean_of_draws(budget: str) -> Iterator[Case]:
    """L1b, likewise."""
    yield from _all_draws(draws.mean_of_draws, budget)


def _all_draws(statement: Callable[..., Iterator[Decided]], budget: str) -> Iterator[Case]:
    for m, k in ((3, 2), (3, 4)) if budget == "quick" else ((3, 2), (3, 5), (4, 4), (4, 6)):
        for layer in whole_layers(m, SEED):
            for ridge in RIDGES[::2]:
                parts = list(statement(layer, rational(ridge), k))
                yield Case(f"{_at(layer, k)}, lam = {ridge}", parts)


def sampled_degrees(budget: str) -> Iterator[Case]:
    """X10e: all samples of up to six from populations of up to four whole-number points."""
    rng = np.random.default_rng(SEED)
    for p, m in ((1, 2), (2, 2), (3, 2), (3, 3), (4, 3)):
        points, weights = rng.integers(-3, 4, (p, m)), rng.integers(1, 6, p)
        chances = tuple(rational(Fraction(int(w), int(np.sum(weights)))) for w in weights)
        population = draws.Population(f"{p} points", matrix(points), chances)
        for n in (1, 3) if budget == "quick" else (1, 2, 3, 6):
            for ridge in RIDGES:
                parts = list(draws.sampled_degrees(population, rational(ridge), n))
                yield Case(f"{population.name} in {m} dimensions, n = {n}, lam = {ridge}", parts)


def _at(layer: RationalLayer, k: int) -> str:
    return f"{layer.name}, k = {k}"


def _refined(
    statement: Callable[..., Iterator[Decided]],
    instances: Any,
) -> Iterator[Case]:
    for layer, k in instances:
        parts = refined(lambda bits, layer=layer, k=k: statement(layer, k, bits))  # type: ignore[misc]
        yield Case(_at(layer, k), parts)


def _widths(budget: str) -> Iterator[tuple[RationalLayer, int]]:
    """Every width up to the rank of every whole-number layer."""
    for m in SIZES[budget]:
        for layer in whole_layers(m, SEED):
            for k in range(1, resolvent(layer.sigma).rank + 1):
                yield layer, k


def _given_widths(budget: str) -> Iterator[tuple[RationalLayer, int]]:
    """Every width up to the rank at given spectra; and flat ones, of which one node is kept."""
    for m in SIZES[budget]:
        spectra = {
            "1/j^2": tuple(Fraction(1, j * j) for j in range(1, m + 1)),
            "two strong": (Fraction(20), Fraction(20), *(Fraction(1, 7),) * (m - 2)),
            "rank m - 1": (*(Fraction(m - j) for j in range(1, m)), Fraction(0)),
        }
        for name, mu in spectra.items():
            layer = rotated_layer(mu, SEED, name=name)
            for k in range(1, sum(value > 0 for value in mu) + 1):
                yield layer, k
        yield _flat(m), 1


def _flat(m: int) -> RationalLayer:
    """Sigma = I, theta = 1: D6 is met up to 1 - 1/m^2."""
    flat = rotated_layer((Fraction(1),) * m, SEED, name="flat")
    return RationalLayer(flat.name, flat.sigma, rational(1), flat.output_weights, flat.mu)


def _with_degrees(budget: str, share: int) -> Iterator[tuple[RationalLayer, int]]:
    """Layers with N(1) = k/share exactly, k < rank: drawn, flat, and the extreme of X1."""
    rng = np.random.default_rng([SEED, share])
    for m in SIZES[budget]:
        for k in range(1, m):
            dof = Fraction(k, share)
            shares = {"drawn": _drawn(rng, m, dof), "flat": (dof / m,) * m}
            if k == m - 1 and share == 1:
                most = Fraction(2 * k - 1, 2 * k)
                shares["extreme"] = (Fraction(1, 2), *(most,) * k)
            for name, p in shares.items():
                mu = tuple(value / (1 - value) for value in p)
                yield rotated_layer(mu, SEED + k, name=name), k


def _drawn(rng: np.random.Generator, m: int, dof: Fraction) -> tuple[Fraction, ...]:
    """p_1..p_m in (0, 1) of sum `dof`: weights, then halfway to even until none reaches 1."""
    weights = [Fraction(int(w)) for w in rng.integers(1, 30, m)]
    p = [dof * w / sum(weights) for w in weights]
    while max(p) >= 1:
        p = [(value + dof / m) / 2 for value in p]
    return tuple(p)


def _following(budget: str, multiple: int) -> Iterator[tuple[RationalLayer, int, Fraction]]:
    """Whole-number layers, lam, and k = ceil(multiple N(lam)) where it is below the rank."""
    for m in SIZES[budget]:
        for layer in whole_layers(m, SEED):
            formula = resolvent(layer.sigma)
            for ridge in RIDGES:
                dof = fraction(formula.degrees(rational(ridge)))
                k = math.ceil(multiple * dof)
                if k < formula.rank:
                    yield layer, k, ridge


#: What holds, in words, and the instances.
CASES: dict[str, tuple[str, Callable[[str], Iterator[Case]]]] = {
    "spectral.I7": ("both sides equal to the last digit, all subsets listed,", volume_mean),
    "spectral.D5": ("no negative pivot in the difference, all subsets listed,", logfree_residual),
    "spectral.D6": ("the best of all subsets meets the bound", logfree_loss),
    "spectral.D7": ("the best of all subsets meets the bound", doubled_degrees),
    "spectral.D8": ("the best of all subsets meets the bound", tail_loss),
    "spectral.X1": ("mean loss, mean residual and best subset meet the bounds", degrees_suffice),
    "spectral.X6": ("mean size, entries and largest volume meet the bounds", reconstruction_size),
    "spectral.X10e": ("variance and both ends hold, all samples listed,", sampled_degrees),
    "laws.L1": (
        "the residual equals its resolvent to the last digit, all draws listed,",
        leverage_sampling,
    ),
    "laws.L1b": ("the mean residual is above lam H, all draws listed,", mean_of_draws),
    "laws.L3": (
        "all sides equal to the last digit and the ladder in order, all subsets listed,",
        determinantal,
    ),
}
