r"""Neurons with weights removed: error, bounds, refit, bias fix (I-3).

Letters: f = w.h, S kept and C removed entries, G = E h h^T over the samples, mu = E h, Cov = G -
mu mu^T, R_ij = G_ij/sqrt(G_ii G_jj), D = W - Wh. Left sides are means over samples; regressions
are least squares on samples.
"""

from __future__ import annotations

import math

import numpy as np

from pruneproof import theory

from ..generators import Choice
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together
from ..soft_vectors import (
    COMMON,
    INPUTS,
    NEURONS,
    Neuron,
    correlations,
    largest,
    log_kappa,
    log_norm,
    log_smooth,
    mean_square,
    neuron,
    refitted,
)


@register(
    "sparsity.I-3a",
    "identity",
    neuron,
    NEURONS,
    tuple({"family": family, "shift": 1.0, "rows": 2} for family in COMMON),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("cross terms dropped", {"cross": 0.0}),
        Mutant("Cov in place of G", {"mean": 1.0}),
    ),
)
def removed_weights(
    case: Neuron, *, constant: float = 1.0, cross: float = 1.0, mean: float = 0.0
) -> Sides:
    """What removed weights cost a neuron, exactly; an activation passes on at most that.

    Hypotheses
    ----------
    Any S; more generally any Wh.

    Statement
    ---------
    E |f - f_S|^2 = w_C^T G_CC w_C, in general (D G D^T)_ii for row i; behind an activation of
    Lipschitz constant rho at most rho^2 times that.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2206.05604
    """
    h, weights = case.inputs, case.weights
    pruned = np.where(case.chosen, 0.9 * weights, 0.0)
    plain = np.where(case.chosen, weights, 0.0)
    errors = np.mean((h @ (weights - pruned).T) ** 2, axis=0)
    passed = np.mean((np.tanh(h @ weights.T) - np.tanh(h @ pruned.T)) ** 2, axis=0)
    mu = np.mean(h, axis=0)
    moment = case.moment - mean * np.outer(mu, mu)
    moment = cross * moment + (1 - cross) * np.diag(np.diag(moment))
    out = ~case.chosen
    part = case.row[out] @ moment[np.ix_(out, out)] @ case.row[out]
    found = mean_square(h[:, out] @ case.row[out])
    value = theory.pruning_error(weights, pruned, case.moment)
    first = theory.pruning_error(case.row, plain[0], case.moment)
    scale, size = case.scale, case.size
    return together(
        equal(found, constant * float(part), scale=scale, size=size, part="error"),
        equal(value, errors, scale=scale, size=size, part="rows"),
        equal(first, found, scale=scale, size=size, part="row"),
        at_most(float(np.max(passed - errors)), 0.0, scale=scale, size=size, part="activation"),
    )


#: Flat weights on twice as many entries as are kept, inputs orthonormal: every step is an equality
#: at q = 1; inputs all equal make the l_1 route one, at q/2 = 1/2.
SHARP = (
    {"law": "flat", "d": 8, "nonzeros": 6, "kept": 3},
    {"law": "flat", "d": 8, "nonzeros": 4, "kept": 2, "family": "common", "signs": False},
)


@register(
    "sparsity.I-3b",
    "inequality",
    neuron,
    NEURONS,
    (
        *SHARP,
        *({"family": family, "law": "normal", "signs": False} for family in COMMON),
        {"family": "relu", "shift": 1.0, "law": "cauchy", "q": 0.4},
    ),
    (
        Mutant("bounds x .95", {"constant": 0.95}),
        Mutant("mean in place of largest eigenvalue", {"mean": True}),
        Mutant("s + 1 in place of s", {"more": 1}),
        Mutant("root of the l_1 route halved", {"absolute": 0.5}),
    ),
)
def largest_weights_kept(
    case: Neuron,
    *,
    constant: float = 1.0,
    mean: bool = False,
    more: int = 0,
    absolute: float = 1.0,
) -> Sides:
    """Bounds on the error of a neuron that keeps its largest weights, by soft sparsity.

    Hypotheses
    ----------
    0 < q < 2, 1 <= s < d; s largest |w|, or s largest |u_j|, u_j = w_j sqrt(G_jj).

    Statement
    ---------
    E |f - f_S|^2 <= lam_max(G) kappa^2 ||w||_q^2 <= lam_max(G) c_{q,2}^2 s^{1-2/q} ||w||_q^2 by
    |w|; lam_max(R) and u in their places by |u|; for q < 1 by |u| also E^{1/2} |f - f_S|^2 <=
    sum_C |u_j| <= c_{q,1} s^{1-1/q} ||u||_q.

    Source
    ------
    Derived [D] from I-1.

    Equality cases
    --------------
    Orthonormal inputs and flat w; the last: equal inputs, flat w of one sign.

    References
    ----------
    arXiv 2206.05604
    """
    w, s, q, g = case.row, case.kept, case.order, case.moment
    d, u = w.size, w * np.sqrt(np.diag(g))
    parts: list[Sides] = []
    size, scale = case.size, case.scale * (1 + 1 / q)
    bounds = (theory.neuron_bound, theory.normalised_neuron_bound)
    for name, scores, matrix, bound in zip(
        ("|w|", "|u|"), (w, u), (g, correlations(g)), bounds, strict=True
    ):
        out = ~largest(scores, s)
        error = mean_square(case.inputs[:, out] @ w[out])
        values = np.linalg.eigvalsh(matrix)
        top = max(0.0, float(np.mean(values) if mean else values[-1]))
        sharp = top * math.exp(2 * (log_kappa(s, d, q, 2.0) + log_norm(scores, q)))
        smooth = top * math.exp(2 * (log_smooth(s + more, q, 2.0) + log_norm(scores, q)))
        # the value of a bound may be far above the error
        room = scale + sharp * (1 + 1 / q)
        value = bound(w, s, g, q=q).value
        parts += [
            at_most(error, constant * sharp, scale=room, size=size, part=f"{name}, kappa"),
            at_most(error, constant * smooth, scale=room, size=size, part=f"{name}, c"),
        ]
        if not mean:
            parts.append(equal(value, sharp, scale=room, size=size, part=f"{name}'s value"))
    out = ~largest(u, s)
    root = math.sqrt(mean_square(case.inputs[:, out] @ w[out]))
    dropped = float(np.sum(np.abs(u[out])))
    half = q / 2
    bound_root = math.exp(log_kappa(s, d, half, 1.0) + log_norm(u, half))
    found = theory.absolute_neuron_bound(w, s, g, q=half)
    room = (math.sqrt(case.scale) * d + bound_root) * (1 + 1 / half)
    parts += [
        at_most(root, constant * absolute * dropped, scale=room, size=size, part="l_1"),
        at_most(dropped, constant * bound_root, scale=room, size=size, part="l_1, kappa"),
        equal(found.value, bound_root, scale=room, size=size, part="l_1 value"),
    ]
    return together(parts[0], *parts[1:])


@register(
    "sparsity.I-3c",
    "identity",
    neuron,
    {**NEURONS, "family": Choice(INPUTS)},
    tuple({"family": family, "rows": 2} for family in COMMON),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("no refit", {"explained": 0.0}),
        Mutant("one of two explained halves", {"explained": 0.5}),
    ),
)
def refitted_weights(case: Neuron, *, constant: float = 1.0, explained: float = 1.0) -> Sides:
    """The least error on the inputs kept is a Schur complement, never above that without refit.

    Hypotheses
    ----------
    Any S; G may be singular.

    Statement
    ---------
    min over w' on S of E |f - w'.h|^2 = w_C^T (G_CC - G_CS G_SS^+ G_SC) w_C <= w_C^T G_CC w_C,
    attained at G_SS^+ G_S: w.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2206.05604
    """
    g, mask, weights = case.moment, case.chosen, case.weights
    out = ~mask
    inverse = np.linalg.pinv(g[np.ix_(mask, mask)], rcond=1e-10, hermitian=True)
    cross = g[np.ix_(out, mask)]
    kept_part = cross @ inverse @ cross.T
    w = case.row[out]
    plain = float(w @ g[np.ix_(out, out)] @ w)
    stated = plain - explained * float(w @ kept_part @ w)
    least = refitted(case, mask)
    masks = np.broadcast_to(mask, weights.shape)
    value = theory.refit_error(weights, masks, g)
    after = theory.refit(weights, masks, g)
    reached = mean_square(case.inputs @ (weights - after)[0])
    outside = float(np.max(np.abs(after[:, out])))
    # pseudo-inverses of blocks of condition up to 1e4
    scale, size = case.scale, 1000 * case.size
    return together(
        equal(least, constant * stated, scale=scale, size=size, part="least error"),
        equal(float(value[0]), least, scale=scale, size=size, part="theory's"),
        equal(reached, least, scale=scale, size=size, part="attained"),
        equal(outside, 0.0, scale=0.0, size=1, part="weights removed"),
        at_most(least, plain, scale=scale, size=size, part="no refit"),
    )


@register(
    "sparsity.I-3d",
    "identity",
    neuron,
    NEURONS,
    (
        *({"family": family, "shift": 1.0, "rows": 2} for family in COMMON),
        {"family": "relu", "signs": False},
        {"law": "flat", "d": 8, "nonzeros": 6, "kept": 3},
    ),
    (
        Mutant("drop x .95", {"constant": 0.95}),
        Mutant("mean of absolute inputs", {"sizes": True}),
        Mutant("1/(n-1) in the covariance", {"spare": 1}),
        Mutant("bound with the covariance x 1/4", {"bound": 0.25}),
    ),
)
def fixed_bias(
    case: Neuron,
    *,
    constant: float = 1.0,
    sizes: bool = False,
    spare: int = 0,
    bound: float = 1.0,
) -> Sides:
    """Adding the mean of what was removed to the bias takes its square off the error, exactly.

    Hypotheses
    ----------
    Any Wh, mu the mean of the original inputs.

    Statement
    ---------
    With b + D mu, E |f - f'|^2 = D Cov D^T, less by (D mu)^2 than without; lam_max(Cov) replaces
    lam_max(G) in I-3b.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2206.05604
    """
    h, weights = case.inputs, case.weights
    pruned = np.where(case.chosen, 1.1 * weights, 0.0)
    lost = h @ (weights - pruned).T
    mu = np.mean(np.abs(h) if sizes else h, axis=0)
    shift = (weights - pruned) @ mu
    fixed = lost - np.mean(lost, axis=0)
    drop = np.mean(lost**2, axis=0) - np.mean(fixed**2, axis=0)
    centred = h - np.mean(h, axis=0)
    covariance = centred.T @ centred / (len(h) - spare)
    left = np.einsum("ij,jk,ik->i", weights - pruned, covariance, weights - pruned)
    value = theory.bias_fix(weights, pruned, np.mean(h, axis=0))
    w, s, q = case.row, case.kept, case.order
    out = ~largest(w, s)
    error = mean_square(centred[:, out] @ w[out])
    top = float(np.linalg.eigvalsh(centred.T @ centred / len(h))[-1])
    stated = top * math.exp(2 * (log_kappa(s, w.size, q, 2.0) + log_norm(w, q)))
    scale, size = case.scale, case.size
    room = scale + stated * (1 + 1 / q)
    return together(
        equal(drop, constant * shift**2, scale=scale, size=size, part="drop"),
        equal(np.mean(fixed**2, axis=0), left, scale=scale, size=size, part="what is left"),
        at_most(error, bound * stated, scale=room, size=size, part="bound"),
        equal(value, np.mean(lost, axis=0), scale=math.sqrt(scale), size=size, part="fix"),
    )
