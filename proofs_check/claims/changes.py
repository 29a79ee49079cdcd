"""How the loss of one layer changes: with one node (I4, I5), a constant node (I8), units (I9).

Letters and rounding as in the identities of the loss itself.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, UNRIDGED, Choice, Layer, Whole, layer, partial_layer
from ..mutants import Mutant
from ..oracles import form, layer_fit, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: At least two nodes, each with a ridge.
PAIRED = {**LAYERS, "m": Whole(2, 14), "nodes": Choice(("even", "uneven"))}


@register(
    "spectral.I4",
    "identity",
    partial_layer,
    PAIRED,
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("tau dropped from the pivot", {"pivot_ridge": 0.0}),
        Mutant("sign of tau", {"pivot_ridge": -1.0}),
        Mutant("Q dropped", {"weighted": False}),
    ),
)
def gain_of_joining(
    sampled: Layer, *, constant: float = 1.0, pivot_ridge: float = 1.0, weighted: bool = True
) -> Sides:
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
    cov, q = theory.second_moment(sampled.features), form(sampled.theta, sampled.output_weights)
    outside = np.setdiff1d(np.arange(sampled.m), sampled.kept)
    before = layer_fit(sampled, sampled.kept)
    fits = [layer_fit(sampled, np.append(sampled.kept, j)) for j in outside]
    saved = [np.sum(q * (before.moment - fit.moment)) for fit in fits]
    s = theory.residual(cov, sampled.kept, sampled.tau)
    tau = sampled.node_ridge[outside]
    top = np.diag(s @ q @ s if weighted else s @ s)[outside]
    gains = top / (np.diag(s)[outside] + pivot_ridge * tau)
    amplification = max(fit.amplification for fit in [before, *fits])
    # the gain divides by S_jj + tau_j, down to tau_j where node j is explained already
    ratio = 1.0 + sampled.scale / float(np.min(np.diag(s)[outside] + tau))
    scale = sampled.form_scale * sampled.scale * amplification
    return equal(saved, constant * gains, scale=scale * ratio, size=sampled.size)


@register(
    "spectral.I5",
    "identity",
    layer,
    {**PAIRED, "k": Whole(2, 7)},
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("tau dropped from P", {"block_ridge": 0.0}),
        Mutant("pivot Sigma_jj + tau_j in place of 1/P_jj", {"schur": False}),
        Mutant("the dearest node leaves", {"sign": -1.0}),
    ),
)
def price_of_leaving(
    sampled: Layer,
    *,
    constant: float = 1.0,
    block_ridge: float = 1.0,
    schur: bool = True,
    sign: float = 1.0,
) -> Sides:
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
    cov, q = theory.second_moment(sampled.features), form(sampled.theta, sampled.output_weights)
    now = layer_fit(sampled, sampled.kept)
    fits = [layer_fit(sampled, np.delete(sampled.kept, i)) for i in range(k)]
    paid = [np.sum(q * (fit.moment - now.moment)) for fit in fits]
    a = theory.reconstruction(cov, sampled.kept, sampled.tau)
    block = cov[np.ix_(sampled.kept, sampled.kept)] + np.diag(sampled.tau)
    given = block - (1 - block_ridge) * np.diag(sampled.tau)
    pivots = 1 / np.diag(np.linalg.inv(given)) if schur else np.diag(given)
    prices = np.diag(a.T @ q @ a) * pivots
    scale = sampled.form_scale * sampled.scale * max(f.amplification for f in [now, *fits])
    scale *= float(np.linalg.cond(block))
    return together(
        equal(paid, constant * prices, scale=scale, size=sampled.size, part="prices"),
        _cheapest_leaves(sampled, cov, q, sign),
    )


def _cheapest_leaves(sampled: Layer, cov: Floats, q: Floats, sign: float) -> Sides:
    """Backward selection of all nodes but one leaves the smallest loss of all such sets."""
    m, arguments = sampled.m, {"theta": sampled.theta, "output_weights": sampled.output_weights}
    chosen = theory.select_backward(cov, m - 1, ridge=sampled.node_ridge, **arguments)
    fits = [layer_fit(sampled, np.delete(np.arange(m), j)) for j in range(m)]
    losses = [float(np.sum(q * fit.moment)) for fit in fits]
    dropped = int(np.setdiff1d(np.arange(m), np.asarray(chosen.kept))[0])
    # prices are accurate to the condition of the whole block, so near ties may be broken by it
    full = cov + np.diag(sampled.node_ridge)
    scale = sampled.form_scale * sampled.scale * max(fit.amplification for fit in fits)
    scale *= float(np.linalg.cond(full))
    least = min(losses, key=lambda loss: sign * loss)
    return equal(losses[dropped], least, scale=scale, size=sampled.size, part="backward")


@register(
    "spectral.I8",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("second moment in place of the covariance", {"centered": False}),
        Mutant("covariance with 1/(n-1)", {"ddof": 1}),
        Mutant("ridge on the constant", {"constant_ridge": 1.0}),
    ),
)
def affine_loss(
    sampled: Layer,
    *,
    constant: float = 1.0,
    centered: bool = True,
    ddof: int = 0,
    constant_ridge: float = 0.0,
) -> Sides:
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
    fit = ridge_fit(with_constant, x, nodes, np.append(tau, constant_ridge))
    moments = theory.MomentAccumulator(sampled.m)
    moments.update(x)
    cov = theory.second_moment(x, centered=centered) * (len(x) / (len(x) - ddof))
    loss = constant * float(np.trace(theory.residual(cov, kept, tau)))
    streamed = float(np.trace(theory.residual(moments.covariance, kept, tau)))
    plain = theory.information_loss(theory.second_moment(sampled.features), kept, ridge=tau)
    offset = theory.affine_offset(moments.mean, kept, theory.reconstruction(cov, kept, tau))
    fitted_mean = np.mean(x, axis=0) - fit.coefficients[:, :-1] @ np.mean(x[:, kept], axis=0)
    scale, size = sampled.scale * fit.amplification, sampled.size
    slope = np.sqrt(scale * sampled.scale) * fit.slope * (1 + fit.slope * np.sqrt(sampled.scale))
    parts = [
        equal(np.trace(fit.moment), loss, scale=scale, size=size, part="loss"),
        equal(np.trace(fit.moment), streamed, scale=scale, size=size, part="streamed"),
        at_most(loss, plain, scale=scale, size=size, part="never worse"),
    ]
    if np.linalg.matrix_rank(cov[np.ix_(kept, kept)] + np.diag(tau)) == len(kept):
        parts.append(equal(offset, fitted_mean, scale=slope, size=size, part="offset"))
    return together(*parts)


@register(
    "spectral.I9",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("ridges scaled by c", {"ridge_power": 1.0}),
        Mutant("weights left as they are", {"weight_power": 0.0}),
        Mutant("input loss mixed in", {"theta": 0.5}),
    ),
)
def rescaled_nodes(
    sampled: Layer,
    *,
    constant: float = 1.0,
    ridge_power: float = 2.0,
    weight_power: float = -1.0,
    theta: float = 0.0,
) -> Sides:
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
        scaled,
        kept,
        ridge=sampled.tau * np.abs(factors[kept]) ** ridge_power,
        theta=theta,
        output_weights=z * factors**weight_power,
    )
    fit = layer_fit(sampled, kept)
    outputs = float(np.trace(ridge_fit(x, x @ z.T, kept, sampled.tau).moment))
    before = theta * float(np.trace(fit.moment)) + (1 - theta) * outputs
    # units change the size of terms by at most (4 / .25)^2
    scale = 256 * float(np.sum(z**2)) * sampled.scale * fit.amplification
    return equal(constant * before, after, scale=scale, size=sampled.size)
