"""Degrees of freedom N(lam) = sum mu_j/(mu_j + lam): sandwich, power laws, centring, shape
(D4, X2, X8, X9).

N of the theory is set against plain sums over singular values of the samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, Real, Whole, layer
from ..mutants import Mutant
from ..oracles import all_subsets, degrees, eigenvalues, ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together

#: Both sides of X8: lam far below mu_m, and one sample, whose mean is all there is.
CENTRING = (
    {"family": "flat", "m": 14, "log10_ridge": -6.0},
    {"shape": {"log10_spectrum": [0.0]}, "k": 1, "log10_ridge": -4.0},
)
#: Both parts of X9's minimum: lam far above mu_1; and far below mu_m, one sample of three gone.
REMOVAL = (
    {"family": "flat", "m": 5, "log10_ridge": 6.0},
    {"shape": {"log10_spectrum": [0.0, 0.0, 0.0]}, "k": 1, "log10_ridge": -6.0},
)
#: lam = mu attains the lower side of D4, lam far above (or below) mu the upper one.
SANDWICH = tuple({"family": "flat", "log10_ridge": exponent} for exponent in (0.0, 6.0, -6.0))


@register(
    "spectral.D4",
    "inequality",
    layer,
    LAYERS,
    STRUCTURED + SANDWICH,
    mutants=(
        Mutant("upper side x .95", {"upper": 0.95}),
        Mutant("lower side 1/2 / .95", {"lower": 0.5 / 0.95}),
        Mutant("min(1, .) capped at 4", {"cap": 4.0}),
        Mutant("power law x 1/2", {"power_constant": 0.5}, must_die=False),
    ),
)
def sandwich(
    sampled: Layer,
    *,
    upper: float = 1.0,
    lower: float = 0.5,
    cap: float = 1.0,
    power_constant: float = 1.0,
) -> Sides:
    """Degrees of freedom count the eigenvalues above the ridge, within a factor of two.

    Hypotheses
    ----------
    lam > 0; for the last part mu_j <= B j^{-a} with a > 1 (here a = 1.2, B the least that fits).

    Statement
    ---------
    s/2 <= N(lam) <= s with s = sum_j min(1, mu_j/lam); N(lam) <= a/(a-1) (B/lam)^{1/a}.

    Source
    ------
    Derived [D]; the sharp constant is in X2.

    Equality cases
    --------------
    Lower: flat Sigma, lam = mu. Upper: lam far above mu_1, or far below mu_m.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    lam, a = sampled.ridge, 1.2
    cov, mu = theory.second_moment(sampled.features), eigenvalues(sampled.features)
    dof = theory.degrees_of_freedom(cov, lam)
    count = float(np.sum(np.minimum(cap, mu / lam)))
    low, high = theory.dof_sandwich(cov, lam)
    b = float(np.max(mu * np.arange(1, len(mu) + 1) ** a))
    power = theory.power_law_dof_bound(a, lam, b)
    simple = a / (a - 1) * (b / lam) ** (1 / a)
    size = sampled.size
    # an error E in Sigma moves N, and s, by at most m ||E|| / lam
    scale = count + sampled.m * sampled.scale / lam
    return together(
        at_most(dof, upper * count, scale=scale, size=size, part="upper"),
        at_most(lower * count, dof, scale=scale, size=size, part="lower"),
        at_most(degrees(mu, lam), high, scale=scale, size=size, part="upper end"),
        at_most(low, degrees(mu, lam), scale=scale, size=size, part="lower end"),
        at_most(dof, power_constant * simple, scale=scale, size=size, part="power law"),
        equal(power.terms["simple"], simple, scale=simple, size=size, part="its constant"),
    )


@dataclass(frozen=True)
class PowerLaw:
    """mu_j = j^{-a}, j = 1..m, and a width k."""

    a: float
    m: int
    k: int


def power_law(rng: np.random.Generator, *, a: float = 2.0, m: int = 3000, k: int = 300) -> PowerLaw:
    """Power law of exponent a, cut at m; k is cut down to m/2. Nothing is random."""
    return PowerLaw(a, m, min(k, m // 2))


POWER_LAWS = {"a": Real(1.25, 5.0), "m": Whole(2, 4000), "k": Whole(1, 400)}


@register(
    "spectral.X2",
    "inequality",
    power_law,
    POWER_LAWS,
    ({}, {"a": 1.5}, {"a": 4.0, "k": 9}),
    mutants=(
        Mutant("C and c x .95", {"constant": 0.95}),
        Mutant("C and c / .95", {"constant": 1 / 0.95}),
        Mutant("C and c swapped", {"swapped": True}),
        Mutant("k in place of k + 1", {"spare": 0.0}),
    ),
)
def power_law_ridges(
    law: PowerLaw, *, constant: float = 1.0, swapped: bool = False, spare: float = 1.0
) -> Sides:
    """Power laws pin both ridges between k and k + 1, with no slope to fit.

    Hypotheses
    ----------
    mu_j = j^{-a} for all j >= 1, a > 1. Of the m eigenvalues at hand, the missing tail adds
    between I(m + 1) and I(m) to each count, I(x) <= x^{1-a}/((a - 1) lam).

    Statement
    ---------
    C^a (k+1)^{-a} <= lam_N(k) <= C^a k^{-a}, C = (pi/a)/sin(pi/a);
    c^a (k+1)^{-a} <= lam_vol(k) <= c^a k^{-a}, c = a/(a-1).

    Source
    ------
    Derived [D] (integral test).

    Equality cases
    --------------
    The ratio of both ends, (1 + 1/k)^a, tends to 1.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    a, m, k = law.a, law.m, law.k
    mu = np.arange(1, m + 1) ** -a
    sharp, plain = (np.pi / a) / np.sin(np.pi / a), a / (a - 1)
    parts = []
    for name, own, lam in (
        ("lam_N", plain if swapped else sharp, theory.ridge_for_degrees_of_freedom(mu, k)),
        ("lam_vol", sharp if swapped else plain, theory.volume_ridge(mu, k)),
    ):
        ideal = constant * own * lam ** (-1 / a)  # the statement is ideal - 1 <= count <= ideal
        missing = m ** (1 - a) / ((a - 1) * lam)
        parts += [
            at_most(k, ideal, scale=ideal, size=m, part=f"{name}, upper"),
            at_most(
                ideal - spare, k + missing, scale=ideal + missing, size=m, part=f"{name}, lower"
            ),
        ]
    ends = theory.power_law_ridge_sandwich(a, k)
    stated = [[c**a * (k + 1) ** -a, c**a * k**-a] for c in (sharp, plain)]
    size = float(np.linalg.norm(stated))
    return together(*parts, equal(ends, stated, scale=size, size=m, part="its ends"))


@register(
    "spectral.X8",
    "inequality",
    layer,
    LAYERS,
    STRUCTURED + CENTRING,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("at most .95 saved", {"saved": 0.95}),
        Mutant("covariance with 1/(n-1)", {"ddof": 1}),
    ),
)
def centred_degrees(
    sampled: Layer, *, constant: float = 1.0, saved: float = 1.0, ddof: int = 0
) -> Sides:
    """The constant node saves at most one degree of freedom.

    Hypotheses
    ----------
    lam > 0.

    Statement
    ---------
    N(lam) - 1 <= N_centred(lam) <= N(lam).

    Source
    ------
    Derived [D] (interlacing under a rank-one change).

    Equality cases
    --------------
    Upper: mean zero. Lower: the mean's own direction is far above lam.

    References
    ----------
    arXiv 1808.08558 (uncentred second moments [R])
    """
    x, lam = sampled.features, sampled.ridge
    at = lam * (1 - ddof / len(x))  # a divisor n - ddof enlarges the covariance
    plain = theory.degrees_of_freedom(theory.second_moment(x), lam)
    centred = theory.degrees_of_freedom(theory.second_moment(x, centered=True), at)
    own = degrees(eigenvalues(x - np.mean(x, axis=0)), at)
    # an error E in Sigma moves N by at most m ||E|| / lam
    scale, size = 1 + sampled.m * sampled.scale / lam, sampled.size
    most = constant * degrees(eigenvalues(x), lam)
    return together(
        at_most(own, constant * plain, scale=scale, size=size, part="upper"),
        at_most(centred, most, scale=scale, size=size, part="upper"),
        at_most(plain - saved, own, scale=scale, size=size, part="lower"),
        equal(centred, own, scale=scale, size=size, part="centred N"),
    )


@register(
    "spectral.X9",
    "inequality",
    layer,
    {**LAYERS, "m": Whole(1, 7), "k": Whole(1, 7)},
    STRUCTURED + REMOVAL,
    mutants=(
        Mutant("constants x .95", {"constant": 0.95}),
        Mutant("trace norm x .95", {"trace_constant": 0.95}),
        Mutant("rank x .95", {"rank_constant": 0.95}),
        Mutant("N(lam/c) <= sqrt(c) N(lam)", {"power": 0.5}),
    ),
)
def shapes(
    sampled: Layer,
    *,
    constant: float = 1.0,
    trace_constant: float = 1.0,
    rank_constant: float = 1.0,
    power: float = 1.0,
) -> Sides:
    """Shapes in the ridge, the spectrum and the width.

    Hypotheses
    ----------
    0 < lam < lam', c >= 1; Sigma' another second moment (here |J| samples are left out).

    Statement
    ---------
    N decreasing and convex, lam N increasing and concave in lam; N(lam/c) <= c N(lam);
    tau -> S_J concave in the positive semidefinite order;
    |N_Sigma - N_Sigma'| <= min(||Sigma - Sigma'||_1/lam, rank(Sigma - Sigma'));
    (k + 1) e_{k+1}/e_k nonincreasing in k.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    lam N is nearly linear for lam far below mu_m, and nearly constant far above mu_1.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    x, lam, kept, m = sampled.features, sampled.ridge, sampled.kept, sampled.m
    cov, mu, c = theory.second_moment(x), eigenvalues(x), 3.0
    size, scale = sampled.size, m * (1 + sampled.scale / lam)
    dof = {t: theory.degrees_of_freedom(cov, t * lam) for t in (1.0, 2.0, c)}
    own = {t: degrees(mu, t * lam) for t in (1.0, 2.0, c)}
    gone = x[: len(kept)]
    lost = eigenvalues(gone) * len(gone) / len(x)  # Sigma - Sigma' is positive semidefinite
    rest = theory.second_moment(x[len(gone) :]) * (1 - len(gone) / len(x))
    change = own[1.0] - theory.degrees_of_freedom(rest, lam)
    tau = {t: t * sampled.node_ridge[kept] + (t - 1) * lam for t in (1.0, 2.0, c)}
    fits = {t: ridge_fit(x, x, kept, tau[t]) for t in (1.0, c)}
    middle = theory.residual(cov, kept, tau[2.0])
    amplified = sampled.scale * max(fit.amplification for fit in fits.values())
    chord = (fits[1.0].moment + fits[c].moment) / 2
    mean_dof = (own[1.0] + own[c]) / 2
    in_trace = trace_constant * float(np.sum(lost)) / lam
    in_rank = rank_constant * float(np.linalg.matrix_rank(gone))
    parts = [
        at_most(own[c], constant * dof[1.0], scale=scale, size=size, part="N decreasing"),
        at_most(dof[2.0], constant * mean_dof, scale=scale, size=size, part="N convex"),
        at_most(own[1.0], c**power * dof[c], scale=c * scale, size=size, part="N(lam/c), c N(lam)"),
        at_most(
            (own[1.0] + c * own[c]) / 2,
            constant * 2 * dof[2.0],
            scale=c * scale,
            size=size,
            part="lam N concave",
        ),
        at_most(change, in_trace, scale=scale, size=size, part="trace norm"),
        at_most(change, in_rank, scale=scale, size=size, part="rank"),
        at_most(-change, 0.0, scale=scale, size=size, part="N increasing in Sigma"),
        loewner(chord, constant * middle, scale=amplified, size=size, part="S_J concave in tau"),
    ]
    k = len(kept)
    rank = int(np.sum(mu > 1e-12 * mu[0]))
    if k < rank:
        means = [float(np.trace(all_subsets(x, width).mean)) for width in (k, k + 1)]
        wide = sampled.scale * m * (k + 1)
        parts += [
            at_most(means[1], theory.volume_loss(cov, k), scale=wide, size=size, part="k-DPP mean"),
            at_most(
                theory.volume_loss(cov, k + 1), means[0], scale=wide, size=size, part="k-DPP mean"
            ),
        ]
    return together(*parts)
