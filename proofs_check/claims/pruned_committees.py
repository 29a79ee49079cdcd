r"""Pruned committee machines: nodes and their refitting, exactly (PR-1 to PR-5).

Letters: eps = E(student - teacher)^2/2 over Gaussian inputs, G = I2(Q) the second moment of the
student's units, b = I2(R) A, c0 = A' I2(T) A, v its output weights, J the kept units, eps*_J the
error with the best output weights on J. The left sides list all sets, or all masks.
"""

from __future__ import annotations

import itertools

import numpy as np

from pruneproof import theory

from ..claim import Parameters
from ..committees import (
    KNOWN,
    STUDENTS,
    Student,
    best_student,
    every_set,
    sets,
    student,
    volumes,
)
from ..generators import Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together

BEST = {**STUDENTS, "log10_ridge": Real(-3.0, 1.0)}
BEST_KNOWN: tuple[Parameters, ...] = (
    *({"activation": name} for name in ("erf", "relu", "sign")),
    {"kept": 3, "size": 5},
)


@register(
    "determinantal.PR-1",
    "identity",
    student,
    STUDENTS,
    KNOWN,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("pairs as if independent", {"independent": True}),
        Mutant("teacher's term dropped", {"teacher": 0.0}),
    ),
)
def two_point_law(
    seen: Student, *, constant: float = 1.0, independent: bool = False, teacher: float = 1.0
) -> Sides:
    """A pruning rule enters the mean error through its one- and two-point inclusions only.

    Hypotheses
    ----------
    J random, independent of the input; output weights as they were. Here J even of k units, of
    independent units, the DPP of kernel Q, and the k-DPP of Q, k <= rank Q.

    Statement
    ---------
    E eps_J = [sum_ij v_i v_j G_ij P(i, j in J) - 2 sum_i P(i in J) v_i b_i + c0]/2.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2006.16617; Kulesza and Taskar 2012
    """
    order, size, k = seen.order, seen.size, seen.kept
    c0 = theory.output_moments(order, seen.activation).teacher

    def stated(marginals: np.ndarray, pairs: np.ndarray) -> float:
        if independent:
            pairs = np.outer(marginals, marginals)
            np.fill_diagonal(pairs, marginals)
        mean = theory.mean_pruned_error(order, marginals, pairs, seen.activation)
        return float(constant * (mean - (1 - teacher) * c0 / 2))

    every, some = every_set(size), sets(size, k)
    counts = np.array([len(nodes) for nodes in every])
    c, kernel = seen.fraction, seen.gram
    rules = [
        ("even", some, np.ones(len(some)), theory.uniform_inclusion(size, k)),
        ("independent", every, c**counts * (1 - c) ** (size - counts), None),
        ("DPP", every, volumes(kernel, every), theory.inclusion_probabilities(kernel)),
    ]
    if k > 0:
        inclusion = theory.inclusion_probabilities(kernel, k)
        rules.append(("k-DPP", some, volumes(kernel, some), inclusion))
    # probabilities by determinants err by the condition of the kernel
    condition = float(np.linalg.cond(kernel))
    parts = []
    for name, listed, odds, found in rules:
        inclusion = theory.bernoulli_inclusion(size, c) if found is None else found
        errors = np.array([seen.error(nodes) for nodes in listed])
        mean = float(odds @ errors / np.sum(odds))
        scale = seen.scale * (condition if "DPP" in name else 1.0)
        parts.append(equal(mean, stated(*inclusion), scale=scale, size=seen.length, part=name))
    return together(*parts)


@register(
    "determinantal.PR-2",
    "identity",
    best_student,
    BEST,
    BEST_KNOWN,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("kernel Q in place of G", {"fields": True}),
        Mutant("units drawn evenly", {"by_volume": False}),
    ),
)
def fusion_by_volume(
    seen: Student, *, constant: float = 1.0, fields: bool = False, by_volume: bool = True
) -> Sides:
    """What refitted units lose when drawn by the volumes of their activations, exactly.

    Hypotheses
    ----------
    G v = b (best output weights before pruning), 1 <= k <= rank G, J from the k-DPP of kernel
    G = sum_n lam_n u_n u_n', output weights refitted on J.

    Statement
    ---------
    E eps*_J - eps = sum_n lam_n e_k(lam without lam_n)/e_k(lam) (u_n'v)^2 / 2.

    Source
    ------
    Derived [D] from the mean residual of volume sampling (claim spectral.I7).

    References
    ----------
    Mariet and Sra 2016; arXiv 2006.16617
    """
    gram = seen.moment[: seen.size, : seen.size]
    listed = sets(seen.size, seen.kept)
    odds = volumes(seen.gram if fields else gram, listed) if by_volume else np.ones(len(listed))
    errors = np.array([seen.refitted(nodes) for nodes in listed])
    whole = seen.refitted(tuple(range(seen.size)))
    excess = float(odds @ errors / np.sum(odds)) - whole
    order, g = seen.order, seen.activation
    stated = constant * theory.fusion_excess(order, kept=seen.kept, activation=g)
    scale = seen.scale * float(np.linalg.cond(gram))
    return equal(excess, stated, scale=scale, size=seen.length)


@register(
    "determinantal.PR-3",
    "identity",
    best_student,
    BEST,
    BEST_KNOWN,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("kernel G / (2 lam)", {"kernel": 0.5}),
        Mutant("every set alike", {"by_volume": False}),
    ),
)
def fusion_is_ridge_bias(
    seen: Student, *, constant: float = 1.0, kernel: float = 1.0, by_volume: bool = True
) -> Sides:
    """Refitted units of a DPP lose in the mean the bias of ridge regression, at its width.

    Hypotheses
    ----------
    G v = b, lam > 0, J from the DPP of kernel G/lam, output weights refitted on J.

    Statement
    ---------
    E eps*_J - eps = lam v' G (G + lam)^{-1} v / 2, and E|J| = N(lam) = Tr G (G + lam)^{-1}.

    Source
    ------
    Derived [D] from laws.L3.

    References
    ----------
    Derezinski and Mahoney 2020 (arXiv 2005.03185); Mariet and Sra 2016
    """
    gram = seen.moment[: seen.size, : seen.size]
    listed = every_set(seen.size)
    odds = volumes(kernel * gram / seen.ridge, listed) if by_volume else np.ones(len(listed))
    chance = odds / np.sum(odds)
    errors = np.array([seen.refitted(nodes) for nodes in listed])
    excess = float(chance @ errors) - errors[-1]
    width = float(chance @ [len(nodes) for nodes in listed])
    order, g = seen.order, seen.activation
    stated = constant * theory.fusion_excess(order, ridge=seen.ridge, activation=g)
    dof = constant * theory.degrees_of_freedom(theory.output_moments(order, g).student, seen.ridge)
    condition = float(np.linalg.cond(gram))
    steep = seen.size * (1 + float(np.trace(gram)) / seen.ridge)
    return together(
        equal(excess, stated, scale=seen.scale * condition, size=seen.length, part="excess"),
        equal(width, dof, scale=steep * condition, size=seen.length, part="width"),
    )


@register(
    "determinantal.PR-4",
    "inequality",
    student,
    STUDENTS,
    (*KNOWN, {"size": 3, "kept": 1}),
    mutants=(
        Mutant("unrefitted errors fall as well", {"refit": False}),
        Mutant("falls by 5 % a unit", {"constant": 0.95}),
        Mutant("better than unrefitted by 5 %", {"gain": 0.95}, examples=({"best": True},)),
    ),
)
def refitting_only_helps(
    seen: Student, *, constant: float = 1.0, refit: bool = True, gain: float = 1.0
) -> Sides:
    """The refitted error falls as units join, and is never above the unrefitted one.

    Hypotheses
    ----------
    Any student, any chain of kept sets.

    Statement
    ---------
    eps*_{J + j} <= eps*_J and eps*_J <= eps_J, with eps*_J = [c0 - b_J' G_JJ^+ b_J]/2.

    Source
    ------
    Derived [D]: a projection on a larger span.

    Equality cases
    --------------
    A unit that the others already span; output weights that are the best ones.

    References
    ----------
    Mariet and Sra 2016
    """
    order, g, size = seen.order, seen.activation, seen.size
    chain = [int(j) for j in np.random.default_rng(seen.seed).permutation(size)]
    condition = float(np.linalg.cond(seen.moment[:size, :size]))
    scale, length = seen.scale * condition, seen.length
    unrefitted = [theory.kept_error(order, chain[:k], g) for k in range(1, size + 1)]
    refitted = [theory.reweighted_error(order, chain[:k], g) for k in range(1, size + 1)]
    direct = [seen.refitted(tuple(chain[:k])) for k in range(1, size + 1)]
    plainly = [seen.error(tuple(chain[:k])) for k in range(1, size + 1)]
    followed = refitted if refit else unrefitted
    parts = [
        equal(unrefitted, plainly, scale=seen.scale, size=length, part="unrefitted value"),
        equal(refitted, direct, scale=scale, size=length, part="value"),
        *(
            at_most(after, constant * before, scale=scale, size=length, part="nested")
            for before, after in itertools.pairwise(followed)
        ),
        *(
            at_most(best, gain * plain, scale=scale, size=length, part="refitting")
            for best, plain in zip(refitted, unrefitted, strict=True)
        ),
    ]
    return together(parts[-1], *parts[:-1])


@register(
    "determinantal.PR-5",
    "identity",
    student,
    {
        "size": Whole(2, 3),
        "teachers": Whole(1, 2),
        "inputs": Whole(1, 3),
        "kept": Whole(0, 3),
        "fraction": Real(0.0, 1.0),
        "seed": Whole(0, 65535),
    },
    ({"size": 3, "inputs": 3}, {"size": 2, "inputs": 3, "kept": 1, "fraction": 0.25}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("K in place of K - 1", {"spare": 0}),
        Mutant("one mask for all units", {"shared": True}),
    ),
)
def linear_edges_are_nodes(
    seen: Student, *, constant: float = 1.0, spare: int = 1, shared: bool = False
) -> Sides:
    """Of linear units, dropping edges independently costs what dropping nodes so does.

    Hypotheses
    ----------
    Linear units; edges, or nodes, kept independently with chance c; or k of the K >= 2 nodes
    evenly, c = k/K.

    Statement
    ---------
    E eps_edge(c) = E eps_node(c) at every N; and against k nodes
    E eps_edge - E eps_k = c (1 - c)/(2 (K - 1)) sum_{i != j} v_i v_j Q_ij.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 2006.16617
    """
    w, b = seen.rows, seen.teacher
    size, n = w.shape
    order, v = seen.order, seen.values

    def mean(c: float) -> float:
        """Over all masks of all edges, listed unit by unit: they are independent."""
        bits = np.array(list(itertools.product((0.0, 1.0), repeat=size * n)))
        weights = np.prod(np.where(bits > 0, c, 1 - c), axis=1)
        masks = bits.reshape(-1, size, n)
        if shared:
            masks, weights = _shared(size, n, c)
        output = np.einsum("k,skn->sn", v, masks * w) - seen.targets @ b
        return float(weights @ np.sum(output**2, axis=1)) / (2.0 * int(n))

    c, k = seen.fraction, seen.kept
    found, even = mean(c), mean(k / size)
    linear = {"activation": "linear"}
    edges = constant * theory.expected_pruned_error(order, "random-edge", c, **linear)
    nodes = constant * theory.mean_pruned_error(
        order, *theory.bernoulli_inclusion(size, c), "linear"
    )
    exact = theory.expected_pruned_error(order, "random-node", k, **linear)
    cooperation = v @ (seen.gram - np.diag(np.diag(seen.gram))) @ v
    share = k / size
    gap = constant * share * (1 - share) / (2 * (size - spare)) * cooperation
    u = np.abs(np.concatenate([v, seen.targets]))
    rows = np.abs(np.concatenate([w, b]))
    scale = float(np.sum((u @ rows) ** 2)) / n
    length = 2 ** (size * n)
    return together(
        equal(found, edges, scale=scale, size=length, part="edges"),
        equal(found, nodes, scale=scale, size=length, part="nodes"),
        equal(even - exact, gap, scale=scale, size=length, part="k nodes"),
    )


def _shared(size: int, inputs: int, c: float) -> tuple[np.ndarray, np.ndarray]:
    """All masks of the inputs, alike for all units, and their chances."""
    bits = np.array(list(itertools.product((0.0, 1.0), repeat=inputs)))
    chances = np.prod(np.where(bits > 0, c, 1 - c), axis=1)
    return np.repeat(bits[:, None, :], size, axis=1), chances
