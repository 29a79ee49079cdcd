r"""Finite populations with their risks, and networks found from samples of them.

A population is a list of pairs (x_j, y_j) with their chances, so every risk is a finite sum, and a
sample of n is a vector of counts, however large n. Two learners find a network from the counts:

    "adversary"    inputs along the axes, f(x) = w.x: every axis has its own output, and f is the
                   member of the class ||w|| <= R that the sample flatters most
    "compressed"   a wide network with one hidden layer, fitted to the sample, then pruned to a few
                   nodes by the sample's own second moment; its class is the smallest dyadic one

The formulas of the class (covering number, Lipschitz constant, price of the dyadic grid) are
written out here, apart from those of the theory.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from .generators import Choice, Space, Whole
from .networks import operator_norm
from .sides import Floats

#: Share of the class's norm that an adversary leaves unused, so that rounding cannot take it out.
SPARE = 1e-3
#: Hidden nodes before pruning.
WIDE = 12


@dataclass(frozen=True, eq=False)
class Learned:
    """A network found from a sample.

    Attributes
    ----------
    weights, biases : lists of (k_{l+1}, k_l) and (k_{l+1},) arrays
    outputs : (p,) array
        f at every point of the population.
    before : (p,) array
        Outputs before pruning; the same where nothing was pruned.
    held : NetworkClass
        A class that the network is claimed to lie in.
    picked : bool
        Whether the class was picked by the network's norms, not fixed before the draw.
    """

    weights: list[Floats]
    biases: list[Floats]
    outputs: Floats
    before: Floats
    held: theory.NetworkClass
    picked: bool

    def excess_norm(self) -> float:
        """By how much a norm exceeds that of the class, at most; 0 inside."""
        over = [
            operator_norm(w) - r
            for w, r in zip(self.weights, self.held.operator_norms, strict=True)
        ]
        over += [
            float(np.linalg.norm(b)) - r
            for b, r in zip(self.biases, self.held.bias_norms, strict=True)
        ]
        return float(max(0.0, *over))


@dataclass(frozen=True, eq=False)
class Task:
    """A population, how many are drawn, and who learns from them.

    Attributes
    ----------
    inputs : (p, d) array
    labels : (p,) array
        y, |y| <= M.
    regression : (p,) array
        f*(x) = E[y | x].
    chances : (p,) array
    n : int
    bound : float
        M.
    delta : float
    eps : float or None
        Cover radius; None: the theory's choice.
    learner : str
    hidden : (WIDE, d) and (WIDE,) arrays
        First layer of the wide network.
    keep : int
        Nodes left of it.
    square : bool
        Squared loss (f - y)^2, or min(|f - y|/2, M).
    twice : float
        The adversary makes E - c E_n large, by default with c = 2.
    """

    inputs: Floats
    labels: Floats
    regression: Floats
    chances: Floats
    n: int
    bound: float
    delta: float
    eps: float | None
    learner: str
    hidden: tuple[Floats, Floats]
    keep: int
    square: bool
    twice: float

    @property
    def level(self) -> float:
        """Probability of failure that is claimed."""
        return self.delta

    @property
    def lipschitz(self) -> float:
        """rho of the loss min(|f - y|/2, M)."""
        return 0.5

    @property
    def radius(self) -> float:
        """D_x."""
        return float(np.max(np.linalg.norm(self.inputs, axis=1)))

    def shares(self, rng: np.random.Generator) -> Floats:
        """Share of every point of the population in a sample of n."""
        return np.asarray(rng.multinomial(self.n, self.chances) / self.n)

    def losses(self, outputs: Floats) -> Floats:
        """min(|f - y|/2, M) at every point."""
        return np.minimum(self.lipschitz * np.abs(outputs - self.labels), self.bound)

    def clipped(self, outputs: Floats) -> Floats:
        """Outputs clipped to [-M, M]."""
        return np.clip(outputs, -self.bound, self.bound)

    @functools.cached_property
    def vacuous(self) -> bool:
        """Whether the bound exceeds the trivial value even where the sample shows no loss."""
        held = self.learn(self.chances).held
        if self.square:
            found = theory.fast_bound(
                0.0,
                held,
                self.n,
                output_bound=self.bound,
                delta=self.delta,
                eps=self.eps,
                clipped=True,
            )
        else:
            found = theory.slow_bound(
                0.0,
                held,
                self.n,
                loss_bound=self.bound,
                lipschitz=self.lipschitz,
                delta=self.delta,
                eps=self.eps,
            )
        return bool(found.vacuous)

    def learn(self, shares: Floats) -> Learned:
        """Network found from a sample."""
        return self._flattered(shares) if self.learner == "adversary" else self._pruned(shares)

    def _flattered(self, shares: Floats) -> Learned:
        """Largest Psi - Psi_n, or E - c E_n of the squared loss, one axis after the other.

        An axis adds a w^2 + b w of the squared loss (f* = 0): its least or largest on [-M, M] is
        at an end or at the stationary point.
        """
        d = self.inputs.shape[1]
        axis = np.argmax(self.inputs, axis=1)
        if self.square:
            a = np.bincount(axis, self.chances - self.twice * shares, d)
            b = np.bincount(axis, 2 * self.twice * shares * self.labels, d)
            inner = np.clip(-b / (2 * np.where(a == 0, 1.0, a)), -self.bound, self.bound)
            tried = np.stack([np.full(d, -self.bound), np.full(d, self.bound), inner])
            gains = a * tried**2 + b * tried
        else:
            tried = np.array([[-1.0], [1.0]]) * np.full(d, self.bound)
            gains = np.stack(
                [
                    np.bincount(axis, (self.chances - shares) * self.losses(row[axis]), d)
                    for row in tried
                ]
            )
        w = tried[np.argmax(gains, axis=0), np.arange(d)]
        held = theory.NetworkClass(
            (d, 1), ((1 + SPARE) * self.bound * math.sqrt(d),), (0.0,), self.radius
        )
        outputs = self.inputs @ w
        return Learned([w[None, :]], [np.zeros(1)], outputs, outputs, held, picked=False)

    def _pruned(self, shares: Floats) -> Learned:
        """Fit the outer weights by ridge regression, keep the best nodes and fold the others in."""
        first, bias = self.hidden
        features = np.maximum(self.inputs @ first.T + bias, 0.0)
        cov = features.T @ (features * shares[:, None])
        aim = features.T @ (shares * self.labels)
        outer = np.linalg.solve(cov + 1e-3 * np.trace(cov) * np.eye(WIDE) / WIDE, aim)[None, :]
        chosen = theory.select_greedy(cov, self.keep, theta=0.0, output_weights=outer).kept
        kept = np.asarray(chosen, dtype=np.int64)
        fold = np.asarray(theory.reconstruction(cov, kept))
        weights, biases = [first[kept], outer @ fold], [bias[kept], np.zeros(1)]
        held = theory.NetworkClass.from_weights(weights, [biases[0], None], self.radius)
        outputs = (features[:, kept] @ weights[1].T)[:, 0]
        return Learned(weights, biases, outputs, (features @ outer.T)[:, 0], held, picked=True)


def lipschitz_constant(held: theory.NetworkClass) -> float:
    """G = sum_l (prod_{l'>l} R_{l'}) (X_l + 1)."""
    reach, total = held.radius, 0.0
    for place, (norm, bias) in enumerate(zip(held.operator_norms, held.bias_norms, strict=True)):
        total += math.prod(held.operator_norms[place + 1 :]) * (reach + 1)
        reach = norm * reach + bias
    return total


def covering_nats(held: theory.NetworkClass, eps: float) -> float:
    """log N(eps)."""
    total = 0.0
    for (inner, outer), norm, bias in zip(
        itertools.pairwise(held.widths), held.operator_norms, held.bias_norms, strict=True
    ):
        total += inner * outer * math.log(1 + 2 * norm / eps) + outer * math.log(1 + 2 * bias / eps)
    return total


def grid_nats(learned: Learned) -> float:
    """Price of having picked the class by the network's norms that are not 0; else 0."""
    held = learned.held
    if not learned.picked:
        return 0.0
    exponents = [round(math.log2(r)) for r in (*held.operator_norms, *held.bias_norms) if r > 0]
    return sum(math.log(1.5 * (abs(i) + 1) * (abs(i) + 2)) for i in exponents)


TASKS: Space = {
    "learner": Choice(("adversary", "compressed")),
    "d": Whole(1, 40),
    "log10_n": Whole(2, 9),
    "seed": Whole(0, 65535),
}


def task(
    rng: np.random.Generator,
    *,
    learner: str = "adversary",
    d: int = 20,
    log10_n: float = 6.0,
    bound: float = 1.0,
    delta: float = 0.05,
    eps: float | None = None,
    keep: int = 3,
    square: bool = False,
    twice: float = 2.0,
) -> Task:
    """Task of one learner in d dimensions.

    An adversary has labels -M and M on the axes: one an axis, or both evenly under the squared
    loss, so that f* = 0. The others have 200 points in the unit ball, and labels f* +- M/4 of a
    rectifier network f* within M/2.
    """
    n = round(10.0**log10_n)
    hidden = (rng.standard_normal((WIDE, d)) / math.sqrt(d), 0.3 * rng.standard_normal(WIDE))
    if learner == "adversary":
        inputs = np.concatenate([np.eye(d)] * (2 if square else 1))
        signs = np.repeat([1.0, -1.0], d) if square else rng.choice([-1.0, 1.0], d)
        regression = np.zeros(2 * d) if square else bound * signs
        labels = bound * signs
    else:
        x = rng.standard_normal((100, d))
        x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1.0)
        teacher = np.maximum(x @ rng.standard_normal((d, 3)), 0.0) @ rng.standard_normal(3)
        truth = bound / 2 * teacher / float(np.max(np.abs(teacher)))
        inputs, regression = np.tile(x, (2, 1)), np.tile(truth, 2)
        labels = regression + bound / 4 * np.repeat([1.0, -1.0], 100)
    chances = np.full(len(inputs), 1 / len(inputs))
    return Task(
        inputs,
        labels,
        regression,
        chances,
        n,
        bound,
        delta,
        eps,
        learner,
        hidden,
        keep,
        square,
        twice,
    )


def squared_task(rng: np.random.Generator, **given: Any) -> Task:
    """As :func:`task`, under the squared loss."""
    return task(rng, square=True, **given)


@dataclass(frozen=True, eq=False)
class Pair:
    """Outputs of an unpruned and a pruned network on a population, and a fresh sample's size.

    Attributes
    ----------
    before, after, labels : (p,) arrays
        f^, f# and y.
    chances : (p,) array
    n : int
        n', of the fresh sample.
    bound : float
        B.
    delta : float
    """

    before: Floats
    after: Floats
    labels: Floats
    chances: Floats
    n: int
    bound: float
    delta: float

    @property
    def level(self) -> float:
        """Probability of failure that is claimed."""
        return self.delta

    @functools.cached_property
    def squares(self) -> Floats:
        """g^2 at every point, (p,)."""
        return np.asarray((self.before - self.after) ** 2)

    @property
    def vacuous(self) -> bool:
        """Whether the bound exceeds B^2 even where no sample shows a difference."""
        return 2 * math.log(1 / self.delta) >= self.n


def pair(
    rng: np.random.Generator,
    *,
    rare: float = 0.0,
    n: int = 1000,
    bound: float = 1.0,
    delta: float = 0.05,
    **given: Any,
) -> Pair:
    """Two networks that differ by B on a share `rare` of the population and nowhere else.

    Without `rare`: a network as `task` fits it to 1000 samples, and what is left of it when
    pruned; B is the largest difference.
    """
    if rare:
        before, chances = np.array([0.0, bound]), np.array([1 - rare, rare])
        return Pair(before, np.zeros(2), np.zeros(2), chances, n, bound, delta)
    found = task(rng, learner="compressed", d=3, log10_n=3, **given)
    learned = found.learn(found.shares(rng))
    largest = float(np.max(np.abs(learned.before - learned.outputs)))
    return Pair(learned.before, learned.outputs, found.labels, found.chances, n, largest, delta)
