"""Inequalities of one layer for any kept nodes: monotone, bounded below, and what theta does
(D1, D2, X5, X7).

Letters as in the identities: S_J the residual, L^theta = Tr(Q S_J), mu_1 >= mu_2 >= ... the
eigenvalues of Sigma. One side of each comes from raw samples, the other from the theory.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, Real, layer
from ..oracles import degrees, eigenvalues, form, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together

#: Flat spectrum, no ridge: every choice of nodes meets the floors.
FLAT = ({"family": "flat", "nodes": "none", "m": 8, "k": 3, "theta": 1.0},)
#: Two eigenvalues eleven decades apart with lam between: X5 is met but for half a per cent.
GAP = ({"family": "ill-conditioned", "nodes": "none", "m": 2, "k": 1, "log10_ridge": -6.5},)


@register("spectral.D1", "inequality", layer, {**LAYERS, "theta": Real(0.0, 1.0)}, STRUCTURED)
def monotone_residual(sampled: Layer) -> Sides:
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
    lower = sampled.theta * sampled.node_ridge
    more = np.concatenate([kept, np.setdiff1d(np.arange(sampled.m), kept)[: len(kept)]])
    size, parts = sampled.size, []
    for name, nodes, tau in (("nodes", more, sampled.node_ridge), ("ridge", kept, lower)):
        fit = ridge_fit(x, x, nodes, tau[nodes])
        before = ridge_fit(x, x, kept, sampled.tau)
        scale = sampled.scale * max(fit.amplification, before.amplification)
        after = theory.residual(cov, nodes, tau[nodes])
        now = theory.residual(cov, kept, sampled.tau)
        parts.append(loewner(fit.moment, now, scale=scale, size=size, part=name))
        parts.append(loewner(after, before.moment, scale=scale, size=size, part=name))
    return together(*parts)


@register("spectral.D2", "inequality", layer, LAYERS, STRUCTURED + FLAT)
def loss_floor(sampled: Layer) -> Sides:
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
    tail = float(np.sum(eigenvalues(x)[k:]))
    mixed_tail = float(np.sum(np.linalg.svd(x @ stacked.T, compute_uv=False)[k:] ** 2)) / len(x)
    floor = theory.floor(cov, k, theta=theta, output_weights=z).value
    loss = theory.information_loss(cov, kept, ridge=tau, theta=theta, output_weights=z)
    scale, size = sampled.scale * fit.amplification, sampled.size
    wide = scale * max(sampled.form_scale, 1.0)
    sampled_loss = float(np.sum(q * fit.moment))
    return together(
        at_most(
            theory.tail_sum(cov, k), np.trace(fit.moment), scale=scale, size=size, part="input"
        ),
        at_most(tail, theory.information_loss(cov, kept, ridge=tau), scale=scale, size=size),
        at_most(floor, sampled_loss, scale=wide, size=size, part="mixed floor"),
        at_most(mixed_tail, loss, scale=wide, size=size, part="mixed loss"),
        equal(theory.tail_sum(cov, k), tail, scale=scale, size=size, part="tail's value"),
        equal(floor, mixed_tail, scale=wide, size=size, part="floor's value"),
    )


@register("spectral.X5", "inequality", layer, LAYERS, STRUCTURED + FLAT + GAP)
def converse(sampled: Layer) -> Sides:
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
    return together(
        at_most(tail, loss, scale=scale, size=size, part="tail"),
        at_most(floor, tail, scale=scale, size=size, part="degrees of freedom"),
        at_most(floor, np.trace(fit.moment), scale=scale, size=size, part="loss"),
        at_most(own_floor, theory.tail_sum(cov, k), scale=scale, size=size, part="tail sum"),
        equal(floor, own_floor, scale=scale, size=size, part="floor's value"),
    )


@register("spectral.X7", "inequality", layer, LAYERS, STRUCTURED)
def theta_and_the_bound(sampled: Layer) -> Sides:
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
    share = theta / norm**2 + 1 - theta
    wide = scale * max(1.0, sampled.form_scale / share / weight)
    return together(
        at_most(outputs, norm**2 * losses[1.0], scale=scale, size=size, part="norm"),
        at_most(losses[0.0], norm**2 * np.trace(fit.moment), scale=scale, size=size, part="loss"),
        at_most(outputs, bound, scale=wide, size=size, part="mixed bound"),
    )
