r"""Expected error of a student after pruning its nodes by a random rule (N1, N2, N3, X6).

Letters: eps = E(student - teacher)^2/2, G = I2(Q) (K, K) the second moment of the student's
units, b = I2(R) A (K,), c0 = A' I2(T) A, v (K,) its output weights, J the kept units. Then

    eps_J = [v_J' G_JJ v_J - 2 v_J' b_J + c0]/2,

so a rule enters the mean only through pi_i = P(i in J) and P_ij = P(i and j in J). With the best
weights on J it is eps*_J = [c0 - b_J' G_JJ^+ b_J]/2; where G v = b the excess is eps*_J - eps
= v'(G/G_J) v/2 with the Schur complement G/G_J, the residual of volume sampling with kernel G.

Sources: Acharyya et al., arXiv 2006.16617 (setting); N1, N2, N3, X6 derived [D].
This module may import NumPy, SciPy and theory.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import as_count, as_kept, as_real, as_ridge, to_numpy
from ..elementary import elementary_ratios, volume_residual
from ..errors import InapplicableError
from ..spectrum import as_spectrum, smoother, volume_ridge
from .integrals import second_moments
from .order_parameters import OrderParameters

#: Most kept sets that a mean over all of them lists.
MOST_SETS = 200_000


@dataclass(frozen=True, eq=False)
class OutputMoments:
    """What the error is of, as a form in the output weights: G (K, K), b (K,) and c0."""

    student: Any
    cross: Any
    teacher: float


def output_moments(order: OrderParameters, activation: str = "erf") -> OutputMoments:
    """G = I2(Q), b = I2(R) A and c0 = A' I2(T) A of a student and its teacher.

    Raises
    ------
    ValueError
        An unknown activation.
    """
    k = len(order.v)
    moment = second_moments(order.covariance, activation)
    return OutputMoments(
        moment[:k, :k], moment[:k, k:] @ order.A, float(order.A @ moment[k:, k:] @ order.A)
    )


def uniform_inclusion(size: int, kept: int) -> tuple[Any, Any]:
    """One- and two-point inclusions of `kept` of `size` units drawn evenly.

    pi = k/K (K,); P_ij = k(k-1)/(K(K-1)) (K, K), with P_ii = pi_i.
    """
    n = as_count("size", size)
    k = as_count("kept", kept, least=0, most=n)
    pairs = np.full((n, n), k * (k - 1) / (n * (n - 1)) if n > 1 else 0.0)
    np.fill_diagonal(pairs, k / n)
    return np.full(n, k / n), pairs


def bernoulli_inclusion(size: int, fraction: float) -> tuple[Any, Any]:
    """Inclusions of units kept independently, each with probability c: P_ij = c^2, P_ii = c."""
    n, c = as_count("size", size), float(fraction)
    if not 0 <= c <= 1:
        raise ValueError(f"fraction must lie in [0, 1], but is {c:g}")
    pairs = np.full((n, n), c * c)
    np.fill_diagonal(pairs, c)
    return np.full(n, c), pairs


def mean_pruned_error(
    order: OrderParameters, marginals: Any, pairs: Any, activation: str = "erf"
) -> float:
    r"""E eps_J of any random rule that does not look at the input (N1 [D]).

    E eps_J = [sum_ij v_i v_j G_ij P_ij - 2 sum_i pi_i v_i b_i + c0]/2.

    Parameters
    ----------
    order : OrderParameters
    marginals : (K,) array
        pi_i = P(i in J).
    pairs : (K, K) array
        P_ij = P(i and j in J), with P_ii = pi_i.
    activation : str

    Raises
    ------
    ValueError
        Shapes that do not match; pi outside [0, 1]; a diagonal of `pairs` other than `marginals`.
    """
    size = len(order.v)
    pi = to_numpy(as_real("marginals", marginals, ndim=1))
    joint = to_numpy(as_real("pairs", pairs, ndim=2))
    if pi.shape != (size,) or joint.shape != (size, size):
        raise ValueError(
            f"a student of {size} units needs marginals ({size},) and pairs ({size}, {size}), but "
            f"they have shapes {pi.shape} and {joint.shape}"
        )
    slack = 1e-9  # of probabilities that were computed
    if np.min(pi) < -slack or np.max(pi) > 1 + slack:
        raise ValueError(f"marginals lie in [0, 1], but go from {np.min(pi):g} to {np.max(pi):g}")
    apart = float(np.max(np.abs(np.diag(joint) - pi)))
    if apart > slack:
        raise ValueError(f"the diagonal of pairs must be the marginals, but is {apart:.3g} off")
    found, v = output_moments(order, activation), order.v
    quadratic = v @ (found.student * joint) @ v
    return 0.5 * float(quadratic - 2.0 * (pi * v) @ found.cross + found.teacher)


def kept_error(order: OrderParameters, kept: Any, activation: str = "erf") -> float:
    """eps_J of the units in `kept`, their output weights left as they are."""
    nodes = as_kept(kept, len(order.v))
    found, v = output_moments(order, activation), order.v[nodes]
    quadratic = v @ found.student[np.ix_(nodes, nodes)] @ v
    return 0.5 * float(quadratic - 2.0 * v @ found.cross[nodes] + found.teacher)


def reweighted_weights(order: OrderParameters, kept: Any, activation: str = "erf") -> Any:
    """Best output weights of the kept units, G_JJ^+ b_J (k,), in the order of `kept` (N2 [D])."""
    nodes = as_kept(kept, len(order.v))
    found = output_moments(order, activation)
    return _fitted(found, nodes)


def reweighted_error(order: OrderParameters, kept: Any, activation: str = "erf") -> float:
    """Smallest error of the kept units, eps*_J = [c0 - b_J' G_JJ^+ b_J]/2 (N2 [D]).

    Falls as units join J. A block G_JJ that is singular (two units alike) is inverted on its range.
    """
    nodes = as_kept(kept, len(order.v))
    found = output_moments(order, activation)
    return 0.5 * (found.teacher - float(found.cross[nodes] @ _fitted(found, nodes)))


def _fitted(found: OutputMoments, nodes: Any) -> Any:
    block = found.student[np.ix_(nodes, nodes)]
    if not len(nodes):
        return np.zeros(0)
    return np.linalg.pinv(block, rcond=1e-12, hermitian=True) @ found.cross[nodes]


def mean_reweighted_error(
    order: OrderParameters, kept: int, *, kernel: Any = None, activation: str = "erf"
) -> float:
    r"""E eps*_J with the best output weights on J, by listing every J of `kept` units.

    J is drawn evenly, or with P(J) proportional to det kernel_JJ where a kernel is given. There is
    no two-point law here; for kernel G and a student at its best weights see :func:`fusion_error`.

    Raises
    ------
    InapplicableError
        More than 200000 sets to list; a kernel of rank below `kept`.
    """
    size = len(order.v)
    k = as_count("kept", kept, least=0, most=size)
    if math.comb(size, k) > MOST_SETS:
        raise InapplicableError(
            f"the mean over {k} of {size} units lists {math.comb(size, k):.3g} sets, but at most "
            f"{MOST_SETS} are; average reweighted_error over drawn sets instead"
        )
    nodes = np.array(list(itertools.combinations(range(size), k)), dtype=np.int64)
    found = output_moments(order, activation)
    errors = np.array([0.5 * (found.teacher - found.cross[j] @ _fitted(found, j)) for j in nodes])
    if kernel is None or k == 0:
        return float(np.mean(errors))
    check_rank(kernel, k)
    matrix = np.asarray(kernel) / np.trace(kernel)
    volumes = np.maximum(np.linalg.det(matrix[nodes[:, :, None], nodes[:, None, :]]), 0.0)
    return float(volumes @ errors / np.sum(volumes))


def check_rank(kernel: Any, kept: int) -> None:
    """Refuse a k-DPP of more units than its kernel has independent ones."""
    spectrum = as_spectrum(kernel)
    if kept > spectrum.rank:
        raise InapplicableError(
            f"a k-DPP of {kept} units needs a kernel of rank {kept}, but this one has rank "
            f"{spectrum.rank} of {spectrum.size}: the student's units are not distinct; keep at "
            "most that many, or use replicated_node_error, the limit of a vanishing jitter"
        )


def fusion_excess(
    order: OrderParameters,
    *,
    kept: int | None = None,
    ridge: float | None = None,
    activation: str = "erf",
    target: str = "teacher",
) -> float:
    r"""E eps*_J - eps when units are drawn by their activation Gram G and refitted (N3 [D]).

    k-DPP(G):       sum_n lam_n e_k(lam without lam_n)/e_k(lam) (u_n'v)^2 / 2, 1 <= k <= rank G;
    DPP(G/lam):     lam v' G (G + lam)^{-1} v / 2, the bias of ridge regression, at expected width
                    N(lam) = tr G (G + lam)^{-1}.

    Parameters
    ----------
    order : OrderParameters
    kept : int
        k; or else `ridge`, lam > 0.
    ridge : float
    activation : str
    target : {"teacher", "student"}
        What the kept units are refitted to. For the teacher the student must have its best output
        weights, G v = b; for the student (distillation) nothing is asked.

    Raises
    ------
    InapplicableError
        k above the rank of G; G v differs from b.
    ValueError
        Both or neither of `kept` and `ridge`; another target.
    """
    if (kept is None) == (ridge is None):
        raise ValueError("give either kept, the size of a k-DPP, or ridge, of a DPP, not both")
    if target not in ("teacher", "student"):
        raise ValueError(f"target must be teacher or student, but is {target!r}")
    found, v = output_moments(order, activation), order.v
    gram = found.student
    if target == "teacher":
        gap = float(np.linalg.norm(gram @ v - found.cross))
        if gap > 1e-8 * max(float(np.linalg.norm(found.cross)), 1e-300):
            raise InapplicableError(
                "the excess error of refitted units needs a student at its best output weights, "
                f"but |G v - b| is {gap:.3g}; refit v first, or take the student as target"
            )
    if kept is None:
        lam = as_ridge(ridge, positive=True)
        return 0.5 * lam * float(v @ np.asarray(smoother(gram, lam)) @ v)
    k = as_count("kept", kept, most=len(v))
    check_rank(gram, k)
    return 0.5 * float(v @ np.asarray(volume_residual(gram, k)) @ v)


def fusion_ridges(gram: Any, kept: int) -> tuple[float, float]:
    r"""Ridges (r_lo, r_hi) between which a k-DPP acts (X6 [D]).

    r_n = e_k/e_{k-1} of the eigenvalues without lam_n; r_lo and r_hi at the largest and the
    smallest one. Then r_lo G(G + r_lo)^{-1} <= E[G/G_J] <= r_hi G(G + r_hi)^{-1} in the positive
    semidefinite order, and N(r_hi) <= k <= N(r_lo).

    Parameters
    ----------
    gram : (K, K) array, Spectrum or (K,) eigenvalues
    kept : int
        From 1 to the rank.

    Raises
    ------
    InapplicableError
        `kept` above the rank.
    """
    spectrum = as_spectrum(gram)
    k = as_count("kept", kept, most=spectrum.size)
    check_rank(spectrum, k)
    present = np.asarray(spectrum.eigenvalues)[: spectrum.rank]
    if k == len(present):  # nothing is left without lam_n
        return 0.0, 0.0
    low, high = (float(elementary_ratios(rest, k)[-1]) for rest in (present[1:], present[:-1]))
    return low, high


def fusion_bound(order: OrderParameters, kept: int, activation: str = "erf") -> float:
    """E eps*_J - eps <= |v|^2 lam_vol(k)/2 for the k-DPP of kernel G (X6 [D]); premises as N3."""
    gram = output_moments(order, activation).student
    check_rank(gram, as_count("kept", kept, most=len(order.v)))
    return 0.5 * float(order.v @ order.v) * volume_ridge(gram, kept)
