r"""Whole inputs removed, weights quantised, weights removed at random (X3, X4, X8).

Letters: G = E h h^T over the samples, R the uncentred correlations, v_j = ||W_{:,j}|| sqrt(G_jj),
g = sum w_j^2 G_jj, F = w^T G w, Delta the step of a quantiser. Means over masks and over roundings
run over all outcomes.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import (
    COMMON,
    NEURONS,
    Neuron,
    correlations,
    entries,
    inputs,
    largest,
    log_kappa,
    log_norm,
    log_smooth,
    mean_square,
    neuron,
    norm,
)


@register(
    "sparsity.X3",
    "inequality",
    neuron,
    {**NEURONS, "rows": Whole(1, 4)},
    (
        {"law": "flat", "d": 8, "nonzeros": 6, "kept": 3},
        {"law": "flat", "d": 8, "nonzeros": 4, "kept": 2, "family": "common", "signs": False},
        *({"family": family, "rows": 3, "d": 6, "signs": False} for family in COMMON),
    ),
    (
        Mutant("bounds x .95", {"constant": 0.95}),
        Mutant("mean in place of largest eigenvalue", {"mean": True}),
        Mutant("s + 1 in place of s", {"more": 1}),
        Mutant("root of the l_1 route halved", {"absolute": 0.5}),
        Mutant("outputs' errors x .95", {"outputs": 0.95}),
    ),
)
def removed_channels(
    case: Neuron,
    *,
    constant: float = 1.0,
    mean: bool = False,
    more: int = 0,
    absolute: float = 1.0,
    outputs: float = 1.0,
) -> Sides:
    """Bounds on the error of a layer whose largest inputs are kept, by soft sparsity.

    Hypotheses
    ----------
    The s inputs of largest v_j kept, 1 <= s < d; or blocks of inputs, v_g^2 = E ||W_g h_g||^2.

    Statement
    ---------
    E ||W_C h_C||^2 <= lam_max(R) sum_C v_j^2 <= lam_max(R) c_{q,2}^2 s^{1-2/q} ||v||_q^2, 0 < q <
    2; E^{1/2} ||W_C h_C||^2 <= sum_C v_j <= c_{q,1} s^{1-1/q} ||v||_q, 0 < q < 1, for blocks too.
    Removed OUTPUTS cost exactly the sum of their E y_i^2.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Orthonormal inputs and flat v; the second: equal inputs, one output, flat weights of one sign.

    References
    ----------
    arXiv 2206.05604
    """
    w, h, s, q, g = case.weights, case.inputs, case.kept, case.order, case.moment
    d = w.shape[1]
    v = np.linalg.norm(w, axis=0) * np.sqrt(np.diag(g))
    out = ~largest(v, s)
    error = mean_square(h[:, out] @ w[:, out].T)
    spectrum = np.linalg.eigvalsh(correlations(g))
    top = float(spectrum[-1])
    used = float(np.mean(spectrum)) if mean else top
    half = q / 2
    dropped, absolutes = float(np.sum(v[out] ** 2)), float(np.sum(v[out]))
    sharp = math.exp(2 * (log_kappa(s, d, q, 2.0) + log_norm(v, q)))
    smooth = math.exp(2 * (log_smooth(s + more, q, 2.0) + log_norm(v, q)))
    root = math.exp(log_kappa(s, d, half, 1.0) + log_norm(v, half))
    wide = math.exp(log_smooth(s + more, half, 1.0) + log_norm(v, half))
    # blocks of two neighbours
    blocks = [np.arange(start, min(start + 2, d)) for start in range(0, d, 2)]
    sizes = np.array([math.sqrt(mean_square(h[:, b] @ w[:, b].T)) for b in blocks])
    keep = largest(sizes, min(s, len(blocks) - 1))
    gone = np.concatenate([b for b, kept in zip(blocks, keep, strict=True) if not kept])
    block_error = math.sqrt(mean_square(h[:, gone] @ w[:, gone].T))
    rest = float(np.sum(sizes[~keep]))
    bound = math.exp(log_kappa(int(np.sum(keep)), len(blocks), half, 1.0) + log_norm(sizes, half))
    found = theory.channel_bound(w, s, g, q=q)
    found_root = theory.absolute_channel_bound(w, s, g, q=half)
    y = h @ w.T
    lost = np.where(np.arange(len(w)) < 1, y, 0.0)
    own = float(np.mean(y[:, 0] ** 2))
    size, scale = case.size, (case.scale + top * sharp) * (1 + 2 / q)
    span = (math.sqrt(case.scale) * d + root + bound) * (1 + 2 / q)
    return together(
        at_most(error, constant * used * dropped, scale=scale, size=size, part="squares"),
        at_most(error, constant * used * smooth, scale=scale, size=size, part="squares, c"),
        at_most(dropped, sharp, scale=scale, size=size, part="squares, kappa"),
        at_most(math.sqrt(error), absolute * absolutes, scale=span, size=size, part="sum"),
        at_most(absolutes, absolute * wide, scale=span, size=size, part="sum, c"),
        at_most(block_error, rest, scale=span, size=size, part="blocks"),
        at_most(rest, bound, scale=span, size=size, part="blocks, kappa"),
        equal(mean_square(lost), outputs * own, scale=case.scale, size=size, part="outputs"),
        equal(theory.channel_scores(w, g), v, scale=span, size=size, part="scores' value"),
        equal(found.value, top * sharp, scale=scale, size=size, part="bound's value"),
        equal(
            found.terms["dropped"], top * dropped, scale=scale * d, size=size, part="squares' value"
        ),
        equal(found_root.value, root, scale=span, size=size, part="sum's value"),
    )


@dataclass(frozen=True, eq=False)
class Quantised:
    """A vector, inputs, a number of weights kept, a step and an order."""

    weights: Floats
    inputs: Floats
    kept: int
    step: float
    order: float
    seed: int

    @property
    def moment(self) -> Floats:
        """G."""
        return np.asarray(self.inputs.T @ self.inputs / len(self.inputs))


def quantised(
    rng: np.random.Generator,
    *,
    law: str = "normal",
    family: str = "flat",
    d: int = 6,
    nonzeros: int = 16,
    kept: int = 3,
    step: float = 0.5,
    q: float = 1.0,
) -> Quantised:
    """Vector of a law; the step in units of its root mean square."""
    w = entries(rng, law, d, nonzeros)
    unit = float(np.linalg.norm(w)) / math.sqrt(np.count_nonzero(w))
    h = inputs(rng, family, d)
    return Quantised(w, h, min(kept, d - 1), step * unit, q, int(rng.integers(2**31)))


@register(
    "sparsity.X4",
    "inequality",
    quantised,
    {
        "law": NEURONS["law"],
        "family": Choice(COMMON),
        "d": Whole(2, 7),
        "nonzeros": Whole(1, 7),
        "kept": Whole(1, 5),
        "step": Real(0.01, 2.0),
        "q": Choice((1.0, 0.4, 0.7, 1.3, 1.9)),
        "seed": Whole(0, 65535),
    },
    (
        {"law": "flat", "d": 7, "nonzeros": 6, "step": 2 / 3},
        {"law": "flat", "d": 7, "nonzeros": 6, "step": 2.0},
        *({"family": family, "law": "normal"} for family in COMMON),
        {"law": "cauchy", "step": 0.05, "kept": 5},
        {"law": "tied", "step": 2.0, "q": 0.4},
    ),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("s Delta^2/12, the mean, in place of s Delta^2/4", {"rounding": 1 / 12}),
        Mutant("best number without the root of 2/q - 1", {"factor": False}),
        Mutant("variance z in place of z (1 - z)", {"variance": False}),
    ),
)
def few_coarse_weights(
    case: Quantised,
    *,
    constant: float = 1.0,
    rounding: float = 0.25,
    factor: bool = True,
    variance: bool = True,
) -> Sides:
    """Few weights, coarsely rounded: the errors of both add up.

    Hypotheses
    ----------
    s largest entries rounded to multiples of Delta, the others 0; 0 < q < 2.

    Statement
    ---------
    ||w - wh||^2 = sigma_s(w)_2^2 + ||e_S||^2 <= c_{q,2}^2 s^{1-2/q} ||w||_q^2 + s Delta^2/4, least
    at s = (2 c_{q,2} (2/q - 1)^{1/2} ||w||_q/Delta)^q. Rounded up with probability z_j, the
    fractional part of w_j/Delta, and down otherwise: E error = w_C^T G_CC w_C + sum_S Delta^2 z_j
    (1 - z_j) G_jj.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Flat on s/(1-q/2) entries, half way between multiples.

    References
    ----------
    arXiv 2206.05604
    """
    w, s, delta, q, g = case.weights, case.kept, case.step, case.order, case.moment
    d, mask = w.size, largest(w, case.kept)
    near = np.where(mask, delta * np.round(w / delta), 0.0)
    error = float(np.sum((w - near) ** 2))
    parts_sum = float(np.sum(w[~mask] ** 2) + np.sum((w[mask] - near[mask]) ** 2))
    mass = norm(w, q)

    def smooth(kept: float) -> float:
        logs = 2 * (log_smooth(1, q, 2.0) + log_norm(w, q)) + (1 - 2 / q) * math.log(kept)
        return math.exp(logs) + kept * delta**2 / 4

    tail = math.exp(2 * (log_smooth(s, q, 2.0) + log_norm(w, q)))
    sharp = math.exp(2 * (log_kappa(s, d, q, 2.0) + log_norm(w, q)))
    best = 2 * math.exp(log_smooth(1, q, 2.0)) * mass / delta
    best = (best * (math.sqrt(2 / q - 1) if factor else 1.0)) ** q
    z = w / delta - np.floor(w / delta)
    expected = _mean_error_of_roundings(case, mask, z)
    spread = z * (1 - z) if variance else z
    removed = np.where(mask, 0.0, w)
    stated = float(removed @ g @ removed + delta**2 * (spread * mask) @ np.diag(g))
    found = theory.quantised_top(w, s, delta)
    drawn = theory.quantised_top(w, s, delta, rng=case.seed)
    value = theory.stochastic_rounding_error(w, s, delta, g)
    bound = theory.quantised_bound(w, s, delta, q=q).value
    count = theory.best_quantised_count(w, delta, q)
    scale = (float(np.sum(w**2)) + s * delta**2 + sharp) * (1 + 2 / q)
    size = 8 * d
    wide = float(np.trace(g)) * scale * 2**s
    off = np.where(mask, np.abs(drawn - w) / delta, np.abs(drawn))
    whole = np.abs(drawn / delta - np.round(drawn / delta))
    limit = constant * (tail + rounding * s * delta**2)
    return together(
        at_most(error, limit, scale=scale, size=size, part="error"),
        equal(error, parts_sum, scale=scale, size=size, part="sum"),
        at_most(smooth(best), smooth(best * 1.01), scale=scale, size=size, part="best, above"),
        at_most(smooth(best), smooth(best / 1.01), scale=scale, size=size, part="best, below"),
        equal(expected, stated, scale=wide, size=size, part="unbiased rounding"),
        # ties of rounding may go either way
        equal(float(np.sum((w - found) ** 2)), error, scale=scale, size=size, part="error's value"),
        at_most(float(np.max(off)), 1.0, scale=1.0, size=size, part="rounding's value"),
        at_most(
            float(np.max(whole)), 0.0, scale=1 + peak(w) / delta, size=size, part="multiple value"
        ),
        equal(value, expected, scale=wide, size=size, part="unbiased value"),
        equal(bound, sharp + s * delta**2 / 4, scale=scale, size=size, part="bound's value"),
        equal(count, best if factor else count, scale=best * (1 + q), size=size, part="best value"),
    )


def _mean_error_of_roundings(case: Quantised, mask: NDArray[np.bool_], z: Floats) -> float:
    """Over all roundings of the kept weights, up or down, each with its chance."""
    w, delta, expected = case.weights, case.step, 0.0
    for up in itertools.product((0, 1), repeat=case.kept):
        chance = float(np.prod(np.where(up, z[mask], 1 - z[mask])))
        rounded = np.zeros(w.size)
        rounded[mask] = delta * (np.floor(w[mask] / delta) + np.array(up))
        expected += chance * mean_square(case.inputs @ (w - rounded))
    return expected


def peak(w: Floats) -> float:
    """Largest |w_i|."""
    return float(np.max(np.abs(w)))


@register(
    "sparsity.X8",
    "identity",
    neuron,
    {**NEURONS, "d": Whole(2, 6)},
    tuple({"family": family, "shift": 1.0} for family in COMMON),
    (
        Mutant("errors x .95", {"constant": 0.95}),
        Mutant("cross terms dropped", {"cross": 0.0}),
        Mutant("m^2/d^2 in place of m(m-1)/(d(d-1))", {"paired": False}),
        Mutant("variance of rescaled masks halved", {"rescaled": 0.5}),
    ),
)
def random_masks(
    case: Neuron,
    *,
    constant: float = 1.0,
    cross: float = 1.0,
    paired: bool = True,
    rescaled: float = 1.0,
) -> Sides:
    """What weights removed at random cost on average: the baselines of every other rule.

    Hypotheses
    ----------
    d >= 2 weights, all masks of a law.

    Statement
    ---------
    m = d - s uniformly random removals: E error = (m/d) g + m(m-1)/(d(d-1)) (F - g). Each kept with
    probability pi of its own: (1-pi)^2 F + pi (1-pi) g; the kept ones times 1/pi: ((1-pi)/pi) g.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2206.05604
    """
    w, h, moment = case.row, case.inputs, case.moment
    d, m, pi = w.size, w.size - case.kept, case.kept / w.size
    g, full = float(w**2 @ np.diag(moment)), float(w @ moment @ w)
    masks = np.array(list(itertools.product((0.0, 1.0), repeat=d)))
    kept = masks.sum(axis=1)
    errors = np.mean((h @ (w * (1 - masks)).T) ** 2, axis=0)
    scaled = np.mean((h @ (w * (1 - masks / pi)).T) ** 2, axis=0)
    chance = pi**kept * (1 - pi) ** (d - kept)
    pairs = m * (m - 1) / (d * (d - 1)) if paired else m**2 / d**2
    uniform = constant * (m / d * g + pairs * cross * (full - g))
    coins = constant * ((1 - pi) ** 2 * (g + cross * (full - g)) + pi * (1 - pi) * g)
    unbiased = constant * rescaled * (1 - pi) / pi * g
    exact = float(np.mean(errors[kept == case.kept]))
    scale, size = case.scale * d / pi, 2**d * case.size
    return together(
        equal(exact, uniform, scale=scale, size=size, part="removals"),
        equal(float(chance @ errors), coins, scale=scale, size=size, part="coins"),
        equal(float(chance @ scaled), unbiased, scale=scale, size=size, part="rescaled"),
        equal(
            theory.random_removal_error(w, moment, m), exact, scale=scale, size=size, part="theory"
        ),
        equal(
            theory.random_mask_error(w, moment, pi),
            float(chance @ errors),
            scale=scale,
            size=size,
            part="theory, coins",
        ),
        equal(
            theory.random_mask_error(w, moment, pi, rescaled=True),
            float(chance @ scaled),
            scale=scale,
            size=size,
            part="theory, rescaled",
        ),
    )
