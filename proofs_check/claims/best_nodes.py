"""The best k nodes: bounds that some J meets with no ridge, and a selector that meets them
(D6-D9).

Left sides list all subsets of k nodes, residuals by singular values of the samples. Right sides
are the bounds of the theory.
"""

from __future__ import annotations

import math

import numpy as np

from pruneproof import theory

from ..generators import SMALL_LAYERS, STRUCTURED, WIDE_FLAT, Layer, layer, ranked_layer
from ..mutants import Mutant
from ..oracles import all_subsets, degrees, eigenvalues, form, mean_scale, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, together
from .submodularity import TRAP

#: Every choice loses the same: D9 is met with equality.
EVEN = ({"family": "flat", "theta": 1.0},)
#: Two nodes of almost equal length and direction, one kept: D8 is met up to 1/(1 + mu_2/mu_1).
TWINS = ({"shape": {"log10_spectrum": [0.0, -4.0], "angles": [math.pi / 4]}, "k": 1},)


@register(
    "spectral.D6",
    "exists",
    layer,
    SMALL_LAYERS,
    STRUCTURED + WIDE_FLAT,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("lam_vol / 2", {"ridge_scale": 0.5}),
        Mutant("N dropped", {"by_degrees": False}, examples=({"theta": 1.0},)),
        Mutant("greedy for the best J", {"selector": "greedy"}, examples=(TRAP,)),
    ),
)
def logfree_loss(
    sampled: Layer,
    *,
    constant: float = 1.0,
    ridge_scale: float = 1.0,
    by_degrees: bool = True,
    selector: str = "best",
) -> Sides:
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
    cov = theory.second_moment(x)
    loss = _loss(sampled, selector)
    lam = theory.volume_ridge(cov, k)
    value = _mixed(sampled, lam)
    stated = constant * _mixed(sampled, ridge_scale * lam, by_degrees)
    bound = theory.volume_bound(cov, k, theta=theta, output_weights=z).value
    scale, size = sampled.form_scale * mean_scale(sampled, k), sampled.size
    return together(
        at_most(loss, stated, scale=scale, size=size, part="formula"),
        at_most(loss, constant * bound, scale=scale, size=size, part="bound"),
        equal(bound, value, scale=scale, size=size, part="bound's value"),
    )


def _loss(sampled: Layer, selector: str) -> float:
    """Loss of the best k nodes, or of greedy's."""
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    if selector == "best":
        return float(np.min(all_subsets(x, k).losses(form(theta, z))))
    cov = theory.second_moment(x)
    kept = np.asarray(theory.select_greedy(cov, k, theta=theta, output_weights=z).kept)
    return float(np.sum(form(theta, z) * ridge_fit(x, x, kept, np.zeros(k)).moment))


def _mixed(sampled: Layer, lam: float, by_degrees: bool = True) -> float:
    """lam [theta N(lam) + (1 - theta) N'(lam; Z)], 0 at lam = 0; N' = Tr Z H Z^T."""
    if lam == 0.0:
        return 0.0
    cov = theory.second_moment(sampled.features)
    dof = degrees(eigenvalues(sampled.features), lam) if by_degrees else 1.0
    outputs = theory.output_degrees_of_freedom(cov, lam, sampled.output_weights)
    return float(lam * (sampled.theta * dof + (1 - sampled.theta) * outputs))


@register(
    "spectral.D7",
    "exists",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED + WIDE_FLAT,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("k = N/2", {"multiple": 0.5}),
        Mutant("k = N", {"multiple": 1.0}, must_die=False),
        Mutant("greedy for the best J", {"selector": "greedy"}, examples=(TRAP,)),
    ),
)
def doubled_degrees(
    sampled: Layer, *, constant: float = 1.0, multiple: float = 2.0, selector: str = "best"
) -> Sides:
    """Twice the degrees of freedom suffice, with constant one.

    Hypotheses
    ----------
    k >= 2 N(lam), k <= rank, tau = 0 (here lam with k = 2 N(lam), the least allowed).

    Statement
    ---------
    Some J of k distinct nodes has L^theta_0(J) <= lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    Source
    ------
    Derived [D] from D6. The paper asks k >= 5 N log(80 N) and has 4 lam [R]. Greedy selection need
    not meet it (A2's nodes: 7.2 against 7.1848).

    Equality cases
    --------------
    Flat Sigma, k = 1, m large: the ratio tends to 1.

    References
    ----------
    arXiv 1808.08558
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, mu = theory.second_moment(x), eigenvalues(x)
    if k / multiple >= np.sum(mu > 1e-12 * mu[0]):
        raise theory.InapplicableError("N(lam) stays below the rank")
    lam = theory.ridge_for_degrees_of_freedom(cov, k / 2)
    at = theory.ridge_for_degrees_of_freedom(cov, k / multiple)
    best = _loss(sampled, selector)
    value, stated = _mixed(sampled, lam), constant * _mixed(sampled, at)
    bound = theory.doubled_dof_bound(cov, k, theta=theta, output_weights=z).value
    scale, size = sampled.form_scale * mean_scale(sampled, k), sampled.size
    counted = sampled.m * (1 + sampled.scale / lam)
    return together(
        at_most(best, stated, scale=scale, size=size, part="formula"),
        at_most(best, constant * bound, scale=scale, size=size, part="bound"),
        equal(2 * degrees(mu, lam), k, scale=counted, size=size, part="k = 2 N"),
        equal(bound, value, scale=scale + value, size=size, part="bound's value"),
    )


@register(
    "spectral.D8",
    "exists",
    layer,
    SMALL_LAYERS,
    STRUCTURED + TWINS,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("k dropped", {"slope": 0.0}),
        Mutant("sqrt(k + 1)", {"power": 0.5}),
    ),
)
def tail_loss(
    sampled: Layer, *, constant: float = 1.0, slope: float = 1.0, power: float = 1.0
) -> Sides:
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

    Equality cases
    --------------
    k = 1, two nodes of one length and almost one direction: the ratio is 1/(1 + mu_2/mu_1).

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006
    """
    x, k = sampled.features, len(sampled.kept)
    cov = theory.second_moment(x)
    best = float(np.min(all_subsets(x, k).losses(np.eye(sampled.m))))
    bound = theory.tail_bound(cov, k).value
    tail = (k + 1) * float(np.sum(eigenvalues(x)[k:]))
    factor = constant * (slope * k + 1) ** power
    scale, size = mean_scale(sampled, k), sampled.size
    return together(
        at_most(best, factor * theory.tail_sum(cov, k), scale=scale, size=size, part="tail"),
        equal(bound, tail, scale=scale, size=size, part="bound's value"),
    )


@register(
    "spectral.D9",
    "inequality",
    ranked_layer,
    SMALL_LAYERS,
    STRUCTURED + EVEN,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("a draw in place of the derandomised set", {"selector": "volume"}),
        Mutant("greedy in place of the derandomised set", {"selector": "greedy"}, examples=(TRAP,)),
    ),
)
def derandomised(sampled: Layer, *, constant: float = 1.0, selector: str = "derandomised") -> Sides:
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

    Equality cases
    --------------
    Flat Sigma, theta = 1.

    References
    ----------
    Deshpande and Rademacher 2010 (conditional expectations for volume sampling)
    """
    x, k, z, theta = sampled.features, len(sampled.kept), sampled.output_weights, sampled.theta
    cov, q = theory.second_moment(x), form(theta, z)
    weights = {"theta": theta, "output_weights": z}
    if selector == "derandomised":
        kept = theory.select_volume_derandomised(cov, k, **weights).kept
    elif selector == "greedy":
        kept = theory.select_greedy(cov, k, **weights).kept
    else:
        kept = theory.select_volume(cov, k, rng=sampled.seed).kept
    fit = ridge_fit(x, x, kept, np.zeros(k))
    mean = float(np.sum(q * all_subsets(x, k).mean))
    bound = theory.volume_bound(cov, k, theta=theta, output_weights=z).value
    scale = sampled.form_scale * (mean_scale(sampled, k) + sampled.scale * fit.amplification)
    loss = float(np.sum(q * fit.moment))
    return together(
        at_most(loss, constant * mean, scale=scale, size=sampled.size, part="mean"),
        at_most(loss, constant * bound, scale=scale, size=sampled.size, part="D6"),
    )
