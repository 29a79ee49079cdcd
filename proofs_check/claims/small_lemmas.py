"""Lemmas of two or three nodes, each decided for every real number of that size.

What holds here holds of exactly the size that is stated; the same statements for any size are other
claims, with proofs of their own. The numbers are a second opinion: theory against plain sums.

Letters: mu_i the eigenvalues of Sigma, N(lam) = sum mu_i/(mu_i + lam), S_J the residual of keeping
J, L = Tr Q S_J, A_J the reconstruction.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, Layer, layer
from ..mutants import Mutant
from ..oracles import eigenvalues, layer_fit, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together
from . import lemmas
from .lemmas import CASES, SHARPER

#: Ranges of layers whose number of nodes is fixed.
SIZED = {name: value for name, value in LAYERS.items() if name not in ("m", "k")}
#: The kept node explains all.
UNRIDGED_RANK_ONE = ({"family": "rank-one", "nodes": "none"},)


def two_nodes(rng: np.random.Generator, **parameters: Any) -> Layer:
    """Layer of two nodes, one of them kept."""
    return layer(rng, **parameters, m=2, k=1)


def three_nodes(rng: np.random.Generator, **parameters: Any) -> Layer:
    """Layer of three nodes, one of them kept."""
    return layer(rng, **parameters, m=3, k=1)


@register(
    "lemma.degrees-antitone-2",
    "lemma",
    two_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("increasing instead", {"swapped": True})),
)
def degrees_antitone(sampled: Layer, *, factor: float = 1.0, swapped: bool = False) -> Sides:
    """Degrees of freedom of two eigenvalues fall as the ridge grows.

    Hypotheses
    ----------
    mu_1, mu_2 >= 0; 0 < lam <= lam'.

    Statement
    ---------
    N(lam') <= N(lam).

    Source
    ------
    Derived [D]: part of X9, for two eigenvalues only.

    Equality cases
    --------------
    lam' = lam.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    return lemmas.degrees_antitone(sampled, factor=factor, swapped=swapped)


@register(
    "lemma.degrees-antitone-3",
    "lemma",
    three_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("increasing instead", {"swapped": True})),
)
def degrees_of_invariants(sampled: Layer, *, factor: float = 1.0, swapped: bool = False) -> Sides:
    """Degrees of freedom of three nodes fall as the ridge grows, with no eigenvalue in sight.

    Hypotheses
    ----------
    e_1, e_2, e_3 >= 0 (here the sums of the principal minors of Sigma of each size);
    0 < lam <= lam'.

    Statement
    ---------
    N(lam') <= N(lam), N(lam) = (e_1 lam^2 + 2 e_2 lam + 3 e_3)/(lam^3 + e_1 lam^2 + e_2 lam + e_3).

    Source
    ------
    Derived [D]: part of X9, for three nodes only; that N is Tr Sigma (Sigma + lam)^{-1} is a lemma
    on its own (leverage-sum-3).

    Equality cases
    --------------
    lam' = lam.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    mu = eigenvalues(sampled.features).tolist()
    e = [sum(math.prod(some) for some in itertools.combinations(mu, k)) for k in (1, 2, 3)]
    cov, parts = theory.second_moment(sampled.features), []
    for times in (1.0, 3.0):
        low, high = times * sampled.ridge, sampled.ridge
        if swapped:
            low, high = high, low
        above = e[0] * high**2 + 2 * e[1] * high + 3 * e[2]
        count = above / (high**3 + e[0] * high**2 + e[1] * high + e[2])
        # an error E in Sigma moves N by at most m ||E||/lam
        scale, part = 3 * (1 + sampled.scale / sampled.ridge), f"lam' = {times:g} lam"
        dof = theory.degrees_of_freedom(cov, low)
        parts.append(at_most(dof, factor * count, scale=scale, size=sampled.size, part=part))
    return together(*parts)


@register(
    "lemma.degrees-scaled-2",
    "lemma",
    two_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("ridges dropped", {"scaled": False})),
)
def degrees_scaled(sampled: Layer, *, factor: float = 1.0, scaled: bool = True) -> Sides:
    """The ridge times the degrees of freedom of two eigenvalues grows with the ridge.

    Hypotheses
    ----------
    mu_1, mu_2 >= 0; 0 < lam <= lam'.

    Statement
    ---------
    lam N(lam) <= lam' N(lam').

    Source
    ------
    Derived [D]: part of X9, for two eigenvalues only.

    Equality cases
    --------------
    lam' = lam.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    return lemmas.degrees_scaled(sampled, factor=factor, scaled=scaled)


@register("lemma.degrees-rank-3", "lemma", three_nodes, SIZED, CASES, mutants=(SHARPER,))
def degrees_rank(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """Degrees of freedom of three eigenvalues are at most the number of positive ones.

    Hypotheses
    ----------
    mu_1, mu_2, mu_3 >= 0, of which r are positive; lam > 0.

    Statement
    ---------
    N(lam) <= r.

    Source
    ------
    Derived [D], for three eigenvalues only.

    Equality cases
    --------------
    lam -> 0.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    return lemmas.degrees_rank(sampled, factor=factor)


@register(
    "lemma.degrees-trace-3",
    "lemma",
    three_nodes,
    SIZED,
    CASES,
    mutants=(Mutant("constant / .95", {"factor": 1 / 0.95}),),
)
def degrees_trace(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """Degrees of freedom of three eigenvalues are at least those of one that holds all the trace.

    Hypotheses
    ----------
    mu_1, mu_2, mu_3 >= 0; t = mu_1 + mu_2 + mu_3; lam > 0.

    Statement
    ---------
    t/(t + lam) <= N(lam).

    Source
    ------
    Derived [D], for three eigenvalues only.

    Equality cases
    --------------
    Rank one.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    return lemmas.degrees_trace(sampled, factor=factor)


@register(
    "lemma.residual-psd-2",
    "lemma",
    two_nodes,
    SIZED,
    CASES + UNRIDGED_RANK_ONE,
    mutants=(Mutant("fitted part / .95", {"factor": 1 / 0.95}),),
)
def residual_of_two(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """The node left out of two has a residual of at least 0.

    Hypotheses
    ----------
    Sigma = [[a, b], [b, d]] positive semidefinite; tau >= 0; a + tau > 0.

    Statement
    ---------
    d - b^2/(a + tau) >= 0.

    Source
    ------
    Derived [D]: part of I6, for two nodes only.

    Equality cases
    --------------
    Rank one and tau = 0.

    References
    ----------
    arXiv 1808.08558 (input-aware loss [R])
    """
    kept, fit = sampled.kept, layer_fit(sampled, sampled.kept)
    (rest,) = set(range(2)) - set(kept.tolist())
    cov = theory.second_moment(sampled.features)
    left = float(theory.residual(cov, kept, sampled.tau)[rest, rest])
    fitted = float(cov[rest, rest]) - left
    scale, size = sampled.scale * fit.amplification, sampled.size
    return together(
        at_most(factor * fitted, float(cov[rest, rest]), scale=scale, size=size, part="fitted"),
        equal(fit.moment[rest, rest], left, scale=scale, size=size, part="residual"),
    )


@register(
    "lemma.residual-psd-3",
    "lemma",
    three_nodes,
    SIZED,
    CASES + UNRIDGED_RANK_ONE,
    mutants=(Mutant("fitted part / .95", {"factor": 1 / 0.95}),),
)
def residual_of_three(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """The two nodes left out of three have a positive semidefinite residual.

    Hypotheses
    ----------
    Sigma of size 3 positive semidefinite (every principal minor at least 0); one node kept, its
    Sigma_jj > 0, tau = 0.

    Statement
    ---------
    Sigma_RR - Sigma_Rj Sigma_jR/Sigma_jj is positive semidefinite on the other two, R.

    Source
    ------
    Derived [D]: part of I6, for one of three nodes only.

    Equality cases
    --------------
    Rank one.

    References
    ----------
    arXiv 1808.08558 (input-aware loss [R])
    """
    (kept,) = sampled.kept.tolist()
    rest = [node for node in range(3) if node != kept]
    cov = theory.second_moment(sampled.features)
    left = theory.residual(cov, [kept])[np.ix_(rest, rest)]
    whole = cov[np.ix_(rest, rest)]
    fit = ridge_fit(sampled.features, sampled.features, sampled.kept, np.zeros(1))
    scale, size = sampled.scale * fit.amplification, sampled.size
    own = fit.moment[np.ix_(rest, rest)]
    return together(
        loewner(factor * (whole - left), whole, scale=scale, size=size, part="fitted"),
        equal(own, left, scale=scale, size=size, part="residual"),
    )


@register(
    "lemma.residual-ridge-2",
    "lemma",
    two_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("tau and tau' swapped", {"swapped": True})),
)
def residual_grows_with_ridge(
    sampled: Layer, *, factor: float = 1.0, swapped: bool = False
) -> Sides:
    """The residual of keeping one of two nodes grows with the node's ridge.

    Hypotheses
    ----------
    Sigma of size 2 positive semidefinite, node j kept, 0 <= tau <= tau', Sigma_jj + tau > 0.

    Statement
    ---------
    S_J(tau) <= S_J(tau') in the positive semidefinite order.

    Source
    ------
    Derived [D]: part of D1, for one of two nodes only.

    Equality cases
    --------------
    tau' = tau.

    References
    ----------
    arXiv 1808.08558 (input-aware loss [R])
    """
    x, kept, tau = sampled.features, sampled.kept, sampled.tau
    parts = []
    for more in (0.0, sampled.ridge):
        low, high = (tau + more, tau) if swapped else (tau, tau + more)
        fits = [ridge_fit(x, x, kept, ridges) for ridges in (low, high)]
        scale = sampled.scale * max(fit.amplification for fit in fits)
        above = theory.residual(theory.second_moment(x), kept, high)
        size, part = sampled.size, f"tau' = tau + {more:g}"
        parts.append(loewner(fits[0].moment, factor * above, scale=scale, size=size, part=part))
    return together(*parts)


@register(
    "lemma.inverse-antitone-2",
    "lemma",
    two_nodes,
    SIZED,
    CASES,
    mutants=(SHARPER, Mutant("A and B swapped", {"swapped": True})),
)
def inverse_antitone(sampled: Layer, *, factor: float = 1.0, swapped: bool = False) -> Sides:
    """The inverse turns the positive semidefinite order round, in two dimensions.

    Hypotheses
    ----------
    A of size 2 positive definite, B - A positive semidefinite (here A = Sigma + lam and B = A, or
    B = A + Z^T Z).

    Statement
    ---------
    B^{-1} <= A^{-1} in the positive semidefinite order.

    Source
    ------
    Derived [D], for two dimensions only.

    Equality cases
    --------------
    B = A.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    lam, z = sampled.ridge, sampled.output_weights
    a = theory.second_moment(sampled.features) + lam * np.eye(2)
    parts = []
    for name, more in (("B = A", np.zeros((2, 2))), ("B = A + Z^T Z", z.T @ z)):
        low, high = (a, a + more) if swapped else (a + more, a)
        # an error E in A moves A^{-1} by at most ||E||/lam^2
        scale = (sampled.scale + lam + float(np.sum(z**2))) / lam**2
        inverses = np.linalg.inv(low), factor * np.linalg.inv(high)
        parts.append(loewner(*inverses, scale=scale, size=sampled.size, part=name))
    return together(*parts)
