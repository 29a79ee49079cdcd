"""Inequalities of one layer for any kept nodes: monotone, bounded below, and what theta does
(D1, D2, X5, X7).

Letters as in the identities: S_J the residual, L^theta = Tr(Q S_J), mu_1 >= mu_2 >= ... the
eigenvalues of Sigma. One side of each comes from raw samples, the other from the theory.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, Real, layer
from ..mutants import Mutant
from ..oracles import degrees, eigenvalues, form, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together

#: Flat spectrum, no ridge: every choice of nodes meets the floors.
FLAT = ({"family": "flat", "nodes": "none", "m": 8, "k": 3, "theta": 1.0},)
#: One of two nodes, both read faintly.
FAINT = {
    "shape": {"log10_spectrum": [0.0, 0.0], "output_weights": [[0.1, 0.1]]},
    "k": 1,
    "nodes": "none",
    "theta": 0.0,
}
#: The output loss alone: X7 is met with equality.
OUTPUTS_ALONE = ({"theta": 0.0},)
#: Two eigenvalues eleven decades apart with lam between: X5 is met but for half a per cent.
GAP = ({"family": "ill-conditioned", "nodes": "none", "m": 2, "k": 1, "log10_ridge": -6.5},)


@register(
    "spectral.D1",
    "inequality",
    layer,
    {**LAYERS, "theta": Real(0.0, 1.0)},
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("ridges rise", {"ridge_factor": 4.0}),
        Mutant("J and J' swapped", {"swapped": True}),
    ),
)
def monotone_residual(
    sampled: Layer, *, constant: float = 1.0, ridge_factor: float = 1.0, swapped: bool = False
) -> Sides:
    """The residual falls when nodes join and when ridges fall.

    Hypotheses
    ----------
    J a subset of J', 0 <= tau'_j <= tau_j on J (here tau' = theta tau).

    Statement
    ---------
    S_J'(tau') <= S_J(tau) in the positive semidefinite order.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    x, cov, kept = sampled.features, theory.second_moment(sampled.features), sampled.kept
    lower = ridge_factor * sampled.theta * sampled.node_ridge
    more = np.concatenate([kept, np.setdiff1d(np.arange(sampled.m), kept)[: len(kept)]])
    if swapped:
        kept, more = more, kept
    size, parts = sampled.size, []
    for name, nodes, tau in (("nodes", more, sampled.node_ridge), ("ridge", kept, lower)):
        fit = ridge_fit(x, x, nodes, tau[nodes])
        before = ridge_fit(x, x, kept, sampled.node_ridge[kept])
        scale = sampled.scale * max(fit.amplification, before.amplification)
        after = theory.residual(cov, nodes, tau[nodes])
        now = constant * theory.residual(cov, kept, sampled.node_ridge[kept])
        most = constant * before.moment
        parts.append(loewner(fit.moment, now, scale=scale, size=size, part=name))
        parts.append(loewner(after, most, scale=scale, size=size, part=name))
    return together(*parts)


@register(
    "spectral.D2",
    "inequality",
    layer,
    LAYERS,
    STRUCTURED + FLAT,
    mutants=(
        Mutant("constant / .95", {"constant": 1 / 0.95}),
        Mutant("tail from mu_k on", {"first": 0}),
    ),
)
def loss_floor(sampled: Layer, *, constant: float = 1.0, first: int = 1) -> Sides:
    """No k nodes beat the tail of the spectrum.

    Hypotheses
    ----------
    k distinct nodes, any tau >= 0.

    Statement
    ---------
    L^A_tau(J) >= sum_{i>k} mu_i(Sigma) and L^theta_tau(J) >= sum_{i>k} mu_i(Q^{1/2} Sigma Q^{1/2}).

    Source
    ------
    Derived [D] (Eckart and Young).

    Equality cases
    --------------
    Flat Sigma with tau = 0.

    References
    ----------
    Eckart and Young 1936
    """
    x, kept, k = sampled.features, sampled.kept, len(sampled.kept)
    z, theta, tau, cov = sampled.output_weights, sampled.theta, sampled.tau, theory.second_moment(x)
    fit = ridge_fit(x, x, kept, tau)
    q = form(theta, z)
    stacked = np.concatenate([np.sqrt(theta) * np.eye(sampled.m), np.sqrt(1 - theta) * z])
    start = k + first - 1
    mu, mixed_mu = eigenvalues(x), np.linalg.svd(x @ stacked.T, compute_uv=False) ** 2 / len(x)
    tail, mixed_tail = constant * np.sum(mu[start:]), constant * np.sum(mixed_mu[start:])
    floor = theory.floor(cov, k, theta=theta, output_weights=z).value
    loss = theory.information_loss(cov, kept, ridge=tau, theta=theta, output_weights=z)
    scale, size = sampled.scale * fit.amplification, sampled.size
    wide = scale * max(sampled.form_scale, 1.0)
    sampled_loss = float(np.sum(q * fit.moment))
    return together(
        at_most(
            constant * theory.tail_sum(cov, start),
            np.trace(fit.moment),
            scale=scale,
            size=size,
            part="input",
        ),
        at_most(tail, theory.information_loss(cov, kept, ridge=tau), scale=scale, size=size),
        at_most(constant * floor, sampled_loss, scale=wide, size=size, part="mixed floor"),
        at_most(mixed_tail, loss, scale=wide, size=size, part="mixed loss"),
        equal(theory.tail_sum(cov, k), np.sum(mu[k:]), scale=scale, size=size, part="tail's value"),
        equal(floor, np.sum(mixed_mu[k:]), scale=wide, size=size, part="floor's value"),
    )


@register(
    "spectral.X5",
    "inequality",
    layer,
    LAYERS,
    STRUCTURED + FLAT + GAP,
    mutants=(
        Mutant("tail / .95", {"tail_constant": 1 / 0.95}),
        Mutant("lam (N - k) / .95", {"constant": 1 / 0.95}),
        Mutant("k/2 in place of k", {"width_factor": 0.5}),
        Mutant("N at lam/2", {"ridge_scale": 0.5}),
    ),
)
def converse(
    sampled: Layer,
    *,
    constant: float = 1.0,
    tail_constant: float = 1.0,
    width_factor: float = 1.0,
    ridge_scale: float = 1.0,
) -> Sides:
    """N(lam) nodes are needed: fewer than half of them lose at least half of lam N.

    Hypotheses
    ----------
    k distinct nodes, any tau >= 0, any lam > 0.

    Statement
    ---------
    L^A_tau(J) >= sum_{i>k} mu_i >= lam (N(lam) - k).

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    First: flat Sigma with tau = 0. Second: lam far below mu_k and far above mu_{k+1}.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    x, kept, lam = sampled.features, sampled.kept, sampled.ridge
    cov, mu, k = theory.second_moment(x), eigenvalues(x), len(kept)
    loss = theory.information_loss(cov, kept, ridge=sampled.tau)
    floor = theory.converse_floor(cov, lam, k).value
    fit = ridge_fit(x, x, kept, sampled.tau)
    scale, size = sampled.scale * fit.amplification + lam * sampled.m, sampled.size
    tail = float(np.sum(mu[k:]))
    own_floor = lam * (degrees(mu, lam) - k)
    stated = constant * lam * (degrees(mu, ridge_scale * lam) - width_factor * k)
    return together(
        at_most(tail_constant * tail, loss, scale=scale, size=size, part="tail"),
        at_most(stated, tail, scale=scale, size=size, part="degrees of freedom"),
        at_most(floor, np.trace(fit.moment), scale=scale, size=size, part="loss"),
        at_most(stated, theory.tail_sum(cov, k), scale=scale, size=size, part="tail sum"),
        equal(floor, own_floor, scale=scale, size=size, part="floor's value"),
    )


@register(
    "spectral.X7",
    "inequality",
    layer,
    LAYERS,
    STRUCTURED + OUTPUTS_ALONE,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("||W||_op in place of its square", {"norm_power": 1.0}),
        Mutant("theta and 1 - theta swapped", {"swapped": True}, examples=(FAINT,)),
    ),
)
def theta_and_the_bound(
    sampled: Layer, *, constant: float = 1.0, norm_power: float = 2.0, swapped: bool = False
) -> Sides:
    """For fixed nodes the mixed bound is smallest at theta = 0: theta acts by the choice of J only.

    Hypotheses
    ----------
    J and tau fixed, Z = W != 0 (here the output weights).

    Statement
    ---------
    L^B <= ||W||_op^2 L^A, hence L^B <= L^theta / (theta/||W||_op^2 + 1 - theta).

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    theta = 0; W a multiple of an isometry.

    References
    ----------
    arXiv 1808.08558 (theta [R])
    """
    x, w, theta = sampled.features, sampled.output_weights, sampled.theta
    cov, tau = theory.second_moment(x), sampled.tau
    fit = ridge_fit(x, x, sampled.kept, tau)
    outputs = float(np.trace(w @ fit.moment @ w.T))
    norm = float(np.linalg.svd(w, compute_uv=False)[0])
    losses = {
        t: theory.information_loss(cov, sampled.kept, ridge=tau, theta=t, output_weights=w)
        for t in (0.0, theta, 1.0)
    }
    bound = theory.mixed_layer_bound(losses[theta], norm, theta).value
    weight = float(np.sum(w**2))
    scale, size = weight * sampled.scale * fit.amplification, sampled.size
    part = 1 - theta if swapped else theta
    share = theta / norm**2 + 1 - theta
    stated = constant * losses[theta] / (part / norm**norm_power + 1 - part)
    wide = scale * max(1.0, sampled.form_scale / share / weight)
    most = constant * norm**norm_power
    return together(
        at_most(outputs, most * losses[1.0], scale=scale, size=size, part="norm"),
        at_most(losses[0.0], most * np.trace(fit.moment), scale=scale, size=size, part="loss"),
        at_most(outputs, stated, scale=wide, size=size, part="mixed bound"),
        equal(bound, losses[theta] / share, scale=wide, size=size, part="bound's value"),
    )
