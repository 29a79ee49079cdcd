r"""One layer with part of its weights removed: error, bounds, bias fix and refit.

f = w.h + b, kept entries S, removed ones C, G = E h h^T, D = W - W' row by row:

    E|f - f'|^2 = D G D^T, of plain removal w_C^T G_CC w_C                    (T2)
    ... <= lam_max(G) kappa_{s,d}(q, 2)^2 ||w||_q^2       the s largest kept, 0 < q < 2
    ... <= lam_max(R) kappa_{s,d}(q, 2)^2 ||u||_q^2       u_j = w_j sqrt(G_jj), largest |u| (T2')
    E^{1/2}|f - f'|^2 <= sum_C |u_j| <= kappa_{s,d}(q, 1) ||u||_q             q < 1 (T2'')
    b += D mu turns G into Cov = G - mu mu^T and lowers the error by (D mu)^2 exactly (T2b)
    refitted on S: w_C^T (G_CC - G_CS G_SS^+ G_SC) w_C                        (T3)

R_ij = G_ij/sqrt(G_ii G_jj). An activation of Lipschitz constant rho multiplies errors by at most
rho. All [derived]. This module may import NumPy and theory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_covariance, as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from ..objective import factorised
from .stechkin import Q_GRID, stechkin_bound
from .top import top_entries

Floats = NDArray[np.float64]


def pruning_error(weight: Any, pruned: Any, cov: Any) -> Any:
    r"""Mean squared error of every row's sum, diag(D G D^T) with D = weight - pruned (T2, T2b).

    Parameters
    ----------
    weight, pruned : (rows, d) or (d,) array
        Before and after: entries removed, shrunk, refitted, anything.
    cov : (d, d) array
        G; the covariance where the bias is fixed.

    Returns
    -------
    (rows,) array, or float of one row
        At least 0.

    Raises
    ------
    ValueError
        Shapes that do not fit, no second-moment matrix.

    Notes
    -----
    Statement T2 [derived], an identity on the sample behind G; claim sparsity.I-3a.
    """
    removed, moment = _removed(weight, pruned, cov)
    errors = np.clip(np.einsum("...i,...i->...", removed @ moment, removed), 0.0, None)
    return errors if errors.ndim else float(errors)


def bias_fix(weight: Any, pruned: Any, mean: Any) -> Any:
    r"""Constant D mu to add to the bias, (rows,) or float (A7).

    Parameters
    ----------
    weight, pruned : (rows, d) or (d,) array
        `pruned` as it will be used, refitted coefficients included.
    mean : (d,) array
        Mean of the ORIGINAL inputs of the layer.

    Raises
    ------
    ValueError
        Shapes that do not fit.

    Notes
    -----
    Statement T2b [derived]: the mean squared error drops by (D mu)^2 exactly (claim sparsity.I-3d).
    """
    before, after = rows_of("weight", weight), rows_of("pruned", pruned)
    mu = to_numpy(as_real("mean", mean, ndim=1))
    if before.shape != after.shape or before.shape[-1] != mu.size:
        raise ValueError(
            f"weight {before.shape}, pruned {after.shape} and mean {mu.shape} do not fit"
        )
    found = (before - after) @ mu
    return found if found.ndim else float(found)


def refit(weight: Any, kept: Any, cov: Any) -> Floats:
    r"""Best coefficients on the kept entries of every row, G_SS^+ G_S: w; 0 elsewhere (A6).

    Parameters
    ----------
    weight : (rows, d) or (d,) array
    kept : mask of the same shape, as of :func:`~pruneproof.theory.top_entries`
    cov : (d, d) array
        G; with an intercept the covariance, then :func:`bias_fix` with the refitted weights.

    Raises
    ------
    ValueError
        Shapes that do not fit, no second-moment matrix.

    Notes
    -----
    Statement T3 [derived]. Rows that keep the same entries are solved together.
    """
    rows, mask, moment = _masked(weight, kept, cov)
    out = np.zeros_like(rows)
    for index, members in supports(mask):
        if index.size:
            coefficients, _, _ = factorised(moment, index, np.zeros(index.size))
            out[np.ix_(members, index)] = rows[members] @ coefficients
    return out.reshape(np.shape(weight))


def refit_error(weight: Any, kept: Any, cov: Any) -> Any:
    r"""Least mean squared error on the kept entries, w_C^T (G_CC - G_CS G_SS^+ G_SC) w_C (T3).

    Parameters and errors as :func:`refit`; (rows,) array, or float of one row. Never above the
    error without refit.
    """
    rows, mask, moment = _masked(weight, kept, cov)
    removed = np.where(mask, 0.0, rows)
    errors = np.einsum("ij,ij->i", removed @ moment, removed)
    for index, members in supports(mask):
        if index.size:
            _, explained, _ = factorised(moment, index, np.zeros(index.size))
            errors[members] -= np.sum((removed[members] @ explained.T) ** 2, axis=1)
    errors = np.clip(errors, 0.0, None)
    return errors if np.ndim(weight) > 1 else float(errors[0])


def neuron_bound(
    weight: Any,
    kept: int,
    cov: Any,
    *,
    q: float | Sequence[float] | None = None,
    lipschitz: float = 1.0,
) -> Bound:
    r"""Bound on the mean squared error of a neuron that keeps its s largest |w| (T2).

    rho^2 lam_max(G) kappa_{s,d}(q, 2)^2 ||w||_q^2, the least over the q given; kappa is sharper
    than c_{q,2} s^{1/2-1/q} and holds for s = 0 too.

    Parameters
    ----------
    weight : (d,) array
    kept : int
        s, from 0 to d.
    cov : (d, d) array
        G, or the covariance with the bias fixed (T2b).
    q : float or sequence, optional
        Orders in (0, 2); not given, .05, .10, ..., 1.95.
    lipschitz : float
        rho of the activation.

    Returns
    -------
    Bound
        Trivial value: the bound of an unpruned row, rho^2 lam_max(G) ||w||_2^2.

    Raises
    ------
    ValueError
        Shapes that do not fit, orders outside (0, 2), a negative Lipschitz constant.
    """
    row, moment = _row(weight, cov)
    return _quadratic("sparsity.T2", row, kept, moment, q, lipschitz, "|w|")


def normalised_neuron_bound(
    weight: Any,
    kept: int,
    cov: Any,
    *,
    q: float | Sequence[float] | None = None,
    lipschitz: float = 1.0,
) -> Bound:
    r"""As :func:`neuron_bound` for the s largest |u_j| = |w_j| sqrt(G_jj) kept (T2').

    rho^2 lam_max(R) kappa_{s,d}(q, 2)^2 ||u||_q^2, R the inputs' uncentred correlations: it does
    not depend on the units of single inputs.
    """
    row, moment = _row(weight, cov)
    correlation, sizes = normalised(moment)
    return _quadratic("sparsity.T2'", row * sizes, kept, correlation, q, lipschitz, "|w_j| rms_j")


def absolute_neuron_bound(
    weight: Any, kept: int, cov: Any, *, q: float | Sequence[float] | None = None
) -> Bound:
    r"""Bound on the ROOT mean squared error, with no spectrum: sum_C |u_j| <= kappa ||u||_q (T2'').

    For the s largest |u_j| = |w_j| sqrt(G_jj) kept and 0 < q < 1. Terms: `dropped` = sum_C |u_j|.
    Parameters and errors as :func:`neuron_bound`.
    """
    row, moment = _row(weight, cov)
    scores = np.abs(row) * np.sqrt(np.diag(moment))
    return absolute_bound("sparsity.T2''", scores, kept, q)


def magnitude_guarantee(cov: Any, *, weighted: bool = True) -> float:
    r"""Factor by which magnitude without refit loses, at most, on the best set WITH refit (X2).

    error of the s largest |w_j| sqrt(G_jj) <= cond(R) min_{|S| = s} refitted error; for plain |w|
    (`weighted` false) cond(G). inf where the matrix is singular.

    Raises
    ------
    ValueError
        No second-moment matrix.

    Notes
    -----
    Statement X2 [derived].
    """
    moment = np.asarray(to_numpy(as_covariance(cov)))
    if weighted:
        moment, sizes = normalised(moment)
        if not np.all(sizes > 0.0):  # inputs that are always 0 lose nothing
            moment = moment[np.ix_(sizes > 0.0, sizes > 0.0)]
    if moment.size == 0:
        return 1.0
    values = np.linalg.eigvalsh(moment)
    noise = moment.shape[0] * np.finfo(np.float64).eps * values[-1]
    return float(values[-1] / values[0]) if values[0] > noise else math.inf


def normalised(moment: Floats) -> tuple[Floats, Floats]:
    """R_ij = G_ij/sqrt(G_ii G_jj), 0 where an input is always 0, and the roots of the G_jj."""
    sizes = np.sqrt(np.clip(np.diag(moment), 0.0, None))
    inverse = np.where(sizes > 0.0, 1.0 / np.where(sizes > 0.0, sizes, 1.0), 0.0)
    return moment * inverse[:, None] * inverse[None, :], sizes


def absolute_bound(
    statement: str, scores: Floats, kept: int, q: float | Sequence[float] | None
) -> Bound:
    """sum of all but the `kept` largest scores, bounded by kappa(q, 1) ||scores||_q."""
    found = stechkin_bound(scores, kept, q=q, p=1.0)
    dropped = float(np.sum(np.where(top_entries(scores, kept), 0.0, scores)))
    note = "root mean squared error; certain, whatever the correlations"
    return Bound(statement, found.value, found.trivial, {**found.terms, "dropped": dropped}, note)


def supports(mask: NDArray[np.bool_]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Kept indices and the rows that keep them, one pair for each different set."""
    groups: dict[bytes, list[int]] = {}
    for row, keep in enumerate(mask):
        groups.setdefault(np.packbits(keep).tobytes(), []).append(row)
    return [(np.flatnonzero(mask[members[0]]), np.array(members)) for members in groups.values()]


def rows_of(name: str, weight: Any) -> Floats:
    """Weights of one row (d,) or several (rows, d), on the host."""
    found = to_numpy(as_real(name, weight))
    if found.ndim not in (1, 2):
        raise ValueError(f"{name} must have shape (d,) or (rows, d), but has shape {found.shape}")
    return found


def moment_of(cov: Any, d: int, name: str = "cov") -> Floats:
    """Second moment of d inputs, on the host."""
    moment = np.asarray(to_numpy(as_covariance(cov, name=name)))
    if moment.shape[0] != d:
        raise ValueError(f"{name} must be ({d}, {d}), one row an input, but is {moment.shape}")
    return moment


def _quadratic(
    statement: str,
    scores: Floats,
    kept: int,
    matrix: Floats,
    q: float | Sequence[float] | None,
    lipschitz: float,
    by: str,
) -> Bound:
    rho = as_ridge(lipschitz, name="lipschitz")
    top = max(0.0, float(np.linalg.eigvalsh(matrix)[-1]))
    tail = stechkin_bound(scores, kept, q=Q_GRID if q is None else q, p=2.0)
    factor, smooth = rho * rho * top, tail.terms["smooth"]
    terms = {**tail.terms, "largest_eigenvalue": top, "smooth": factor * (smooth * smooth)}
    note = f"mean squared error of a neuron that keeps its largest {by}; certain"
    # products, as powers of floats raise an error where they overflow
    value, trivial = factor * (tail.value * tail.value), factor * (tail.trivial * tail.trivial)
    return Bound(statement, value, trivial, terms, note)


def _row(weight: Any, cov: Any) -> tuple[Floats, Floats]:
    row = to_numpy(as_real("weight", weight, ndim=1))
    return row, moment_of(cov, row.size)


def _removed(weight: Any, pruned: Any, cov: Any) -> tuple[Floats, Floats]:
    before, after = rows_of("weight", weight), rows_of("pruned", pruned)
    if before.shape != after.shape:
        raise ValueError(f"weight {before.shape} and pruned {after.shape} must have one shape")
    return before - after, moment_of(cov, before.shape[-1])


def _masked(weight: Any, kept: Any, cov: Any) -> tuple[Floats, NDArray[np.bool_], Floats]:
    rows = rows_of("weight", weight)
    mask = to_numpy(kept)
    if mask.shape != rows.shape or mask.dtype.kind != "b":
        raise ValueError(
            f"kept must be a mask of shape {rows.shape}, but has shape {mask.shape} and type "
            f"{mask.dtype}; top_entries gives one"
        )
    moment = moment_of(cov, rows.shape[-1])
    return np.atleast_2d(rows), np.atleast_2d(mask), moment
