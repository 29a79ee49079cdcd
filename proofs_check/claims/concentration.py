r"""Degrees of freedom of a sample against their mean, and their mean against the population (X10).

Letters: x_1..x_n independent draws from finitely many points, N_hat = N(lam; (1/n) sum x x^T), E
its mean. E is exact: the sum over all samples, or over the binomial counts of each point where the
points are orthogonal. N_hat comes from singular values of the samples.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Space, Whole
from ..mutants import Mutant
from ..oracles import degrees, eigenvalues
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Draws:
    """Points to draw from, how many draws, and what is claimed of their degrees of freedom.

    Attributes
    ----------
    points : (p, m) array
    chances : (p,) array
    n : int
    ridge : float
        lam > 0.
    own : bool
        Whether draw i lies on an axis of its own, of the length of its point: independent draws of
        n different laws.
    delta : float
    side : str
        "above" or "below" the mean.
    """

    points: Floats
    chances: Floats
    n: int
    ridge: float
    own: bool = False
    delta: float = 0.05
    side: str = "above"

    @property
    def level(self) -> float:
        """Probability of failure that the statement claims: delta, of one side."""
        return self.delta

    def sample(self, rng: np.random.Generator) -> Floats:
        """Samples over sqrt(n), one a row; those at 0 and axes that none lies on are left out."""
        which = rng.choice(len(self.points), size=self.n, p=self.chances)
        drawn = self.points[which] / math.sqrt(self.n)
        if not self.own:
            return drawn
        lengths = np.linalg.norm(drawn, axis=1)
        return np.diag(lengths[lengths > 0]) if np.any(lengths) else np.zeros((1, 1))

    @functools.cached_property
    def population_dof(self) -> float:
        """N_P."""
        if self.own:
            lengths = np.sum(self.points**2, axis=1)
            mean = float(self.chances @ lengths) / self.n  # of every axis
            return self.n * mean / (mean + self.ridge)
        return degrees(_second(self.points, self.chances), self.ridge)

    @property
    def condition(self) -> float:
        """How much an error of a second moment is enlarged in N_hat."""
        return 1.0 + float(np.max(np.sum(self.points**2, axis=1))) / self.ridge

    @functools.cached_property
    def mean(self) -> float:
        """E, exactly."""
        squares = np.sum(self.points**2, axis=1)
        if self.own:
            return self.n * float(self.chances @ (squares / (squares + self.n * self.ridge)))
        gram = self.points @ self.points.T
        if np.array_equal(gram, np.diag(squares)):
            from scipy.stats import binom

            counts = np.arange(self.n + 1)[:, None]
            shares = counts * squares / (counts * squares + self.n * self.ridge)
            return float(np.sum(binom.pmf(counts, self.n, self.chances) * shares))
        return self._mean_by_counts()

    def _mean_by_counts(self) -> float:
        """E as the sum over how often each point is drawn."""
        from scipy.stats import multinomial

        p = len(self.points)
        bars = np.array(list(itertools.combinations(range(self.n + p - 1), p - 1)))
        edges = np.pad(bars, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, self.n + p - 1)))
        counts = np.diff(edges, axis=1) - 1
        rows = np.sqrt(counts / self.n)[:, :, None] * self.points
        squares = np.linalg.svd(rows, compute_uv=False) ** 2
        dof = np.sum(squares / (squares + self.ridge), axis=1)
        return float(multinomial.pmf(counts, self.n, self.chances) @ dof)


def _second(points: Floats, chances: Floats) -> Floats:
    """Eigenvalues of Sigma_P."""
    return eigenvalues(points * np.sqrt(chances * len(points))[:, None])


def draws(
    rng: np.random.Generator,
    *,
    law: str = "points",
    p: int = 3,
    m: int = 3,
    n: int = 4,
    log10_ridge: float = -1.0,
    spread: float = 0.5,
    rare: float = 0.0,
    delta: float = 0.05,
    side: str = "above",
) -> Draws:
    """Draws of one law.

    "points": p random ones in m dimensions, of lengths over some e^spread; "axes": along p axes;
    "own": as "points", draw i on an axis of its own. With `rare` > 0 all points but the last are at
    0, and that one is drawn with this probability.
    """
    lengths = np.exp(spread * rng.standard_normal(p))
    directions = np.eye(p) if law == "axes" else rng.standard_normal((p, m))
    points = directions * lengths[:, None]
    chances = rng.dirichlet(np.full(p, 2.0))
    if rare:
        points[:-1] = 0.0
        chances = np.append(np.full(p - 1, (1 - rare) / (p - 1)), rare)
    return Draws(points, chances, n, 10.0**log10_ridge, law == "own", delta, side)


DRAWS: Space = {
    "law": Choice(("points", "axes", "own")),
    "p": Whole(1, 3),
    "m": Whole(1, 4),
    "n": Whole(1, 5),
    "log10_ridge": Real(-3.0, 2.0),
    "spread": Real(0.0, 3.0),
    "seed": Whole(0, 65535),
}

#: Orthogonal draws of great length, or none: N_hat counts them, 20 on average, nearly as Poisson.
COINS = {"law": "own", "p": 2, "n": 400, "rare": 0.05, "log10_ridge": -6.0}
#: The same, with none drawn 19 times of 20.
SELDOM = {"law": "own", "p": 2, "n": 40, "rare": 1.25e-3, "log10_ridge": -6.0, "delta": 0.001}
#: Draws along 80 axes, of which few are seen: E is far below N_P.
UNSEEN = {"law": "axes", "p": 80, "n": 20, "log10_ridge": -4.0}


@register(
    "spectral.X10",
    "probability",
    draws,
    {**DRAWS, "n": Whole(1, 12), "delta": Real(0.01, 0.9), "side": Choice(("above", "below"))},
    (
        {**COINS, "delta": 0.2},
        {**COINS, "side": "below", "delta": 0.2},
        UNSEEN,
        {**UNSEEN, "side": "below", "log10_ridge": -1.0},
        {"p": 4, "n": 20, "spread": 2.0},
        {"p": 4, "n": 20, "spread": 2.0, "side": "below", "delta": 0.2},
        {"law": "points", "p": 3, "rare": 0.03, "n": 40, "log10_ridge": -3.0, "delta": 0.2},
        {"law": "own", "p": 3, "n": 30, "spread": 1.0, "side": "below", "delta": 0.5},
    ),
    (
        Mutant("above, t x 2/5", {"scale": 0.4}, examples=({**COINS, "delta": 0.001},)),
        Mutant(
            "below, t x 2/5",
            {"scale": 0.4},
            examples=({**COINS, "side": "below", "delta": 0.001},),
        ),
        # tails of a Poisson number lie below the bound by a factor of order t/E^{1/2}
        Mutant("above, t x .95", {"scale": 0.95}, must_die=False),
        Mutant("2 t/3 dropped", {"linear": 0.0}, examples=(SELDOM,)),
        Mutant("E dropped", {"by_mean": False}, examples=({**COINS, "side": "below"},)),
        Mutant("log(1/delta) dropped", {"logarithm": False}, examples=({**COINS, "delta": 0.001},)),
        Mutant(
            "N_P for E, below", {"of_population": True}, examples=({**UNSEEN, "side": "below"},)
        ),
    ),
)
def deviations(
    case: Draws,
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    linear: float = 2 / 3,
    by_mean: bool = True,
    logarithm: bool = True,
    of_population: bool = False,
) -> Sides:
    """Degrees of freedom of a sample keep to their mean, whatever the dimension and the moments.

    Hypotheses
    ----------
    x_1..x_n independent, of any laws and lengths; lam > 0, E = E N_hat, t >= 0, 0 < delta < 1.

    Statement
    ---------
    P(N_hat >= E + t) <= exp(-t^2/(2 E + 2 t/3)) and P(N_hat <= E - t) <= exp(-t^2/(2 E)): each is
    delta at t = s/3 + (s^2/9 + 2 E s)^{1/2} above and (2 E s)^{1/2} below, s = log(1/delta).

    Source
    ------
    Derived [D]: N_hat is self-bounding, as x_i taken away lowers it by 0 to its leverage.

    References
    ----------
    Boucheron, Lugosi, Massart 2000
    """
    mean, s = case.mean, math.log(1 / case.delta)
    rows = case.sample(rng)
    found = theory.degrees_of_freedom(rows.T @ rows, case.ridge)
    own = degrees(eigenvalues(rows * math.sqrt(len(rows))), case.ridge)
    given = theory.dof_deviation(mean, case.delta)
    stated = (math.sqrt(2 * mean * s), s / 3 + math.sqrt(s**2 / 9 + 2 * mean * s))
    tails = [theory.dof_lower_tail, theory.dof_upper_tail]
    above = case.side == "above"
    reach = 2 * (mean if by_mean else 1.0) * (s if logarithm else 1.0)
    half = linear / 2 * (s if logarithm else 1.0) if above else 0.0
    altered = scale * (half + math.sqrt(half**2 + reach))
    centre = case.population_dof if of_population else mean
    t = given[above] + altered - stated[above]
    ends = (found, centre + t) if above else (centre - t, found)
    size, error = 2 * sum(rows.shape) + len(case.points), case.condition * (1 + mean)
    tail = tails[above](mean, stated[above])
    expected = case.delta if above or stated[0] <= mean else 0.0
    return together(
        at_most(*ends, scale=error, size=size, part=case.side),
        equal(given, stated, scale=1 + stated[1], size=8, part="deviations"),
        equal(tail, expected, scale=1 + s, size=8, part="tail"),
        equal(found, own, scale=error, size=size, part="N_hat"),
    )


#: One draw of a long rare point: the variance. One point: both ends, the lower one for n large.
#: One draw from many axes: the lower end.
ATTAINED = (
    {"p": 2, "n": 1, "rare": 1e-3, "log10_ridge": -3.0, "spread": 0.0},
    {"p": 1, "n": 1, "log10_ridge": 1.0},
    {"p": 1, "n": 4, "log10_ridge": 3.0},
    {"law": "axes", "p": 400, "n": 1, "spread": 0.0, "log10_ridge": -0.5},
)


@register(
    "spectral.X10e",
    "expectation",
    draws,
    DRAWS,
    ({}, {"law": "axes"}, {"law": "own"}, {"p": 2, "n": 6, "spread": 3.0}, *ATTAINED),
    (
        Mutant("variance x .95", {"variance": 0.95}),
        Mutant("upper end x .95", {"upper": 0.95}),
        Mutant("lower end / .95", {"lower": 1 / 0.95}),
        Mutant("N_inf/n dropped", {"largest": 0.0}),
        Mutant("N_inf/n x 1/2", {"largest": 0.5}),
        Mutant("N_inf/n^2", {"power": 2.0}, examples=({"law": "axes", "p": 3, "n": 5},)),
        Mutant(
            "mean for the largest leverage",
            {"by_mean": True},
            examples=({"p": 2, "n": 1, "rare": 1e-3, "log10_ridge": -3.0},),
        ),
    ),
)
def mean_and_variance(
    case: Draws,
    *,
    variance: float = 1.0,
    upper: float = 1.0,
    lower: float = 1.0,
    largest: float = 1.0,
    power: float = 1.0,
    by_mean: bool = False,
) -> Sides:
    """A sample has fewer degrees of freedom than the population, by no more than one leverage says.

    Hypotheses
    ----------
    x_1..x_n independent; for the mean also of one law with second moment Sigma_P; lam > 0.

    Statement
    ---------
    Var N_hat <= E; N_P/(1 + N_inf/n) <= E <= N_P, N_inf = sup_x x^T (Sigma_P + lam)^{-1} x.

    Source
    ------
    Derived [D]: Efron and Stein; Jensen for N, and for the inverse.

    Equality cases
    --------------
    Variance: a long point drawn rarely. Upper end: one point. Lower end: one point and n or lam
    large, or one draw from many axes.

    References
    ----------
    Boucheron, Lugosi, Massart 2000; Efron, Stein 1981
    """
    found, probability = _listed(case)
    mean = float(probability @ found)
    spread = float(probability @ (found - mean) ** 2)
    size, error = case.n + sum(case.points.shape) + len(found), case.condition * (1 + mean)
    rank = max(1, min(case.n, case.n if case.own else case.points.shape[1]))
    bound = theory.dof_variance_bound(mean, rank) if mean <= rank else None
    parts = [
        at_most(spread, variance * mean, scale=error * case.n, size=size, part="variance"),
        equal(case.mean, mean, scale=error, size=size, part="E"),
    ]
    if bound:
        parts.append(equal(bound.value, mean, scale=error, size=1, part="variance bound's value"))
    if case.own:
        return together(*parts)
    root = case.points * np.sqrt(case.chances)[:, None]
    sigma = root.T @ root
    dof = case.population_dof
    inverse = np.linalg.inv(sigma + case.ridge * np.eye(len(sigma)))
    leverages = np.einsum("pi,ij,pj->p", case.points, inverse, case.points)
    top = dof if by_mean else float(np.max(leverages))
    theirs = theory.population_leverage(sigma, case.points, case.ridge)
    ends = theory.expected_dof_sandwich(sigma, case.ridge, case.n, theirs)
    stated = (dof / (1 + float(np.max(leverages)) / case.n), dof)
    low = lower * dof / (1 + largest * top / case.n**power)
    wide = error * case.condition  # an error of Sigma_P reaches the leverages whitened
    return together(
        *parts,
        at_most(mean, upper * dof, scale=error, size=size, part="upper"),
        at_most(low, mean, scale=wide, size=size, part="lower"),
        equal(theirs, float(np.max(leverages)), scale=wide, size=size, part="N_inf"),
        equal(ends, stated, scale=wide, size=size, part="ends"),
    )


def _listed(case: Draws) -> tuple[Floats, Floats]:
    """N_hat and the probability of every sequence of n points, in sample space."""
    sequences = np.array(list(itertools.product(range(len(case.points)), repeat=case.n)))
    drawn = case.points[sequences] / math.sqrt(case.n)
    gram = drawn @ np.swapaxes(drawn, 1, 2)
    if case.own:
        gram = gram * np.eye(case.n)
    solved = np.linalg.solve(gram + case.ridge * np.eye(case.n), gram)
    probability = np.prod(case.chances[sequences], axis=1)
    return np.trace(solved, axis1=1, axis2=2), probability
