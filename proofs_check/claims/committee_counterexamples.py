"""Readings about determinantal pruning that are false, each with its witness (PR-X1 to PR-X4).

Claims here are stated falsely on purpose and pass by being refuted. What is true instead: nodes of
equal groups (PR-7), edges below the crossover (PR-8), the mean loss of a k-DPP (D7), largest
determinants entry by entry (D8).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..registry import register
from ..sides import Floats, Sides, at_most


@dataclass(frozen=True, eq=False)
class Groups:
    """Copies of orthonormal teacher units, more of one than of another, and a number kept."""

    order: theory.OrderParameters
    kept: int


def groups(
    rng: np.random.Generator,
    *,
    sizes: Sequence[int] = (9, 1),
    strengths: Sequence[float] = (10.0, 1.0),
    most: int = 0,
    kept: int = 2,
) -> Groups:
    """Groups as given; with `most` > 0 instead two to four of random sizes and strengths."""
    n, a = np.array(sizes, dtype=int), np.array(strengths, dtype=float)
    if most:
        n = rng.integers(1, most + 1, size=int(rng.integers(2, 5)))
        a = 10.0 * rng.random(len(n))
    member = np.repeat(np.eye(len(n)), n, axis=0)
    order = theory.OrderParameters(
        member @ member.T, member, np.eye(len(n)), np.repeat(a / n, n), a
    )
    return Groups(order, min(kept, len(n)))


@register(
    "determinantal.PR-X1",
    "must-fail",
    groups,
    {"most": Whole(1, 9), "kept": Whole(1, 4), "seed": Whole(0, 65535)},
    ({},),
)
def diverse_nodes_are_better(seen: Groups) -> Sides:
    """FALSE: nodes of a k-DPP lose at most what evenly drawn nodes do.

    Hypotheses
    ----------
    erf, k-DPP of kernel Q, k <= rank Q, outputs left as they are; any groups of copies.

    Statement
    ---------
    E eps_{k-DPP} <= E eps_{even}.

    Source
    ------
    Refuted here [D]: two groups of 9 and 1 units, A = (10, 1), k = 2: 13.17 against 10.83, as the
    k-DPP spends a node on the weak group. True of equal groups (PR-7).

    References
    ----------
    arXiv 2006.16617
    """
    found, even = (
        theory.expected_pruned_error(seen.order, rule, seen.kept)
        for rule in ("dpp-node", "random-node")
    )
    return at_most(found, even, scale=float(np.sum(seen.order.A**2)), size=len(seen.order.v))


@dataclass(frozen=True, eq=False)
class Gram:
    """Kernel of items, and a number kept."""

    gram: Floats
    kept: int


#: Rows of length 1 after scaling: a k-DPP is worse at k = 2 with equal diagonals as well.
EVEN_ROWS = ((1, 0, -2), (-2, 2, 0), (0, 0, 2), (2, 0, -2), (-2, -1, 0))


def items(
    rng: np.random.Generator,
    *,
    copies: int = 0,
    weight: float = 0.01,
    rows: Sequence[Sequence[float]] = (),
    m: int = 5,
    kept: int = 1,
) -> Gram:
    """`copies` of an item of squared length `weight` and one of 1; or `rows`, or drawn ones."""
    if copies:
        features = np.zeros((copies + 1, 2))
        features[:copies, 0], features[copies, 1] = math.sqrt(weight), 1.0
    else:
        features = np.array(rows, dtype=float)
        if not len(features):
            features = rng.integers(-2, 3, size=(m, 3)) + np.array([0.0, 0.0, 0.5])
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
    return Gram(np.asarray(features @ features.T), kept)


@register(
    "determinantal.PR-X2",
    "must-fail",
    items,
    {
        "copies": Choice((0, 10, 100)),
        "weight": Real(0.01, 1.0),
        "m": Whole(3, 6),
        "kept": Whole(1, 2),
        "seed": Whole(0, 65535),
    },
    ({"copies": 1000}, {"rows": EVEN_ROWS, "kept": 2}),
)
def diverse_items_explain_more(seen: Gram) -> Sides:
    """FALSE: items of a k-DPP leave no more unexplained than evenly drawn ones.

    Hypotheses
    ----------
    1 <= k <= rank of the kernel L, squared errors of all items given the kept ones.

    Statement
    ---------
    E Tr(L/L_J) under the k-DPP of L <= its mean over all J of k items.

    Source
    ------
    Refuted here [D]: 1000 copies of squared length .01 and one orthogonal unit item, k = 1: 1.818
    against 1.009; and, of one length all, normalised rows (1,0,-2), (-2,2,0), (0,0,2), (2,0,-2),
    (-2,-1,0), k = 2: 1.1620 against 1.0535.

    References
    ----------
    Deshpande, Rademacher, Vempala and Wang 2006
    """
    gram, k = seen.gram, seen.kept
    spectrum = theory.decompose(gram)
    if k > spectrum.rank:
        raise theory.InapplicableError(f"k = {k} is above the rank {spectrum.rank}")
    listed = np.array(list(itertools.combinations(range(len(gram)), k)))
    left = _unexplained(gram, listed)
    found = theory.volume_loss(spectrum, k)
    return at_most(found, float(np.mean(left)), scale=float(np.trace(gram)), size=len(gram))


def _unexplained(gram: Floats, listed: Any) -> Floats:
    """Tr(L/L_J) of each set, (s,)."""
    blocks = gram[listed[:, :, None], listed[:, None, :]]
    squares = (gram @ gram)[listed[:, :, None], listed[:, None, :]]
    inverse = np.linalg.pinv(blocks, rcond=1e-10, hermitian=True)
    return np.asarray(np.trace(gram) - np.einsum("sij,sji->s", inverse, squares))


@dataclass(frozen=True)
class Copied:
    """M groups of z copies, k units kept."""

    groups: int
    copies: int
    kept: int


def copied(rng: np.random.Generator, *, groups: int = 2, copies: int = 3, kept: int = 2) -> Copied:
    """Nothing is random."""
    return Copied(groups, copies, min(kept, groups * copies))


@register(
    "determinantal.PR-X3",
    "must-fail",
    copied,
    {"groups": Whole(1, 6), "copies": Whole(1, 8), "kept": Whole(1, 48)},
    ({}, {"kept": 5}, {"copies": 2, "kept": 1}),
)
def edges_beat_nodes(seen: Copied) -> Sides:
    """FALSE: random edges lose less than DPP nodes of as many parameters.

    Hypotheses
    ----------
    erf, z copies of each of M teacher units, outputs left as they are, c = k/K, N large.

    Statement
    ---------
    E eps_edge(c) <= E eps_DPP(k).

    Source
    ------
    The paper's second assertion, reconstructed [R]; refuted here [D]: M = 2, z = 3, k = 2: .1606
    against .1481 (times A^2), as in the authors' own logs for k = 2 to 5 [C]. True for c below
    c*(z) (PR-8).

    References
    ----------
    arXiv 2006.16617
    """
    m, z, k = seen.groups, seen.copies, seen.kept
    edge = theory.replicated_edge_error(m, z, k / (m * z))
    node = theory.replicated_node_error(m, z, k, "dpp-node")
    return at_most(edge, node, scale=float(m), size=8)


@dataclass(frozen=True)
class Fitted:
    """P samples of N inputs, k edges kept, and a seed."""

    samples: int
    inputs: int
    kept: int
    seed: int


def fitted(
    rng: np.random.Generator, *, samples: int = 120, inputs: int = 100, kept: int = 50
) -> Fitted:
    """The row and the samples are drawn by the claim."""
    return Fitted(samples, inputs, min(kept, inputs - 1), int(rng.integers(2**32)))


@register(
    "determinantal.PR-X4",
    "must-fail",
    fitted,
    {
        "samples": Whole(60, 400),
        "inputs": Whole(4, 50),
        "kept": Whole(1, 50),
        "seed": Whole(0, 999),
    },
    ({}, {"samples": 300}, {"samples": 1000}),
)
def refitted_edges_are_better(seen: Fitted) -> Sides:
    """FALSE: refitting a unit's kept edges to its dropped ones lowers its error.

    Hypotheses
    ----------
    White inputs, N weights of which k are kept; d the least-squares fit, on P samples, of what the
    dropped ones contributed.

    Statement
    ---------
    E (w.x - (w_J + d).x_J)^2 <= E (w.x - w_J.x_J)^2 on new inputs.

    Source
    ------
    Refuted here [D]: the excess is |d|^2 > 0 in every draw, at P = 120, N = 100, k = 50 about .36
    |w|^2 on .5 |w|^2 (PR-12).

    References
    ----------
    Mariet and Sra 2016; arXiv 2006.16617
    """
    rng = np.random.default_rng(seen.seed)
    x = rng.standard_normal((seen.samples, seen.inputs))
    w = rng.standard_normal(seen.inputs)
    k = seen.kept
    fit = np.linalg.lstsq(x[:, :k], x[:, k:] @ w[k:], rcond=None)[0]
    plain = float(np.sum(w[k:] ** 2))
    return at_most(plain + float(fit @ fit), plain, scale=float(w @ w), size=seen.inputs)
