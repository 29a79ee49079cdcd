"""From a layer's loss to the error where it is read: the next layer, a convolution, the population
(B2, B4, B6).

Letters: W or Z reads the layer phi, ||g||_n^2 is the mean of ||g(x_i)||^2 over the samples. Left
sides are computed on the samples, right sides are the bounds of the theory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, layer
from ..mutants import Mutant
from ..networks import (
    IMAGES,
    POPULATIONS,
    Images,
    Population,
    convolution,
    images,
    mean_norm,
    operator_norm,
    population,
)
from ..oracles import ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, together
from .residual import FAINT

#: B2 is met with equality.
TIGHT = {"theta": 0.0, "nodes": "none"}
#: A 1 x 1 kernel that looks at four of twenty positions.
COARSE = {"height": 1, "width": 1, "padding": 0, "stride": 3}
#: Four outputs, all of them kept, and some of the input loss.
MIXED = {"theta": 0.1, "outputs": 4, "nodes": "none"}


@register(
    "spectral.B2",
    "inequality",
    layer,
    LAYERS,
    (*STRUCTURED, TIGHT),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("tau dropped", {"ridge_factor": 0.0}, examples=({"theta": 0.0},)),
        Mutant("||W||_op dropped", {"norm_power": 0.0}, examples=(MIXED,)),
        Mutant("theta and 1 - theta swapped", {"swapped": True}, examples=(FAINT,)),
    ),
)
def mixed_error(
    sampled: Layer,
    *,
    constant: float = 1.0,
    ridge_factor: float = 1.0,
    norm_power: float = 2.0,
    swapped: bool = False,
) -> Sides:
    """The mixed loss bounds the error of the next layer.

    Hypotheses
    ----------
    J_{l+1} without repeats, W != 0; any J, tau; 0 <= theta <= 1; Z = W.

    Statement
    ---------
    r^2 = ||W_{J_{l+1}} (phi - A_J phi_J)||_n^2 <= L^theta_tau(J) / (theta/||W||_op^2 + 1 - theta).

    Source
    ------
    Derived [D]; the paper's zeta_{l,theta} [R, low confidence].

    Equality cases
    --------------
    theta = 0, tau = 0, all rows kept.

    References
    ----------
    arXiv 1808.08558
    """
    x, w, theta, tau = sampled.features, sampled.output_weights, sampled.theta, sampled.tau
    cov, norm = theory.second_moment(x), operator_norm(sampled.output_weights)
    fit = ridge_fit(x, x, sampled.kept, tau)
    rows = np.arange(max(1, round((1 - theta) * len(w))))  # all rows at theta = 0
    error = mean_norm((x - x[:, sampled.kept] @ fit.coefficients.T) @ w[rows].T) ** 2
    loss = theory.information_loss(cov, sampled.kept, ridge=tau, theta=theta, output_weights=w)
    bound = theory.mixed_layer_bound(loss, norm, theta, next_kept=rows).value
    share, part = theta / norm**2 + 1 - theta, 1 - theta if swapped else theta
    claimed = theory.information_loss(
        cov, sampled.kept, ridge=ridge_factor * tau, theta=theta, output_weights=w
    )
    claimed *= constant / (part / norm**norm_power + 1 - part)
    scale = (norm**2 + sampled.form_scale / share) * sampled.scale * fit.amplification
    size = sampled.size
    return together(
        at_most(error, claimed, scale=scale, size=size, part="error"),
        equal(bound, loss / share, scale=scale, size=size, part="bound's value"),
    )


def even_images(rng: np.random.Generator, *, even: bool = False, **given: Any) -> Images:
    """As :func:`images`; `even` ones have one value a channel, and kernels one at all offsets.

    There the errors of all offsets add up, but at the border.
    """
    found = images(rng, **given)
    if not even:
        return found
    pixels = np.broadcast_to(found.pixels[:, :, :1, :1], found.pixels.shape)
    kernel = np.broadcast_to(found.kernel[:, :, :1, :1], found.kernel.shape)
    return replace(found, pixels=pixels.copy(), kernel=kernel.copy())


@register(
    "spectral.B4",
    "inequality",
    even_images,
    IMAGES,
    (
        {},
        {"height": 1, "width": 1, "padding": 0},
        {"stride": 2},
        {"padding": 0},
        {"padding": 2, "stride": 3, "ridged": True},
        {"even": True},
    ),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("kh kw dropped", {"power": 0.0}),
        Mutant("sqrt(kh kw)", {"power": 0.5}),
        Mutant("output positions", {"per_output": True}, examples=(COARSE,)),
    ),
)
def convolution_error(
    seen: Images, *, constant: float = 1.0, power: float = 1.0, per_output: bool = False
) -> Sides:
    """Pruned channels of a convolution cost at most kh kw times the output loss.

    Hypotheses
    ----------
    Sigma averaged over samples and input positions; Z the (out kh kw, channels) matrix of the
    kernel; zero padding or none, any stride; W#[o,j] = sum_c W[o,c] A[c,j].

    Statement
    ---------
    sum over outputs of ||conv_W(phi) - conv_W#(phi_J)||^2, over samples and INPUT positions,
    <= kh kw L^B_tau(J).

    Source
    ------
    Derived [D] (Cauchy-Schwarz over the offsets).

    Equality cases
    --------------
    A 1 x 1 kernel with stride 1 and tau = 0.

    References
    ----------
    arXiv 1808.08558 (channel pruning [R])
    """
    x, kernel, kept = seen.features, seen.kernel, seen.kept
    cov, (c, kh, kw) = theory.second_moment(x), kernel.shape[1:]
    fit = ridge_fit(x, x, kept, seen.tau)
    z = np.moveaxis(kernel, 1, -1).reshape(-1, c)
    loss = theory.information_loss(cov, kept, ridge=seen.tau, theta=0.0, output_weights=z)
    folded = np.einsum("ocab,cj->ojab", kernel, theory.reconstruction(cov, kept, seen.tau))
    full = convolution(seen.pixels, kernel, seen.padding, seen.stride)
    thin = convolution(seen.pixels[:, kept], folded, seen.padding, seen.stride)
    positions = full.size / len(kernel) if per_output else len(x)
    error = float(np.sum((full - thin) ** 2)) / positions
    bound = theory.convolution_bound(loss, (kh, kw)).value
    layers = [theory.Conv2d(kernel, padding=seen.padding, stride=seen.stride)]
    forward = theory.Network(layers).forward(seen.pixels)
    weight, scale = float(np.sum(kernel**2)), float(np.sum(x**2)) / len(x)
    scale *= weight * fit.amplification * kh * kw * (1 + fit.slope**2 * scale)
    size = len(x) + c * kh * kw
    norm = float(np.sqrt(weight * np.sum(x**2)))
    return together(
        at_most(error, constant * (kh * kw) ** power * loss, scale=scale, size=size, part="error"),
        equal(bound, kh * kw * loss, scale=scale, size=size, part="bound's value"),
        equal(full, forward, scale=norm, size=size, part="forward pass"),
    )


@register(
    "spectral.B6",
    "inequality",
    population,
    POPULATIONS,
    STRUCTURED + ({"m": 1, "k": 1, "nodes": "even"},),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("1 - t dropped", {"transfer": 0.0}),
        Mutant("t lam term dropped", {"penalty": 0.0}),
        Mutant("sign of t", {"sign": -1.0}),
    ),
)
def population_error(
    seen: Population,
    *,
    constant: float = 1.0,
    transfer: float = 1.0,
    penalty: float = 1.0,
    sign: float = 1.0,
) -> Sides:
    """A reconstruction fitted to a sample is good in the population, up to the moments' distance.

    Hypotheses
    ----------
    lam > 0; t = lmax((Sigma_P + lam)^{-1/2} (Sigma_P - Sigma) (Sigma_P + lam)^{-1/2})_+, which is
    below 1; any A, here fitted to the sample.

    Statement
    ---------
    E_P ||Z G phi||^2 <= (||Z G phi||_n^2 + t lam ||Z G||_F^2)/(1 - t), G = I - A E_J.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    One node, Sigma_P > Sigma.

    References
    ----------
    arXiv 1808.08558 (empirical and population norms [R])
    """
    sampled, lam, x = seen.sample, seen.sample.ridge, seen.everything
    z, kept, m = sampled.output_weights, sampled.kept, sampled.m
    truth, cov = theory.second_moment(x), theory.second_moment(sampled.features)
    a = theory.reconstruction(cov, kept, sampled.tau)
    error = mean_norm((x - x[:, kept] @ a.T) @ z.T) ** 2
    bound = theory.population_transfer(truth, cov, lam, kept, a, output_weights=z).value
    lower = np.linalg.cholesky(truth + lam * np.eye(m))
    half = np.linalg.solve(lower, truth - cov)
    apart = np.linalg.eigvalsh(np.linalg.solve(lower, half.T))
    level = max(0.0, float(apart[-1]))
    t = max(0.0, float(np.max(sign * apart)))
    gap = z - z @ a @ np.eye(m)[kept]
    size, trace = len(x) + m, float(np.trace(truth))
    spread = (1 + trace / lam) ** 2  # an error in t counts by 1/(1 - t)^2 <= (1 + mu_1/lam)^2
    scale = float(np.sum(z**2)) * (1 + float(np.linalg.norm(a))) ** 2 * (trace + lam) * spread
    empirical, weight = mean_norm(sampled.features @ gap.T) ** 2, lam * float(np.sum(gap**2))
    stated = (empirical + level * weight) / (1 - level)
    claimed = constant * (empirical + penalty * t * weight) / (1 - transfer * t)
    return together(
        at_most(error, claimed, scale=scale, size=size, part="error"),
        equal(theory.transfer_level(truth, cov, lam), level, scale=spread, size=size, part="t"),
        equal(bound, stated, scale=scale, size=size, part="bound's value"),
    )
