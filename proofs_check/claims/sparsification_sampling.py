r"""Means over random sparsifications: errors, spectra, what a layer reads (II-3, II-9, II-10).

Letters: a = |w|, b = max a, s non-zeros or draws, tau the threshold of truncated Poisson sampling,
P the distribution of a draw, F^2 = sum a^2; B the sparsified W, D = W - B, G = E x x^T. Small
weights have all their outcomes listed, so that means are exact; II-10m draws from larger ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Whole
from ..mutants import Mutant
from ..registry import register
from ..sampled_weights import METHODS, SMALL, SampledWeight, sampled_weight
from ..sides import Floats, Sides, at_most, equal, together

#: Every method once, and the families at which closed forms differ most.
EXAMPLES: tuple[dict[str, Any], ...] = (
    *({"method": method} for method in METHODS),
    {"family": "sparse", "method": "even", "seed": 3},
    {"family": "heavy", "method": "l1"},
    {"family": "flat", "method": "uniform", "part": 0.3},
    {"family": "identity", "m": 2, "n": 2, "method": "uniform"},
    {"m": 1, "n": 1, "method": "quantise"},
)


def _listed(case: SampledWeight) -> tuple[Floats, Floats]:
    """All outcomes; the generator keeps weights small enough for there to be some."""
    found = case.outcomes
    if found is None:
        raise ValueError("too many outcomes to list")
    return found


@register(
    "sparsity.II-3",
    "identity",
    sampled_weight,
    SMALL,
    EXAMPLES,
    (
        Mutant("mean error x .95", {"constant": 0.95}),
        Mutant("F^2 not taken off", {"bias": 0.0}),
        Mutant("nnz in place of nnz - 1", {"missing": 0.0}),
        Mutant("uniform draws beat L1", {"best": "even"}),
        Mutant("sampled always better than dropped", {"half": 0.0}),
    ),
)
def mean_squared_errors(
    case: SampledWeight,
    *,
    constant: float = 1.0,
    bias: float = 1.0,
    missing: float = 1.0,
    best: str = "l1",
    half: float = 0.5,
) -> Sides:
    """Mean squared errors of unbiased sparsifications; L1 draws have the least, L2 the uniform one.

    Hypotheses
    ----------
    B by coins of its own for every entry (truncated Poisson, uniform p, quantised), or the mean of
    s draws with replacement, P > 0 wherever W is not 0. E B = W.

    Statement
    ---------
    E ||W - B||_F^2 = sum_{a < tau} a (tau - a); (1/p - 1) F^2; sum (b^2 - a^2);
    (sum a^2/P - F^2)/s, so (|W|_1^2 - F^2)/s for L1, the least of all P, and (nnz - 1) F^2/s for
    L2 and for uniform P. Truncated Poisson errs least at s expected non-zeros; an entry loses by
    it, against its being dropped, iff 0 < a < tau/2.

    Source
    ------
    Derived [D]; Cauchy-Schwarz.

    References
    ----------
    Achlioptas and McSherry 2007; Achlioptas, Karnin and Liberty 2013; Drineas and Zouzias 2011
    """
    outcomes, chance = _listed(case)
    w, a, s = case.weight, case.size, case.count
    mean = np.tensordot(chance, outcomes, 1)
    error = float(chance @ np.sum((outcomes - w) ** 2, axis=(1, 2)))
    square, total, there = float(np.sum(a**2)), float(a.sum()), int(np.count_nonzero(w))
    drawn = {"l1": total**2, "l2": there * square, "even": there * square}
    closed = float(case.variances.sum())
    if case.drawn:
        raw = drawn.get(case.method, float(case.squares.sum()))
        closed = (raw - bias * square) / s
        if case.method in ("l2", "even"):
            closed = (there - missing * bias) * square / s
    # the heaviest outcome and the sum of its squares
    scale = max(float(np.max(np.sum(outcomes**2, axis=(1, 2)))), square)
    size = len(chance) * w.size
    parts = [
        equal(error, constant * closed, scale=scale, size=size, part="mean error"),
        equal(mean, w, scale=np.sqrt(scale), size=size, part="no bias"),
        equal(case.stated_variances.sum(), error, scale=scale, size=size, part="theory"),
    ]
    if case.drawn:
        least = drawn[best]
        own = float(case.squares.sum())
        parts.append(at_most(least, own, scale=own, size=size, part="least of all draws"))
    elif case.method == "uniform" and case.share < 1:
        tau = case.threshold
        least = float(np.sum(a * np.maximum(tau - a, 0.0)))
        parts.append(at_most(least, error, scale=scale, size=size, part="least of all coins"))
    elif case.method == "threshold-poisson":
        each = np.tensordot(chance, (outcomes - w) ** 2, 1)
        clear = np.abs(a - 0.5 * case.threshold) > 1e-9 * case.threshold
        worse = clear & (each > a**2) & (a > 0)
        said = clear & (a > 0) & (a < half * case.threshold)
        parts.append(equal(worse, said, scale=1.0, size=1, part="worse than dropped"))
    return together(*parts)


@register(
    "sparsity.II-9",
    "expectation",
    sampled_weight,
    SMALL,
    (*EXAMPLES, {"m": 1, "n": 1, "method": "l1"}, {"m": 1, "n": 2, "part": 1.0}),
    (
        Mutant("mean x .95", {"constant": 0.95}),
        Mutant("each singular value, not their sums", {"summed": False}),
    ),
)
def inflated_spectra(case: SampledWeight, *, constant: float = 1.0, summed: bool = True) -> Sides:
    """Unbiased sampling inflates the spectrum: every sum of largest singular values, on average.

    Hypotheses
    ----------
    E B = W.

    Statement
    ---------
    E sum_{i <= k} sig_i(B) >= sum_{i <= k} sig_i(W) for every k.

    Source
    ------
    Derived [D]: Jensen, as Ky Fan's norms are convex.

    Equality cases
    --------------
    All is kept; W of one entry.

    References
    ----------
    arXiv 2307.08982
    """
    outcomes, chance = _listed(case)
    found = np.linalg.svd(outcomes, compute_uv=False)
    own = np.linalg.svd(case.weight, compute_uv=False)
    if summed:
        found, own = np.cumsum(found, axis=1), np.cumsum(own)
    means = chance @ found
    scale, size = float(np.max(np.sum(found, axis=1))), len(chance) * case.weight.size
    sums = np.cumsum(np.linalg.svd(case.weight, compute_uv=False))
    stated = theory.ky_fan_norms(case.weight)
    return together(
        *(
            at_most(here, constant * there, scale=scale, size=size, part=f"k = {k}")
            for k, (here, there) in enumerate(zip(own, means), start=1)
        ),
        equal(stated, sums, scale=float(sums[-1]), size=size, part="norms' value"),
    )


@register(
    "sparsity.II-10",
    "identity",
    sampled_weight,
    SMALL,
    EXAMPLES,
    (
        Mutant("sampled error x .95", {"constant": 0.95}),
        Mutant("||D mu||^2 dropped", {"mean": 0.0}),
        Mutant("draws as if entries were independent", {"tied": False}),
        Mutant("inputs centred", {"centred": True}),
    ),
)
def errors_of_a_layer(
    case: SampledWeight,
    *,
    constant: float = 1.0,
    mean: float = 1.0,
    tied: bool = True,
    centred: bool = False,
) -> Sides:
    """What the layer's output sees of dropped and of sampled weights.

    Hypotheses
    ----------
    Inputs of second moment G, mean mu and covariance Cov; any D; B as in II-3.

    Statement
    ---------
    E ||D x||^2 = ||D Cov^{1/2}||_F^2 + ||D mu||^2, and the bias D mu takes the last term off.
    E_B E_x ||(W - B) x||^2 = sum_ij Var B_ij G_jj for coins,
    (sum_ij a_ij^2/P_ij G_jj - tr W G W^T)/s for draws with replacement.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2307.08982
    """
    outcomes, chance = _listed(case)
    w, x = case.weight, case.inputs
    second = theory.second_moment(x)
    mu, cov = np.mean(x, axis=0), theory.second_moment(x, centered=True)
    kept = theory.sparsify(w, max(1, w.size // 2), method="magnitude")
    lost = w - kept
    plain = float(np.mean(np.sum((x @ lost.T) ** 2, axis=1)))
    fixed = float(np.mean(np.sum(((x - mu) @ lost.T) ** 2, axis=1)))
    stated = [theory.layer_error(lost, cov, mu), theory.layer_error(lost, cov)]
    outputs = np.einsum("sij,tj->sti", w - outcomes, x - mu if centred else x)
    found = float(chance @ np.mean(np.sum(outputs**2, axis=2), axis=1))
    gains = np.diag(x.T @ x / len(x))
    if case.drawn:
        signal = float(np.mean(np.sum((x @ w.T) ** 2, axis=1)))
        bias = signal if tied else float(np.sum(w**2 @ gains))
        closed = (float(np.sum(case.squares @ gains)) - bias) / case.count
        sampled = theory.drawn_layer_error(w, case.count, case.distribution, second)
    else:
        closed = float(np.sum(case.variances @ gains))
        sampled = theory.sampled_layer_error(case.stated_variances, second)
    # the heaviest outcome, and the inputs' energy
    heavy = max(float(np.max(np.sum(outcomes**2, axis=(1, 2)))), float(np.sum(w**2)))
    scale, size = heavy * float(np.sum(x**2)) / len(x), len(chance) * w.size
    energy = float(np.sum(w**2) * np.sum(x**2)) / len(x)
    drop = mean * float(np.sum((lost @ mu) ** 2))
    return together(
        equal(found, constant * closed, scale=scale, size=size, part="mean over B"),
        equal(sampled, closed, scale=scale, size=size, part="theory over B"),
        equal(plain - fixed, drop, scale=energy, size=size, part="bias fix"),
        equal(stated[0], plain, scale=energy, size=size, part="error"),
        equal(stated[1], fixed, scale=energy, size=size, part="error after the fix"),
    )


#: Draws averaged in one replicate; a single one spreads by some 10 %.
AVERAGED = 36


@register(
    "sparsity.II-10m",
    "law",
    sampled_weight,
    {**SMALL, "m": Whole(8, 16), "n": Whole(8, 16), "count": Whole(20, 60)},
    (
        *(
            {"family": family, "method": method, "m": 16, "n": 20, "count": 80}
            for family, method in (
                ("coherent", "threshold-poisson"),
                ("sparse", "uniform"),
                ("gauss", "quantise"),
                ("gauss", "hybrid"),
                ("gauss", "l1"),
            )
        ),
    ),
    (
        Mutant("error x .9", {"constant": 0.9}),
        Mutant("error x 1.1", {"constant": 1.1}),
    ),
)
def errors_of_samplers(
    case: SampledWeight,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
) -> Sides:
    """The samplers as they are err on average as II-10 says.

    Hypotheses
    ----------
    Independent draws of B by each sampler, beyond what can be listed.

    Statement
    ---------
    The mean over draws of E_x ||(W - B) x||^2 comes to II-10's closed form.

    Source
    ------
    Derived [D]; the samplers of Achlioptas and McSherry, and others, as restated.

    References
    ----------
    Achlioptas and McSherry 2007; Drineas and Zouzias 2011
    """
    w, x = case.weight, case.inputs
    gains = np.sum(x**2, axis=0) / len(x)
    closed = float(np.sum(case.variances @ gains))
    if case.drawn:
        signal = float(np.sum((x @ w.T) ** 2)) / len(x)
        closed = (float(np.sum(case.squares @ gains)) - signal) / case.count
    found = [np.sum((x @ (w - case.draw(rng)).T) ** 2) / len(x) for _ in range(AVERAGED)]
    return equal(np.mean(found), constant * closed, scale=closed, size=1)
