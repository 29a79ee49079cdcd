"""Readings of the paper that are false, each with its witness (F1-F4).

P1's true form draws v_1..v_k from q_j = l_j/N(lam), k >= 5 N log(80 N), keeps the MULTISET with
tau_i = k lam q_{v_i}, and has S_J <= 4 lam Sigma (Sigma + lam)^{-1} with probability 14/15: so
L^A <= 4 lam N(lam). Claims here are stated falsely on purpose and pass by being refuted.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import FAMILIES, Choice, Layer, Real, Whole, layer
from ..oracles import Index, degrees, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most

READINGS = {
    "family": Choice(FAMILIES),
    "m": Whole(1, 12),
    "log10_ridge": Real(-3.0, -0.5),
    "seed": Whole(0, 65535),
}


def _paper_draws(sampled: Layer) -> tuple[Index, Floats]:
    """Nodes drawn by leverage, as many as the paper-style width asks for, and q."""
    cov = sampled.features.T @ sampled.features / len(sampled.features)
    lam = sampled.ridge
    leverage = np.diag(np.linalg.solve(cov + lam * np.eye(sampled.m), cov))
    dof = float(np.sum(leverage))
    count = max(1, int(np.ceil(5 * dof * np.log(80 * dof))))
    q = np.maximum(leverage, 0.0) / np.sum(np.maximum(leverage, 0.0))
    drawn = np.random.default_rng(sampled.seed).choice(sampled.m, size=count, p=q)
    return drawn, q


@register(
    "spectral.F1",
    "must-fail",
    layer,
    READINGS,
    ({"family": "flat", "m": 1, "log10_ridge": -3.0},),
)
def merged_set(sampled: Layer) -> Sides:
    """FALSE: repeats may be merged to a set with the ridges left as they are.

    Hypotheses
    ----------
    As P1, but J the set of the drawn nodes, with tau_j = k lam q_j whatever the multiplicity.

    Statement
    ---------
    L^A_tau(J) <= 4 lam N(lam).

    Source
    ------
    Refuted here [D]: one node, Sigma = 1, lam = 1e-3, k = 22: .0215 against .0040. Which reading
    the paper prints is open [R]. Cure: tau_j = k lam q_j / multiplicity.

    References
    ----------
    arXiv 1808.08558
    """
    drawn, q = _paper_draws(sampled)
    kept = np.unique(drawn)
    tau = len(drawn) * sampled.ridge * q[kept]
    loss = float(np.trace(ridge_fit(sampled.features, sampled.features, kept, tau).moment))
    cov = theory.second_moment(sampled.features)
    bound = theory.sampling_bound(cov, sampled.ridge).value
    size = sampled.size
    return at_most(loss, bound, scale=sampled.scale, size=size)


@register(
    "spectral.F2",
    "must-fail",
    layer,
    READINGS,
    ({"family": "flat", "m": 24, "log10_ridge": 0.3},),
)
def trace_without_degrees(sampled: Layer) -> Sides:
    """FALSE: the input loss of the multiset is at most 4 lam, without N(lam).

    Hypotheses
    ----------
    As P1.

    Statement
    ---------
    L^A_tau(J) <= 4 lam.

    Source
    ------
    Refuted here [D]: E L^A >= lam N(lam) (Jensen), so it fails once N > 4; Sigma = I.

    References
    ----------
    arXiv 1808.08558; laws.L1
    """
    cov, lam = theory.second_moment(sampled.features), sampled.ridge
    count = theory.paper_width(cov, lam)
    drawn = theory.select_leverage(cov, count, lam, rng=np.random.default_rng(sampled.seed))
    kept, tau = np.asarray(drawn.kept), np.asarray(drawn.ridge)
    loss = float(np.trace(ridge_fit(sampled.features, sampled.features, kept, tau).moment))
    return at_most(loss, 4 * lam, scale=sampled.scale, size=sampled.size)


@dataclass(frozen=True, eq=False)
class Spike:
    """Diagonal second moment: one strong node, the others weak; and a ridge."""

    mu: Floats
    ridge: float


def spike(
    rng: np.random.Generator, *, m: int = 400, log10_weak: float = -9.0, log10_ridge: float = -4.0
) -> Spike:
    """mu = (1, weak, weak, ...). Nothing is random."""
    return Spike(np.append(1.0, np.full(m - 1, 10.0**log10_weak)), 10.0**log10_ridge)


@register(
    "spectral.F3",
    "must-fail",
    spike,
    {"m": Whole(50, 400), "log10_weak": Real(-12.0, -7.0), "log10_ridge": Real(-6.0, -2.0)},
    ({},),
)
def distinct_set(seen: Spike) -> Sides:
    """FALSE: some k DISTINCT nodes meet the sampling bound with the sampling ridges.

    Hypotheses
    ----------
    k >= 5 N log(80 N), J any k distinct nodes, tau_j = k lam q_j.

    Statement
    ---------
    min_{|J|=k} L^A_tau(J) <= 4 lam N(lam).

    Source
    ------
    Refuted here [D]: Sigma = diag(1, 1e-9, ...), m = 400, lam = 1e-4, k = 23: .00228 against
    .00040, as a strong isolated node has tau/lam = (k/N) l > 4. With the multiset it is drawn
    again and again, and its ridges add up.

    References
    ----------
    arXiv 1808.08558
    """
    mu, lam = seen.mu, seen.ridge
    dof = theory.degrees_of_freedom(mu, lam)
    count = theory.paper_width(mu, lam)
    if count > len(mu):
        raise theory.InapplicableError(f"{count} distinct nodes are more than the {len(mu)} there")
    tau = count * lam * (mu / (mu + lam)) / degrees(mu, lam)
    saved = np.sort(mu**2 / (mu + tau))[::-1][:count]  # Sigma is diagonal: nodes do not interact
    return at_most(float(np.sum(mu) - np.sum(saved)), 4 * lam * dof, scale=1.0, size=len(mu))


def chain_of_nodes(
    rng: np.random.Generator, *, correlation: float = 0.0, family: str = "block", m: int = 4
) -> Layer:
    """Layer with kept nodes in a random order; r > 0 gives Sigma = [[1,r,0],[r,1,0],[0,0,1]]."""
    if correlation == 0.0:
        return layer(rng, family=family, m=m, k=m, nodes="none", theta=1.0)
    cov = np.eye(3)
    cov[0, 1] = cov[1, 0] = correlation
    features = np.sqrt(3.0) * np.linalg.cholesky(cov).T
    return Layer(features, np.arange(3), np.zeros(3), 1.0, 1.0, np.eye(3), 0)


@register(
    "spectral.F4",
    "must-fail",
    chain_of_nodes,
    {"family": Choice(FAMILIES), "m": Whole(3, 7), "seed": Whole(0, 65535)},
    ({"correlation": 0.5},),
)
def first_version_ratio(sampled: Layer) -> Sides:
    """FALSE: the first version's explained ratio grows with J.

    Hypotheses
    ----------
    F the complement of J, tau = 0, Q = I (here the largest fall as nodes join one by one).

    Statement
    ---------
    ratio(J) = Tr[Sigma_FJ Sigma_JJ^{-1} Sigma_JF] / Tr Sigma_FF is nondecreasing in J.

    Source
    ------
    The ratio is that of public code of the first version [C]; refuted here [D]:
    Sigma = [[1, r, 0], [r, 1, 0], [0, 0, 1]] has r^2/2 at J = {1} and 0 at J = {1, 2}. With F all
    nodes it is 1 - L(J)/L(empty), which does grow (D1).

    References
    ----------
    arXiv 1808.08558v1
    """
    cov = theory.second_moment(sampled.features)

    def ratio(count: int) -> float:
        kept, left = sampled.kept[:count], sampled.kept[count:]
        explained = cov[np.ix_(left, left)] - theory.residual(cov, kept)[np.ix_(left, left)]
        return float(np.trace(explained) / np.trace(cov[np.ix_(left, left)]))

    scale = float(np.trace(cov) / np.min(np.diag(cov)))  # a trace over one node, at the least
    ratios = [ratio(count) for count in range(1, sampled.m)]
    before, after = min(itertools.pairwise(ratios), key=lambda pair: pair[1] - pair[0])
    return at_most(before, after, scale=scale, size=2 * sampled.m)
