r"""Errors of classifiers and pruned predictors: covers, Occam, prunability (III-5, III-6, III-8).

Letters: Lip of x -> f(x) in the 2-norm, g_i training margins, dist the distance to the nearest
training point of one's own label; Lhat the mean loss over n samples, L that of the population.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Classified:
    """A linear classifier, points with labels that it may get wrong, training points it does not.

    Attributes
    ----------
    weight : (K, D) array
    points, train : (n, D), (N, D) arrays
    labels, train_labels : whole numbers
    cap : float
        R.
    """

    weight: Floats
    points: Floats
    labels: Any
    train: Floats
    train_labels: Any
    cap: float

    @property
    def lipschitz(self) -> float:
        """Norm of the weight."""
        return float(np.linalg.norm(self.weight, 2))


def classified(
    rng: np.random.Generator,
    *,
    family: str = "drawn",
    d: int = 2,
    classes: int = 3,
    n: int = 30,
    noise: float = 0.2,
    cap: float = 1.0,
    offset: float = 0.0,
) -> Classified:
    """Points of a unit cube whose labels are those of the outputs with noise.

    "edge": f = (x, -x), one training point at .3, and one point of its label at -offset.
    """
    if family == "edge":
        one = np.zeros(1, dtype=int)
        weight = np.array([[1.0], [-1.0]])
        return Classified(weight, np.array([[-offset]]), one, np.array([[0.3]]), one, cap)
    weight = rng.standard_normal((classes, d))
    points, train = rng.random((2, n, d)) - 0.5
    labels = np.argmax(points @ weight.T + noise * rng.standard_normal((n, classes)), axis=1)
    outputs = train @ weight.T
    gap = np.diff(np.sort(outputs, axis=1)[:, -2:], axis=1)[:, 0]
    sure = gap >= np.quantile(gap, 0.5)  # training points of small margin are left out
    theirs = np.argmax(outputs, axis=1)
    return Classified(weight, points, labels, train[sure], theirs[sure], cap)


@register(
    "sparsity.III-5",
    "inequality",
    classified,
    {
        "d": Whole(1, 4),
        "classes": Whole(2, 4),
        "n": Whole(2, 40),
        "noise": Real(0.0, 1.0),
        "cap": Real(0.5, 3.0),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"family": "edge", "offset": 1e-12},
        {"family": "edge", "offset": 1e-12, "cap": 0.3},
        {"family": "edge", "offset": 0.1},
        {"noise": 1.0},
        {"noise": 0.0, "n": 40},
    ),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("sqrt 2 dropped", {"root": 1.0}),
        Mutant("any label covers", {"own_label": False}),
        Mutant("integral x .95", {"integral": 0.95}),
    ),
)
def covered_points(
    case: Classified,
    *,
    constant: float = 1.0,
    root: float = 2.0**0.5,
    own_label: bool = True,
    integral: float = 1.0,
) -> Sides:
    """Points near training points of their label are classified rightly, which bounds the error.

    Hypotheses
    ----------
    f has the Lipschitz constant Lip and classifies all training points rightly; R > 0.

    Statement
    ---------
    Nobody within ||x - x_i|| < g_i/(sqrt 2 Lip) of a training point of his label is wrong.
    int_0^R (1 - h) dr = E min(dist, R), h(r) = P(dist <= r); for 0 < delta <= min(R, min_i
    g_i/(sqrt 2 Lip)) the error is at most E min(dist, R)/delta.

    Source
    ------
    Derived [D]: a difference of two outputs has the Lipschitz constant sqrt 2 Lip; Markov.

    Equality cases
    --------------
    f = (x, -x): one wrong point at the distance of the radius.

    References
    ----------
    arXiv 1905.11427
    """
    y, theirs = case.labels, case.train_labels
    g = theory.classification_margins(case.train @ case.weight.T, theirs)
    outputs = case.points @ case.weight.T
    wrong = np.argmax(outputs, axis=1) != y
    radii = g / (root * case.lipschitz)
    apart = np.linalg.norm(case.points[:, None] - case.train, axis=2)
    theory_radii = theory.certified_radii(g, case.lipschitz)
    sure = theory.certified_points(case.points, y, case.train, theirs, theory_radii)
    same = (y[:, None] == theirs) | (not own_label)
    # points within rounding of a radius belong to neither side
    inside = np.any(same & (apart < radii * (1 - 1e-9)), axis=1)
    nearest = np.min(np.where(same, apart, np.inf), axis=1)
    dist = theory.label_distances(case.points, y, case.train, theirs)
    steps = np.sort(np.append(np.minimum(nearest, case.cap), 0.0))
    shares = 1 - np.arange(len(steps) - 1) / (len(steps) - 1)  # 1 - h between its jumps
    area = integral * float(np.diff(steps) @ shares)
    delta = min(case.cap, float(np.min(theory_radii)))
    least = float(np.min(theory_radii))
    bound = theory.cover_error_bound(dist, delta, cap=case.cap, least_radius=least)
    mean = case.cap - theory.total_cover(dist, case.cap)
    error, size = float(np.mean(wrong)), len(apart)
    return together(
        at_most(error, constant * area / integral / delta, scale=bound, size=size, part="error"),
        at_most(float(np.sum(wrong & inside)), 0.0, scale=0.0, size=1, part="wrong but certified"),
        at_most(float(np.sum(wrong & sure)), 0.0, scale=0.0, size=1, part="wrong but covered"),
        equal(mean, area, scale=case.cap, size=size, part="integral"),
        equal(bound, mean / delta, scale=1 + bound, size=size, part="bound"),
    )


@dataclass(frozen=True)
class Coins:
    """Sparse predictors of d weights of b bits, each wrong by a coin of its own on n samples."""

    weights: int
    bits: int
    n: int
    delta: float
    chance: float

    @property
    def level(self) -> float:
        """Probability of failure that the statement claims."""
        return self.delta

    def predictors(self, kept: int) -> int:
        """Number of predictors of so many nonzero weights."""
        return math.comb(self.weights, kept) << kept * self.bits


def coins(
    rng: np.random.Generator,
    *,
    weights: int = 6,
    bits: int = 1,
    n: int = 100,
    delta: float = 0.1,
    chance: float = 0.5,
) -> Coins:
    """Nothing is random but the trials."""
    return Coins(weights, bits, n, delta, chance)


@register(
    "sparsity.III-6",
    "probability",
    coins,
    {
        "weights": Whole(1, 7),
        "bits": Whole(1, 2),
        "n": Whole(10, 1000),
        "delta": Real(0.05, 0.5),
        "chance": Real(0.1, 0.9),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"weights": 5, "bits": 2, "n": 300, "delta": 0.2},
        {"weights": 1, "bits": 1, "n": 400, "delta": 0.3},
    ),
    (
        Mutant("price dropped", {"price": 0.0}),
        Mutant("price x 1/4", {"price": 0.25}, examples=({"weights": 7, "n": 1000},)),
        Mutant("values and places dropped", {"code": 0.0}, examples=({"weights": 7, "n": 1000},)),
        # Hoeffding is loose for coins
        Mutant("price x .95", {"price": 0.95}, must_die=False),
    ),
)
def occam(
    case: Coins,
    rng: np.random.Generator,
    *,
    price: float = 1.0,
    code: float = 1.0,
) -> Sides:
    """No sparse predictor of few bits has a risk far above its mean loss, whichever the data pick.

    Hypotheses
    ----------
    n iid samples, loss in [0, 1], predictors of d weights of which s are not 0, of b bits each.

    Statement
    ---------
    With probability at least 1 - delta, for all s and all s-sparse b-bit predictors at once,
    L <= Lhat + ((ln C(d,s) + s b ln 2 + ln(d+1) + ln(1/delta))/(2n))^{1/2}.

    Source
    ------
    Derived [D]: Hoeffding and a union bound.

    References
    ----------
    Blumer, Ehrenfeucht, Haussler and Warmuth 1987
    """
    d, n, p = case.weights, case.n, case.chance
    least, bounds = [], []
    for s in range(d + 1):
        many = case.predictors(s)
        least.append(float(np.min(rng.binomial(n, p, size=many))) / n)
        nats = code * math.log(many) + math.log(d + 1) + math.log(1 / case.delta)
        bounds.append(least[-1] + math.sqrt(price * nats / (2 * n)))
    found = theory.best_occam_bound(least, n, bits=case.bits, delta=case.delta)[1]
    parts = [at_most(p, min(bounds), scale=1.0, size=8, part="risk")]
    if price == code == 1.0:
        parts.append(equal(found.value, min(bounds), scale=1.0, size=8, part="bound's value"))
    return together(*parts)


@dataclass(frozen=True, eq=False)
class Pruned:
    """A linear predictor with its training data."""

    weights: Floats
    features: Floats
    targets: Floats


def pruned(
    rng: np.random.Generator,
    *,
    weights: Sequence[float] = (1.0, 0.9),
    n: int = 5,
    d: int = 0,
    noise: float = 0.0,
) -> Pruned:
    """Two weights on x and -x with target 0; or d weights fitted to data with noise."""
    x = rng.standard_normal(n)
    if not d:
        return Pruned(np.array(weights), np.stack([x, -x], axis=1), np.zeros(n))
    h = rng.standard_normal((n + d, d)) + rng.standard_normal((n + d, 1))
    y = h @ rng.standard_normal(d) + noise * rng.standard_normal(n + d)
    return Pruned(np.asarray(np.linalg.lstsq(h, y, rcond=None)[0], dtype=float), h, y)


@register(
    "sparsity.III-8",
    "must-fail",
    pruned,
    {
        "d": Choice((0, 2, 3, 5, 8)),
        "n": Whole(1, 30),
        "noise": Real(0.0, 2.0),
        "seed": Whole(0, 65535),
    },
    ({}, {"weights": (1.0, 0.5)}, {"d": 5}),
)
def loss_falls_with_weights(case: Pruned) -> Sides:
    """FALSE: the more of the largest weights are kept, the smaller is the training loss.

    Hypotheses
    ----------
    A linear predictor, mean squared training loss, the s largest weights kept.

    Statement
    ---------
    loss(s + 1) <= loss(s) for all s, so that bisection finds the least s without harm.

    Source
    ------
    Refuted here [D]: target 0, weights (1, .9) on (x, -x): loss .01, 1, 0 times E x^2 for s = 2, 1,
    0. All s are to be looked at. A fitted predictor with correlated features does so as well.

    References
    ----------
    arXiv 2103.06002
    """
    losses = theory.pruning_losses(case.weights, case.features, case.targets)
    step = int(np.argmax(np.diff(losses)))
    scale = float(np.max(losses))
    return at_most(losses[step + 1], losses[step], scale=scale, size=len(case.targets))
