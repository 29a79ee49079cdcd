r"""What a perturbation does to singular values, subspaces and low-rank parts (II-1), and the norms
of what a threshold drops (II-2).

Letters: D = W - Wh, sig_1 >= sig_2 >= .. singular values, U, V the leading k-dimensional subspaces
of W, gap = sig_k - sig_{k+1}; A, B, N = A - B for W, Wh, D; X_k the best rank-k part of X. Sines
come from differences of projectors: ||sin Theta||_2 = ||P - Ph||_2, ||sin Theta||_F =
||P - Ph||_F/sqrt 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

Two = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pair:
    """A matrix, a perturbed one, and a rank."""

    weight: Floats
    perturbed: Floats
    rank: int


PAIRS = ("gauss", "low-rank", "decay", "flat", "pruned", "zero")
#: Pairs at which bounds are met: one singular value moved; the leading two swapped; a tilt.
ATTAINED = ("moved", "swapped", "tilted")


def pair(
    rng: np.random.Generator,
    *,
    family: str = "gauss",
    m: int = 5,
    n: int = 4,
    k: int = 2,
    log10_size: float = -1.0,
) -> Pair:
    """Normal perturbations times 10**log10_size; of "pruned" the smaller half is dropped."""
    size = 10.0**log10_size
    w, noise = rng.standard_normal((2, m, n))
    k = min(k, m, n)
    if family == "low-rank":
        w = np.outer(w[:, 0], w[0])
    elif family == "decay":
        u, s, vt = np.linalg.svd(w, full_matrices=False)
        w = (u * 2.0 ** -np.arange(len(s))) @ vt
    elif family == "flat":
        w = np.ones((m, n))
    elif family == "zero":
        w = np.zeros((m, n))
        noise = np.outer(noise[:, 0], noise[0])
    elif family == "pruned":
        return Pair(w, np.where(np.abs(w) >= np.median(np.abs(w)), w, 0.0), k)
    elif family == "moved":
        w, noise = np.diag([3.0, 2.0, 1.0]), np.diag([1.0, 0.0, 0.0])
    elif family == "swapped":
        w, noise = np.diag([1.0, 1.0 - 2 * size + 1e-9]), np.diag([-1.0, 1.0])
    elif family == "tilted":
        w, noise = np.diag([2.0, 1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
    elif family != "gauss":
        raise ValueError(f"unknown family {family!r}; choose from {', '.join(PAIRS + ATTAINED)}")
    return Pair(w, w + size * noise, min(k, *w.shape))


@register(
    "sparsity.II-1",
    "inequality",
    pair,
    {
        "family": Choice(PAIRS),
        "m": Whole(1, 7),
        "n": Whole(1, 7),
        "k": Whole(1, 7),
        "log10_size": Real(-4.0, 0.5),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family} for family in PAIRS),
        {"family": "moved"},
        {"family": "swapped", "k": 1, "log10_size": -0.5},
        {"family": "tilted", "k": 1, "log10_size": -4.0},
        {"family": "zero", "k": 1},
    ),
    (
        Mutant("Weyl x .95", {"weyl": 0.95}),
        Mutant("Mirsky x .95", {"mirsky": 0.95}),
        Mutant("Wedin below the gap x .95", {"sharp": 0.95}),
        Mutant("Wedin 2 -> 1.9", {"always": 1.9}),
        Mutant("Yu-Wang-Samworth 2 -> .5", {"yu": 0.5}),
        Mutant("2 ||N||_2 -> 1.9 ||N||_2", {"spectral": 1.9}),
        Mutant("4 ||N_k|| ||A_k|| dropped", {"cross": 0.0}),
        Mutant("+ ||N_k||_F x .95", {"frobenius": 0.95}),
    ),
)
def perturbations(
    case: Pair,
    *,
    weyl: float = 1.0,
    mirsky: float = 1.0,
    sharp: float = 1.0,
    always: float = 2.0,
    yu: float = 2.0,
    spectral: float = 2.0,
    cross: float = 4.0,
    frobenius: float = 1.0,
) -> Sides:
    """What a perturbation does to singular values, leading subspaces and low-rank parts.

    Hypotheses
    ----------
    Two matrices of one shape, 1 <= k <= min(m, n); for subspaces gap > 0 (here 1e-6 sig_1).

    Statement
    ---------
    |sig_i - sigh_i| <= ||D||_2; (sum_i |sig_i - sigh_i|^2)^{1/2} <= ||D||_F. The sine of the
    largest angle of U or V is at most ||D||_2/(gap - ||D||_2) where ||D||_2 < gap, and always at
    most 2 ||D||_2/gap; ||sin Theta(V)||_F <=
    2 (2 sig_1 + ||D||_2) min(sqrt k ||D||_2, ||D||_F)/(sig_k^2 - sig_{k+1}^2).
    ||A - B_k||_2 <= ||A - A_k||_2 + 2 ||N||_2,
    ||A - B_k||_F <= (||A - A_k||_F^2 + 4 ||N_k||_F ||A_k||_F)^{1/2} + ||N_k||_F.

    Source
    ------
    Weyl, Mirsky; Wedin; Yu, Wang and Samworth [R]; Achlioptas and McSherry, sharpened [D].

    Equality cases
    --------------
    One singular value moved; the leading two swapped, which turns the subspace by a right angle at
    ||D||_2 = gap/2; a small tilt; A = 0, N of rank k.

    References
    ----------
    Wedin 1972; Yu, Wang and Samworth 2015; Achlioptas and McSherry 2007
    """
    w, wh, k = case.weight, case.perturbed, case.rank
    u, sig, vt = np.linalg.svd(w, full_matrices=False)
    uh, sigh, vth = np.linalg.svd(wh, full_matrices=False)
    noise = np.linalg.svd(w - wh, compute_uv=False)
    scale, size = float(sig[0] + noise[0]), 4 * sum(w.shape)
    shift, d2, df = sig - sigh, float(noise[0]), float(np.linalg.norm(noise))
    left = w - (uh[:, :k] * sigh[:k]) @ vth[:k]
    rest, nk = float(np.linalg.norm(sig[k:])), float(np.linalg.norm(noise[:k]))
    own = float(np.linalg.norm(sig[:k]))
    beyond = float(sig[k]) if k < len(sig) else 0.0
    low = beyond + spectral * d2, math.hypot(rest, math.sqrt(cross * nk * own)) + frobenius * nk
    moved = float(np.max(np.abs(shift))), float(np.linalg.norm(shift))
    errors = float(np.linalg.norm(left, 2)), float(np.linalg.norm(left))
    parts = [
        at_most(moved[0], weyl * d2, scale=scale, size=size, part="Weyl"),
        at_most(moved[1], mirsky * df, scale=scale, size=size, part="Mirsky"),
        at_most(errors[0], low[0], scale=scale, size=size, part="rank k, spectral"),
        at_most(errors[1], low[1], scale=scale, size=8 * size, part="rank k, Frobenius"),
    ]
    following = float(np.append(sig, 0.0)[k])
    gap = float(sig[k - 1]) - following
    if gap > 1e-6 * sig[0]:
        turned = [uh[:, :k] @ uh[:, :k].T - u[:, :k] @ u[:, :k].T]
        turned.append(vth[:k].T @ vth[:k] - vt[:k].T @ vt[:k])
        sine = max(float(np.linalg.norm(turn, 2)) for turn in turned)
        whole = float(np.linalg.norm(turned[1])) / math.sqrt(2)
        reach = min(math.sqrt(k) * d2, df) * (2 * sig[0] + d2)
        squares = sig[k - 1] ** 2 - following**2
        loose = scale / gap  # condition of the subspaces
        parts.append(at_most(sine, always * d2 / gap, scale=loose, size=size, part="Wedin"))
        if d2 < gap:
            below = sharp * d2 / (gap - d2)
            parts.append(at_most(sine, below, scale=loose, size=size, part="Wedin below the gap"))
        bound = yu * reach / squares
        parts.append(at_most(whole, bound, scale=loose, size=size, part="Yu-Wang-Samworth"))
        parts += _subspaces_as_stated(case, sine, whole, d2, gap, 2 * reach / squares)
    stated = low[0] + (2 - spectral) * d2, math.hypot(rest, math.sqrt(4 * nk * own)) + nk
    return together(*parts, *_values_as_stated(case, moved, errors, (d2, df), stated))


def _values_as_stated(case: Pair, moved: Two, errors: Two, norms: Two, low: Two) -> list[Sides]:
    """The theory's figures on singular values and low-rank parts, in both norms."""
    w, wh, k = case.weight, case.perturbed, case.rank
    scale = float(np.linalg.norm(w) + np.linalg.norm(wh))
    size = 64 * sum(w.shape)
    found = []
    for place, norm in enumerate(("spectral", "frobenius")):
        pairs = [
            ("shift", theory.singular_value_shift(w, wh, norm=norm), moved),
            ("bound on shifts", theory.singular_value_bound(w, wh, norm=norm).value, norms),
            ("error", theory.low_rank_error(w, wh, k, norm=norm), errors),
            ("bound on errors", theory.low_rank_error_bound(w, wh, k, norm=norm).value, low),
        ]
        for part, ours, here in pairs:
            name = f"{part}, value: {norm}"
            found.append(equal(ours, here[place], scale=scale, size=size, part=name))
    return found


def _subspaces_as_stated(
    case: Pair, sine: float, whole: float, d2: float, gap: float, yu: float
) -> list[Sides]:
    """The theory's figures on subspaces."""
    w, wh, k = case.weight, case.perturbed, case.rank
    sines = theory.subspace_sines(w, wh, k)
    wedin, ours = theory.wedin_bound(w, wh, k), theory.yu_wang_samworth_bound(w, wh, k)
    largest = max(float(np.max(side)) for side in sines)
    below = d2 / (gap - d2) if d2 < gap else math.inf
    least = min(below, 2 * d2 / gap)
    scale = (float(np.linalg.norm(w, 2)) + d2) / gap
    size = 8 * sum(w.shape)
    found = [
        equal(largest, sine, scale=scale, size=size, part="sine, value: "),
        equal(np.linalg.norm(sines[1]), whole, scale=scale, size=size, part="sines, value: "),
        equal(ours.value, yu, scale=scale * yu, size=size, part="Yu-Wang-Samworth, value: "),
    ]
    if d2 < 0.5 * gap or d2 > 2 * gap:  # where gap - ||D|| is known to its rounding
        found.append(
            equal(wedin.value, least, scale=scale * least, size=4 * size, part="Wedin, value: ")
        )
    return found


@dataclass(frozen=True, eq=False)
class Dropped:
    """Entries that a threshold has dropped."""

    entries: Floats
    threshold: float


DROPPED = ("gauss", "block", "cross", "diagonal", "pruned", "one", "near-flat")


def dropped(
    rng: np.random.Generator, *, family: str = "gauss", m: int = 6, n: int = 5, tau: float = 0.7
) -> Dropped:
    """Entries up to tau; a constant block, or one row and one column."""
    d = np.zeros((m, n))
    if family == "block":
        d[: (m + 1) // 2, : (n + 1) // 2] = tau
    elif family == "cross":
        d[0, :] = d[:, 0] = tau
    elif family == "diagonal":
        np.fill_diagonal(d, tau)
    elif family == "one":
        d[-1, -1] = -tau
    elif family == "near-flat":
        d = tau * (1 - 1e-3 * rng.random((m, n)))
    else:
        w = rng.standard_normal((m, n))
        if family == "pruned":
            kept = theory.sparsify(w, max(1, w.size // 3), method="magnitude")
            tau = float(np.min(np.abs(kept[kept != 0])))
        d = np.where(np.abs(w) <= tau, w, 0.0)
        d[np.abs(w) >= tau] = 0.0
    return Dropped(d, tau)


@register(
    "sparsity.II-2",
    "inequality",
    dropped,
    {
        "family": Choice(DROPPED),
        "m": Whole(1, 10),
        "n": Whole(1, 10),
        "tau": Real(0.05, 3.0),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family} for family in DROPPED),
        {"family": "cross", "m": 10, "n": 10},
        {"family": "block", "m": 7, "n": 1},
        {"family": "block", "m": 1, "n": 1},
    ),
    (
        Mutant("Schur's test x .95", {"schur": 0.95}),
        Mutant("tau sqrt(r c) x .95", {"lines": 0.95}),
        Mutant("Frobenius norm x .95", {"frobenius": 0.95}),
        Mutant("tau sqrt(number dropped) x .95", {"count": 0.95}),
        Mutant("sqrt(r c) always the smaller", {"ordered": 1}),
        Mutant("sqrt(number) always the smaller", {"ordered": -1}),
        Mutant("rows alone", {"both": False}),
    ),
)
def norms_of_dropped(
    case: Dropped,
    *,
    schur: float = 1.0,
    lines: float = 1.0,
    frobenius: float = 1.0,
    count: float = 1.0,
    ordered: int = 0,
    both: bool = True,
) -> Sides:
    """The spectral norm of dropped entries, by Schur's test and by Frobenius, neither the smaller.

    Hypotheses
    ----------
    |D| <= tau, at most r non-zeros in a row and c in a column.

    Statement
    ---------
    ||D||_2 <= (||D||_1 ||D||_inf)^{1/2} <= tau sqrt(r c), and separately
    ||D||_2 <= ||D||_F <= tau sqrt(number dropped).

    Source
    ------
    Schur; derived [D].

    Equality cases
    --------------
    A constant block. A dropped cross of 10 x 10 has sqrt(r c) = 10 and sqrt(19).

    References
    ----------
    Schur 1911; arXiv 2307.08982
    """
    d, tau = np.abs(case.entries), case.threshold
    there = d > 0
    norm = float(np.linalg.norm(np.linalg.svd(case.entries, compute_uv=False)[:1]))
    column, row = float(d.sum(axis=0).max()), float(d.sum(axis=1).max())
    test = math.sqrt(column * row) if both else row
    rc = math.sqrt(float(there.sum(axis=0).max()) * float(there.sum(axis=1).max()))
    number = math.sqrt(float(there.sum()))
    square = math.sqrt(float(np.sum(d**2)))
    bound = theory.dropped_norm_bound(case.entries, tau)
    scale, size = tau * number, 4 * sum(d.shape)
    parts = [
        at_most(norm, schur * test, scale=scale, size=size, part="Schur's test"),
        at_most(norm, frobenius * square, scale=scale, size=size, part="Frobenius"),
        at_most(math.sqrt(column * row), lines * tau * rc, scale=scale, size=size, part="lines"),
        at_most(square, count * tau * number, scale=scale, size=size, part="number"),
    ]
    if ordered:
        smaller, larger = (rc, number) if ordered > 0 else (number, rc)
        parts.append(at_most(tau * smaller, tau * larger, scale=scale, size=size, part="order"))
    stated = {
        "lines": tau * rc,
        "count": tau * number,
        "schur": math.sqrt(column * row),
        "frobenius": square,
    }
    for name, here in stated.items():
        part = f"{name}, value: "
        parts.append(equal(bound.terms[name], here, scale=scale, size=size, part=part))
    least = tau * min(rc, number)
    parts.append(equal(bound.value, least, scale=scale, size=size, part="bound, value: "))
    alone = theory.schur_test(case.entries)
    parts.append(equal(alone, stated["schur"], scale=scale, size=size, part="test, value: "))
    return together(*parts)
