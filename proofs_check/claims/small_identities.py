"""Identities of three nodes, each decided for every real matrix of that size.

What holds here holds of exactly the size that is stated. The numbers are a second opinion: theory
against least squares on the samples, subsets listed, determinants by singular values.

Letters: S_J the residual, L = Tr Q S_J, A_J the reconstruction, e_k elementary symmetric
polynomials, which of Sigma are the sums of its principal minors of size k.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import FAMILIES, LAYERS, Choice, Layer, Whole, layer
from ..mutants import Mutant
from ..oracles import all_subsets, degrees, eigenvalues
from ..registry import register
from ..sides import Floats, Sides, equal, together
from .changes import gain_of_joining, price_of_leaving
from .lemmas import CASES, SHARPER

SIZED = {name: value for name, value in LAYERS.items() if name not in ("m", "k")}
#: No two nodes alike, so that every block Sigma_JJ of up to two nodes is invertible.
INDEPENDENT = tuple(name for name in FAMILIES if name not in ("rank-one", "duplicated", "relu"))
#: Every node has a ridge.
RIDGED = {**SIZED, "nodes": Choice(("even", "uneven"))}


def three_nodes(rng: np.random.Generator, **parameters: Any) -> Layer:
    """Layer of three nodes; k of them are kept."""
    return layer(rng, **parameters, m=3)


@register(
    "lemma.volume-mean-3",
    "lemma",
    three_nodes,
    {"family": Choice(INDEPENDENT), "seed": LAYERS["seed"]},
    tuple({"family": family} for family in INDEPENDENT),
    mutants=(SHARPER, Mutant("signs dropped", {"alternating": False})),
)
def volume_mean(sampled: Layer, *, factor: float = 1.0, alternating: bool = True) -> Sides:
    """The mean residual of volume sampling one or two of three nodes is a polynomial in Sigma.

    Hypotheses
    ----------
    Sigma of size 3; k = 1 or 2; every det Sigma_JJ with |J| = k differs from 0; tau = 0.

    Statement
    ---------
    sum_{|J|=k} det(Sigma_JJ) S_J = sum_{j<=k} (-1)^j e_{k-j}(Sigma) Sigma^{j+1}, of trace
    (k + 1) e_{k+1}(Sigma); and sum_{j<=k} (-mu_i)^j e_{k-j}(mu) = e_k(mu without mu_i).

    Source
    ------
    Derived [D]: I7 for three nodes only, with e_k(Sigma) in place of the eigenvalues.

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    cov, mu = theory.second_moment(sampled.features), eigenvalues(sampled.features)
    e = [sum(math.prod(some) for some in itertools.combinations(mu, k)) for k in range(4)]
    sign, size = -1 if alternating else 1, sampled.size
    parts = []
    for k in (1, 2):
        total = e[k] * all_subsets(sampled.features, k).mean
        powers = [np.linalg.matrix_power(cov, j + 1) for j in range(k + 1)]
        polynomial = sum(sign**j * e[k - j] * power for j, power in enumerate(powers))
        # sums of products of k + 1 eigenvalues
        scale = sampled.scale ** (k + 1)
        parts += [
            equal(total, factor * polynomial, scale=scale, size=size, part=f"k = {k}"),
            equal(
                e[k] * theory.volume_residual(cov, k), total, scale=scale, size=size, part="theory"
            ),
            equal(np.trace(total), factor * (k + 1) * e[k + 1], scale=scale, size=size),
        ]
    return together(*parts)


@register(
    "lemma.leverage-sum-3",
    "lemma",
    three_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("scores at .95 lam", {"ridge_factor": 0.95})),
)
def leverage_sum(sampled: Layer, *, factor: float = 1.0, ridge_factor: float = 1.0) -> Sides:
    """Leverage scores of three nodes add up to the degrees of freedom, a rational function of lam.

    Hypotheses
    ----------
    Sigma of size 3, lam > 0, Sigma + lam invertible.

    Statement
    ---------
    sum_j l_j = (e_1 lam^2 + 2 e_2 lam + 3 e_3)/(lam^3 + e_1 lam^2 + e_2 lam + e_3) with e_k of
    Sigma; and sum_i mu_i/(mu_i + lam) is the same of e_k(mu).

    Source
    ------
    Derived [D]: part of I6, for three nodes only.

    References
    ----------
    Bach 2017 (leverage scores)
    """
    cov, mu = theory.second_moment(sampled.features), eigenvalues(sampled.features)
    lam = sampled.ridge
    e = [sum(math.prod(some) for some in itertools.combinations(mu, k)) for k in range(4)]
    above = e[1] * lam**2 + 2 * e[2] * lam + 3 * e[3]
    formula = factor * above / (lam**3 + e[1] * lam**2 + e[2] * lam + e[3])
    scores = float(np.sum(theory.leverage_scores(cov, ridge_factor * lam)))
    # an error E in Sigma moves N by at most m ||E||/lam
    scale, size = 3 * (1 + sampled.scale / lam), sampled.size
    return together(
        equal(scores, formula, scale=scale, size=size, part="scores"),
        equal(degrees(mu, ridge_factor * lam), formula, scale=scale, size=size, part="eigenvalues"),
    )


@register(
    "lemma.gain-3",
    "lemma",
    three_nodes,
    {**RIDGED, "k": Whole(1, 1)},
    ({"k": 1}, *({**case, "k": 1} for case in CASES)),
    mutants=(SHARPER, Mutant("tau dropped from the pivot", {"own_ridge": 0.0})),
)
def gain(sampled: Layer, *, factor: float = 1.0, own_ridge: float = 1.0) -> Sides:
    """What one more node saves, of three nodes with at most one kept before.

    Hypotheses
    ----------
    Sigma and Q symmetric of size 3; |J| <= 1 (the numbers try 1), j not in J; Sigma_JJ + I_tau
    and (S_J)_jj + tau_j invertible.

    Statement
    ---------
    L(J) - L(J + j) = (S_J Q S_J)_jj/((S_J)_jj + tau_j).

    Source
    ------
    Derived [D]: I4 for three nodes only.

    References
    ----------
    arXiv 1808.08558 (greedy selection [R])
    """
    return gain_of_joining(sampled, constant=factor, pivot_ridge=own_ridge)


@register(
    "lemma.price-3",
    "lemma",
    three_nodes,
    RIDGED,
    ({}, *CASES),
    mutants=(SHARPER, Mutant("pivot Sigma_jj + tau_j in place of 1/P_jj", {"schur": False})),
)
def price(sampled: Layer, *, factor: float = 1.0, schur: bool = True) -> Sides:
    """What dropping one of two nodes costs, of three nodes.

    Hypotheses
    ----------
    Sigma and Q symmetric of size 3; |J| = 2, j in J; Sigma_JJ + I_tau invertible, and so is its
    block without j.

    Statement
    ---------
    L(J - j) - L(J) = (A_J^T Q A_J)_jj/P_jj with P = (Sigma_JJ + I_tau)^{-1}.

    Source
    ------
    Derived [D]: I5 for three nodes only.

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    return price_of_leaving(sampled, constant=factor, schur=schur)


@register(
    "lemma.residual-determinant-3",
    "lemma",
    three_nodes,
    {**RIDGED, "k": Whole(1, 2)},
    ({"k": 1}, {"k": 2}, *({**case, "k": 2} for case in CASES)),
    mutants=(SHARPER, Mutant("tau dropped on the left", {"own_ridge": 0.0})),
)
def residual_determinant(sampled: Layer, *, factor: float = 1.0, own_ridge: float = 1.0) -> Sides:
    """A residual's entry is a ratio of determinants, of up to three nodes.

    Hypotheses
    ----------
    Sigma symmetric of size at most 3; |J| = 1 or 2, j not in J; det(Sigma_JJ + I_tau) differs
    from 0.

    Statement
    ---------
    (S_J)_jj + tau_j = det(Sigma + I_tau on J + j)/det(Sigma + I_tau on J).

    Source
    ------
    Derived [D] (Schur), for up to three nodes only.

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    kept, tau = sampled.kept, sampled.node_ridge
    (joined, *_) = np.setdiff1d(np.arange(3), kept)
    cov = theory.second_moment(sampled.features)
    left = float(theory.residual(cov, kept, tau[kept])[joined, joined]) + own_ridge * tau[joined]
    before, after = _singular(sampled, kept), _singular(sampled, np.append(kept, joined))
    ratio = float(np.prod(after) ** 2 / np.prod(before) ** 2)
    # an error E in a matrix moves its determinant by at most m ||E|| ||inverse|| of itself
    condition = (after[0] / after[-1]) ** 2
    scale = 3 * (sampled.scale + ratio) * condition
    return equal(left, factor * ratio, scale=scale, size=sampled.size)


def _singular(sampled: Layer, nodes: Any) -> Floats:
    """Singular values of the samples of some nodes over sqrt(n), on top of their root ridges."""
    rows = sampled.features[:, nodes] / np.sqrt(len(sampled.features))
    design = np.concatenate([rows, np.diag(np.sqrt(sampled.node_ridge[nodes]))])
    return np.asarray(np.linalg.svd(design, compute_uv=False))
