"""Identities of one layer: what pruning costs (I1, I2, I3, I6).

Left sides are least squares on raw samples, right sides the formulas of the theory on the second
moment. Letters: phi(x) in R^m the layer, Sigma its second moment, J the kept nodes, tau their
ridges, A_J the reconstruction, S_J the residual, Q = theta I + (1 - theta) Z^T Z.

Rounding. An error E in Sigma moves S_J by (I - A)E(I - A)^T, so values carry the amplification
(1 + ||A||)^2 of the terms' size Tr Sigma.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, UNRIDGED, Layer, layer
from ..mutants import Mutant
from ..oracles import form, layer_fit, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, equal, together


@register(
    "spectral.I1",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("node ridges dropped", {"ridge_factor": 0.0}),
        Mutant("moments with 1/(n-1)", {"ddof": 1}),
        Mutant("multiplicity ignored", {"multiplicity_power": 0.0}),
    ),
)
def input_loss(
    sampled: Layer,
    *,
    constant: float = 1.0,
    ridge_factor: float = 1.0,
    ddof: int = 0,
    multiplicity_power: float = 1.0,
) -> Sides:
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
    n, tau = len(sampled.features), sampled.tau
    cov, given = theory.second_moment(sampled.features) * (n / (n - ddof)), ridge_factor * tau
    fit = layer_fit(sampled, sampled.kept)
    scale, size = sampled.scale * fit.amplification, sampled.size
    a = theory.reconstruction(cov, sampled.kept, given)
    kept = sampled.features[:, sampled.kept] / np.sqrt(n)
    fitted = np.concatenate([kept @ a.T, np.sqrt(tau)[:, None] * a.T])
    slope = sampled.scale * np.sqrt(fit.amplification) * fit.slope
    value = constant * float(np.trace(theory.residual(cov, sampled.kept, given)))
    return together(
        equal(np.trace(fit.moment), value, scale=scale, size=size, part="value"),
        equal(fit.fitted, fitted, scale=slope, size=size, part="minimiser"),
        _merged_repeats(sampled, cov, multiplicity_power),
    )


def _merged_repeats(sampled: Layer, cov: Floats, power: float) -> Sides:
    """Leverage sampling: its multiset fitted as drawn, against its merged Selection.

    A node drawn c times counts once, at its ridge over c^power.
    """
    lam = sampled.ridge
    drawn = theory.select_leverage(cov, 2 * sampled.m, lam, rng=sampled.seed)
    leverage = np.diag(np.linalg.solve(cov + lam * np.eye(sampled.m), cov))
    tau = 2 * sampled.m * lam * leverage / np.sum(leverage)
    repeated = np.repeat(drawn.kept, drawn.multiplicity)
    fit = ridge_fit(sampled.features, sampled.features, repeated, tau[repeated])
    merged = drawn.ridge * drawn.multiplicity ** (1 - power)  # the Selection has divided by c
    value = np.trace(theory.residual(cov, drawn.kept, merged))
    return equal(
        np.trace(fit.moment),
        value,
        scale=sampled.scale * fit.amplification * (1 + sampled.scale / lam),
        size=sampled.size + len(repeated),
        part="merged repeats",
    )


@register(
    "spectral.I2",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("node ridges dropped", {"ridge_factor": 0.0}),
        Mutant("input loss mixed in", {"theta": 0.05}),
    ),
)
def output_loss(
    sampled: Layer, *, constant: float = 1.0, ridge_factor: float = 1.0, theta: float = 0.0
) -> Sides:
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
    amplification = layer_fit(sampled, sampled.kept).amplification
    weight, size = float(np.sum(z**2)), sampled.size
    given = ridge_factor * tau
    loss = theory.information_loss(cov, sampled.kept, ridge=given, theta=theta, output_weights=z)
    b = z @ theory.reconstruction(cov, sampled.kept, given)
    kept = sampled.features[:, sampled.kept] / np.sqrt(n)
    fitted = np.concatenate([kept @ b.T, np.sqrt(tau)[:, None] * b.T])
    slope = sampled.scale * np.sqrt(weight * amplification) * fit.slope
    return together(
        equal(
            np.trace(fit.moment),
            constant * loss,
            scale=weight * sampled.scale * amplification,
            size=size,
            part="value",
        ),
        equal(fit.fitted, fitted, scale=slope, size=size, part="minimiser"),
    )


@register(
    "spectral.I3",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("theta and 1 - theta swapped", {"swapped": True}, examples=({"theta": 0.25},)),
        Mutant("node ridges dropped", {"ridge_factor": 0.0}),
    ),
)
def mixed_loss(
    sampled: Layer, *, constant: float = 1.0, swapped: bool = False, ridge_factor: float = 1.0
) -> Sides:
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
    cov = theory.second_moment(sampled.features)
    fit = layer_fit(sampled, sampled.kept)
    outputs = ridge_fit(sampled.features, sampled.features @ z.T, sampled.kept, tau)
    mixed = theta * np.trace(fit.moment) + (1 - theta) * np.trace(outputs.moment)
    share, given = 1 - theta if swapped else theta, ridge_factor * tau
    loss = theory.information_loss(cov, sampled.kept, ridge=given, theta=share, output_weights=z)
    trace = np.trace(form(share, z) @ theory.residual(cov, sampled.kept, given))
    scale, size = sampled.form_scale * sampled.scale * fit.amplification, sampled.size
    return together(
        equal(mixed, constant * loss, scale=scale, size=size, part="loss"),
        equal(mixed, constant * trace, scale=scale, size=size, part="trace"),
    )


@register(
    "spectral.I6",
    "identity",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("size of A dropped", {"size_factor": 0.0}),
        Mutant("degrees of freedom at 1.02 lam", {"ridge_scale": 1.02}),
        Mutant("leverage of the nodes in reverse", {"order": -1}),
    ),
)
def residual_moment(
    sampled: Layer,
    *,
    constant: float = 1.0,
    size_factor: float = 1.0,
    ridge_scale: float = 1.0,
    order: int = 1,
) -> Sides:
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
    x, cov, lam, m = (
        sampled.features,
        theory.second_moment(sampled.features),
        sampled.ridge,
        sampled.m,
    )
    a = theory.reconstruction(cov, sampled.kept, sampled.tau)
    left = x - x[:, sampled.kept] @ a.T
    moment = left.T @ left / len(x) + size_factor * (a * sampled.tau) @ a.T
    amplification = (1 + float(np.linalg.norm(a))) ** 2
    size = sampled.size
    everything = ridge_fit(x, x, np.arange(m), np.full(m, lam)).moment / lam
    # each entry of H lies in [0, 1]; an error E in Sigma moves it by at most ||E||/lam
    unit = m * (1 + sampled.scale / lam)
    at = ridge_scale * lam
    dof = theory.degrees_of_freedom(cov, at)
    leverage = theory.leverage_scores(cov, at)[::order]
    weighted = theory.output_degrees_of_freedom(cov, at, sampled.output_weights)
    z = sampled.output_weights
    heavy = unit * float(np.sum(z**2))
    return together(
        equal(
            moment,
            constant * theory.residual(cov, sampled.kept, sampled.tau),
            scale=sampled.scale * amplification,
            size=size,
            part="residual",
        ),
        equal(everything, theory.smoother(cov, at), scale=unit, size=size, part="J = F"),
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
