r"""Determinantal sampling spends and loses exactly the degrees of freedom (L3).

Letters: Sigma the second moment, mu_i its eigenvalues, N(lam) = Tr Sigma (Sigma + lam)^{-1}, e_k
elementary symmetric polynomials. The left sides list all subsets, each by least squares.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, SMALL_LAYERS, STRUCTURED, Layer, Whole, layer
from ..mutants import Mutant
from ..oracles import all_subsets, eigenvalues, mean_scale
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: No kept nodes: the claim lists all subsets.
LISTED = {name: SMALL_LAYERS[name] for name in ("family", "k", "seed")}


@register(
    "laws.L3",
    "identity",
    layer,
    {**LISTED, "m": Whole(1, 6), "log10_ridge": LAYERS["log10_ridge"]},
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("kernel Sigma / (2 lam)", {"kernel": 0.5}),
        Mutant("every subset alike", {"by_volume": False}),
        Mutant("k in place of k + 1", {"spare": 0}),
    ),
)
def determinantal_mean(
    sampled: Layer,
    *,
    constant: float = 1.0,
    kernel: float = 1.0,
    by_volume: bool = True,
    spare: int = 1,
) -> Sides:
    """Determinantal sampling spends N(lam) nodes on average, and loses lam N(lam).

    Hypotheses
    ----------
    lam > 0, P(S) proportional to det(Sigma_SS/lam) over all subsets S; no ridge (tau = 0).

    Statement
    ---------
    E|S| = N(lam), E S_S = lam Sigma (Sigma + lam)^{-1}, E L^A = lam N(lam). Given |S| = k:
    E L^A = (k + 1) e_{k+1}(mu)/e_k(mu), and tail <= best S <= E L^A <= (k + 1) tail, with tail =
    sum_{i > k} mu_i.

    Source
    ------
    Derived [D]; the loss given |S| = k is known (Deshpande et al. 2006).

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006; Kulesza and Taskar 2012
    """
    cov, lam, m = theory.second_moment(sampled.features), sampled.ridge, sampled.m
    chances, means = _determinantal(sampled, lam / kernel, by_volume)
    residual = np.einsum("k,kij->ij", chances, means)
    size, top = sampled.size, float(eigenvalues(sampled.features)[0])
    dof, h = theory.degrees_of_freedom(cov, lam), np.asarray(theory.smoother(cov, lam))
    # an error of Sigma moves log det(I + Sigma/lam) by its size over lam
    steep = 1.0 + m * top / lam
    worst = steep * max(mean_scale(sampled, k) for k in range(m + 1))
    parts = [
        equal(np.arange(m + 1) @ chances, constant * dof, scale=m * steep, size=size, part="width"),
        equal(residual, constant * lam * h, scale=worst, size=size, part="residual"),
        equal(np.trace(residual), constant * lam * dof, scale=worst, size=size, part="loss"),
    ]
    k = min(len(sampled.kept), m)
    listed = all_subsets(sampled.features, k)
    if not np.any(listed.probability > 0):  # no k nodes are independent
        return together(*parts)
    mean, best = float(np.trace(means[k])), float(np.min(listed.losses(np.eye(m))))
    stated = (k + spare) / (k + 1) * theory.volume_loss(cov, k)
    tail, scale = theory.tail_sum(cov, k), mean_scale(sampled, k)
    return together(
        *parts,
        equal(mean, stated, scale=scale, size=size, part="loss of k nodes"),
        at_most(tail, best, scale=scale, size=size, part="tail"),
        at_most(best, mean, scale=scale, size=size, part="best"),
        at_most(mean, (k + 1) * tail, scale=scale, size=size, part="ladder"),
    )


def _determinantal(sampled: Layer, lam: float, by_volume: bool) -> tuple[Floats, Floats]:
    """P(|S| = k), (m + 1,), and the mean residual given |S| = k, (m + 1, m, m)."""
    x = sampled.features / np.sqrt(len(sampled.features))
    gram, m = x.T @ x / lam, sampled.m
    weights, means = np.zeros(m + 1), np.zeros((m + 1, m, m))
    for k in range(m + 1):
        listed = all_subsets(sampled.features, k)
        blocks = gram[listed.nodes[:, :, None], listed.nodes[:, None, :]]
        possible = bool(np.any(listed.probability > 0))  # else the determinants are rounding
        weights[k] = float(np.sum(np.linalg.det(blocks))) if possible else 0.0
        means[k] = listed.mean
        if not by_volume:
            weights[k], means[k] = len(blocks), np.mean(listed.residuals, axis=0)
    return weights / np.sum(weights), means
