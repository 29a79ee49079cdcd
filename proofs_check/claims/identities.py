"""Identities of one layer: what pruning costs, and how that moves with one node (I1-I9, not I7).

Left sides are least squares on raw samples, right sides the formulas of the theory on the second
moment. Letters: phi(x) in R^m the layer, Sigma its second moment, J the kept nodes, tau their
ridges, A_J the reconstruction, S_J the residual, Q = theta I + (1 - theta) Z^T Z.

Rounding. An error E in Sigma moves S_J by (I - A)E(I - A)^T, so values carry the amplification
(1 + ||A||)^2 of the terms' size Tr Sigma.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Choice, Layer, Whole, layer, partial_layer
from ..oracles import Fit, Index, form, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: At least two nodes, each with a ridge.
PAIRED = {**LAYERS, "m": Whole(2, 14), "nodes": Choice(("even", "uneven"))}
UNRIDGED = tuple({**case, "nodes": "none", "k": 3} for case in STRUCTURED)


def _moment(sampled: Layer) -> Floats:
    return np.asarray(theory.second_moment(sampled.features))


def _size(sampled: Layer) -> int:
    return len(sampled.features) + sampled.m


def _sampled(sampled: Layer, kept: Index | None = None) -> Fit:
    nodes = sampled.kept if kept is None else kept
    return ridge_fit(sampled.features, sampled.features, nodes, sampled.node_ridge[nodes])


@register("spectral.I1", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def input_loss(sampled: Layer) -> Sides:
    """The input loss is the trace of the residual, and its minimiser the reconstruction.

    Hypotheses
    ----------
    Any samples; J distinct, or a multiset whose repeats are merged by 1/tau = sum of 1/tau_i;
    any tau >= 0. A_J is compared by what it fits, as it is not unique where Sigma_JJ + I_tau is
    singular.

    Statement
    ---------
    min_A P_n ||phi - A phi_J||^2 + ||A||_tau^2 = Tr S_J, attained at A_J.

    Source
    ------
    Suzuki et al. 2020, the input-aware loss [R, confident]; closed form [D].

    References
    ----------
    arXiv 1808.08558
    """
    cov, n, tau = _moment(sampled), len(sampled.features), sampled.tau
    fit = _sampled(sampled)
    scale, size = sampled.scale * fit.amplification, _size(sampled)
    a = theory.reconstruction(cov, sampled.kept, tau)
    kept = sampled.features[:, sampled.kept] / np.sqrt(n)
    fitted = np.concatenate([kept @ a.T, np.sqrt(tau)[:, None] * a.T])
    slope = sampled.scale * np.sqrt(fit.amplification) * fit.slope
    value = float(np.trace(theory.residual(cov, sampled.kept, tau)))
    return together(
        equal(np.trace(fit.moment), value, scale=scale, size=size, part="value"),
        equal(fit.fitted, fitted, scale=slope, size=size, part="minimiser"),
        _merged_repeats(sampled, cov),
    )


def _merged_repeats(sampled: Layer, cov: Floats) -> Sides:
    """Leverage sampling: its multiset fitted as drawn, against its merged Selection."""
    lam = sampled.ridge
    drawn = theory.select_leverage(cov, 2 * sampled.m, lam, rng=sampled.seed)
    leverage = np.diag(np.linalg.solve(cov + lam * np.eye(sampled.m), cov))
    tau = 2 * sampled.m * lam * leverage / np.sum(leverage)
    repeated = np.repeat(drawn.kept, drawn.multiplicity)
    fit = ridge_fit(sampled.features, sampled.features, repeated, tau[repeated])
    value = np.trace(theory.residual(cov, drawn.kept, drawn.ridge))
    return equal(
        np.trace(fit.moment),
        value,
        scale=sampled.scale * fit.amplification * (1 + sampled.scale / lam),
        size=_size(sampled) + len(repeated),
        part="merged repeats",
    )


@register("spectral.I2", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def output_loss(sampled: Layer) -> Sides:
    """The output loss is Tr Z S_J Z^T, and its minimiser Z A_J: one reconstruction serves both.

    Hypotheses
    ----------
    Any samples; J distinct; any tau >= 0; any Z.

    Statement
    ---------
    sum_i min_b P_n (Z_i phi - b.phi_J)^2 + ||b||_tau^2 = Tr Z S_J Z^T, attained at Z A_J.

    Source
    ------
    Suzuki et al. 2020, the output-aware loss [R, confident]; closed form [D].

    References
    ----------
    arXiv 1808.08558
    """
    z, n, tau = sampled.output_weights, len(sampled.features), sampled.tau
    half = n // 2
    moments = theory.MomentAccumulator(sampled.m)
    moments.update(sampled.features[:half])
    rest = theory.MomentAccumulator(sampled.m)
    rest.update(sampled.features[half:])
    moments.merge(rest)
    cov = moments.second_moment
    fit = ridge_fit(sampled.features, sampled.features @ z.T, sampled.kept, tau)
    amplification = _sampled(sampled).amplification
    weight, size = float(np.sum(z**2)), _size(sampled)
    value = theory.information_loss(cov, sampled.kept, ridge=tau, theta=0.0, output_weights=z)
    b = z @ theory.reconstruction(cov, sampled.kept, tau)
    kept = sampled.features[:, sampled.kept] / np.sqrt(n)
    fitted = np.concatenate([kept @ b.T, np.sqrt(tau)[:, None] * b.T])
    slope = sampled.scale * np.sqrt(weight * amplification) * fit.slope
    return together(
        equal(
            np.trace(fit.moment),
            value,
            scale=weight * sampled.scale * amplification,
            size=size,
            part="value",
        ),
        equal(fit.fitted, fitted, scale=slope, size=size, part="minimiser"),
    )


@register("spectral.I3", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def mixed_loss(sampled: Layer) -> Sides:
    """The mixture of both losses is one quadratic form of the residual.

    Hypotheses
    ----------
    Any samples; J distinct; any tau >= 0; any Z; 0 <= theta <= 1.

    Statement
    ---------
    theta L^A_tau(J) + (1 - theta) L^B_tau(J) = Tr(Q S_J), Q = theta I + (1 - theta) Z^T Z.

    Source
    ------
    Suzuki et al. 2020 [R, confident]; public code of the first version has theta = .5 [C].

    References
    ----------
    arXiv 1808.08558
    """
    z, tau, theta = sampled.output_weights, sampled.tau, sampled.theta
    cov = _moment(sampled)
    fit = _sampled(sampled)
    outputs = ridge_fit(sampled.features, sampled.features @ z.T, sampled.kept, tau)
    mixed = theta * np.trace(fit.moment) + (1 - theta) * np.trace(outputs.moment)
    loss = theory.information_loss(cov, sampled.kept, ridge=tau, theta=theta, output_weights=z)
    s = theory.residual(cov, sampled.kept, tau)
    scale, size = sampled.form_scale * sampled.scale * fit.amplification, _size(sampled)
    return together(
        equal(mixed, loss, scale=scale, size=size, part="loss"),
        equal(mixed, np.trace(form(theta, z) @ s), scale=scale, size=size, part="trace"),
    )


@register("spectral.I4", "identity", partial_layer, PAIRED, STRUCTURED)
def gain_of_joining(sampled: Layer) -> Sides:
    """What one more node saves.

    Hypotheses
    ----------
    J distinct, j not in J, tau_j > 0 (or S_jj > 0).

    Statement
    ---------
    L(J) - L(J + j) = (S_J Q S_J)_jj / ((S_J)_jj + tau_j), L = Tr Q S; greedy selection takes the
    node of the largest gain.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (greedy selection [R])
    """
    cov, q = _moment(sampled), form(sampled.theta, sampled.output_weights)
    outside = np.setdiff1d(np.arange(sampled.m), sampled.kept)
    before = _sampled(sampled)
    fits = [_sampled(sampled, np.append(sampled.kept, j)) for j in outside]
    saved = [np.sum(q * (before.moment - fit.moment)) for fit in fits]
    s = theory.residual(cov, sampled.kept, sampled.tau)
    gains = np.diag(s @ q @ s)[outside] / (np.diag(s)[outside] + sampled.node_ridge[outside])
    amplification = max(fit.amplification for fit in [before, *fits])
    # the gain divides by S_jj + tau_j, down to tau_j where node j is explained already
    ratio = 1.0 + sampled.scale / float(np.min(np.diag(s)[outside] + sampled.node_ridge[outside]))
    scale = sampled.form_scale * sampled.scale * amplification
    return equal(saved, gains, scale=scale * ratio, size=_size(sampled))


@register("spectral.I5", "identity", layer, {**PAIRED, "k": Whole(2, 7)}, STRUCTURED)
def price_of_leaving(sampled: Layer) -> Sides:
    """What dropping one node costs.

    Hypotheses
    ----------
    J distinct with at least two nodes; Sigma_JJ + I_tau nonsingular (here tau > 0).

    Statement
    ---------
    L(J - j) - L(J) = (A_J^T Q A_J)_jj / P_jj with P = (Sigma_JJ + I_tau)^{-1}; backward selection
    drops the node of the smallest price.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    k = len(sampled.kept)
    cov, q = _moment(sampled), form(sampled.theta, sampled.output_weights)
    now = _sampled(sampled)
    fits = [_sampled(sampled, np.delete(sampled.kept, i)) for i in range(k)]
    paid = [np.sum(q * (fit.moment - now.moment)) for fit in fits]
    a = theory.reconstruction(cov, sampled.kept, sampled.tau)
    block = cov[np.ix_(sampled.kept, sampled.kept)] + np.diag(sampled.tau)
    prices = np.diag(a.T @ q @ a) / np.diag(np.linalg.inv(block))
    scale = sampled.form_scale * sampled.scale * max(f.amplification for f in [now, *fits])
    scale *= float(np.linalg.cond(block))
    return together(
        equal(paid, prices, scale=scale, size=_size(sampled), part="prices"),
        _cheapest_leaves(sampled, cov, q),
    )


def _cheapest_leaves(sampled: Layer, cov: Floats, q: Floats) -> Sides:
    """Backward selection of all nodes but one leaves the smallest loss of all such sets."""
    m, arguments = sampled.m, {"theta": sampled.theta, "output_weights": sampled.output_weights}
    chosen = theory.select_backward(cov, m - 1, ridge=sampled.node_ridge, **arguments)
    fits = [_sampled(sampled, np.delete(np.arange(m), j)) for j in range(m)]
    losses = [float(np.sum(q * fit.moment)) for fit in fits]
    dropped = int(np.setdiff1d(np.arange(m), np.asarray(chosen.kept))[0])
    # prices are accurate to the condition of the whole block, so near ties may be broken by it
    full = cov + np.diag(sampled.node_ridge)
    scale = sampled.form_scale * sampled.scale * max(fit.amplification for fit in fits)
    scale *= float(np.linalg.cond(full))
    return equal(losses[dropped], min(losses), scale=scale, size=_size(sampled), part="backward")


@register("spectral.I6", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def residual_moment(sampled: Layer) -> Sides:
    """The residual is the moment of what reconstruction leaves, plus its weighted size.

    Hypotheses
    ----------
    Any samples; J distinct; any tau >= 0. With J = F and tau = lam everywhere it is lam H_lam,
    H_lam = Sigma (Sigma + lam)^{-1}, whose diagonal holds the leverage scores and whose trace is
    lam N(lam).

    Statement
    ---------
    P_n (phi - A_J phi_J)(phi - A_J phi_J)^T + A_J I_tau A_J^T = S_J.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T]); Bach 2017 (leverage scores)
    """
    x, cov, lam, m = sampled.features, _moment(sampled), sampled.ridge, sampled.m
    a = theory.reconstruction(cov, sampled.kept, sampled.tau)
    left = x - x[:, sampled.kept] @ a.T
    moment = left.T @ left / len(x) + (a * sampled.tau) @ a.T
    amplification = (1 + float(np.linalg.norm(a))) ** 2
    size = _size(sampled)
    everything = ridge_fit(x, x, np.arange(m), np.full(m, lam)).moment / lam
    # each entry of H lies in [0, 1]; an error E in Sigma moves it by at most ||E||/lam
    unit = m * (1 + sampled.scale / lam)
    dof = theory.degrees_of_freedom(cov, lam)
    leverage = theory.leverage_scores(cov, lam)
    weighted = theory.output_degrees_of_freedom(cov, lam, sampled.output_weights)
    z = sampled.output_weights
    heavy = unit * float(np.sum(z**2))
    return together(
        equal(
            moment,
            theory.residual(cov, sampled.kept, sampled.tau),
            scale=sampled.scale * amplification,
            size=size,
            part="residual",
        ),
        equal(everything, theory.smoother(cov, lam), scale=unit, size=size, part="J = F"),
        equal(np.diag(everything), leverage, scale=unit, size=size, part="leverage"),
        equal(np.trace(everything), dof, scale=unit, size=size, part="degrees of freedom"),
        equal(
            np.trace(z @ everything @ z.T),
            weighted,
            scale=heavy,
            size=size,
            part="output degrees of freedom",
        ),
    )


@register("spectral.I8", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def affine_loss(sampled: Layer) -> Sides:
    """A constant node kept at no ridge is centring, and never hurts.

    Hypotheses
    ----------
    Any samples; J distinct; any tau >= 0, and ridge 0 on the constant.

    Statement
    ---------
    min_{A,c} P_n ||phi - A phi_J - c||^2 + ||A||_tau^2 = Tr S_J of the centred covariance
    <= Tr S_J of the second moment; the best c is mean - A_J mean_J.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (uncentred second moments [R])
    """
    x, kept, tau = sampled.features, sampled.kept, sampled.tau
    with_constant = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    nodes = np.append(kept, sampled.m)
    fit = ridge_fit(with_constant, x, nodes, np.append(tau, 0.0))
    moments = theory.MomentAccumulator(sampled.m)
    moments.update(x)
    cov = theory.second_moment(x, centered=True)
    loss = float(np.trace(theory.residual(cov, kept, tau)))
    streamed = float(np.trace(theory.residual(moments.covariance, kept, tau)))
    plain = theory.information_loss(_moment(sampled), kept, ridge=tau)
    offset = theory.affine_offset(moments.mean, kept, theory.reconstruction(cov, kept, tau))
    fitted_mean = np.mean(x, axis=0) - fit.coefficients[:, :-1] @ np.mean(x[:, kept], axis=0)
    scale, size = sampled.scale * fit.amplification, _size(sampled)
    slope = np.sqrt(scale * sampled.scale) * fit.slope * (1 + fit.slope * np.sqrt(sampled.scale))
    parts = [
        equal(np.trace(fit.moment), loss, scale=scale, size=size, part="loss"),
        equal(np.trace(fit.moment), streamed, scale=scale, size=size, part="streamed"),
        at_most(loss, plain, scale=scale, size=size, part="never worse"),
    ]
    if np.linalg.matrix_rank(cov[np.ix_(kept, kept)] + np.diag(tau)) == len(kept):
        parts.append(equal(offset, fitted_mean, scale=slope, size=size, part="offset"))
    return together(*parts)


@register("spectral.I9", "identity", layer, LAYERS, STRUCTURED + UNRIDGED)
def rescaled_nodes(sampled: Layer) -> Sides:
    """The output loss does not see the nodes' units.

    Hypotheses
    ----------
    All factors c_j nonzero; the ridges follow as tau_j -> c_j^2 tau_j (none with tau = 0).

    Statement
    ---------
    L^B_tau(J) is unchanged by phi_j -> c_j phi_j, Z_.j -> Z_.j / c_j.

    Source
    ------
    Derived [D]: why theta matters, as L^A is not invariant.

    References
    ----------
    arXiv 1808.08558 (both losses [R])
    """
    x, z, kept = sampled.features, sampled.output_weights, sampled.kept
    factors = (-1.0) ** np.arange(sampled.m) * np.linspace(0.25, 4.0, sampled.m)
    scaled = theory.second_moment(x * factors)
    after = theory.information_loss(
        scaled, kept, ridge=sampled.tau * factors[kept] ** 2, theta=0.0, output_weights=z / factors
    )
    before = float(np.trace(ridge_fit(x, x @ z.T, kept, sampled.tau).moment))
    # units change the size of terms by at most (4 / .25)^2
    scale = 256 * float(np.sum(z**2)) * sampled.scale * _sampled(sampled).amplification
    return equal(before, after, scale=scale, size=_size(sampled))
