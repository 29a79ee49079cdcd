r"""How errors of pruned weights add up at the output of a network (I-4).

Letters: x_l = phi_l(W_l x_{l-1} + b_l), xh_l the same with Wh_l and bh_l, phi_l with the Lipschitz
constant rho_l, the last layer linear; ||.|| the root of the mean over inputs of the squared norm.
Forward passes are written out here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..pruned_chains import PHI, Pruning, pruning
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import LAWS, entries, inputs, largest, log_norm, log_smooth

NETWORKS = {
    "law": Choice(LAWS),
    "depth": Whole(1, 4),
    "width": Whole(1, 5),
    "way": Choice(("zeroed", "shrunk", "any")),
    "keep": Real(0.0, 1.0),
    "activation": Choice(tuple(PHI)),
    "norm": Choice(("2", "inf")),
    "fix": Choice((False, True)),
    "seed": Whole(0, 65535),
}
SHRUNK = {**NETWORKS, "way": Choice(("zeroed", "shrunk"))}
KNOWN: tuple[dict[str, Any], ...] = (
    {"family": "isometric"},
    {"family": "isometric", "norm": "inf", "fix": True},
    {"family": "witness", "z": 0.999},
    {},
    {"fix": True, "activation": "logistic"},
    {"norm": "inf", "activation": "tanh", "way": "shrunk"},
    {"depth": 1, "width": 1, "keep": 0.0},
)


def _sides(case: Pruning, form: str, altered: float) -> Sides:
    """The statement and what the theory makes of it."""
    norms, activations = FORMS[form]
    stated, error = case.bound(norms, activations), case.error
    sizes = [case.size(np.abs(w)) + case.size(p) for w, p in zip(case.weights, case.pruned)]
    outputs = case.root(case.activations(False)[-1]) + case.root(case.activations(True)[-1])
    # what rounding of a layer comes to at the output
    scale = stated + outputs + (1 + case.root(case.inputs)) * math.prod(max(s, 1.0) for s in sizes)
    size = 4 * case.depth * len(case.inputs)
    before, after = case.networks()
    found = theory.propagated_error_bound(before, after, case.inputs, form=form, norm=case.norm)
    seen = theory.output_error(before, after, case.inputs, norm=case.norm)
    return together(
        at_most(error, altered, scale=scale, size=size, part="error"),
        equal(found.value, stated, scale=scale, size=size, part="bound's value"),
        equal(seen, error, scale=scale, size=size, part="error's value"),
    )


FORMS = {
    "A": ("pruned", "original"),
    "B": ("original", "pruned"),
    "C": ("original", "original"),
    "D": ("absolute", "original"),
}


@register(
    "sparsity.I-4A",
    "inequality",
    pruning,
    NETWORKS,
    (*KNOWN, {"way": "any"}, {"way": "any", "norm": "inf", "fix": True}),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("original norms", {"norms": "original"}),
        Mutant(
            "moves of biases left out", {"biases": False}, examples=({"fix": True, "keep": 1.0},)
        ),
    ),
)
def original_activations(
    case: Pruning, *, constant: float = 1.0, norms: str = "pruned", biases: bool = True
) -> Sides:
    """Errors of pruned weights on original activations, passed on by pruned norms.

    Hypotheses
    ----------
    Any Wh and bh; the 2-norm with spectral norms, or the maximum norm with largest row sums.

    Statement
    ---------
    ||x_L - xh_L|| <= sum_l [prod_{k > l} rho_k ||Wh_k||] rho_l ||D_l x_{l-1} + b_l - bh_l||; a bias
    fix bh_l = b_l + D_l mu_l turns D_l x_{l-1} into D_l (x_{l-1} - mu_l), for any mu_l.

    Source
    ------
    Derived [D]: add and subtract, Minkowski.

    Equality cases
    --------------
    One pruned linear layer before isometries.

    References
    ----------
    arXiv 2206.05604
    """
    return _sides(case, "A", constant * case.bound(norms, "original", biases=biases))


@register(
    "sparsity.I-4B",
    "inequality",
    pruning,
    NETWORKS,
    (*KNOWN, {"way": "any"}, {"way": "any", "norm": "inf", "fix": True}),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("original activations", {"activations": "original"}),
        Mutant(
            "pruned norms",
            {"norms": "pruned"},
            examples=({"keep": 0.1, "width": 2, "depth": 2, "seed": 2},),
        ),
    ),
)
def pruned_activations(
    case: Pruning,
    *,
    constant: float = 1.0,
    norms: str = "original",
    activations: str = "pruned",
) -> Sides:
    """Errors of pruned weights on pruned activations, passed on by original norms.

    Hypotheses
    ----------
    As in I-4A.

    Statement
    ---------
    ||x_L - xh_L|| <= sum_l [prod_{k > l} rho_k ||W_k||] rho_l ||D_l xh_{l-1} + b_l - bh_l||.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    One pruned linear layer before isometries.

    References
    ----------
    arXiv 2206.05604
    """
    return _sides(case, "B", constant * case.bound(norms, activations))


@register(
    "sparsity.I-4D",
    "inequality",
    pruning,
    SHRUNK,
    (*KNOWN, {"law": "cauchy"}),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("spectral norms of W itself", {"norms": "original"}),
    ),
)
def absolute_weights(case: Pruning, *, constant: float = 1.0, norms: str = "absolute") -> Sides:
    """Errors of pruned weights on original activations, passed on by norms of absolute weights.

    Hypotheses
    ----------
    |Wh_k| <= |W_k| entrywise: weights zeroed or shrunk, not refitted.

    Statement
    ---------
    ||x_L - xh_L|| <= sum_l [prod_{k > l} rho_k || |W_k| ||] rho_l ||D_l x_{l-1} + b_l - bh_l||.

    Source
    ------
    Derived [D]: ||Wh|| <= || |W| ||, in monotone norms.

    Equality cases
    --------------
    One pruned linear layer before identities.

    References
    ----------
    arXiv 2206.05604
    """
    return _sides(case, "D", constant * case.bound(norms, "original"))


@register(
    "sparsity.I-4C",
    "must-fail",
    pruning,
    {**SHRUNK, "family": Choice(("witness",)), "z": Real(0.5, 1.0), "norm": Choice(("2",))},
    ({"family": "witness", "z": 1.0}, {"family": "witness", "z": 0.999}),
)
def original_norms_and_activations(case: Pruning) -> Sides:
    """FALSE: original activations may be passed on by original spectral norms.

    Hypotheses
    ----------
    As in I-4A, weights zeroed.

    Statement
    ---------
    ||x_L - xh_L|| <= sum_l [prod_{k > l} rho_k ||W_k||_2] rho_l ||D_l x_{l-1}||.

    Source
    ------
    Refuted here [D]: linear layers, x_0 = (1, 1), W_1 = [[v_1, 0], [v_2, -v_2]], W_2 = [[1, 1], [1,
    -z]], v the first right singular vector of [[1, 1], [1, 0]]. Only -v_2 of W_1 is kept, and -z of
    W_2 is not, which raises its norm: error/bound = 1.14412 at z = 1, 1.14400 at z = .999.

    References
    ----------
    arXiv 2206.05604
    """
    before, after = case.networks()
    error = theory.output_error(before, after, case.inputs)
    bound = theory.propagated_error_bound(before, after, case.inputs, form="C").value
    if abs(bound - case.bound("original", "original")) > 1e-12 * bound:
        return equal(bound, case.bound("original", "original"), scale=bound, size=8, part="value")
    return at_most(error, bound, scale=error + bound, size=8)


def magnitude_pruning(
    rng: np.random.Generator,
    *,
    family: str = "flat",
    law: str = "normal",
    depth: int = 2,
    width: int = 8,
    nonzeros: int = 16,
    kept: int = 3,
    q: float = 1.0,
    activation: str = "relu",
    fix: bool = False,
    shift: float = 0.0,
) -> Pruning:
    """Every row of every layer keeps its largest weights, the mean of the removed in the bias."""
    x = inputs(rng, family, width, shift)
    s = min(kept, width - 1)
    weights = [
        np.stack([entries(rng, law, width, nonzeros) for _ in range(width)]) for _ in range(depth)
    ]
    pruned = [np.stack([np.where(largest(row, s), row, 0.0) for row in w]) for w in weights]
    biases = [rng.standard_normal(width) for _ in range(depth)]
    plain = Pruning(
        tuple(weights),
        tuple(biases),
        tuple(pruned),
        tuple(biases),
        activation,
        x,
        "2",
        (s,) * depth,
        q,
    )
    if not fix:
        return plain
    seen = plain.activations(False)
    moved = tuple(
        b + (w - after) @ np.mean(before, axis=0)
        for b, w, after, before in zip(biases, weights, pruned, seen)
    )
    return Pruning(
        plain.weights, plain.biases, plain.pruned, moved, activation, x, "2", plain.kept, q
    )


def _moment(h: Floats, centred: bool) -> Floats:
    """Second moment of inputs, or their covariance."""
    h = h - np.mean(h, axis=0) if centred else h
    return np.asarray(h.T @ h / len(h))


def _soft(weight: Floats, s: int, q: float, moment: Floats, *, mean: bool = False) -> float:
    """(lam_max c_{q,2}^2 s^{1-2/q} sum ||w_i||_q^2)^{1/2}."""
    spectrum = np.linalg.eigvalsh(moment)
    factor = max(0.0, float(np.mean(spectrum) if mean else spectrum[-1]))
    mass = sum(math.exp(2 * log_norm(row, q)) for row in weight)
    return math.sqrt(factor * mass) * math.exp(log_smooth(s, q, 2.0))


@register(
    "sparsity.I-4E",
    "inequality",
    magnitude_pruning,
    {
        "family": Choice(("flat", "diagonal", "spiked", "relu", "common")),
        "law": Choice(LAWS),
        "depth": Whole(1, 3),
        "width": Whole(2, 8),
        "nonzeros": Whole(1, 8),
        "kept": Whole(1, 7),
        "q": Choice((1.0, 0.3, 0.6, 1.4, 1.8)),
        "activation": Choice(tuple(PHI)),
        "fix": Choice((False, True)),
        "shift": Choice((0.0, 2.0)),
        "seed": Whole(0, 65535),
    },
    (
        {"family": "flat", "law": "flat", "depth": 1, "nonzeros": 6},
        {"family": "relu", "law": "flat", "depth": 1, "nonzeros": 8, "seed": 2},
        {},
        {"fix": True, "family": "relu", "shift": 2.0},
        {"family": "diagonal", "law": "cauchy", "q": 0.6, "depth": 3, "activation": "logistic"},
        {"family": "spiked", "depth": 2},
    ),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("s + 1 in place of s", {"more": 1}),
        Mutant("mean in place of largest eigenvalue", {"mean": True}),
        Mutant(
            "covariance without a bias fix",
            {"centred": True},
            examples=({"family": "common", "shift": 9.0, "law": "flat", "depth": 1},),
        ),
    ),
)
def network_of_soft_rows(
    case: Pruning,
    *,
    constant: float = 1.0,
    more: int = 0,
    mean: bool = False,
    centred: bool = False,
) -> Sides:
    """Networks whose rows keep their largest weights, by soft sparsity.

    Hypotheses
    ----------
    Row i of layer l keeps its s_l largest, 1 <= s_l < d_l; 0 < q < 2; G_l the second moment of
    x_l, with biases fixed from original activations its covariance.

    Statement
    ---------
    I-4A with ||D_l x_{l-1}||^2 <= lam_max(G_{l-1}) c_{q,2}^2 s_l^{1-2/q} sum_i ||w_{l,i}||_q^2.

    Source
    ------
    Derived [D] from I-3b and I-4A.

    Equality cases
    --------------
    One linear layer of flat rows on twice the weights kept, q = 1, orthonormal inputs.

    References
    ----------
    arXiv 2206.05604
    """
    q, x = case.order, case.activations(False)
    fixed = any(np.any(a != b) for a, b in zip(case.biases, case.pruned_biases))
    claimed, altered, sharp = [], [], []
    size = 8 * case.depth * (len(case.inputs) + case.inputs.shape[1])
    for w, s, h in zip(case.weights, case.kept, x[:-1], strict=True):
        claimed.append(_soft(w, s, q, _moment(h, fixed)))
        altered.append(_soft(w, s + more, q, _moment(h, fixed or centred), mean=mean))
        sharp.append(math.sqrt(theory.soft_sparsity_bound(w, s, _moment(h, fixed), q=q).value))
    error, stated = case.error, case.amplify(claimed, "pruned")
    tight = case.bound("pruned", "original")
    bound, theirs = constant * case.amplify(altered, "pruned"), case.amplify(sharp, "pruned")
    outputs = case.root(x[-1]) + case.root(case.activations(True)[-1])
    scale = (stated + outputs) * (1 + 1 / q)
    return together(
        at_most(error, bound, scale=scale, size=size, part="error"),
        at_most(tight, bound, scale=scale, size=size, part="bound A"),
        at_most(tight, theirs, scale=scale, size=size, part="bound's value, below"),
        at_most(theirs, stated, scale=scale, size=size, part="bound's value, above"),
    )
