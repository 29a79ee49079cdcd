"""Statements of one layer for any kept nodes, both sides in balls
(D1, D2, D4, B2, B6, X5, X7, X8, X9).

Each function is one claim: numbers -> its parts, at flint's working precision. Its keyword
arguments are the constants of the claim's own function, so that altered statements are decided
too. Letters as in :mod:`.balls`; the statements themselves are in the claims' docstrings.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from pruneproof.theory.errors import InapplicableError

from ..sides import Floats
from . import balls
from .decision import Compare, Numbers, Order, Part

with contextlib.suppress(ModuleNotFoundError):
    import flint


class Enclosed:
    """The quantities of one layer in balls, each computed once."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.x = balls.matrix(numbers.features)
        self.m = self.x.ncols()
        self.k = len(numbers.kept)
        self.lam = flint.arb(numbers.ridge)
        self.at = flint.arb(numbers.at)
        self.theta = flint.arb(numbers.theta)
        self.z = balls.matrix(numbers.output_weights)
        self.sigma = balls.second_moment(self.x)

    @functools.cached_property
    def trace(self) -> flint.arb:
        """Tr Sigma."""
        return self.sigma.trace()

    @functools.cached_property
    def q(self) -> flint.arb_mat:
        """Q = theta I + (1 - theta) Z^T Z."""
        return balls.form(self.theta, self.z)

    @functools.cached_property
    def mu(self) -> list[flint.arb]:
        """Eigenvalues of Sigma, descending."""
        return balls.eigenvalues(self.sigma)

    @functools.cached_property
    def residual(self) -> flint.arb_mat:
        """S_J of the kept nodes with their ridges."""
        return self.residual_of(self.numbers.kept, self.numbers.node_ridge)

    def residual_of(
        self, kept: Sequence[int], node_ridge: Floats, added: float = 0.0, factor: float = 1.0
    ) -> flint.arb_mat:
        """S_J with tau_j = factor node_ridge_j + added."""
        exact = [flint.arb(factor) * float(node_ridge[j]) + flint.arb(added) for j in kept]
        places = balls.independent(
            self.numbers.features, kept, [0.0 if t.is_zero() else 1.0 for t in exact]
        )
        return balls.residual(self.sigma, [kept[p] for p in places], [exact[p] for p in places])

    def solved(self) -> tuple[list[int], list[flint.arb]]:
        """J and its ridges, without nodes that others explain."""
        ridges = [float(self.numbers.node_ridge[j]) for j in self.numbers.kept]
        places = balls.independent(self.numbers.features, self.numbers.kept, ridges)
        return [self.numbers.kept[p] for p in places], [flint.arb(ridges[p]) for p in places]

    def degrees(self, ridge: flint.arb) -> flint.arb:
        """N(ridge)."""
        return balls.degrees_of_freedom(self.sigma, ridge)


def monotone_residual(
    numbers: Numbers, *, constant: float = 1.0, ridge_factor: float = 1.0, swapped: bool = False
) -> list[Part]:
    """D1: S_J falls when nodes join (as many as there are, in order) and when ridges fall."""
    layer, kept, tau = Enclosed(numbers), numbers.kept, numbers.node_ridge
    others = [j for j in range(layer.m) if j not in kept]
    more = (*kept, *others[: layer.k])
    if swapped:
        kept, more = more, kept
    before = layer.residual_of(kept, tau)
    lower = layer.residual_of(kept, tau, factor=ridge_factor * numbers.theta)
    return [
        Order("nodes", layer.residual_of(more, tau), before * flint.arb(constant), layer.trace),
        Order("ridge", lower, before * flint.arb(constant), layer.trace),
    ]


def loss_floor(numbers: Numbers, *, constant: float = 1.0, first: int = 1) -> list[Part]:
    """D2: the tail of the spectrum is below the loss."""
    layer, c = Enclosed(numbers), flint.arb(constant)
    start = layer.k + first - 1
    seen = layer.x * layer.q * layer.x.transpose() / layer.x.nrows()
    mixed = balls.eigenvalues(seen)[: layer.m]
    weight = layer.trace * layer.q.trace()
    return [
        Compare("input", c * balls.tail(layer.mu, start), layer.residual.trace(), layer.trace),
        Compare("mixed", c * balls.tail(mixed, start), balls.loss(layer.q, layer.residual), weight),
    ]


def sandwich(
    numbers: Numbers,
    *,
    upper: float = 1.0,
    lower: float = 0.5,
    cap: float = 1.0,
    power_constant: float = 1.0,
) -> list[Part]:
    """D4: N between s/2 and s = sum min(1, mu/lam), and below the power law's count, a = 6/5."""
    layer = Enclosed(numbers)
    dof = layer.degrees(layer.lam)
    zero, top = flint.arb(0), flint.arb(cap)
    count = sum((top.min(mu / layer.lam) for mu in layer.mu), zero)
    a, b = flint.arb(6) / 5, zero
    for j, mu in enumerate(layer.mu, start=1):
        b = b.max(mu * flint.arb(j) ** a)
    power = a / (a - 1) * (b / layer.lam) ** (1 / a)
    return [
        Compare("upper", dof, count * flint.arb(upper)),
        Compare("lower", count * flint.arb(lower), dof),
        Compare("power law", dof, power * flint.arb(power_constant)),
    ]


def mixed_error(
    numbers: Numbers,
    *,
    constant: float = 1.0,
    ridge_factor: float = 1.0,
    norm_power: float = 2.0,
    swapped: bool = False,
) -> list[Part]:
    """B2: the error of the next layer is at most L^theta / (theta/||W||^2 + 1 - theta)."""
    layer = Enclosed(numbers)
    rows = max(1, round((1 - numbers.theta) * layer.z.nrows()))
    read = balls.part(layer.z, range(rows), range(layer.m))
    kept, tau = layer.solved()
    a = balls.reconstruction(layer.sigma, kept, tau)
    penalty = a * balls.diagonal(tau) * a.transpose()
    moment = layer.residual - penalty  # P_n (phi - A phi_J)(phi - A phi_J)^T, claim I6
    error = (read * moment * read.transpose()).trace()
    claimed = layer.residual_of(numbers.kept, numbers.node_ridge, factor=ridge_factor)
    norm = _norm(layer).sqrt()
    part = 1 - layer.theta if swapped else layer.theta
    share = part / norm ** flint.arb(norm_power) + 1 - part
    bound = flint.arb(constant) * balls.loss(layer.q, claimed) / share
    return [Compare("error", error, bound, layer.trace * layer.q.trace() + layer.trace)]


def converse(
    numbers: Numbers,
    *,
    constant: float = 1.0,
    tail_constant: float = 1.0,
    width_factor: float = 1.0,
    ridge_scale: float = 1.0,
) -> list[Part]:
    """X5: loss >= tail >= lam (N - k)."""
    layer = Enclosed(numbers)
    tail = balls.tail(layer.mu, layer.k)
    dof = layer.degrees(layer.lam * flint.arb(ridge_scale))
    floor = flint.arb(constant) * layer.lam * (dof - layer.k * flint.arb(width_factor))
    return [
        Compare("tail", flint.arb(tail_constant) * tail, layer.residual.trace(), layer.trace),
        Compare("degrees of freedom", floor, tail, layer.trace + layer.lam * layer.m),
    ]


def theta_and_the_bound(
    numbers: Numbers, *, constant: float = 1.0, norm_power: float = 2.0, swapped: bool = False
) -> list[Part]:
    """X7: L^B <= ||W||^2 L^A, hence L^B <= L^theta / (theta/||W||^2 + 1 - theta)."""
    layer, c = Enclosed(numbers), flint.arb(constant)
    outputs = (layer.z * layer.residual * layer.z.transpose()).trace()
    power = _norm(layer).sqrt() ** flint.arb(norm_power)
    part = 1 - layer.theta if swapped else layer.theta
    share = part / power + 1 - part
    weight = layer.trace * (1 + layer.q.trace() + _norm(layer))
    return [
        Compare("norm", outputs, c * power * layer.residual.trace(), weight),
        Compare("mixed bound", outputs, c * balls.loss(layer.q, layer.residual) / share, weight),
    ]


def with_level(numbers: Numbers) -> Numbers:
    """The numbers with a float64 level t: surely Sigma + lam >= (1 - t)(Sigma_P + lam), t < 1.

    The least such t is lmax((Sigma_P + lam)^{-1/2} (Sigma_P - Sigma) (Sigma_P + lam)^{-1/2})_+; the
    statement at it implies the one at any larger t, as its right side increases with t.

    Raises
    ------
    InapplicableError
        No such level below 1 could be shown.
    """
    everything = np.concatenate([numbers.features, numbers.others])
    ridge = numbers.ridge * np.eye(everything.shape[1])
    truth = everything.T @ everything / len(everything) + ridge
    cov = numbers.features.T @ numbers.features / len(numbers.features) + ridge
    lower = np.linalg.cholesky(truth)
    half = np.linalg.solve(lower, np.linalg.solve(lower, truth - cov).T)
    least = max(0.0, float(np.linalg.eigvalsh((half + half.T) / 2)[-1]))
    with flint.ctx.workprec(256):
        layer = Enclosed(numbers)
        shift = balls.identity(layer.m, layer.lam)
        population = balls.second_moment(balls.matrix(everything)) + shift
        for bits in range(52, 20, -2):
            found = least + (1 - least) * 2.0**-bits
            gap = layer.sigma + shift - population * (1 - flint.arb(found))
            if found < 1 and balls.least_pivot(gap) > 0:
                return dataclasses.replace(numbers, at=found)
    raise InapplicableError(f"no level near {least:.6g} surely carries over to the population")


def population_error(
    numbers: Numbers, *, constant: float = 1.0, transfer: float = 1.0, penalty: float = 1.0
) -> list[Part]:
    """B6: E_P ||Z G phi||^2 <= (||Z G phi||_n^2 + t lam ||Z G||_F^2)/(1 - t), G = I - A_J E_J."""
    layer = Enclosed(numbers)
    everything = balls.matrix(np.concatenate([numbers.features, numbers.others]))
    kept, tau = layer.solved()
    a = balls.reconstruction(layer.sigma, kept, tau)
    chooser = balls.part(balls.identity(layer.m), kept, range(layer.m))
    read = layer.z - layer.z * a * chooser
    population = balls.second_moment(everything)
    within, beyond = (
        (read * moment * read.transpose()).trace() for moment in (layer.sigma, population)
    )
    level = flint.arb(numbers.at)
    weight = (read * read.transpose()).trace()
    bound = within + flint.arb(penalty) * level * layer.lam * weight
    most = flint.arb(constant) * bound / (1 - flint.arb(transfer) * level)
    scale = population.trace() * (layer.z * layer.z.transpose()).trace()
    return [Compare("error", beyond, most, scale)]


def _norm(layer: Enclosed) -> flint.arb:
    """||Z||_op^2."""
    return balls.eigenvalues(layer.z * layer.z.transpose())[0]


def centred_degrees(
    numbers: Numbers, *, constant: float = 1.0, saved: float = 1.0, ddof: int = 0
) -> list[Part]:
    """X8: N - 1 <= N_centred <= N."""
    layer = Enclosed(numbers)
    n = layer.x.nrows()
    plain = layer.degrees(layer.lam)
    own = balls.degrees_of_freedom(
        balls.second_moment(balls.centred(layer.x)), layer.lam * (n - ddof) / n
    )
    return [
        Compare("upper", own, flint.arb(constant) * plain),
        Compare("lower", plain - flint.arb(saved), own),
    ]


def shapes(
    numbers: Numbers,
    *,
    constant: float = 1.0,
    trace_constant: float = 1.0,
    rank_constant: float = 1.0,
    power: float = 1.0,
) -> list[Part]:
    """X9: shapes of N in the ridge and in Sigma, of S_J in tau, of the k-DPP mean in k."""
    layer, c, k = Enclosed(numbers), flint.arb(constant), len(numbers.kept)
    one, two, three = (layer.degrees(t * layer.lam) for t in (1, 2, 3))
    rest = balls.matrix(numbers.features[k:])
    less = rest.transpose() * rest / layer.x.nrows()
    change = one - balls.degrees_of_freedom(less, layer.lam)
    rank = flint.fmpz_mat([balls.integers(row) for row in numbers.features[:k]]).rank()
    lost = flint.arb(trace_constant) * (layer.sigma - less).trace() / layer.lam
    tau, kept = numbers.node_ridge, numbers.kept
    ends = [layer.residual_of(kept, tau, (t - 1) * numbers.ridge, t) for t in (1.0, 3.0)]
    middle = layer.residual_of(kept, tau, numbers.ridge, 2.0)
    parts: list[Part] = [
        Compare("N decreasing", three, c * one),
        Compare("N convex", two, c * (one + three) / 2),
        Compare("N(lam/c), c N(lam)", one, flint.arb(3) ** flint.arb(power) * three),
        Compare("lam N concave", (one + 3 * three) / 2, c * 2 * two),
        Compare("trace norm", change, lost),
        Compare("rank", change, flint.arb(rank_constant) * rank),
        Compare("N increasing in Sigma", -change, flint.arb(0), one),
        Order("S_J concave in tau", (ends[0] + ends[1]) / 2, middle * c, layer.trace),
    ]
    if k < flint.fmpz_mat([balls.integers(row) for row in numbers.features]).rank():
        means = [balls.volume_loss(layer.sigma, width) for width in (k, k + 1)]
        parts.append(Compare("k-DPP mean", means[1], means[0], layer.trace))
    return parts
