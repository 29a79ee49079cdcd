"""Volume sampling, P(J) proportional to det Sigma_JJ: the exact mean and what it implies for the
best k nodes (I7, D5-D9, X1, X6).

Left sides list all subsets of k nodes: volumes and residuals by singular values of the samples.
Right sides are the formulas of the theory. No ridge (tau = 0).

Rounding. The mean loss (k+1) e_{k+1}/e_k has derivative at most 1 in each eigenvalue, so an error
E in Sigma moves it by at most m ||E||; and the volume-weighted mean of (1 + ||A_J||)^2, which
amplifies errors of the single residuals, is at most 2 + 2 k (m - k + 1) (X6).
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import SMALL_LAYERS, STRUCTURED, Layer, below_rank_layer, layer, ranked_layer
from ..oracles import Subsets, all_subsets, degrees, eigenvalues, form, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together

#: Flat spectrum and one node of many: D6 and D7 are met up to 1 - 1/m^2.
WIDE_FLAT = ({"family": "flat", "m": 24, "k": 1, "theta": 1.0},)
#: Flat spectrum, k = N: X1 is met with equality.
FLAT = ({"family": "flat", "m": 7, "k": 3, "theta": 1.0},)


def _size(sampled: Layer) -> int:
    return len(sampled.features) + sampled.m


def _mean_scale(sampled: Layer, k: int) -> float:
    """Size of the terms of a volume-weighted mean of residuals."""
    return sampled.scale * (sampled.m + 2 + 2 * k * (sampled.m - k + 1))


@register("spectral.I7", "identity", ranked_layer, SMALL_LAYERS, STRUCTURED)
def volume_mean(sampled: Layer) -> Sides:
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
    mean, scale, size = listed.mean, _mean_scale(sampled, k), _size(sampled)
    return together(
        equal(mean, theory.volume_residual(cov, k), scale=scale, size=size, part="residual"),
        equal(np.trace(mean), theory.volume_loss(cov, k), scale=scale, size=size, part="loss"),
        equal(_impossible_draws(sampled, listed), 0, scale=1.0, size=1, part="drawn"),
    )


def _impossible_draws(sampled: Layer, listed: Subsets) -> int:
    """How many of eight drawn sets have volume 0; their law itself is a probability claim."""
    possible = {tuple(nodes) for nodes in listed.nodes[listed.probability > 0].tolist()}
    spectrum = theory.decompose(theory.second_moment(sampled.features))
    rng, k = np.random.default_rng(sampled.seed), len(sampled.kept)
    drawn = [theory.select_volume(spectrum, k, rng=rng).kept for _ in range(8)]
    return sum(tuple(sorted(np.asarray(nodes).tolist())) not in possible for nodes in drawn)


@register("spectral.D5", "expectation", ranked_layer, SMALL_LAYERS, STRUCTURED + WIDE_FLAT)
def logfree_residual(sampled: Layer) -> Sides:
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
    upper = lam * theory.smoother(cov, lam)
    size = _size(sampled)
    parts = [loewner(mean, upper, scale=_mean_scale(sampled, k), size=size, part="mean residual")]
    if k < np.sum(mu > 1e-12 * mu[0]):
        count = float(np.sum(np.minimum(1.0, mu / lam)))
        scale = sampled.m * (1 + sampled.scale / lam)
        parts.append(equal(count, k, scale=scale, size=size, part="lam_vol"))
    return together(*parts)


@register("spectral.D6", "exists", layer, SMALL_LAYERS, STRUCTURED + WIDE_FLAT)
def logfree_loss(sampled: Layer) -> Sides:
    """Some k nodes meet the log-free bound, for every mixture of losses.

    Hypotheses
    ----------
    1 <= k <= m, Q positive semidefinite, tau = 0, lam_v = lam_vol(k) (0 for k > rank).

    Statement
    ---------
    min_{|J|=k} Tr(Q S_J) <= lam_v [theta N(lam_v) + (1 - theta) N'(lam_v; Z)].

    Source
    ------
    Derived [D] from D5. Greedy selection need not meet it (A2).

    Equality cases
    --------------
    Flat Sigma, k = 1: the ratio is 1 - 1/m^2.

    References
    ----------
    arXiv 1808.08558 (objective [R])
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, mu = theory.second_moment(x), eigenvalues(x)
    best = float(np.min(all_subsets(x, k).losses(form(theta, z))))
    lam = theory.volume_ridge(cov, k)
    outputs = theory.output_degrees_of_freedom(cov, lam, z)
    value = lam * (theta * degrees(mu, lam) + (1 - theta) * outputs) if lam else 0.0
    bound = theory.volume_bound(cov, k, theta=theta, output_weights=z).value
    scale, size = sampled.form_scale * _mean_scale(sampled, k), _size(sampled)
    return together(
        at_most(best, value, scale=scale, size=size, part="formula"),
        at_most(best, bound, scale=scale, size=size, part="bound"),
        equal(bound, value, scale=scale, size=size, part="bound's value"),
    )


@register("spectral.D7", "exists", ranked_layer, SMALL_LAYERS, STRUCTURED + WIDE_FLAT)
def doubled_degrees(sampled: Layer) -> Sides:
    """Twice the degrees of freedom suffice, with constant one.

    Hypotheses
    ----------
    k >= 2 N(lam), k <= rank, tau = 0 (here lam with k = 2 N(lam), the least allowed).

    Statement
    ---------
    Some J of k distinct nodes has L^theta_0(J) <= lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    Source
    ------
    Derived [D] from D6. The paper asks k >= 5 N log(80 N) and has 4 lam [R].

    Equality cases
    --------------
    Flat Sigma, k = 1, m large: the ratio tends to 1.

    References
    ----------
    arXiv 1808.08558
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, mu = theory.second_moment(x), eigenvalues(x)
    lam = theory.ridge_for_degrees_of_freedom(cov, k / 2)
    best = float(np.min(all_subsets(x, k).losses(form(theta, z))))
    outputs = theory.output_degrees_of_freedom(cov, lam, z)
    value = lam * (theta * degrees(mu, lam) + (1 - theta) * outputs)
    bound = theory.doubled_dof_bound(cov, k, theta=theta, output_weights=z).value
    scale, size = sampled.form_scale * _mean_scale(sampled, k), _size(sampled)
    counted = sampled.m * (1 + sampled.scale / lam)
    return together(
        at_most(best, value, scale=scale, size=size, part="formula"),
        at_most(best, bound, scale=scale, size=size, part="bound"),
        equal(2 * degrees(mu, lam), k, scale=counted, size=size, part="k = 2 N"),
        equal(bound, value, scale=scale + value, size=size, part="bound's value"),
    )


@register("spectral.D8", "exists", layer, SMALL_LAYERS, STRUCTURED)
def tail_loss(sampled: Layer) -> Sides:
    """The best k nodes are within k + 1 of the best k directions.

    Hypotheses
    ----------
    1 <= k <= m, tau = 0.

    Statement
    ---------
    min_{|J|=k} L^A_0(J) <= (k + 1) sum_{j>k} mu_j.

    Source
    ------
    Known (Deshpande et al. 2006); derived here from I7 [D].

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006
    """
    x, k = sampled.features, len(sampled.kept)
    cov = theory.second_moment(x)
    best = float(np.min(all_subsets(x, k).losses(np.eye(sampled.m))))
    bound = theory.tail_bound(cov, k).value
    tail = (k + 1) * float(np.sum(eigenvalues(x)[k:]))
    scale, size = _mean_scale(sampled, k), _size(sampled)
    return together(
        at_most(best, (k + 1) * theory.tail_sum(cov, k), scale=scale, size=size, part="tail"),
        equal(bound, tail, scale=scale, size=size, part="bound's value"),
    )


@register("spectral.D9", "inequality", ranked_layer, SMALL_LAYERS, STRUCTURED)
def derandomised(sampled: Layer) -> Sides:
    """Derandomised volume selection does at least as well as the mean of volume sampling.

    Hypotheses
    ----------
    1 <= k <= rank, tau = 0; nodes are added to minimise the conditional mean of Tr(Q S_J).

    Statement
    ---------
    Tr(Q S_J) <= E Tr(Q S_J') over volume sampling, hence the bound of D6.

    Source
    ------
    Derived [D] (conditional expectations).

    References
    ----------
    Deshpande and Rademacher 2010 (conditional expectations for volume sampling)
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, q = theory.second_moment(x), form(theta, z)
    kept = theory.select_volume_derandomised(cov, k, theta=theta, output_weights=z).kept
    fit = ridge_fit(x, x, kept, np.zeros(k))
    mean = float(np.sum(q * all_subsets(x, k).mean))
    bound = theory.volume_bound(cov, k, theta=theta, output_weights=z).value
    scale = sampled.form_scale * (_mean_scale(sampled, k) + sampled.scale * fit.amplification)
    loss = float(np.sum(q * fit.moment))
    return together(
        at_most(loss, mean, scale=scale, size=_size(sampled), part="mean"),
        at_most(loss, bound, scale=scale, size=_size(sampled), part="D6"),
    )


@register("spectral.X1", "expectation", below_rank_layer, SMALL_LAYERS, STRUCTURED + FLAT)
def degrees_suffice(sampled: Layer) -> Sides:
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
    Flat Sigma, k = N(lam), for the loss.

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
    scale, size = _mean_scale(sampled, k), _size(sampled)
    upper = 4 / 3 * lam * theory.smoother(cov, lam)
    bound = theory.dof_bound(cov, k, theta=theta, output_weights=z).value
    best = float(np.min(listed.losses(form(theta, z))))
    loss_bound = lam * theory.degrees_of_freedom(cov, lam)
    counted = sampled.m * (1 + sampled.scale / lam)
    wide = scale * sampled.form_scale
    return together(
        at_most(np.trace(listed.mean), loss_bound, scale=scale, size=size, part="mean loss"),
        loewner(listed.mean, upper, scale=scale, size=size, part="mean residual"),
        at_most(best, bound, scale=wide, size=size, part="best J"),
        equal(degrees(mu, lam), k, scale=counted, size=size, part="N = k"),
    )


@register("spectral.X6", "expectation", ranked_layer, SMALL_LAYERS, STRUCTURED)
def reconstruction_size(sampled: Layer) -> Sides:
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
    k = rank.

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
    size = _size(sampled)
    stated = theory.reconstruction_norm_bound(cov, k).value
    uniform = theory.determinant_bound(cov, k).value
    scale = _mean_scale(sampled, k)
    return together(
        at_most(mean, stated, scale=stated * condition, size=size, part="mean size"),
        at_most(np.max(np.abs(a)), 1.0, scale=condition, size=size, part="entries"),
        at_most(largest, uniform, scale=scale, size=size, part="all directions"),
    )
