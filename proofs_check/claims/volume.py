"""Volume sampling, P(J) proportional to det Sigma_JJ: its mean, exactly and bounded
(I7, D5, X1, X6).

Left sides list all subsets of k nodes: volumes and residuals by singular values of the samples.
Right sides are the formulas of the theory. No ridge (tau = 0).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import SMALL_LAYERS, STRUCTURED, WIDE_FLAT, Layer, below_rank_layer, ranked_layer
from ..mutants import Mutant
from ..oracles import Subsets, all_subsets, degrees, eigenvalues, form, mean_scale, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together
from .best_nodes import TWINS

#: X6 is met with equality: all nodes kept; two nodes alike, one of them kept.
EXACT_SIZES = (
    {"family": "flat", "m": 3, "k": 3},
    *TWINS,
)
#: Flat spectrum, k = N: X1's loss is met with equality; and its constant 4/3 nearly.
EXTREME = ({"family": "flat", "m": 7, "k": 3, "theta": 1.0}, {"halved": 7})


def halved_layer(rng: np.random.Generator, *, halved: int = 0, **given: Any) -> Layer:
    """As :func:`below_rank_layer`; with `halved` = k > 0 instead the extreme of X1's residual.

    One eigenvalue is lam and k are (2k - 1) lam, so that N(lam) = k; the first one's ratio is
    1/(1/2 + k/(4k - 2)), which rises to 4/3.
    """
    found = below_rank_layer(rng, **given)
    if not halved:
        return found
    m = halved + 1
    features = np.diag(np.sqrt(m * np.append(1.0, np.full(halved, 2.0 * halved - 1.0))))
    z = rng.standard_normal((3, m))
    return replace(
        found,
        features=features,
        kept=np.arange(halved),
        node_ridge=np.zeros(m),
        output_weights=z,
    )


@register(
    "spectral.I7",
    "identity",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("k in place of k + 1", {"spare": 0}),
        Mutant("uniform draws", {"by_volume": False}),
    ),
)
def volume_mean(
    sampled: Layer, *, constant: float = 1.0, spare: int = 1, by_volume: bool = True
) -> Sides:
    """The mean residual of volume sampling, exactly.

    Hypotheses
    ----------
    1 <= k <= rank Sigma; P(J) proportional to det Sigma_JJ over |J| = k; tau = 0.

    Statement
    ---------
    E S_J = sum_i mu_i e_k(mu without mu_i)/e_k(mu) u_i u_i^T; E L^A = (k + 1) e_{k+1}(mu)/e_k(mu).

    Source
    ------
    Derived [D]; the loss is known (Deshpande et al. 2006).

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006
    """
    cov, k = theory.second_moment(sampled.features), len(sampled.kept)
    listed = all_subsets(sampled.features, k)
    mean = listed.mean if by_volume else np.mean(listed.residuals, axis=0)
    scale, size = mean_scale(sampled, k), sampled.size
    residual = constant * theory.volume_residual(cov, k)
    loss = constant * (k + spare) / (k + 1) * theory.volume_loss(cov, k)
    return together(
        equal(mean, residual, scale=scale, size=size, part="residual"),
        equal(np.trace(mean), loss, scale=scale, size=size, part="loss"),
        equal(_impossible_draws(sampled, listed), 0, scale=1.0, size=1, part="drawn"),
    )


def _impossible_draws(sampled: Layer, listed: Subsets) -> int:
    """How many of eight drawn sets have volume 0; their law itself is a probability claim."""
    possible = {tuple(nodes) for nodes in listed.nodes[listed.probability > 0].tolist()}
    spectrum = theory.decompose(theory.second_moment(sampled.features))
    rng, k = np.random.default_rng(sampled.seed), len(sampled.kept)
    drawn = [theory.select_volume(spectrum, k, rng=rng).kept for _ in range(8)]
    return sum(tuple(sorted(np.asarray(nodes).tolist())) not in possible for nodes in drawn)


@register(
    "spectral.D5",
    "expectation",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED + WIDE_FLAT,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("lam_vol / 2", {"ridge_scale": 0.5}),
        Mutant("lam_N(k) in place of lam_vol(k)", {"sharp": True}),
    ),
)
def logfree_residual(
    sampled: Layer, *, constant: float = 1.0, ridge_scale: float = 1.0, sharp: bool = False
) -> Sides:
    """Volume sampling is bounded in all directions with no logarithm.

    Hypotheses
    ----------
    1 <= k <= rank Sigma, volume sampling, tau = 0; lam_v = lam_vol(k), for k < rank the root of
    sum_j min(1, mu_j/lam) = k.

    Statement
    ---------
    E S_J <= lam_v Sigma (Sigma + lam_v)^{-1} in the positive semidefinite order.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558 (its sampling lemma has 4 lam and a logarithm [R])
    """
    x, k = sampled.features, len(sampled.kept)
    cov, mu = theory.second_moment(x), eigenvalues(x)
    lam = theory.volume_ridge(cov, k)
    mean = all_subsets(x, k).mean
    full = k >= np.sum(mu > 1e-12 * mu[0])
    at = theory.ridge_for_degrees_of_freedom(cov, k) if sharp and not full else ridge_scale * lam
    upper = constant * at * theory.smoother(cov, at)
    size = sampled.size
    parts = [loewner(mean, upper, scale=mean_scale(sampled, k), size=size, part="mean residual")]
    if not full:
        count = float(np.sum(np.minimum(1.0, mu / lam)))
        scale = sampled.m * (1 + sampled.scale / lam)
        parts.append(equal(count, k, scale=scale, size=size, part="lam_vol"))
    return together(*parts)


@register(
    "spectral.X1",
    "expectation",
    halved_layer,
    SMALL_LAYERS,
    STRUCTURED + EXTREME,
    mutants=(
        Mutant("lam N x .95", {"constant": 0.95}),
        Mutant("4/3 x .95", {"residual_constant": 0.95 * 4 / 3}),
        Mutant("4/3 dropped", {"residual_constant": 1.0}),
        Mutant("N dropped", {"by_degrees": False}),
    ),
)
def degrees_suffice(
    sampled: Layer,
    *,
    constant: float = 1.0,
    residual_constant: float = 4 / 3,
    by_degrees: bool = True,
) -> Sides:
    """N(lam) nodes suffice: volume sampling of N(lam) nodes loses at most lam N(lam) in the mean.

    Hypotheses
    ----------
    N(lam) <= k < rank, volume sampling, tau = 0 (here lam = lam_N(k), the root of N = k).

    Statement
    ---------
    E L^A_0 <= lam N(lam), and E S_J <= (4/3) lam Sigma (Sigma + lam)^{-1} in the positive
    semidefinite order; so some J of k nodes has L^theta_0 <= lam [theta N + (4/3)(1-theta) N'].

    Source
    ------
    Derived [D] (Hoeffding 1956: extreme Poisson-binomial laws).

    Equality cases
    --------------
    Flat Sigma, k = N(lam), for the loss. For the residual one eigenvalue lam and k of (2k - 1) lam,
    k large.

    References
    ----------
    Hoeffding 1956; arXiv 1808.08558 (paper-style width 5 N log(80 N) [R])
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, mu = theory.second_moment(x), eigenvalues(x)
    if k == 0:
        raise theory.InapplicableError("a width below the rank is needed, and the rank is 1")
    lam = theory.ridge_for_degrees_of_freedom(cov, k)
    listed = all_subsets(x, k)
    scale, size = mean_scale(sampled, k), sampled.size
    upper = residual_constant * lam * theory.smoother(cov, lam)
    bound = theory.dof_bound(cov, k, theta=theta, output_weights=z).value
    best = float(np.min(listed.losses(form(theta, z))))
    loss_bound = constant * lam * (theory.degrees_of_freedom(cov, lam) if by_degrees else 1.0)
    outputs = theory.output_degrees_of_freedom(cov, lam, z)
    value = lam * (theta * degrees(mu, lam) + 4 / 3 * (1 - theta) * outputs)
    counted = sampled.m * (1 + sampled.scale / lam)
    wide = scale * sampled.form_scale
    return together(
        at_most(np.trace(listed.mean), loss_bound, scale=scale, size=size, part="mean loss"),
        loewner(listed.mean, upper, scale=scale, size=size, part="mean residual"),
        at_most(best, bound, scale=wide, size=size, part="best J"),
        equal(bound, value, scale=wide, size=size, part="bound's value"),
        equal(degrees(mu, lam), k, scale=counted, size=size, part="N = k"),
    )


@register(
    "spectral.X6",
    "expectation",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED + EXACT_SIZES,
    mutants=(
        Mutant("k (m - k + 1) x .95", {"constant": 0.95}),
        Mutant("k (m - k)", {"spare": 0}),
        Mutant("entries at most .95", {"entry": 0.95}),
        Mutant("(1 + k (m - k)) x .95", {"uniform_constant": 0.95}),
    ),
)
def reconstruction_size(
    sampled: Layer,
    *,
    constant: float = 1.0,
    spare: int = 1,
    entry: float = 1.0,
    uniform_constant: float = 1.0,
) -> Sides:
    """Volume sampling keeps the reconstruction small, and the largest volume all its entries.

    Hypotheses
    ----------
    1 <= k <= rank, volume sampling, tau = 0.

    Statement
    ---------
    E ||A_J||_F^2 <= k (m - k + 1). The J of largest det Sigma_JJ has |A_ij| <= 1 and
    lmax(S_J) <= (1 + k (m - k)) mu_{k+1}.

    Source
    ------
    Derived [D]; the second part Gu and Eisenstat 1996.

    Equality cases
    --------------
    k = rank; of the last part two nodes of one length, k = 1.

    References
    ----------
    Gu and Eisenstat 1996
    """
    x, k = sampled.features, len(sampled.kept)
    cov, listed = theory.second_moment(x), all_subsets(x, k)
    fits = [ridge_fit(x, x, nodes, np.zeros(k)) for nodes in listed.nodes]
    mean = float(listed.probability @ [np.sum(fit.coefficients**2) for fit in fits])
    top = int(np.argmax(listed.probability))
    a = np.asarray(theory.reconstruction(cov, listed.nodes[top]))
    largest = float(np.linalg.eigvalsh(listed.residuals[top])[-1])
    # coefficients solve with Sigma_JJ, whose inverse at the largest volume is of norm <= k m / mu_k
    mu = eigenvalues(x)
    condition = 1 + k * sampled.m * mu[0] / mu[k - 1]
    size = sampled.size
    stated = theory.reconstruction_norm_bound(cov, k).value
    uniform = theory.determinant_bound(cov, k).value
    scale = mean_scale(sampled, k)
    following = float(mu[k]) if k < sampled.m else 0.0
    most = constant * k * (sampled.m - k + spare)
    return together(
        at_most(mean, most, scale=stated * condition, size=size, part="mean size"),
        at_most(np.max(np.abs(a)), entry, scale=condition, size=size, part="entries"),
        at_most(largest, uniform_constant * uniform, scale=scale, size=size, part="all directions"),
        equal(stated, k * (sampled.m - k + 1), scale=stated, size=1, part="mean's value"),
        equal(
            uniform,
            (1 + k * (sampled.m - k)) * following,
            scale=scale,
            size=size,
            part="uniform value",
        ),
    )
