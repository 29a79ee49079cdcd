"""Statements that some k nodes exist, or of volume sampling, both sides in balls
(D5, D6, D7, D8, X1, X6).

The theory's selector names the nodes, balls decide about their loss; where these nodes do not meet
the bound all subsets are listed, if they are few. The ridge lam_vol(k), or the root of N = k, is
irrational: the statement is made at a float64 ridge `at` just above, which it covers, as
lam Tr(Q H_lam) increases with lam. That it is above is shown first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import warnings

import numpy as np

from pruneproof import theory

from . import balls
from .balls import Undecided
from .decision import Compare, Numbers, Order, Part
from .evaluations import Enclosed

with contextlib.suppress(ModuleNotFoundError):
    import flint

#: No more subsets than these are listed.
LISTED = 100
#: Bits for the ridge, which may be far below the largest eigenvalue.
_BITS = 512


def with_nodes(numbers: Numbers, *, by: str = "volume", theta: float | None = None) -> Numbers:
    """The numbers with k nodes chosen by the theory, and a ridge just above the statement's.

    Parameters
    ----------
    numbers : Numbers
    by : {"volume", "degrees", "half", "none"}
        The ridge: lam_vol(k), or the root of N = k, or of 2 N = k; or no ridge.
    theta : float, optional
        Mixture that the nodes are chosen for, where it is not the instance's.

    Raises
    ------
    InapplicableError
        The width exceeds the rank that the second moment has in float64.
    """
    cov, k = theory.second_moment(numbers.features), len(numbers.kept)
    rank = int(np.linalg.matrix_rank(numbers.features))
    if not 1 <= k <= rank or (by == "degrees" and k == rank):
        raise theory.InapplicableError(f"{k} nodes are no fewer than the rank {rank} allows")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", theory.RankDeficientWarning)
        chosen = theory.select_volume_derandomised(
            cov,
            k,
            theta=numbers.theta if theta is None else theta,
            output_weights=numbers.output_weights,
        ).kept
    posed = dataclasses.replace(numbers, chosen=tuple(int(j) for j in chosen))
    return posed if by == "none" else dataclasses.replace(posed, at=_ridge_above(posed, by))


def with_largest_volume(numbers: Numbers) -> Numbers:
    """The numbers with the k nodes of the largest det Sigma_JJ, in integers.

    Raises
    ------
    InapplicableError
        No k nodes are independent; the subsets are too many.
    """
    n, m = numbers.features.shape
    k = len(numbers.kept)
    if math.comb(m, k) > LISTED:
        raise theory.InapplicableError(f"{math.comb(m, k)} subsets are too many to list")
    whole = flint.fmpz_mat(n, m, balls.integers(numbers.features.ravel()))
    gram = (whole.transpose() * whole).table()
    subsets = list(itertools.combinations(range(m), k))
    volumes = [flint.fmpz_mat([[gram[i][j] for j in s] for i in s]).det() for s in subsets]
    largest = max(volumes)
    if not (k and largest > 0):
        raise theory.InapplicableError(f"no {k} nodes are independent")
    return dataclasses.replace(numbers, chosen=subsets[volumes.index(largest)])


def _ridge_above(numbers: Numbers, by: str) -> float:
    """The next float64 above the ridge asked for, from its enclosure."""
    k = len(numbers.kept)
    with flint.ctx.workprec(_BITS):
        layer = Enclosed(numbers)
        if by == "volume":
            ridge = balls.volume_ridge(layer.mu, k)
        else:
            dof = k if by == "degrees" else flint.arb(k) / 2
            ridge = balls.ridge_for_degrees_of_freedom(layer.sigma, dof)
        found = float(ridge.upper())
        while not flint.arb(found) > ridge:
            found = math.nextafter(found, math.inf)
    return found


def best_loss(layer: Enclosed, quadratic: flint.arb_mat) -> flint.arb:
    """Loss of the chosen nodes with no ridge, or the least of all subsets where none is chosen."""
    numbers, k = layer.numbers, layer.k
    if numbers.chosen:
        subsets = [numbers.chosen]
    else:
        subsets = list(itertools.combinations(range(layer.m), k))
    none = np.zeros(layer.m)
    least: flint.arb | None = None
    for kept in subsets:
        value = balls.loss(quadratic, layer.residual_of(kept, none))
        least = value if least is None else least.min(value)
    if least is None:
        raise Undecided("there is no subset")
    return least


def may_list(numbers: Numbers) -> bool:
    """Whether nodes are chosen, and all subsets are few enough to be listed instead."""
    count = math.comb(numbers.features.shape[1], len(numbers.kept))
    return bool(numbers.chosen) and count <= LISTED


def mixed(layer: Enclosed, ridge: flint.arb, by_degrees: bool = True) -> flint.arb:
    """lam [theta N(lam) + (1 - theta) N'(lam; Z)], N' = Tr Z H_lam Z^T."""
    smoother = balls.smoother(layer.sigma, ridge)
    inputs = smoother.trace() if by_degrees else flint.arb(1)
    outputs = (layer.z * smoother * layer.z.transpose()).trace()
    return ridge * (layer.theta * inputs + (1 - layer.theta) * outputs)


def logfree_residual(
    numbers: Numbers, *, constant: float = 1.0, ridge_scale: float = 1.0
) -> list[Part]:
    """D5: E S_J <= lam H_lam under volume sampling, lam >= lam_vol(k)."""
    layer = Enclosed(numbers)
    at = layer.at * flint.arb(ridge_scale)
    upper = balls.smoother(layer.sigma, at) * (at * flint.arb(constant))
    mean = balls.volume_residual(layer.sigma, layer.k)
    return [Order("mean residual", mean, upper, layer.trace)]


def logfree_loss(
    numbers: Numbers, *, constant: float = 1.0, ridge_scale: float = 1.0, by_degrees: bool = True
) -> list[Part]:
    """D6: some k nodes lose at most lam [theta N + (1 - theta) N'], lam >= lam_vol(k)."""
    layer = Enclosed(numbers)
    bound = mixed(layer, layer.at * flint.arb(ridge_scale), by_degrees) * flint.arb(constant)
    return [Compare("loss", best_loss(layer, layer.q), bound, layer.trace * layer.q.trace())]


def doubled_degrees(numbers: Numbers, *, constant: float = 1.0) -> list[Part]:
    """D7: some k >= 2 N(lam) nodes lose at most lam [theta N + (1 - theta) N']."""
    layer = Enclosed(numbers)
    bound = mixed(layer, layer.at) * flint.arb(constant)
    return [Compare("loss", best_loss(layer, layer.q), bound, layer.trace * layer.q.trace())]


def tail_loss(
    numbers: Numbers, *, constant: float = 1.0, slope: float = 1.0, power: float = 1.0
) -> list[Part]:
    """D8: some k nodes lose at most (k + 1) sum_{i>k} mu_i of the inputs."""
    layer = Enclosed(numbers)
    factor = (flint.arb(slope) * layer.k + 1) ** flint.arb(power) * flint.arb(constant)
    bound = factor * balls.tail(layer.mu, layer.k)
    best = best_loss(layer, balls.identity(layer.m))
    return [Compare("loss", best, bound, layer.trace)]


def degrees_suffice(
    numbers: Numbers,
    *,
    constant: float = 1.0,
    residual_constant: float = 4 / 3,
    by_degrees: bool = True,
) -> list[Part]:
    """X1: volume sampling of k >= N(lam) nodes loses at most lam N, and 4/3 lam H_lam."""
    layer = Enclosed(numbers)
    smoother = balls.smoother(layer.sigma, layer.at)
    dof = smoother.trace() if by_degrees else flint.arb(1)
    third = flint.arb(3 * residual_constant) / 3  # 4/3 is no float64
    outputs = (layer.z * smoother * layer.z.transpose()).trace()
    share = layer.theta * smoother.trace() + (1 - layer.theta) * outputs * flint.arb(4) / 3
    weight = layer.trace * layer.q.trace()
    mean = balls.volume_residual(layer.sigma, layer.k)
    return [
        Compare("mean loss", mean.trace(), flint.arb(constant) * layer.at * dof, layer.trace),
        Order("mean residual", mean, smoother * (third * layer.at), layer.trace),
        Compare("best J", best_loss(layer, layer.q), layer.at * share, weight),
    ]


def reconstruction_size(
    numbers: Numbers,
    *,
    constant: float = 1.0,
    spare: int = 1,
    entry: float = 1.0,
    uniform_constant: float = 1.0,
) -> list[Part]:
    """X6: E ||A_J||_F^2 <= k (m - k + 1); the J of the largest volume has small entries."""
    layer, k = Enclosed(numbers), len(numbers.kept)
    zero = flint.arb(0)
    total, mean = zero, zero
    for nodes in itertools.combinations(range(layer.m), k):
        if len(balls.independent(numbers.features, nodes, [0.0] * k)) < k:
            continue
        volume = balls.part(layer.sigma, nodes, nodes).det()
        a = balls.reconstruction(layer.sigma, nodes, [zero] * k)
        total, mean = total + volume, mean + volume * (a.transpose() * a).trace()
    chosen = numbers.chosen
    a = balls.reconstruction(layer.sigma, chosen, [zero] * k)
    outside = [i for i in range(layer.m) if i not in chosen]
    largest = balls.max_size(balls.part(a, outside, range(k)))
    s = balls.residual(layer.sigma, chosen, [zero] * k)
    top = balls.eigenvalues(s, layer.trace)[0]
    following = layer.mu[k] if k < layer.m else zero
    factor = flint.arb(uniform_constant) * (1 + k * (layer.m - k))
    most = flint.arb(constant) * k * (layer.m - k + spare)
    return [
        Compare("mean size", mean / total, most),
        Compare("entries", largest, flint.arb(entry)),
        Compare("all directions", top, factor * following, layer.trace),
    ]
