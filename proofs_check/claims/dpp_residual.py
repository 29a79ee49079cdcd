r"""Determinantal processes: what their draws and their likeliest sets leave over (D6 to D9).

Letters as in :mod:`.dpp`; S_J = Sigma - Sigma_.J Sigma_JJ^{-1} Sigma_J. the residual, tail =
sum_{j > k} mu_j. The left sides list all subsets, with residuals by singular values of the samples.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pruneproof import theory

from ..generators import STRUCTURED, Layer, Real, Whole, below_rank_layer, layer, ranked_layer
from ..mutants import Mutant
from ..oracles import all_subsets, eigenvalues, mean_scale
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from .dpp import OPEN, SIZED, listed, sized_steepness, steepness

#: One direction nearly missing, and equally so from all k + 1 nodes: D7 and D8 are nearly tight.
TIGHT = (
    {"shape": {"log10_spectrum": [0.0, -3.0], "angles": [math.pi / 4]}, "k": 1},
    {"shape": {"log10_spectrum": [0.0, 0.0, -3.0]}, "k": 2},
)
#: Two nodes of three: the greedy pair is not the best, with and without the identity added.
SHORT_SIGHTED = {"family": "relu", "m": 3, "k": 2, "log10_ridge": -3.0, "seed": 6}


@register(
    "determinantal.D6",
    "identity",
    layer,
    OPEN,
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("every subset alike", {"by_volume": False}),
        Mutant("L in place of I + L", {"unit": 0.0}),
    ),
)
def residual_is_ridge(
    sampled: Layer, *, constant: float = 1.0, by_volume: bool = True, unit: float = 1.0
) -> Sides:
    """The mean residual of a DPP is the bias of ridge regression.

    Hypotheses
    ----------
    DPP with L = Sigma/lam, no ridge on the kept nodes; of the last part L positive definite (here
    mu_m > mu_1/1000).

    Statement
    ---------
    E S_J = lam Sigma (Sigma + lam)^{-1} = lam K, so E L^A = lam N(lam); and if L is positive
    definite E pad(L_JJ^{-1}) = (I + L)^{-1}, with zeros outside J.

    Source
    ------
    Derived [D]; known. The last part is false for L = 11^T of two nodes: I/3 against
    I - 11^T/3 [D].

    References
    ----------
    Derezinski and Mahoney 2021
    """
    cov, lam, m = theory.second_moment(sampled.features), sampled.ridge, sampled.m
    every = listed(sampled, lam)
    chance = every.chance if by_volume else np.full(len(every.chance), 1 / len(every.chance))
    residual = np.einsum("b,bij->ij", chance, _residuals(sampled, every.member))
    steep, size = steepness(sampled), sampled.size
    scale = steep * max(mean_scale(sampled, k) for k in range(m + 1))
    kernel = np.asarray(theory.marginal_kernel(cov / lam))
    dof = float(theory.degrees_of_freedom(cov, lam))
    parts = [
        equal(residual, constant * lam * kernel, scale=scale, size=size, part="residual"),
        equal(np.trace(residual), constant * lam * dof, scale=scale, size=size, part="loss"),
    ]
    mu = eigenvalues(sampled.features)
    if mu[-1] > 1e-3 * mu[0]:
        padded = np.zeros((m, m))
        for row, p in zip(every.member > 0, chance, strict=True):
            padded[np.ix_(row, row)] += p * np.linalg.inv(np.asarray(cov)[np.ix_(row, row)] / lam)
        stated = np.linalg.inv(unit * np.eye(m) + np.asarray(cov) / lam)
        grown = steep * m * (1.0 + lam / float(mu[-1])) * float(mu[0] / mu[-1])
        parts.append(equal(padded, stated, scale=grown, size=size, part="inverse"))
    return together(*parts)


def _residuals(sampled: Layer, member: Floats) -> Floats:
    """S_J of each subset, in the order of `member`."""
    found = {}
    for k in range(sampled.m + 1):
        subsets = all_subsets(sampled.features, k)
        for nodes, left in zip(subsets.nodes, subsets.residuals, strict=True):
            found[tuple(nodes.tolist())] = left
    return np.array([found[tuple(np.flatnonzero(row).tolist())] for row in member])


@register(
    "determinantal.D7",
    "expectation",
    ranked_layer,
    SIZED,
    (*STRUCTURED, *TIGHT),
    mutants=(
        Mutant("k in place of k + 1", {"spare": 0}),
        Mutant("ladder x .95", {"ladder": 0.95}),
        Mutant("k + 2 - s in place of k + 1 - s", {"below": 2}),
        Mutant("every subset alike", {"by_volume": False}),
    ),
)
def loss_of_a_size(
    sampled: Layer,
    *,
    spare: int = 1,
    ladder: float = 1.0,
    below: int = 1,
    by_volume: bool = True,
) -> Sides:
    """A k-DPP loses (k + 1) e_{k+1}/e_k in the mean, at most k + 1 times the tail.

    Hypotheses
    ----------
    1 <= k <= rank; 0 <= s <= k.

    Statement
    ---------
    E L^A = (k + 1) e_{k+1}(mu)/e_k(mu) <= (k + 1)/(k + 1 - s) sum_{j > s} mu_j; s = k is
    (k + 1) tail.

    Source
    ------
    Derived [D]; known.

    Equality cases
    --------------
    s = k: k equal eigenvalues and one that tends to 0.

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006; Guruswami and Sinop 2012
    """
    cov, k = theory.second_moment(sampled.features), len(sampled.kept)
    subsets = all_subsets(sampled.features, k)
    mean = subsets.mean if by_volume else np.mean(subsets.residuals, axis=0)
    loss = float(np.trace(mean))
    stated = (k + spare) / (k + 1) * float(theory.volume_loss(cov, k))
    mu, scale, size = eigenvalues(sampled.features), mean_scale(sampled, k), sampled.size
    bounds = [(k + 1) / (k + below - s) * float(np.sum(mu[s:])) for s in range(k + 1)]
    return together(
        at_most(loss, ladder * min(bounds), scale=scale, size=size, part="ladder"),
        equal(loss, stated, scale=scale, size=size, part="loss"),
    )


@register(
    "determinantal.D8",
    "exists",
    below_rank_layer,
    SIZED,
    (*STRUCTURED, *TIGHT),
    mutants=(
        Mutant("entries: (k + 1) x .95", {"entries": 0.95}),
        Mutant("entries: k", {"spare": 0}),
        Mutant("some J: (k + 1) x .95", {"trace": 0.95}),
    ),
)
def largest_determinant(
    sampled: Layer, *, entries: float = 1.0, spare: int = 1, trace: float = 1.0
) -> Sides:
    """The set of largest determinant leaves small entries, and some set a small trace.

    Hypotheses
    ----------
    1 <= k < rank.

    Statement
    ---------
    The J of largest det Sigma_JJ, |J| = k, has max_ij |(S_J)_ij| <= (k + 1) mu_{k+1}; some J of k
    nodes has Tr S_J <= (k + 1) tail.

    Source
    ------
    The entries recalled [R]; the trace derived [D] from D7. They are not the same J: see
    determinantal.PR-X5.

    Equality cases
    --------------
    k + 1 nodes with a vanishing eigenvalue whose eigenvector is even over them.

    References
    ----------
    Goreinov and Tyrtyshnikov 2001; Deshpande, Rademacher, Vempala and Wang 2006
    """
    k = len(sampled.kept)
    if k == 0:
        raise theory.InapplicableError("a size below the rank is needed, and the rank is 1")
    subsets, mu = all_subsets(sampled.features, k), eigenvalues(sampled.features)
    largest = subsets.residuals[int(np.argmax(subsets.probability))]
    losses = np.trace(subsets.residuals, axis1=1, axis2=2)
    scale, size = mean_scale(sampled, k), sampled.size
    tail = float(theory.tail_sum(theory.second_moment(sampled.features), k))
    most = entries * (k + spare) * float(mu[k])
    return together(
        at_most(float(np.max(np.abs(largest))), most, scale=scale, size=size, part="entries"),
        at_most(float(np.min(losses)), trace * (k + 1) * tail, scale=scale, size=size, part="some"),
    )


def copies(rng: np.random.Generator, *, copies: int = 20, log10_excess: float = -4.0) -> Layer:
    """So many copies of a unit vector, and one orthogonal to them, longer by 10**log10_excess."""
    features = np.zeros((2, copies + 1))
    features[0, :copies] = 1.0
    features[1, copies] = math.sqrt(1.0 + 10.0**log10_excess)
    found = layer(rng, family="flat", m=copies + 1, k=1, nodes="none", theta=1.0)
    return replace(found, features=math.sqrt(2.0) * features, kept=np.array([copies]))


@register(
    "determinantal.PR-X5",
    "must-fail",
    copies,
    {"copies": Whole(1, 40), "log10_excess": Real(-6.0, 0.0)},
    ({},),
)
def largest_determinant_in_trace(sampled: Layer) -> Sides:
    """FALSE: the set of largest determinant loses at most k + 1 times the tail.

    Hypotheses
    ----------
    J of largest det Sigma_JJ, |J| = k (here k = 1).

    Statement
    ---------
    Tr S_J <= (k + 1) tail.

    Source
    ------
    Refuted here [D], by an unbounded factor: n copies of a unit vector and one orthogonal to them
    of squared length 1.0001 have Tr S_J = n at k = 1, against 2.0002.

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006 (true of the mean: determinantal.D7)
    """
    cov = theory.second_moment(sampled.features)
    kept = theory.greedy_map(cov, 1).kept  # at k = 1 the greedy set is the best
    loss = float(theory.information_loss(cov, kept))
    return at_most(loss, 2 * theory.tail_sum(cov, 1), scale=sampled.scale, size=sampled.size)


@register(
    "determinantal.D9",
    "inequality",
    ranked_layer,
    {**SIZED, "log10_ridge": OPEN["log10_ridge"]},
    (*STRUCTURED, SHORT_SIGHTED),
    mutants=(
        Mutant("(k!)^2 x .95", {"constant": 0.95}),
        Mutant("greedy is the best", {"factor": 0.0}),
        Mutant("k! in place of its square", {"factor": 1.0}, must_die=False),
        Mutant("1 in place of 1 - 1/e", {"share": 1.0}),
    ),
)
def greedy_determinant(
    sampled: Layer,
    *,
    constant: float = 1.0,
    factor: float = 2.0,
    share: float = 1 - math.exp(-1),
) -> Sides:
    """The greedy set's determinant is within (k!)^2 of the largest.

    Hypotheses
    ----------
    1 <= k <= rank; of the last part M >= I (here I + L, L = Sigma/lam), where log det is monotone.

    Statement
    ---------
    max_{|J| = k} det Sigma_JJ <= (k!)^2 det Sigma_GG, G greedy; and log det M_GG >=
    (1 - 1/e) max_{|J| = k} log det M_JJ with G greedy for M.

    Source
    ------
    Recalled [R]; the second part is submodularity.

    Equality cases
    --------------
    k = 1.

    References
    ----------
    Civril and Magdon-Ismail 2009; Nemhauser, Wolsey and Fisher 1978; Chen, Zhang and Zhou 2018
    """
    cov, k, lam = theory.second_moment(sampled.features), len(sampled.kept), sampled.ridge
    every = listed(sampled, lam)
    best = math.log(float(np.max(every.weight[every.size == k])))
    greedy = theory.greedy_map(cov, k).log_determinant - k * math.log(lam)
    size, scale = sampled.size, sized_steepness(sampled, k) + abs(best)
    lifted = np.eye(sampled.m) + np.asarray(cov) / lam
    subsets = all_subsets(sampled.features, k).nodes
    tops = [float(np.linalg.slogdet(lifted[np.ix_(nodes, nodes)])[1]) for nodes in subsets]
    found = theory.greedy_map(lifted, k).log_determinant
    steep, most = steepness(sampled), factor * math.lgamma(k + 1) + math.log(constant)
    return together(
        at_most(best - greedy, most, scale=scale, size=size, part="det"),
        at_most(share * max(tops), found, scale=steep, size=size, part="log det of I + L"),
    )
