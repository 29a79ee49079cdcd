r"""Determinantal processes: their normaliser, inclusions, sizes and pairs (D1 to D4).

Letters: Sigma the second moment, mu_i its eigenvalues, lam the ridge, L = Sigma/lam with
eigenvalues l, K = L (I + L)^{-1}; J is drawn with P(J) proportional to det L_JJ over all subsets
(DPP) or over those of k nodes (k-DPP, k <= rank). The left sides list all subsets, each
determinant by singular values of the samples.

Scales: an error of Sigma of size eps mu_1 moves log det(I + L) by m eps mu_1/lam, and log e_k by
m eps mu_1/mu_k.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, SMALL_LAYERS, STRUCTURED, Layer, Whole, layer, ranked_layer
from ..mutants import Mutant
from ..oracles import degrees, eigenvalues
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: All subsets are listed: few nodes. DPPs have no size.
OPEN = {
    "family": SMALL_LAYERS["family"],
    "m": Whole(1, 6),
    "log10_ridge": LAYERS["log10_ridge"],
    "seed": SMALL_LAYERS["seed"],
}
SIZED = {name: SMALL_LAYERS[name] for name in ("family", "k", "seed")} | {"m": Whole(1, 6)}
#: One node kept with probability 1/2: the tail bound of its number nearly is 1.
COIN = {"family": "flat", "m": 1, "log10_ridge": 0.0}


@dataclass(frozen=True, eq=False)
class Listed:
    """All subsets of the nodes.

    Attributes
    ----------
    member : (2^m, m) array
        1 where a node is in the subset.
    weight : (2^m,) array
        det L_JJ; 1 for the empty set.
    """

    member: Floats
    weight: Floats

    @property
    def chance(self) -> Floats:
        """P(J) of the DPP."""
        return np.asarray(self.weight / np.sum(self.weight))

    @property
    def size(self) -> Floats:
        """|J|."""
        return np.asarray(np.sum(self.member, axis=1))


def listed(sampled: Layer, lam: float) -> Listed:
    """Every subset, with its determinant by singular values of the samples over sqrt(n lam)."""
    x = sampled.features / np.sqrt(len(sampled.features) * lam)
    m = sampled.m
    member = np.array(list(itertools.product((0.0, 1.0), repeat=m)))
    weight = np.ones(len(member))
    for i, row in enumerate(member[1:], start=1):
        weight[i] = np.prod(np.linalg.svd(x[:, row > 0], compute_uv=False) ** 2)
    return Listed(member, weight)


def steepness(sampled: Layer) -> float:
    """Condition of the DPP's probabilities as functions of Sigma."""
    return 1.0 + sampled.m * float(eigenvalues(sampled.features)[0]) / sampled.ridge


def sized_steepness(sampled: Layer, k: int) -> float:
    """Condition of the k-DPP's probabilities as functions of Sigma."""
    mu = eigenvalues(sampled.features)
    return 1.0 + sampled.m * k * float(mu[0] / mu[k - 1])


def inclusions(member: Floats, chance: Floats) -> Floats:
    """P(i and j in J), (m, m)."""
    return np.asarray(member.T @ (chance[:, None] * member))


@register(
    "determinantal.D1",
    "identity",
    layer,
    OPEN,
    STRUCTURED,
    mutants=(
        Mutant("I x .95", {"unit": 0.95}),
        Mutant("no empty set", {"empty": 0.0}),
        Mutant("lam / 2", {"ridge_scale": 0.5}),
    ),
)
def normaliser(
    sampled: Layer, *, unit: float = 1.0, empty: float = 1.0, ridge_scale: float = 1.0
) -> Sides:
    """The determinants of all subsets sum to det(I + L).

    Hypotheses
    ----------
    L positive semidefinite, singular or not.

    Statement
    ---------
    sum_J det L_JJ = det(I + L) = sum_k e_k(l).

    Source
    ------
    Derived [D]; known.

    References
    ----------
    Kulesza and Taskar 2012, theorem 2.1
    """
    lam, m = ridge_scale * sampled.ridge, sampled.m
    total = math.log(float(np.sum(listed(sampled, sampled.ridge).weight)) - 1.0 + empty)
    stated = float(np.sum(np.log(unit + eigenvalues(sampled.features) / lam)))
    cov = theory.second_moment(sampled.features)
    logs = np.asarray(theory.log_elementary_symmetric(cov / sampled.ridge, m))
    sized = float(np.logaddexp.reduce(logs))
    scale, size = steepness(sampled), sampled.size
    return together(
        equal(total, stated, scale=scale, size=size, part="log det(I + L)"),
        equal(total, sized, scale=scale, size=size, part="by sizes"),
    )


@register(
    "determinantal.D2",
    "identity",
    layer,
    OPEN,
    STRUCTURED,
    mutants=(
        Mutant("L in place of K", {"marginal": False}),
        Mutant("lam / 2", {"ridge_scale": 0.5}),
        Mutant("constant x .95", {"constant": 0.95}),
    ),
)
def marginals(
    sampled: Layer, *, marginal: bool = True, ridge_scale: float = 1.0, constant: float = 1.0
) -> Sides:
    """All nodes of a set are drawn with the probability of the marginal kernel's determinant.

    Hypotheses
    ----------
    DPP with L positive semidefinite; S any subset.

    Statement
    ---------
    P(S in J) = det K_SS, so P(i in J) = K_ii.

    Source
    ------
    Derived [D]; known.

    References
    ----------
    Kulesza and Taskar 2012, theorem 2.2
    """
    every = listed(sampled, sampled.ridge)
    kernel = theory.second_moment(sampled.features) / (ridge_scale * sampled.ridge)
    k = theory.marginal_kernel(kernel) if marginal else kernel
    contained = every.member @ every.member.T == every.size[:, None]  # row S, column J
    dets = [np.linalg.det(k[np.ix_(s, s)]) if s.any() else 1.0 for s in every.member > 0]
    scale, size = len(dets) ** 0.5 * steepness(sampled), sampled.size
    one, _ = theory.inclusion_probabilities(kernel)
    return together(
        equal(contained @ every.chance, constant * np.array(dets), scale=scale, size=size),
        equal(every.chance @ every.member, one, scale=scale, size=size, part="single nodes"),
    )


@register(
    "determinantal.D3",
    "identity",
    layer,
    OPEN,
    (*STRUCTURED, COIN),
    mutants=(
        Mutant("mean x .95", {"constant": 0.95}),
        Mutant("variance of Poisson", {"poisson": True}),
        Mutant("2 of the tail dropped", {"tail": 1.0}),
        Mutant("tail's t/3 dropped, exponent doubled", {"tail": 1.0, "spare": 0.0}),
    ),
)
def number_of_nodes(
    sampled: Layer,
    *,
    constant: float = 1.0,
    poisson: bool = False,
    tail: float = 2.0,
    spare: float = 1 / 3,
) -> Sides:
    """A DPP draws as many nodes as there are degrees of freedom, give or take their root.

    Hypotheses
    ----------
    DPP with L = Sigma/lam; t > 0 (here t = |j - N| for all counts j).

    Statement
    ---------
    E|J| = Tr K = N(lam); Var|J| = sum l/(1 + l)^2 = Tr K (I - K);
    P(||J| - N| >= t) <= 2 exp(-t^2/(2 (Var + t/3))).

    Source
    ------
    Derived [D]: |J| is a sum of independent Bernoulli(l/(1 + l)); Bernstein's inequality.

    References
    ----------
    Hough, Krishnapur, Peres and Virag 2006
    """
    every, m = listed(sampled, sampled.ridge), sampled.m
    cov, lam = theory.second_moment(sampled.features), sampled.ridge
    dof = float(theory.degrees_of_freedom(cov, lam))
    k = theory.marginal_kernel(cov / lam)
    variance = float(np.trace(k @ (np.eye(m) - k)))
    mean = float(every.chance @ every.size)
    found = float(every.chance @ (every.size - mean) ** 2)
    scale, size = m * m * steepness(sampled), sampled.size
    mu = eigenvalues(sampled.features)
    parts = [
        equal(mean, constant * dof, scale=scale, size=size, part="mean"),
        equal(dof, degrees(mu, lam), scale=scale, size=size, part="degrees of freedom"),
        equal(found, dof if poisson else variance, scale=scale, size=size, part="variance"),
        equal(variance, np.sum(mu * lam / (mu + lam) ** 2), scale=scale, size=size),
    ]
    for j in range(m + 1):
        t = abs(j - dof)
        if t < 1e-6:  # the bound is above 1
            continue
        beyond = float(np.sum(every.chance[np.abs(every.size - dof) >= t * (1 - 1e-12)]))
        bound = tail * math.exp(-t * t / (2 * (variance + spare * t) + 1e-300))
        parts.append(at_most(beyond, bound, scale=scale, size=size, part="tail"))
    return together(*parts)


@register(
    "determinantal.D4",
    "identity",
    ranked_layer,
    {**SIZED, "log10_ridge": LAYERS["log10_ridge"]},
    STRUCTURED,
    mutants=(
        Mutant("plus K_ij^2", {"sign": 1.0}),
        Mutant("independent pairs", {"sign": 0.0}),
        Mutant("at most .95 of independent", {"factor": 0.95}),
    ),
)
def pairs_repel(sampled: Layer, *, sign: float = -1.0, factor: float = 1.0) -> Sides:
    """Two nodes are never drawn together more often than independently.

    Hypotheses
    ----------
    DPP with L = Sigma/lam, or its k-DPP with 1 <= k <= rank; i and j distinct.

    Statement
    ---------
    DPP: P(i, j in J) = K_ii K_jj - K_ij^2. Both: P(i, j in J) <= P(i in J) P(j in J).

    Source
    ------
    The formula derived [D]; that k-DPPs are negatively correlated is recalled [R] (they are
    strongly Rayleigh).

    Equality cases
    --------------
    DPP of a diagonal Sigma: nodes are independent.

    References
    ----------
    Kulesza and Taskar 2012; Borcea, Branden and Liggett 2009
    """
    every, k = listed(sampled, sampled.ridge), len(sampled.kept)
    cov = theory.second_moment(sampled.features)
    kernel = theory.marginal_kernel(cov / sampled.ridge)
    off = ~np.eye(sampled.m, dtype=bool)
    size, scale = sampled.size, sampled.m * steepness(sampled)
    found = inclusions(every.member, every.chance)
    one, two = theory.inclusion_probabilities(cov / sampled.ridge)
    stated = np.outer(np.diagonal(kernel), np.diagonal(kernel)) + sign * kernel**2
    fixed = np.where(every.size == k, every.weight, 0.0)
    of_size = inclusions(every.member, fixed / np.sum(fixed))
    steep = sampled.m * sized_steepness(sampled, k)
    single, pairs = theory.inclusion_probabilities(cov, k)
    excess = [
        float(np.max((p - factor * np.outer(s, s))[off], initial=-1.0))
        for p, s in ((found, np.diagonal(found)), (of_size, np.diagonal(of_size)))
    ]
    return together(
        equal(found[off], stated[off], scale=scale, size=size, part="pairs"),
        equal(found, two, scale=scale, size=size, part="DPP's pairs"),
        equal(np.diagonal(found), one, scale=scale, size=size, part="DPP's nodes"),
        equal(of_size, pairs, scale=steep, size=size, part="k-DPP's pairs"),
        equal(np.diagonal(of_size), single, scale=steep, size=size, part="k-DPP's nodes"),
        at_most(excess[0], 0.0, scale=scale, size=size, part="DPP's correlation"),
        at_most(excess[1], 0.0, scale=steep, size=size, part="k-DPP's correlation"),
    )
