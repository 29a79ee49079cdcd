r"""The optimal surgeon, and magnitude beside the best set (X1, X2).

Letters: f = w.h, S kept and C removed entries, G = E h h^T over the samples, R_ij =
G_ij/sqrt(G_ii G_jj). Least errors are regressions on samples.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from pruneproof import theory

from ..generators import Choice
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together
from ..soft_vectors import (
    NEURONS,
    REGULAR,
    Neuron,
    correlations,
    largest,
    mean_square,
    neuron,
    refitted,
)


@register(
    "sparsity.X1",
    "identity",
    neuron,
    {**NEURONS, "family": Choice(REGULAR)},
    tuple({"family": family, "shift": shift} for family in REGULAR for shift in (0.0, 1.0)),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("R_j not squared", {"power": 0.5}),
        Mutant("saliency w_j^2 G_jj", {"power": 0.0, "plain": True}),
        Mutant("block of G in place of that of its inverse", {"inverted": False}),
    ),
)
def optimal_surgeon(
    case: Neuron,
    *,
    constant: float = 1.0,
    power: float = 1.0,
    plain: bool = False,
    inverted: bool = True,
) -> Sides:
    """The optimal surgeon's increments add up to the error of the refit, in any order.

    Hypotheses
    ----------
    G positive definite, C removed.

    Statement
    ---------
    min over w' on S of E |f - w'.h|^2 = w_C^T [(G^{-1})_CC]^{-1} w_C, at w - (G^{-1})_{:,C}
    [(G^{-1})_CC]^{-1} w_C; of one weight w_j^2/(G^{-1})_jj = w_j^2 G_jj (1 - R_j^2), R_j^2 the
    uncentred squared multiple correlation. One at a time, with M = G^{-1}: error += w_j^2/M_jj,
    w -= M_{:,j} w_j/M_jj, M -= M_{:,j} M_{j,:}/M_jj; M_SS stays G_SS^{-1}.

    Source
    ------
    Hassibi and Stork [R]; derived [D] by Schur complements.

    References
    ----------
    Hassibi and Stork 1993
    """
    g, w, h, kept = case.moment, case.row, case.inputs, case.chosen
    out = np.flatnonzero(~kept)
    inverse = np.linalg.inv(g)
    least = refitted(case, kept)
    block = inverse[np.ix_(out, out)] if inverted else g[np.ix_(out, out)]
    stated = float(w[out] @ np.linalg.solve(block, w[out]))
    weights, total, m = w.copy(), 0.0, inverse.copy()
    for j in out[::-1]:
        total += float(weights[j] ** 2 / m[j, j])
        column = m[:, j] / m[j, j]
        weights = weights - column * weights[j]
        m = m - np.outer(column, m[j])
    left = np.linalg.inv(g[np.ix_(kept, kept)])
    single = []
    for j in range(w.size):
        others = np.delete(h, j, axis=1)
        fit = others @ np.linalg.lstsq(others, h[:, j], rcond=None)[0]
        share = mean_square(fit) / float(g[j, j])
        single.append(w[j] ** 2 * g[j, j] * (1 - (0.0 if plain else share**power)))
    after, error = theory.obs_removal(w, g, out)
    order, increments, path = theory.obs_path(w, g, out.size)
    rest = np.ones(w.size, dtype=bool)
    rest[order] = False
    condition = float(np.linalg.cond(g))
    scale, size = case.scale, math.ceil(64 * case.size * condition)
    change = max(1.0, float(np.linalg.norm(inverse)))
    return together(
        equal(least, constant * stated, scale=scale, size=size, part="least error"),
        equal(total, least, scale=scale, size=size, part="one at a time"),
        equal(theory.obs_saliencies(w, g), single, scale=scale, size=size, part="one weight"),
        equal(error, least, scale=scale, size=size, part="error"),
        equal(mean_square(h @ (w - after)), least, scale=scale, size=size, part="attained"),
        equal(m[np.ix_(kept, kept)], left, scale=change, size=size, part="inverse"),
        equal(weights, after, scale=float(np.linalg.norm(w)), size=size, part="weights"),
        equal(
            float(np.sum(increments)), refitted(case, rest), scale=scale, size=size, part="greedy"
        ),
        equal(
            mean_square(h @ (w - path)),
            refitted(case, rest),
            scale=scale,
            size=size,
            part="greedy weights",
        ),
        equal(path[order], np.zeros(order.size), scale=0.0, size=1, part="greedy weights removed"),
    )


@register(
    "sparsity.X2",
    "inequality",
    neuron,
    {**NEURONS, "family": Choice(REGULAR)},
    (
        {},
        *({"family": family, "d": 6, "kept": 2} for family in REGULAR),
        {"family": "block", "shift": 1.0, "law": "flat"},
        {"family": "power-law", "d": 2, "kept": 1},
    ),
    (
        Mutant("cond x .95", {"constant": 0.95}),
        Mutant("root of cond", {"power": 0.5}),
        Mutant("magnitude as good as the best set", {"power": 0.0}),
    ),
)
def magnitude_within_conditions(
    case: Neuron, *, constant: float = 1.0, power: float = 1.0
) -> Sides:
    """Magnitude without refit is within a condition number of the best set with refit.

    Hypotheses
    ----------
    Equal numbers s of weights kept; G positive definite.

    Statement
    ---------
    By |w_j| sqrt(G_jj): error <= cond(R) min over |S| = s of the refitted error. By |w_j|: cond(G).

    Source
    ------
    Derived [D]: eigenvalues of Schur complements lie between those of the matrix.

    Equality cases
    --------------
    Orthonormal inputs.

    References
    ----------
    arXiv 2206.05604
    """
    g, w, h, s = case.moment, case.row, case.inputs, case.kept
    best = math.inf
    for chosen in itertools.combinations(range(w.size), s):
        mask = np.zeros(w.size, dtype=bool)
        mask[list(chosen)] = True
        best = min(best, refitted(case, mask))
    parts = []
    for name, scores, matrix in (
        ("|w|", w, g),
        ("|w| rms", w * np.sqrt(np.diag(g)), correlations(g)),
    ):
        out = ~largest(scores, s)
        error = mean_square(h[:, out] @ w[out])
        values = np.linalg.eigvalsh(matrix)
        condition = float(values[-1] / values[0])
        found = theory.magnitude_guarantee(g, weighted=name != "|w|")
        size, scale = 8 * case.size, case.scale * condition
        parts += [
            at_most(error, constant * condition**power * best, scale=scale, size=size, part=name),
            equal(found, condition, scale=condition**2, size=size, part=f"cond's value, {name}"),
        ]
    return together(parts[0], parts[2], parts[1], parts[3])
