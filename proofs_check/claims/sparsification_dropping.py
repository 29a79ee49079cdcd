r"""Low rank plus sparse (X6), and which entries to drop for the least spectral norm (X7).

Letters: L of rank at most r, Z of at most s non-zeros, sig_i singular values; D the t dropped
entries, b_1 <= b_2 <= .. the absolute values of all. Optima come from listing all sets of entries.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Split:
    """A matrix, a rank, a number of entries, and some pair (L, Z) of them."""

    weight: Floats
    rank: int
    count: int
    low_rank: Floats
    sparse: Floats


SPLITS = ("gauss", "diagonal", "planted", "coherent", "flat")


def split(
    rng: np.random.Generator,
    *,
    family: str = "gauss",
    m: int = 6,
    n: int = 5,
    r: int = 1,
    s: int = 3,
) -> Split:
    """A matrix of a family, "planted" a sum of such a pair, with a random pair beside it."""
    r, s = min(r, m, n), min(s, m * n)
    w = rng.standard_normal((m, n))
    if family == "diagonal":
        w = np.diag(2.0 ** -np.arange(max(m, n)))[:m, :n]
    elif family == "planted":
        w = 3 * rng.standard_normal((m, r)) @ rng.standard_normal((r, n))
        w.ravel()[rng.permutation(m * n)[:s]] += 5.0
    elif family == "coherent":
        w = 1.0 + 0.3 * w
    elif family == "flat":
        w = np.ones((m, n))
    elif family != "gauss":
        raise ValueError(f"unknown family {family!r}; choose from {', '.join(SPLITS)}")
    low_rank = rng.standard_normal((m, r)) @ rng.standard_normal((r, n))
    sparse = np.zeros(m * n)
    sparse[rng.permutation(m * n)[:s]] = rng.standard_normal(s)
    return Split(w, r, s, low_rank, sparse.reshape(m, n))


@register(
    "sparsity.X6",
    "inequality",
    split,
    {
        "family": Choice(SPLITS),
        "m": Whole(1, 8),
        "n": Whole(1, 8),
        "r": Whole(0, 4),
        "s": Whole(0, 20),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family} for family in SPLITS),
        {"family": "diagonal", "m": 5, "n": 5, "r": 1, "s": 1},
        {"family": "diagonal", "m": 4, "n": 6, "r": 2, "s": 1},
        {"r": 0, "s": 0},
        {"family": "gauss", "r": 2, "s": 0},
    ),
    (
        Mutant("error x .95", {"constant": 0.95}),
        Mutant("rank of Z not counted", {"sparse_rank": 0}),
        Mutant("steps lower the error by a tenth", {"falls": 0.9}),
        Mutant("mean removal takes nothing off", {"mean": 0.0}),
    ),
)
def low_rank_plus_sparse(
    case: Split,
    *,
    constant: float = 1.0,
    sparse_rank: int = 1,
    falls: float = 1.0,
    mean: float = 1.0,
) -> Sides:
    """A low-rank and a sparse part: alternating never errs more, and no pair errs less than this.

    Hypotheses
    ----------
    0 <= r <= min(m, n), 0 <= s <= m n.

    Statement
    ---------
    ||W - L - Z||_F >= (sum_{i > r + min(s, m, n)} sig_i(W)^2)^{1/2}. Given L the best Z has the s
    largest entries of W - L, given Z the best L is the truncated decomposition of W - Z, so that
    alternating between them never increases the error. ||D - mean(D) 1 1^T||_F^2 =
    ||D||_F^2 - (1^T D 1)^2/(m n).

    Source
    ------
    Derived [D]; Eckart and Young.

    Equality cases
    --------------
    Diagonal matrices; s = 0.

    References
    ----------
    Eckart and Young 1936
    """
    w, r, s = case.weight, case.rank, case.count
    sig = np.linalg.svd(w, compute_uv=False)
    scale, size = float(np.linalg.norm(sig)), 8 * sum(w.shape)
    floor = float(np.linalg.norm(sig[r + min(sparse_rank * s, *w.shape) :]))
    honest = float(np.linalg.norm(sig[r + min(s, *w.shape) :]))
    found = theory.low_rank_plus_sparse(w, r, s, steps=5)
    last = float(np.linalg.norm(w - found.low_rank - found.sparse))
    any_pair = float(np.linalg.norm(w - case.low_rank - case.sparse))
    parts = [
        at_most(floor, constant * last, scale=scale, size=size, part="alternating"),
        at_most(floor, constant * any_pair, scale=any_pair, size=size, part="any pair"),
    ]
    path = [scale, *found.errors]
    for step, (before, after) in enumerate(itertools.pairwise(path)):
        left = falls * before
        parts.append(at_most(after, left, scale=scale, size=size, part=f"half-step {step}"))
    parts.append(at_most(*_second_half(w, r, s), scale=scale, size=size, part="Z of the first L"))
    lost = w - found.sparse
    kept = theory.mean_removed(w, found.sparse)
    square, total = float(np.sum(lost**2)), float(lost.sum())
    less = square - mean * total**2 / w.size
    wide = float(np.sum(w**2))
    rank = int(np.linalg.matrix_rank(found.low_rank, tol=1e-9 * scale)) if scale > 0 else 0
    ours = theory.low_rank_plus_sparse_floor(w, r, s).value
    return together(
        *parts,
        equal(np.sum((w - kept) ** 2), less, scale=wide, size=w.size, part="mean removed"),
        equal(max(rank, r), r, scale=1.0, size=1, part="rank"),
        equal(max(np.count_nonzero(found.sparse), s), s, scale=1.0, size=1, part="entries"),
        equal(found.errors[-1], last, scale=scale, size=size, part="last error"),
        equal(ours, honest, scale=scale, size=size, part="floor, value: "),
    )


def _second_half(w: Floats, r: int, s: int) -> tuple[float, float]:
    """The first round's error as found, and as it should be: of W - L without its s largest."""
    first = theory.low_rank_plus_sparse(w, r, s, steps=1)
    u, sig, vt = np.linalg.svd(w, full_matrices=False)
    rest = np.sort(np.abs(w - (u[:, :r] * sig[:r]) @ vt[:r]).ravel())[: w.size - s]
    return first.errors[-1], float(np.linalg.norm(rest))


@dataclass(frozen=True, eq=False)
class Dropping:
    """A matrix and how many entries are dropped."""

    weight: Floats
    count: int


MATRICES = ("gauss", "near-flat", "ties", "row", "diagonal", "flat")


def dropping(
    rng: np.random.Generator, *, family: str = "gauss", m: int = 3, n: int = 3, t: int = 3
) -> Dropping:
    """Matrices of a family; the smallest entries of "row" fill a row, of "diagonal" a diagonal."""
    w = rng.standard_normal((m, n))
    if family == "near-flat":
        w = np.asarray(1.0 + 1e-3 * w)
    elif family == "ties":
        w = rng.choice([1.0, 2.0, 3.0], (m, n))
    elif family == "row":
        w = np.full((m, n), 1.0 + 1e-9)
        w[0] = 1.0
    elif family == "diagonal":
        w = np.full((m, n), 9.0)
        np.fill_diagonal(w, 1.0)
    elif family == "flat":
        w = np.ones((m, n))
    elif family != "gauss":
        raise ValueError(f"unknown family {family!r}; choose from {', '.join(MATRICES)}")
    return Dropping(w, min(t, m * n))


@register(
    "sparsity.X7",
    "inequality",
    dropping,
    {
        "family": Choice(MATRICES),
        "m": Whole(1, 4),
        "n": Whole(1, 3),
        "t": Whole(1, 6),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family} for family in MATRICES),
        {"family": "row", "m": 4, "t": 3},
        {"family": "flat", "t": 9},
        {"family": "gauss", "t": 2, "m": 4},
        {"family": "row", "t": 2},
        {"family": "gauss", "m": 1, "n": 3, "t": 2},
        {"family": "gauss", "t": 1},
    ),
    (
        Mutant("b_t x 1/.95", {"largest": 1 / 0.95}),
        Mutant("energy x 1/.95", {"energy": 1 / 0.95}),
        Mutant("ratio x .95", {"constant": 0.95}),
        Mutant("magnitude is optimal", {"optimal": True}),
    ),
)
def least_norm_of_dropped(
    case: Dropping,
    *,
    largest: float = 1.0,
    energy: float = 1.0,
    constant: float = 1.0,
    optimal: bool = False,
) -> Sides:
    """Magnitude drops nearly the least spectral norm, and not always the least.

    Hypotheses
    ----------
    t entries are dropped, 1 <= t <= m n; r, c the most that magnitude drops in a row and a column.

    Statement
    ---------
    ||D||_2 >= max(b_t, (sum_{i <= t} b_i^2/min(m, n))^{1/2}); magnitude/optimum <=
    sqrt(min(m, n, t, r c)). Magnitude is optimal for min(m, n) = 1, t = 1, and where the t smallest
    lie in distinct rows and columns. Of t = 2 the optimum is the least sqrt(x^2 + y^2) in one line
    or max(x, y) across lines.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    A diagonal of smallest entries; all entries of a flat matrix; a row of smallest entries.

    References
    ----------
    arXiv 2307.08982
    """
    w, t = case.weight, case.count
    b = np.sort(np.abs(w).ravel())
    places = np.array(list(itertools.combinations(range(w.size), t)))
    sets = np.zeros((len(places), w.size))
    np.put_along_axis(sets, places, w.ravel()[places], axis=1)
    norms = np.linalg.norm(sets.reshape(-1, *w.shape), 2, axis=(1, 2))
    best = float(np.min(norms))
    lost = theory.dropped_by_magnitude(w, t)
    found = float(np.linalg.norm(lost, 2))
    cells = lost != 0
    lines = int(cells.sum(axis=0).max()) * int(cells.sum(axis=1).max())
    ratio = math.sqrt(min(*w.shape, t, lines))
    share = math.sqrt(float(np.sum(b[:t] ** 2)) / min(w.shape))
    scale, size = float(np.linalg.norm(b)), 4 * sum(w.shape)
    parts = [
        at_most(largest * b[t - 1], best, scale=scale, size=size, part="b_t"),
        at_most(energy * share, best, scale=scale, size=size, part="energy"),
        at_most(found, constant * ratio * best, scale=scale, size=size, part="ratio"),
    ]
    if optimal or min(*w.shape, t) == 1 or lines == 1:
        parts.append(at_most(found, best, scale=scale, size=size, part="magnitude is optimal"))
    ours = theory.dropping_floor(w, t).value, theory.magnitude_ratio_bound(w, t).value
    parts += [
        equal(np.sort(np.abs(lost[cells])), b[:t], scale=scale, size=1, part="smallest dropped"),
        equal(ours[0], max(b[t - 1], share), scale=scale, size=size, part="floor, value: "),
        equal(ours[1], ratio, scale=ratio, size=size, part="ratio, value: "),
    ]
    if t == 2:
        pair = theory.best_pair(w)[0]
        parts.append(equal(pair, best, scale=scale, size=size, part="pair, value: "))
    return together(*parts)
