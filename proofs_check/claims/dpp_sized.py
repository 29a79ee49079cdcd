r"""Determinantal processes of a fixed size: their normaliser, and their mixture (D5, D10).

Letters, scales and the lists of all subsets as in :mod:`.dpp`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, ranked_layer
from ..mutants import Mutant
from ..oracles import all_subsets
from ..registry import register
from ..sides import Sides, equal, together
from .dpp import SIZED, listed, sized_steepness


@register(
    "determinantal.D5",
    "identity",
    ranked_layer,
    {**SIZED, "log10_ridge": LAYERS["log10_ridge"]},
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("e_(k-1) in place of e_k", {"short": 1}),
        Mutant("lam / 2", {"ridge_scale": 0.5}),
    ),
)
def sized_normaliser(
    sampled: Layer, *, constant: float = 1.0, short: int = 0, ridge_scale: float = 1.0
) -> Sides:
    """The determinants of all subsets of one size sum to an elementary symmetric polynomial.

    Hypotheses
    ----------
    L positive semidefinite, 1 <= k <= rank.

    Statement
    ---------
    sum_{|J| = k} det L_JJ = e_k(l).

    Source
    ------
    Derived [D]; known (Cauchy-Binet).

    References
    ----------
    Kulesza and Taskar 2012, section 5.2
    """
    k, every = len(sampled.kept), listed(sampled, sampled.ridge)
    total = math.log(float(np.sum(every.weight[every.size == k])))
    kernel = theory.second_moment(sampled.features) / (ridge_scale * sampled.ridge)
    logs = np.asarray(theory.log_elementary_symmetric(kernel, k))
    stated = float(logs[k - short]) + math.log(constant)
    scale = sized_steepness(sampled, k) + abs(total)
    return equal(total, stated, scale=scale, size=sampled.size)


@register(
    "determinantal.D10",
    "identity",
    ranked_layer,
    SIZED,
    STRUCTURED,
    mutants=(
        Mutant("eigenvectors all alike", {"by_eigenvalue": False}),
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("size k - 1", {"short": 1}),
    ),
)
def mixture_of_projections(
    sampled: Layer, *, by_eigenvalue: bool = True, constant: float = 1.0, short: int = 0
) -> Sides:
    """A k-DPP draws k eigenvectors first, then as many nodes by the projection on them.

    Hypotheses
    ----------
    1 <= k <= rank; V_E the eigenvectors of a set E of k indices.

    Statement
    ---------
    The DPP with marginal kernel P = V_E V_E^T, P^2 = P, has |J| = k surely and P(J) = det P_JJ for
    |J| = k; the k-DPP is their mixture with weights prod_{n in E} mu_n/e_k(mu).

    Source
    ------
    Derived [D]; known.

    References
    ----------
    Hough, Krishnapur, Peres and Virag 2006; Kulesza and Taskar 2012
    """
    k, m = len(sampled.kept), sampled.m
    cov, subsets = theory.second_moment(sampled.features), all_subsets(sampled.features, k)
    spectrum = theory.decompose(cov)
    v, log_e = np.asarray(spectrum.eigenvectors), theory.log_elementary_symmetric(spectrum, k)
    mixture = np.zeros(len(subsets.nodes))
    sums = []
    taken = [np.array(e) for e in itertools.combinations(range(int(spectrum.rank)), k)]
    for e in taken:
        square = np.linalg.det(v[:, e][subsets.nodes]) ** 2  # det P_JJ = det(V_JE)^2
        weight = 1.0 / len(taken)
        if by_eigenvalue:
            weight = math.exp(float(np.sum(np.log(spectrum.eigenvalues[e])) - log_e[k]))
        mixture += weight * square
        sums.append(float(np.sum(square)))
    projection = v[:, taken[0]] @ v[:, taken[0]].T
    drawn = theory.sample_dpp_marginal(projection, rng=sampled.seed, draws=4)
    size, scale = sampled.size, math.sqrt(len(mixture)) * sized_steepness(sampled, k)
    wrong = max(abs(len(kept) - (k - short)) for kept in drawn)
    return together(
        equal(subsets.probability, constant * mixture, scale=scale, size=size, part="mixture"),
        equal(sums, np.ones(len(sums)), scale=m * len(sums), size=size, part="sure size"),
        equal(wrong, 0, scale=1.0, size=1, part="size of draws"),
    )
